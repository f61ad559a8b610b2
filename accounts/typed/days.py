"""The day on which paid time ends: the day at the site, whoever reads it and wherever."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from django.utils.translation import get_language

DAY = {"en": "d MMM y", "de": "d. MMM y"}
MOMENT = {"en": "d MMM y, HH:mm", "de": "d. MMM y, HH:mm"}


def language() -> str:
    """The reader's language, without its country."""
    return (get_language() or "en").split("-", maxsplit=1)[0]


def site_day(instant: datetime, zone: str) -> date:
    """The day that it is at the site at an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def end_date(instant: datetime, zone: str) -> str:
    """The day at the site in the reader's words: "12 Jan 2027"."""
    return str(format_date(site_day(instant, zone), DAY.get(language(), "medium"), locale=language()))


def end_moment(instant: datetime, zone: str) -> str:
    """The same to the minute, with the zone it is told in: "12 Jan 2027, 23:30, Pacific/Auckland"."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, MOMENT.get(language(), 'medium'), locale=language())}, {zone}"
