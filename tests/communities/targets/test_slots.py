"""Which numbered slots are billed: unpaid ones become dormant first, then the earliest expiry; paid ones come back first (R30, R34)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities import catalogue, consistency
from communities.actions.entitlements import agree
from communities.catalogue import Configuration, ServiceType, Slot
from communities.models import Entitlement, Site, Target
from tests.communities.targets.scenes import Kinds, crowded, flat, slots
from tests.people import NOW

JAN, FEB, MAR = (NOW + timedelta(days=days) for days in (40, 70, 100))


def on(number: int, expires_at=None, *, reserved=False) -> Slot:
    return Slot(number, True, expires_at, reserved)


def off(number: int, expires_at=None) -> Slot:
    return Slot(number, False, expires_at)


@pytest.mark.rule("R30", "R34")
@pytest.mark.parametrize(
    ("there", "count", "billed"),
    [
        ([], 3, [1, 2, 3]),
        ([on(1), on(2), on(3)], 2, [1, 2]),
        ([on(1), on(2, JAN), on(3)], 1, [2]),  # unpaid ones first
        ([on(1, FEB), on(2, JAN), on(3, MAR)], 2, [1, 3]),  # then the earliest expiry
        ([on(1, FEB), on(2, JAN), on(3)], 1, [1]),
        ([on(1), on(2, reserved=True)], 1, [2]),  # what an open order pays for is nearly paid
        ([on(1, JAN), on(2, reserved=True)], 1, [1]),
        ([on(1, FEB), off(2), off(3, JAN)], 2, [1, 3]),  # one that was paid comes back before another
        ([on(1, MAR), off(2, JAN), off(3, FEB)], 2, [1, 3]),  # of these the one with more time
        ([on(1), off(2, JAN)], 1, [2]),  # also in place of one that nobody paid for
        ([on(1, JAN), off(2, MAR)], 1, [1]),  # a paid one is never exchanged
        ([off(1), on(3, JAN)], 3, [1, 2, 3]),  # and no number is given twice
        ([on(1, JAN)], 0, []),
    ],
)
def test_which_slots_are_billed(there: list[Slot], count: int, billed: list[int]) -> None:
    assert catalogue.billed(there, count) == catalogue.billed(reversed(there), count) == billed


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, JAN, FEB]), st.booleans()), max_size=6),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_as_many_as_wanted_and_the_same_ones_the_next_time(kinds, count: int, next_count: int) -> None:
    there = [Slot(number, *kind) for number, kind in enumerate(kinds, start=1)]
    first = catalogue.billed(there, count)
    assert len(first) == len(set(first)) == count
    known = {slot.number: slot for slot in there}
    then = [replace(known.get(n, off(n)), is_on=n in first) for n in {*known, *first}]
    assert catalogue.billed(then, count) == first
    more = catalogue.billed(then, next_count)
    assert set(more) <= set(first) or {n for n in first if known.get(n, off(n)).expires_at} <= set(more)


def pay(number: int, expires_at, *, parent: int, service_type: str) -> None:
    rows = Entitlement.objects.filter(target__parent=parent, target__slot=number, service_type=service_type)
    assert rows.pay_until(expires_at, paid_variant="each") == 1


@pytest.mark.rule("R30")
def test_the_slot_of_a_member_who_left_keeps_its_paid_time_and_comes_back_with_it(site: Site) -> None:
    agree(site, crowded(site, 7))
    home = flat("1.01").target_id
    pay(1, JAN, parent=home, service_type=ServiceType.ADDITIONAL_APP)
    pay(3, FEB, parent=home, service_type=ServiceType.ADDITIONAL_APP)
    agree(site, crowded(site, 6))
    assert slots() == [(1, "each"), (2, ""), (3, "each")]
    assert slots("1.02") == [(1, "each"), (2, "each"), (3, "")]
    agree(site, crowded(site, 5))
    assert slots() == [(1, ""), (2, ""), (3, "each")]
    left = Entitlement.objects.get(target__parent=home, target__slot=1)
    assert (left.expires_at, left.paid_variant) == (JAN, "each")
    agree(site, crowded(site, 6))
    assert slots() == [(1, "each"), (2, ""), (3, "each")]
    agree(site, crowded(site, 8))
    assert slots() == [(1, "each"), (2, "each"), (3, "each"), (4, "each")]
    assert list(consistency.verify()) == []


@pytest.mark.rule("R34")
def test_the_slot_of_a_door_that_is_gone_keeps_its_paid_time(site: Site) -> None:
    def company(doors: int) -> Configuration:
        return Configuration(dict(site.switches), project="commercial", site=site.pk, doors=tuple(range(doors)))

    def billed() -> list[int | None]:
        rows = Entitlement.objects.wanted().filter(service_type=ServiceType.DOOR)
        return list(rows.order_by("target__slot").values_list("target__slot", flat=True))

    agree(site, company(1))
    assert billed() == []
    agree(site, company(4))
    assert billed() == [1, 2, 3]
    pay(2, MAR, parent=Target.objects.get(kind=Kinds.SITE).pk, service_type=ServiceType.DOOR)
    agree(site, company(2))
    assert billed() == [2]
    agree(site, company(0))
    assert billed() == []
    agree(site, company(2))
    assert billed() == [2]
    agree(site, company(3))
    assert billed() == [1, 2]
