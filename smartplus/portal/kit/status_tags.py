"""Marks, status words and notes."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from smartplus.portal.kit.markup import as_html

register = template.Library()

# The trade's names of marks, and the drawing each has in the sprite.
MARKS = {
    "sites": "building-community",
    "library": "line-scan",
    "subscription": "credit-card",
    "orders": "receipt",
    "prices": "tag",
    "auto": "refresh",
    "menu": "menu-2",
    "intercom": "phone-call",
}
NOTE_TONES = {
    "success": ("active", "circle-check"),
    "warning": ("expiring", "alert-triangle"),
    "error": ("lapsed", "x"),
    "active": ("active", "circle-check"),
    "expiring": ("expiring", "alert-triangle"),
    "lapsed": ("lapsed", "x"),
}


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A mark of the sprite, for the eye only; `size` is "s" (14 px), "l" (20 px) or nothing (16 px)."""
    return _drawn(MARKS.get(name, name), size, _sprite())


@cache  # a list has four marks a row
def _drawn(drawing: str, size: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="i{}" aria-hidden="true"><use href="{}#{}"/></svg>', f" {size}" if size else "", sprite, drawing
    )


@cache  # the file does not change while a process runs
def _sprite() -> str:
    return static("sp/icons.svg")


@register.simple_tag
def status(tone: str, word: str, look: str = "st") -> SafeString:
    """A dot and a word. `tone`: active, expiring, lapsed, inactive, "inactive hollow", pending or auto; `look`: "st" in rows, "pill" beside
    a title, on a soft ground."""
    return as_html('<span class="{} {}">{}</span>', look, tone, word)


@register.inclusion_tag("components/note.html")
def note(tone: str, text: str) -> dict[str, Any]:
    """A sentence set apart; `tone` is a level of Django's messages or a status."""
    name, sign = NOTE_TONES.get(tone, ("auto", "info-circle"))
    return {"tone": name, "sign": sign, "text": text}
