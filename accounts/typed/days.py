"""The day on which paid time ends: always the day at the site, whoever reads it."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from django.utils.translation import get_language

DAY = {"en": "d MMM y", "de": "d. MMM y"}
MOMENT = {"en": "d MMM y, HH:mm", "de": "d. MMM y, HH:mm"}


def language() -> str:
    """The reader's language, without its region."""
    return (get_language() or "en").split("-", maxsplit=1)[0]


@lru_cache(maxsize=4096)  # rows of a list share a few days, so texts are cached
def day_words(day: date, language: str) -> str:
    """A day in words: "12 Jan 2027"."""
    return str(format_date(day, DAY.get(language, "medium"), locale=language))


def moment_words(wall: datetime, language: str) -> str:
    """A local date and time to the minute: "12 Jan 2027, 08:30"."""
    return _minute_words(wall.replace(second=0, microsecond=0, tzinfo=None), language)


@lru_cache(maxsize=4096)
def _minute_words(minute: datetime, language: str) -> str:
    return str(format_datetime(minute, MOMENT.get(language, "medium"), locale=language))


def site_day(instant: datetime, zone: str) -> date:
    """The date at the site at an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def end_date(instant: datetime, zone: str) -> str:
    """The date at the site in the reader's language: "12 Jan 2027"."""
    return day_words(site_day(instant, zone), language())


def end_moment(instant: datetime, zone: str) -> str:
    """The same to the minute, with its time zone: "12 Jan 2027, 23:30, Pacific/Auckland"."""
    return f"{moment_words(instant.astimezone(ZoneInfo(zone)), language())}, {zone}"
