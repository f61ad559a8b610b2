"""Where paid time starts and ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities.models import GRACE
from subscriptions import periods
from subscriptions.periods import Cycles, Months, Until

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
    assert periods.base(expires_at, NOON) == base


def test_until_a_day_means_to_its_end_at_the_site() -> None:
    assert periods.end(Until(date(2027, 3, 1)), NOON, "Europe/Berlin") == datetime(2027, 3, 1, 23, tzinfo=UTC)


@given(start=instants, day=st.dates(date(2020, 1, 1), date(2060, 1, 1)), zone=zones)
def test_a_common_day_never_shortens_paid_time(start: datetime, day: date, zone: str) -> None:
    assert periods.end(Until(day), start, zone) >= start


def test_begun_days_count() -> None:
    assert periods.days_between(NOON, NOON) == 0
    assert periods.days_between(NOON, NOON + timedelta(seconds=1)) == 1
    assert periods.days_between(NOON, NOON + timedelta(days=30)) == 30
