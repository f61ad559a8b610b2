"""Paid time: where a period starts and where it ends. Instants are UTC; months are counted on the site's wall clock."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CYCLE = timedelta(days=30)  # what a price is for, and what one auto-renewal adds (S2)
PAYING = timedelta(hours=1)  # from the price that is shown to the money, at most: an unpaid order waits 45 minutes
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

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"{self.count} cycles are no term")


@dataclass(frozen=True, slots=True)
class Until:
    """A term up to `day` at the site, at the wall-clock time it starts at: co-term. Priced by the day."""

    day: date


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest of the running period: from now to the item's own expiry. What an upgrade in its middle is charged for, by the day."""


Term = Months | Cycles | Until | Rest
Stored = tuple[str, int, date | None]  # kind, count, day


def stored(term: Term | None) -> Stored:
    """A term as three values that a row can keep; `term_of` reads them. None is a row where nothing lasts."""
    if isinstance(term, Months):
        return "months", term.count, None
    if isinstance(term, Cycles):
        return "cycles", term.count, None
    if isinstance(term, Until):
        return "until", 0, term.day
    return "rest" if isinstance(term, Rest) else "", 0, None


def term_of(kind: str, count: int, day: date | None) -> Term | None:
    """The term that `stored` made these values of."""
    if kind == "months":
        return Months(count)
    if kind == "cycles":
        return Cycles(count)
    if kind == "until" and day is not None:
        return Until(day)
    return Rest() if kind == "rest" else None


def base(expires_at: datetime | None, works_until: datetime | None, now: datetime) -> datetime:
    """Where newly paid time begins: at the expiry while running or in grace, else now (R46). `works_until` is the end of grace; None: it
    has none."""
    return expires_at if expires_at is not None and now < (works_until or expires_at) else now


def add_months(instant: datetime, months: int, zone: str, anchor: datetime | None = None) -> datetime:
    """The same wall-clock time `months` later at the site, on the last day of a month that is too short: 31 Jan + 1 = 28/29 Feb.

    With an `anchor` they are counted from there: 28 Feb, come from 31 Jan, + 1 = 31 Mar."""
    origin, passed = _origin(instant, zone, anchor)
    return _months_after(origin, passed + months, zone)


def anchor_of(term: Term, start: datetime, zone: str, anchor: datetime | None = None) -> datetime | None:
    """The instant that later months are counted from, where the end of this term does not say it by itself: its month was too short for
    the day, or the clock was put forward over the time. Cycles and dates begin anew; the rest of a period changes nothing."""
    if isinstance(term, Rest):
        return anchor
    if not isinstance(term, Months):
        return None
    origin, passed = _origin(start, zone, anchor)
    wanted, found = (at.astimezone(ZoneInfo(zone)) for at in (origin, _months_after(origin, passed + term.count, zone)))
    return None if (wanted.day, wanted.time()) == (found.day, found.time()) else origin


def _origin(instant: datetime, zone: str, anchor: datetime | None) -> tuple[datetime, int]:
    """Where months up to `instant` were counted from, and how many. An anchor that does not lead to it by whole months says nothing any
    more: the site's time zone was changed meanwhile."""
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
    """Where the term ends when it starts at `start`; never before `start`, so paid time is never shortened.

    `anchor` is what months up to `start` were counted from. A `Rest` adds no time: `span` knows where it ends.
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
    """What a term pays for an item: from its base on, or, for the rest of the running period, from now to its expiry."""
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
    """The span of a term, and what months after it are counted from."""
    start, finish = span(term, expires_at, works_until, now, zone, anchor)
    goes_on = start == expires_at or isinstance(term, Rest)
    return start, finish, anchor_of(term, start, zone, anchor if goes_on else None)


def end_as_bought(term: Until, quoted_at: datetime, start: datetime, zone: str) -> datetime:
    """Where a term to a date that was priced from `quoted_at` ends when it begins at `start` (R52). On the same day at the site it ends as it
    would have, at the time of day it begins at. Where a day began while somebody was paying it ends at the very instant that was shown. What
    begins elsewhere has as many days as were paid: later, where money came late, or earlier, where time before it was taken back."""
    priced, begins = (at.astimezone(ZoneInfo(zone)).date() for at in (quoted_at, start))
    if begins == priced:
        return end(term, start, zone)
    if timedelta(0) < start - quoted_at <= PAYING:
        return end(term, quoted_at, zone)
    return end(Until(term.day + (begins - priced)), start, zone)


def days_of(term: Term, start: datetime, finish: datetime, zone: str) -> int:
    """Days charged for a term: to a date the difference of the dates at the site, whatever the clocks do; else begun days."""
    if not isinstance(term, Until):
        return days_between(start, finish)
    first, last = (at.astimezone(ZoneInfo(zone)).date() for at in (start, finish))
    return (last - first).days


def days_between(start: datetime, finish: datetime) -> int:
    """Days charged between two instants, begun days counted."""
    return -((start - finish) // timedelta(days=1))


def whole_periods(term: Term, days: int) -> int:
    """How many whole periods of 30 days a line of `days` buys, which a discount can make free: each month and each cycle is one, since
    it costs the 30-day price; of a term to a date, and of the rest of a period, those that fit into its days."""
    return term.count if isinstance(term, Months | Cycles) else days // CYCLE.days
