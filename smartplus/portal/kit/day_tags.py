"""Days and instants, in the person's time zone or in the site's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from babel.dates import format_datetime, format_time, format_timedelta
from django import template
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.typed import days as of_site
from accounts.typed.days import language as _language
from smartplus.portal.kit.markup import as_html

register = template.Library()
DAYS_OF_A_WEEK = 7


@register.filter
def day(value: date | datetime | str | None) -> str:
    """A day in the person's time zone: "12 Jan 2027". A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    local = _local(value)
    return of_site.day_words(local.date() if isinstance(local, datetime) else local, _language())


@register.filter
def moment(value: datetime | str | None) -> str:
    """A day and time in the person's time zone: "12 Jan 2027, 08:30". A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    return of_site.moment_words(_local(value), _language())


@register.filter
def clock(value: datetime) -> str:
    """The time of day in the person's time zone: "08:30"."""
    return f"{_local(value):%H:%M}"


@register.filter
def timed(value: datetime, text: str = "") -> SafeString:
    """The moment of a step, or words for it that are made elsewhere, with the exact moment on hover."""
    return _timed(value, text or moment(value))


@register.filter
def ago(value: datetime | str | None, now: datetime | None = None) -> SafeString | str:
    """How far away an instant is: "in 2 days", "3 days ago", with the exact moment on hover. A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    return _timed(value, _distance(value, now or timezone.now()))


@register.filter
def when(value: datetime | str | None, now: datetime | None = None) -> SafeString | str:
    """When something is, as one says it: "Today 09:12", "Sat 16:05", "in 27 days", a week ago and before the day; the exact
    moment on hover. A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    now = now or timezone.now()
    days = (_local(value).date() - _local(now).date()).days
    words = {-1: _("Yesterday %(time)s"), 0: _("Today %(time)s"), 1: _("Tomorrow %(time)s")}
    if days in words:
        return _timed(value, words[days] % {"time": format_time(_local(value).time(), "HH:mm", locale=_language())})
    if days > 0:
        return _timed(value, _distance(value, now))
    if days > -DAYS_OF_A_WEEK:
        return _timed(value, str(format_datetime(_local(value), "EEE HH:mm", locale=_language())))
    return _timed(value, day(value))


@register.filter
def end_day(value: datetime | str | None, zone: str) -> SafeString | str:
    """The day on which paid time ends: the day at the site, with the minute and the zone on hover. A dash for None."""
    if value is None or isinstance(value, str):
        return "–"
    return _timed(value, of_site.end_date(value, zone), of_site.end_moment(value, zone))


@register.filter
def end_date(value: datetime | str | None, zone: str) -> str:
    """The same as plain text, for mail. A dash for None."""
    return "–" if value is None or isinstance(value, str) else of_site.end_date(value, zone)


@register.simple_tag
def how_far_to_end(value: datetime, zone: str, now: datetime | None = None) -> SafeString:
    """How far away the end of paid time is, in days at the site: "in 2 days", with the minute and the zone on hover."""
    return timed_end(value, distance_to_end(value, zone, now or timezone.now()), zone)


def distance_to_end(value: datetime, zone: str, now: datetime) -> str:
    """The same as plain text."""
    return _distance(value, now, zone)


def timed_end(value: datetime, text: str, zone: str) -> SafeString:
    """What is said of the end of paid time, with the minute and the zone on hover."""
    return _timed(value, text, of_site.end_moment(value, zone))


def _timed(value: datetime, text: str, title: str = "") -> SafeString:
    exact = value.astimezone(UTC).isoformat(timespec="seconds")
    return as_html('<time datetime="{}" title="{}">{}</time>', exact, title or moment(value), text)


def _distance(value: datetime, now: datetime, zone: str = "") -> str:
    delta = value - now
    if abs(delta) >= timedelta(days=1):
        # People count nights, not multiples of 24 hours; and "in 38 days" says more than "in 1 month".
        here = [of_site.site_day(at, zone) if zone else _local(at).date() for at in (value, now)]
        return _nights((here[0] - here[1]).days, _language())
    seconds = round(delta.total_seconds())
    return _("just now") if abs(seconds) < 30 else _minutes(seconds, _language())


@lru_cache(maxsize=4096)  # rows of a list have the same few
def _nights(days: int, language: str) -> str:
    delta = timedelta(days=days)
    return str(format_timedelta(delta, granularity="day", threshold=1e9, add_direction=True, locale=language))


@lru_cache(maxsize=4096)
def _minutes(seconds: int, language: str) -> str:
    delta = timedelta(seconds=seconds)
    return str(format_timedelta(delta, granularity="minute", threshold=1, add_direction=True, locale=language))


def _local(value: Any) -> Any:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
