"""Template filters for prices: an amount as a difference, the price of one service."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from smartplus.portal.kit.money_tags import money
from subscriptions.switch_prices import SwitchPrice

register = template.Library()
MINUS = "−"


@register.filter
def more(minor: int, currency: str) -> str:
    """A difference with its sign: 7560 → "+US$75.60", -90 → "−US$0.90"; empty for 0."""
    return f"{'+' if minor > 0 else MINUS}{money(abs(minor), currency)}" if minor else ""


@register.filter
def price_of(prices: Mapping[str, SwitchPrice], code: str) -> SwitchPrice | None:
    """The price of the service `code`, if the list has one."""
    return prices.get(code)
