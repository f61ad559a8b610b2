"""Paid time: the start and end of periods. Instants are UTC; months are counted in the site's local time."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CYCLE = timedelta(days=30)  # days that a price is for, and that one auto-renewal adds (S2)
PAYING = timedelta(hours=1)  # the longest time from the shown price to the money: an unpaid order waits 45 minutes
MAX_MONTHS = 60  # how far ahead one can pay (R45), so no single order has more


@dataclass(frozen=True, slots=True)
class Months:
    """A term of 1–60 calendar months; a month costs the 30-day price."""

    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_MONTHS:
            raise ValueError(f"{self.count} is not between 1 and {MAX_MONTHS} months")


@dataclass(frozen=True, slots=True)
class Cycles:
    """A term of `count` times exactly 30 days: auto-renewal, and "every 30 days" of the price preview."""

    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"{self.count} cycles are no term")


@dataclass(frozen=True, slots=True)
class Until:
    """A term up to `day` at the site, at the local time it starts at (co-term). Priced by the day."""

    day: date


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest of the running period: from now to the item's own expiry. The price of an upgrade is for these days."""


Term = Months | Cycles | Until | Rest
Stored = tuple[str, int, date | None]  # kind, count, day


def stored(term: Term | None) -> Stored:
    """A term as three column values; `term_of` reads them. None is a row without a duration."""
    if isinstance(term, Months):
        return "months", term.count, None
    if isinstance(term, Cycles):
        return "cycles", term.count, None
    if isinstance(term, Until):
        return "until", 0, term.day
    return "rest" if isinstance(term, Rest) else "", 0, None


def term_of(kind: str, count: int, day: date | None) -> Term | None:
    """The term with these column values."""
    if kind == "months":
        return Months(count)
    if kind == "cycles":
        return Cycles(count)
    if kind == "until" and day is not None:
        return Until(day)
    return Rest() if kind == "rest" else None


def base(expires_at: datetime | None, works_until: datetime | None, now: datetime) -> datetime:
    """Where newly paid time begins: at the expiry while running or in grace, else now (R46). `works_until` is the end of grace, None
    without grace."""
    return expires_at if expires_at is not None and now < (works_until or expires_at) else now


def add_months(instant: datetime, months: int, zone: str, anchor: datetime | None = None) -> datetime:
    """The same local time `months` later at the site; in a shorter month its last day: 31 Jan + 1 = 28/29 Feb.

    With an `anchor` months are counted from it: 28 Feb with the anchor 31 Jan, + 1 = 31 Mar.
    """
    origin, passed = _origin(instant, zone, anchor)
    return _months_after(origin, passed + months, zone)


def anchor_of(term: Term, start: datetime, zone: str, anchor: datetime | None = None) -> datetime | None:
    """The instant that later months are counted from, where the end of this term does not tell it: its month was too short for the day, or
    the local time was skipped. Cycles and dates set the anchor anew; the rest of a period keeps it."""
    if isinstance(term, Rest):
        return anchor
    if not isinstance(term, Months):
        return None
    origin, passed = _origin(start, zone, anchor)
    wanted, found = (at.astimezone(ZoneInfo(zone)) for at in (origin, _months_after(origin, passed + term.count, zone)))
    return None if (wanted.day, wanted.time()) == (found.day, found.time()) else origin


def _origin(instant: datetime, zone: str, anchor: datetime | None) -> tuple[datetime, int]:
    """The instant from which months up to `instant` were counted, and their number. An anchor that is not a whole number of months before
    is not used: the site's time zone was changed meanwhile."""
    if anchor is not None:
        here, there = instant.astimezone(ZoneInfo(zone)), anchor.astimezone(ZoneInfo(zone))
        passed = 12 * (here.year - there.year) + here.month - there.month
        if passed > 0 and _months_after(anchor, passed, zone) == instant:
            return anchor, passed
    return instant, 0


def _months_after(origin: datetime, months: int, zone: str) -> datetime:
    local = origin.astimezone(ZoneInfo(zone))
    years, month0 = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month0 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day, fold=0).astimezone(UTC)


def latest_end(now: datetime, zone: str) -> datetime:
    """The furthest expiry that can be bought at `now`, whatever is paid already (R45)."""
    return add_months(now, MAX_MONTHS, zone)


def end(term: Term, start: datetime, zone: str, anchor: datetime | None = None) -> datetime:
    """The end of the term when it starts at `start`; never before `start`, so paid time is never shortened.

    `anchor` is what months up to `start` were counted from. A `Rest` adds no time; `span` knows its end.
    """
    if isinstance(term, Months):
        return add_months(start, term.count, zone, anchor)
    if isinstance(term, Cycles):
        return start + term.count * CYCLE
    if isinstance(term, Rest):
        return start
    local = start.astimezone(ZoneInfo(zone))
    there = local.replace(year=term.day.year, month=term.day.month, day=term.day.day, fold=0)
    return max(start, there.astimezone(UTC))


def span(
    term: Term,
    expires_at: datetime | None,
    works_until: datetime | None,
    now: datetime,
    zone: str,
    anchor: datetime | None = None,
) -> tuple[datetime, datetime]:
    """The period that a term pays for: from the item's base on, or for Rest from now to its expiry."""
    if isinstance(term, Rest):
        return now, max(now, expires_at or now)
    start = base(expires_at, works_until, now)
    return start, end(term, start, zone, anchor if start == expires_at else None)


def settled(
    term: Term,
    expires_at: datetime | None,
    works_until: datetime | None,
    now: datetime,
    zone: str,
    anchor: datetime | None,
) -> tuple[datetime, datetime, datetime | None]:
    """The period of a term, and the anchor for months after it."""
    start, finish = span(term, expires_at, works_until, now, zone, anchor)
    goes_on = start == expires_at or isinstance(term, Rest)
    return start, finish, anchor_of(term, start, zone, anchor if goes_on else None)


def end_as_bought(term: Until, quoted_at: datetime, start: datetime, zone: str) -> datetime:
    """The end of a term to a date, priced at `quoted_at`, when it begins at `start` (R52). If it begins on the same day at the site, it
    ends on the chosen date, at the local time it begins at. If midnight passed during payment, it ends at exactly the shown instant.
    Otherwise it has as many days as were paid: it ends later where money came late, or earlier where time before it was revoked."""
    priced, begins = (at.astimezone(ZoneInfo(zone)).date() for at in (quoted_at, start))
    if begins == priced:
        return end(term, start, zone)
    if timedelta(0) < start - quoted_at <= PAYING:
        return end(term, quoted_at, zone)
    return end(Until(term.day + (begins - priced)), start, zone)


def days_of(term: Term, start: datetime, finish: datetime, zone: str) -> int:
    """The days that are charged for a term: for a date the difference of the dates at the site, whatever the clocks do; else started days."""
    if not isinstance(term, Until):
        return days_between(start, finish)
    first, last = (at.astimezone(ZoneInfo(zone)).date() for at in (start, finish))
    return (last - first).days


def days_between(start: datetime, finish: datetime) -> int:
    """The days that are charged between two instants, rounded up."""
    return -((start - finish) // timedelta(days=1))


def whole_periods(term: Term, days: int) -> int:
    """The whole 30-day periods in a line of `days`, which a discount can make free: each month and cycle is one, since it costs the 30-day
    price; for a date or the rest of a period, as many as fit into its days."""
    return term.count if isinstance(term, Months | Cycles) else days // CYCLE.days
