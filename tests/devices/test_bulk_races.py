"""Bulk changes at the same moment: one is applied, the other is told of it, and nobody waits for nobody."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from accounts.errors import ActionError
from communities.models import Apartment, ServiceChange, Site
from devices import actions, bulk
from devices.actions import LibraryRow, registration
from devices.bulk import Wanted
from devices.errors import BulkMonitorsRefused
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, monitor
from tests.people import NOW, People, Person
from tests.races import together

pytestmark = pytest.mark.django_db(transaction=True)


def applying(
    by: Person, site: Site, wanted: Wanted, pairs: Iterable[tuple[Apartment, str]] = ()
) -> Callable[[], ServiceChange]:
    digest, monitors = bulk.dry_run(site, wanted).digest, {flat.pk: monitor(mac) for flat, mac in pairs}
    return lambda: actions.apply_bulk_change(
        by.actor, site_id=site.pk, wanted=wanted, digest=digest, monitors=monitors, may_wait=not monitors, now=NOW
    )


@pytest.mark.rule("R16")
def test_of_the_same_change_twice_one_is_applied(people: People, make_site, make_apartment) -> None:
    site = make_site(landline=True)
    for number in ("1.01", "1.02"):
        make_apartment(site, number, landline=False, indoor_monitor=False)
    wanted = Wanted(landline=True)
    found = together(applying(people.ivan, site, wanted), applying(people.ivan, site, wanted))
    assert sorted(isinstance(one, ServiceChange) for one in found) == [False, True], found
    assert all(isinstance(one, ServiceChange | ActionError) for one in found)
    change = ServiceChange.objects.get()
    digest = bulk.undo_run(change).digest

    def undo() -> ServiceChange:
        return actions.undo_bulk_change(people.ivan.actor, change_id=change.pk, digest=digest, now=NOW)

    back = together(undo, undo)
    assert sorted(isinstance(one, ServiceChange) for one in back) == [False, True], back
    assert not Apartment.objects.filter(landline=True).exists()


@pytest.mark.rule("R68")
def test_two_distributors_with_the_same_macs_do_not_wait_for_each_other(
    people: People, make_site, make_apartment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has both MACs and types them the other way round: by apartment, each would hold one and wait for the other's."""
    flats: dict[str, Any] = {}
    for reseller, installer in ((people.dora, people.ivan), (people.mallory, people.igor)):
        rows = [LibraryRow(mac, model="C313", confirmed=True) for mac in (FIRST, SECOND)]
        actions.add_to_library(reseller.actor, macs=rows, installer_id=None, now=NOW)
        site = make_site(f"Site of {installer.firm.name}", by=installer)
        flats[installer.firm.name] = (
            site,
            [make_apartment(site, number, by=installer, indoor_monitor=False) for number in ("1.01", "1.02")],
        )
    take, both = registration.take_entry, threading.Barrier(2)

    def slowly(entry: LibraryEntry | None, site: Site) -> None:
        take(entry, site)
        with contextlib.suppress(threading.BrokenBarrierError):  # the other one waits for this one's MAC
            both.wait(timeout=1)

    monkeypatch.setattr(registration, "take_entry", slowly)
    (one, ours), (two, theirs) = flats[people.ivan.firm.name], flats[people.igor.firm.name]
    wanted = Wanted(indoor_monitor=True)
    found = together(
        applying(people.ivan, one, wanted, zip(ours, (FIRST, SECOND), strict=True)),
        applying(people.igor, two, wanted, zip(theirs, (SECOND, FIRST), strict=True)),
    )
    assert {type(outcome) for outcome in found} == {ServiceChange, BulkMonitorsRefused}, found
    assert Device.objects.count() == 2
