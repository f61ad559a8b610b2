"""Paid time: where a period starts and where it ends. Instants are UTC; months are counted on the site's wall clock."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from communities.models import GRACE

CYCLE = timedelta(days=30)  # what a price is for, and what one auto-renewal adds (S2)
MAX_MONTHS = 60  # how far ahead can be paid (R45); so no single order has more


@dataclass(frozen=True, slots=True)
class Months:
    """A term of 1–60 calendar months; a month costs the 30-day price."""

    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_MONTHS:
            raise ValueError(f"{self.count} is not between 1 and {MAX_MONTHS} months")


@dataclass(frozen=True, slots=True)
class Cycles:
    """A term of `count` times exactly 30 days: auto-renewal, and "every 30 days" of the live bill."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Until:
    """A term up to the end of `day` at the site: co-term. Priced by the day."""

    day: date


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest of the running period: from now to the item's own expiry. What an upgrade in its middle is charged for, by the day."""


Term = Months | Cycles | Until | Rest


def base(expires_at: datetime | None, now: datetime) -> datetime:
    """Where newly paid time begins: at the expiry while running or in grace, else now (R46)."""
    return expires_at if expires_at is not None and now < expires_at + GRACE else now


def add_months(instant: datetime, months: int, zone: str) -> datetime:
    """The same wall-clock time `months` later at the site, on the last day of a month that is too short: 31 Jan + 1 = 28/29 Feb."""
    local = instant.astimezone(ZoneInfo(zone))
    years, month0 = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month0 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day, fold=0).astimezone(UTC)


def latest_end(now: datetime, zone: str) -> datetime:
    """The furthest expiry that can be bought at `now`, whatever is paid already (R45)."""
    return add_months(now, MAX_MONTHS, zone)


def end(term: Term, start: datetime, zone: str) -> datetime:
    """Where the term ends when it starts at `start`; never before `start`, so paid time is never shortened.

    A `Rest` adds no time: `span` knows where it ends.
    """
    if isinstance(term, Months):
        return add_months(start, term.count, zone)
    if isinstance(term, Cycles):
        return start + term.count * CYCLE
    if isinstance(term, Rest):
        return start
    midnight = datetime.combine(term.day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return max(start, midnight)


def span(term: Term, expires_at: datetime | None, now: datetime, zone: str) -> tuple[datetime, datetime]:
    """What a term pays for an item: from its base on, or, for the rest of the running period, from now to its expiry."""
    if isinstance(term, Rest):
        return now, max(now, expires_at or now)
    start = base(expires_at, now)
    return start, end(term, start, zone)


def days_between(start: datetime, finish: datetime) -> int:
    """Days charged between two instants, begun days counted: a co-term charges whole days."""
    return -((start - finish) // timedelta(days=1))
