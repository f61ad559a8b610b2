"""Telephone numbers, postal addresses and MAC addresses."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html

from accounts.typed import phones, postal

register = template.Library()


@register.filter
def phone(kept: str) -> str:
    """A telephone number with gaps, to be dialled by a click."""
    link = phones.link(kept)
    return format_html('<a href="{}"><bdi>{}</bdi></a>', link, phones.shown(kept)) if link else phones.shown(kept)


@register.filter
def address_lines(address: Any, country: str = "") -> list[str]:
    """The lines of an address as its country writes them, with the country on demand."""
    return postal.lines(address, with_country=bool(country))


@register.filter
def short_address(address: Any) -> str:
    """Street and place."""
    return postal.short(address)


@register.filter
def town(address: Any) -> str:
    """The city, or what stands for it."""
    return postal.place(address)


@register.filter
def mac(value: int | str | None) -> str:
    """A MAC address as printed on the box: 0x0C11052A104E → "0C:11:05:2A:10:4E". Nothing for None."""
    if value is None:
        return ""
    digits = f"{value:012X}" if isinstance(value, int) else value.upper()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
