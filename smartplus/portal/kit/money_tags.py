"""Amounts, and where people can pay."""

from __future__ import annotations

from django import template

from accounts.typed.days import language as _language
from payments import actions as payment_actions
from payments import money as amounts

register = template.Library()


@register.simple_tag
def gateways() -> str:
    """Where people can pay here, by the names people know, in one text."""
    return ", ".join(offer.label for offer in payment_actions.offered())


@register.filter
def money(minor: int | str | None, currency: str) -> str:
    """Minor units in the reader's language: 28480 and "USD" → "US$284.80". Nothing for None."""
    return "" if minor is None or isinstance(minor, str) else amounts.show(minor, currency, language=_language())
