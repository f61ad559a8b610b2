"""What the stories of devices share: a stocked library, a community with a building, and what must not change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from communities.actions import sites
from communities.models import Apartment, Building, Site
from devices import actions
from devices.actions import LibraryRow
from devices.models import LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, monitor
from tests.people import NOW, People, Person


@pytest.fixture
def stock(people: People) -> Callable[..., list[LibraryEntry]]:
    """Put indoor monitors into a distributor's library, Dora's unless said otherwise."""

    def add(*macs: str, by: Person | None = None, to: Person | None = None, model: str = "C313") -> list[LibraryEntry]:
        rows = [LibraryRow(mac, model=model, confirmed=True) for mac in macs]
        actor = (by or people.dora).actor
        return actions.add_to_library(actor, macs=rows, installer_id=to.firm.pk if to else None, now=NOW)

    return add


@pytest.fixture
def harbour(make_site: Callable[..., Site]) -> Site:
    """Harbour View, Ivan's community: With Indoor Monitor on, landline on, video storage off."""
    return make_site(landline=True)


@pytest.fixture
def quay(people: People, harbour: Site) -> Building:
    """Quay House of Harbour View."""
    return sites.add_building(people.ivan.actor, site_id=harbour.pk, name="Quay House", now=NOW)


@pytest.fixture
def flat(people: People, quay: Building, stock: Callable[..., list[LibraryEntry]]) -> Apartment:
    """Quay House 2.04 with one monitor, "Hall"; two more are in stock."""
    stock(FIRST, SECOND, THIRD)
    return actions.add_apartment(
        people.ivan.actor, building_id=quay.pk, floor="2", number="2.04", monitors=[monitor()], now=NOW
    )
