"""A community with a building and a flat, its people signed in, and sensors in the library."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from communities.models import Apartment, Building, Site
from devices import actions
from devices.actions import LibraryRow
from tests.people import NOW, People, Person
from tests.portal.equipment.forms import SENSOR, SPARE
from tests.portal.places import building

SignIn = Callable[[Person], Client]


@pytest.fixture
def harbour(make_site: Callable[..., Site], people: People) -> Site:
    """Harbour View, with two sensors in the library of its installer."""
    rows = [LibraryRow(mac, model="MR01") for mac in (SENSOR, SPARE)]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    return make_site(third_party_camera=True)


@pytest.fixture
def pier(people: People, harbour: Site) -> Building:
    """Pier House of Harbour View."""
    return building(people, harbour, "Pier House")


@pytest.fixture
def flat(harbour: Site, make_apartment: Callable[..., Apartment]) -> Apartment:
    """An apartment of Harbour View, in a building of its own."""
    return make_apartment(harbour, "2.04")


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """The installer's client."""
    return sign_in(people.ivan)
