"""Where paid time starts and ends."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions import periods
from subscriptions.periods import PAYING, Cycles, Months, Rest, Term, Until

GRACE = timedelta(days=7)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]
)


@pytest.mark.parametrize(
    ("start", "months", "zone", "expected"),
    [
        ("2026-01-31T09:00+00:00", 1, "UTC", "2026-02-28T09:00+00:00"),
        ("2028-01-31T09:00+00:00", 1, "UTC", "2028-02-29T09:00+00:00"),
        ("2026-11-22T09:00+00:00", 3, "UTC", "2027-02-22T09:00+00:00"),
        ("2026-11-30T09:00+00:00", 3, "UTC", "2027-02-28T09:00+00:00"),
        (
            "2026-12-31T23:30+00:00",
            1,
            "Europe/Berlin",
            "2027-01-31T23:30+00:00",
        ),  # 1 Jan 00:30 there: no end-of-month clamp
        (
            "2027-03-01T11:00+00:00",
            1,
            "Europe/Berlin",
            "2027-04-01T10:00+00:00",
        ),  # noon stays noon over the change to summer time
        (
            "2027-02-28T01:30+00:00",
            1,
            "Europe/Berlin",
            "2027-03-28T01:30+00:00",
        ),  # 02:30 does not exist that day: 03:30 summer time
        ("2026-11-22T09:00+00:00", 60, "UTC", "2031-11-22T09:00+00:00"),
    ],
)
def test_months_are_counted_on_the_sites_calendar(start: str, months: int, zone: str, expected: str) -> None:
    assert periods.add_months(datetime.fromisoformat(start), months, zone) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("count", [0, -1, 61])
def test_a_term_is_one_to_sixty_months(count: int) -> None:
    with pytest.raises(ValueError, match="months"):
        Months(count)


@given(start=instants, months=st.integers(1, 60), zone=zones)
def test_a_month_is_never_shorter_than_27_and_never_longer_than_32_days(
    start: datetime, months: int, zone: str
) -> None:
    length = periods.add_months(start, months, zone) - start
    assert timedelta(days=27) * months <= length <= timedelta(days=32) * months


def renewed(start: datetime, terms: Iterable[Term], zone: str) -> list[datetime]:
    """The expiries that follow each other when an item is renewed by these terms."""
    ends, anchor = [], None
    for term in terms:
        finish = periods.end(term, start, zone, anchor)
        anchor = periods.anchor_of(term, start, zone, anchor)
        ends.append(finish)
        start = finish
    return ends


@pytest.mark.rule("R45")
@given(
    start=instants,
    parts=st.lists(st.integers(1, 15), min_size=1, max_size=6),
    zone=st.sampled_from(sorted(available_timezones())),
)
def test_single_months_end_where_one_order_of_all_of_them_ends(start: datetime, parts: list[int], zone: str) -> None:
    start = start.replace(second=0, microsecond=0)
    assert renewed(start, map(Months, parts), zone)[-1] == periods.add_months(start, sum(parts), zone)


@given(start=instants, zone=zones, first=st.integers(1, 12), then=st.sampled_from([Cycles(1), Cycles(3)]))
def test_cycles_begin_anew(start: datetime, zone: str, first: int, then: Cycles) -> None:
    middle, late = renewed(start, [Months(first), then], zone)
    assert renewed(start, [Months(first), then, Months(1)], zone)[-1] == periods.add_months(late, 1, zone)
    assert late == middle + then.count * timedelta(days=30)


def test_an_item_keeps_its_day_of_the_month() -> None:
    start = datetime(2027, 1, 31, 9, tzinfo=UTC)
    days = [f"{end:%d %b}" for end in renewed(start, [Months(1)] * 4, "UTC")]
    assert days == ["28 Feb", "31 Mar", "30 Apr", "31 May"]
    assert renewed(start, [Months(4)], "UTC") == [datetime(2027, 5, 31, 9, tzinfo=UTC)]


def test_the_day_is_the_sites() -> None:
    start = datetime(2027, 1, 30, 11, 30, tzinfo=UTC)  # the 31st, 00:30, in Auckland
    ends = [end.astimezone(ZoneInfo("Pacific/Auckland")) for end in renewed(start, [Months(1)] * 4, "Pacific/Auckland")]
    assert [f"{end:%d %b %H:%M}" for end in ends] == ["28 Feb 00:30", "31 Mar 00:30", "30 Apr 00:30", "31 May 00:30"]


def test_the_day_is_kept_over_an_hour_that_does_not_exist() -> None:
    start = datetime(2027, 2, 28, 1, 30, tzinfo=UTC)  # 02:30; on 28 Mar there is none, so 03:30
    ends = [end.astimezone(ZoneInfo("Europe/Berlin")) for end in renewed(start, [Months(1)] * 2, "Europe/Berlin")]
    assert [f"{end:%d %b %H:%M}" for end in ends] == ["28 Mar 03:30", "28 Apr 02:30"]


def test_another_time_zone_of_the_site_begins_anew_where_the_day_is_another() -> None:
    start = datetime(2027, 1, 31, 12, tzinfo=UTC)
    (february,) = renewed(start, [Months(1)], "Europe/Berlin")
    anchor = periods.anchor_of(Months(1), start, "Europe/Berlin")
    assert periods.add_months(february, 1, "Europe/Athens", anchor) == datetime(2027, 3, 31, 11, tzinfo=UTC)
    # in Auckland both are the first of a month, so one month ends on the first
    assert periods.add_months(february, 1, "Pacific/Auckland", anchor) == datetime(
        2027, 4, 1, 12, tzinfo=UTC
    ) - timedelta(days=1)


def test_the_rest_of_a_period_leaves_the_day_alone() -> None:
    anchor = datetime(2027, 1, 31, 9, tzinfo=UTC)
    assert periods.anchor_of(Rest(), datetime(2027, 2, 10, tzinfo=UTC), "UTC", anchor) == anchor
    assert periods.anchor_of(Until(date(2027, 3, 31)), datetime(2027, 2, 28, 9, tzinfo=UTC), "UTC", anchor) is None


@pytest.mark.parametrize("days", [-10, 3, 30])
def test_what_is_settled_keeps_the_day_over_the_rest_and_in_grace_and_not_after_it(days: int) -> None:
    anchor, end = datetime(2027, 1, 31, 9, tzinfo=UTC), datetime(2027, 2, 28, 9, tzinfo=UTC)
    now, grace = end + timedelta(days=days), end + GRACE
    assert periods.settled(Rest(), end, grace, now, "UTC", anchor) == (now, max(now, end), anchor)
    start, finish, counted_from = periods.settled(Months(1), end, grace, now, "UTC", anchor)
    assert (start, finish) == periods.span(Months(1), end, grace, now, "UTC", anchor)
    assert counted_from is None  # 31 Mar, or the same day of the next month


def test_a_cycle_is_exactly_thirty_days_whatever_the_clocks_do() -> None:
    assert periods.end(Cycles(), datetime(2027, 3, 1, 11, tzinfo=UTC), "Europe/Berlin") == datetime(
        2027, 3, 31, 11, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("expires_at", "base"),
    [
        (None, NOON),  # never activated: now
        (NOON + timedelta(days=5), NOON + timedelta(days=5)),  # running: from the expiry
        (NOON - timedelta(days=3), NOON - timedelta(days=3)),  # in grace: from the expiry
        (NOON - GRACE + timedelta(microseconds=1), NOON - GRACE + timedelta(microseconds=1)),
        (NOON - GRACE, NOON),  # the grace is over: now
        (NOON - timedelta(days=100), NOON),
    ],
)
@pytest.mark.rule("R46")
def test_paid_time_continues_while_running_or_in_grace_and_starts_anew_after(
    expires_at: datetime | None, base: datetime
) -> None:
    assert periods.base(expires_at, expires_at and expires_at + GRACE, NOON) == base


def test_a_term_to_a_day_ends_on_it_at_the_wall_clock_time_it_starts_at() -> None:
    assert periods.end(Until(date(2027, 3, 31)), NOON, "Europe/Berlin") == datetime(2027, 3, 31, 11, tzinfo=UTC)
    night = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # the 23rd, 00:30, at the site
    assert periods.end(Until(date(2026, 11, 30)), night, "Europe/Berlin") == datetime(2026, 11, 29, 23, 30, tzinfo=UTC)


def test_a_term_to_a_day_is_charged_by_the_dates_of_the_site() -> None:
    start = datetime(2026, 10, 24, 10, tzinfo=UTC)  # the clocks are put back the night after
    finish = periods.end(Until(date(2026, 10, 26)), start, "Europe/Berlin")
    assert finish - start == timedelta(hours=49)
    assert periods.days_of(Until(date(2026, 10, 26)), start, finish, "Europe/Berlin") == 2


@given(start=instants, day=st.dates(date(2020, 1, 1), date(2060, 1, 1)), zone=zones)
def test_a_common_day_never_shortens_paid_time(start: datetime, day: date, zone: str) -> None:
    assert periods.end(Until(day), start, zone) >= start


def test_begun_days_count() -> None:
    assert periods.days_between(NOON, NOON) == 0
    assert periods.days_between(NOON, NOON + timedelta(seconds=1)) == 1
    assert periods.days_between(NOON, NOON + timedelta(days=30)) == 30


@pytest.mark.rule("R40", "R52")
@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-11-22T22:50", "2026-12-31T22:50"),  # as it was shown
        ("2026-11-22T22:59", "2026-12-31T22:59"),  # still the same day at the site, at the time of the payment
        (
            "2026-11-22T23:05",
            "2026-12-31T22:50",
        ),  # the day went over while somebody was paying: the instant that was shown
        ("2026-11-22T23:50", "2026-12-31T22:50"),
        ("2026-11-23T00:50", "2027-01-01T00:50"),  # later: 39 days, as they were paid
        ("2026-11-23T23:55", "2027-01-01T23:55"),
        ("2027-03-01T09:00", "2027-04-09T08:00"),  # the clocks went forward in between
        ("2026-11-20T09:00", "2026-12-29T09:00"),  # what was before it was taken back
    ],
)
def test_a_term_to_a_date_has_the_days_that_were_paid_whenever_its_money_comes(begins: str, ends: str) -> None:
    quoted = datetime(2026, 11, 22, 22, 50, tzinfo=UTC)  # 23:50 at the site
    start = datetime.fromisoformat(f"{begins}+00:00")
    found = periods.end_as_bought(Until(date(2026, 12, 31)), quoted, start, "Europe/Berlin")
    assert found == datetime.fromisoformat(f"{ends}+00:00")


@pytest.mark.rule("R40", "R52")
@given(instants, st.integers(-90 * 86_400, 90 * 86_400), st.integers(1, 400), zones)
def test_it_never_has_a_day_less_or_more(quoted: datetime, later: int, days: int, zone: str) -> None:
    start = quoted + timedelta(seconds=later)
    term = Until(quoted.astimezone(ZoneInfo(zone)).date() + timedelta(days=days))
    shown = periods.end(term, quoted, zone)
    finish = periods.end_as_bought(term, quoted, start, zone)
    if finish != shown or not timedelta(0) < start - quoted <= PAYING:
        assert periods.days_of(term, start, finish, zone) == days
