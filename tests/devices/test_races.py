"""Two people register the same MAC at the same moment: one has it, the other is told nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import AuditEvent
from communities.actions import sites
from communities.models import Apartment, Building, Site
from devices import actions
from devices.errors import LastMonitor, LibraryRowsRefused, MonitorRowsRefused
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, monitor
from tests.people import NOW, People, Person
from tests.races import together

Stock = Callable[..., list[LibraryEntry]]
NEUTRAL = "This MAC can't be used here. Check it with your distributor."
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def buildings(people: People, make_site: Callable[..., Site]) -> dict[str, Building]:
    """One building each for Ivan, for Ines below the same distributor, and for Igor of the other tree."""
    built = {}
    for name in ("ivan", "ines", "igor"):
        person: Person = getattr(people, name)
        site = make_site(f"Site of {name}", by=person)
        built[name] = sites.add_building(person.actor, site_id=site.pk, name="House", now=NOW)
    return built


def adding(people: People, buildings: dict[str, Building], who: str, *macs: str) -> Callable[[], Apartment]:
    """Somebody about to add an apartment with these MACs."""
    rows = [monitor(mac, f"Monitor {n}") for n, mac in enumerate(macs)]
    return lambda: actions.add_apartment(
        getattr(people, who).actor, building_id=buildings[who].pk, floor="1", number="1", monitors=rows, now=NOW
    )


def assert_one_won(outcomes: list[object], *, devices: int) -> None:
    """One apartment and its devices exist; the loser got the neutral text and left no trace."""
    refusals = [outcome for outcome in outcomes if not isinstance(outcome, Apartment)]
    assert [type(refusal) for refusal in refusals] == [MonitorRowsRefused], outcomes
    (refusal,) = refusals
    assert isinstance(refusal, MonitorRowsRefused)
    assert {str(error) for error in refusal.errors.values()} == {NEUTRAL}
    assert (Apartment.objects.count(), Device.objects.count()) == (1, devices)
    assert LibraryEntry.objects.filter(status="registered").count() == devices
    assert AuditEvent.objects.filter(action__in=["apartment.created", "device.registered"]).count() == 1 + devices


@pytest.mark.rule("R68")
@pytest.mark.rule("R70")
@pytest.mark.parametrize("rival", ["igor", "ines"])
def test_of_two_installers_with_the_same_mac_exactly_one_gets_it(
    people: People, buildings: dict[str, Building], stock: Stock, rival: str
) -> None:
    stock(FIRST)
    stock(FIRST, by=people.mallory)
    outcomes = together(adding(people, buildings, "ivan", FIRST), adding(people, buildings, rival, FIRST))
    assert_one_won(outcomes, devices=1)


@pytest.mark.rule("R68")
def test_forms_that_name_the_same_macs_in_another_order_do_not_block_each_other_for_good(
    people: People, buildings: dict[str, Building], stock: Stock
) -> None:
    stock(FIRST, SECOND)
    stock(FIRST, SECOND, by=people.mallory)
    outcomes = together(
        adding(people, buildings, "ivan", FIRST, SECOND), adding(people, buildings, "igor", SECOND, FIRST)
    )
    assert_one_won(outcomes, devices=2)


@pytest.mark.rule("R68")
@pytest.mark.rule("R70")
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time; nothing to overtake")
def test_who_checked_before_the_other_committed_is_stopped_by_the_database(
    people: People, buildings: dict[str, Building], stock: Stock
) -> None:
    stock(FIRST)
    stock(FIRST, by=people.mallory)
    outcomes: list[object] = []

    def late() -> None:
        outcomes.extend(together(adding(people, buildings, "igor", FIRST)))

    thread = threading.Thread(target=late)
    with transaction.atomic():
        outcomes.append(adding(people, buildings, "ivan", FIRST)())
        thread.start()
        wait_for_blocked()  # Igor has passed every check and waits at the unique index
    thread.join(timeout=60)
    assert_one_won(outcomes, devices=1)


@pytest.mark.rule("R19")
def test_of_the_last_two_monitors_only_one_can_be_removed_at_once(
    people: People, buildings: dict[str, Building], stock: Stock
) -> None:
    stock(FIRST, SECOND)
    adding(people, buildings, "ivan", FIRST, SECOND)()
    removals = [
        lambda pk=pk: actions.remove_device(people.ivan.actor, device_id=pk, now=NOW)
        for pk in Device.objects.values_list("pk", flat=True)
    ]
    outcomes = together(*removals)
    assert [type(outcome) for outcome in outcomes if outcome] == [LastMonitor]
    assert Device.objects.active().count() == 1


@pytest.mark.rule("R72")
def test_of_two_lists_with_the_same_macs_one_is_added_and_the_other_told_which(people: People) -> None:
    def adding_list(*macs: str) -> Callable[[], object]:
        rows = [actions.LibraryRow(mac, model="C313") for mac in macs]
        return lambda: actions.add_to_library(people.dora.actor, macs=rows, now=NOW)

    outcomes = together(adding_list(FIRST, SECOND), adding_list(SECOND, FIRST))
    (refusal,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert isinstance(refusal, LibraryRowsRefused)
    assert sorted(str(error) for error in refusal.errors.values()) == [
        "0C:11:05:00:00:01 is already in your library: In stock.",
        "0C:11:05:00:00:02 is already in your library: In stock.",
    ]
    assert (LibraryEntry.objects.count(), AuditEvent.objects.filter(action="library.added").count()) == (2, 1)


def wait_for_blocked() -> None:
    """Until some session of this database waits for another one's transaction."""

    def blocked() -> Iterator[Any]:
        for _ in range(20_000):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                yield cursor.fetchone()[0]

    assert any(blocked()), "nobody ever waited"
