"""A community of Ivan's, who is signed in, with a building and an apartment in it."""

from __future__ import annotations

import pytest
from django.test import Client

from communities.models import Apartment, Building, Site
from tests.people import People
from tests.portal.apartments.scenes import MakeSite, SignIn, new
from tests.portal.places import MAC, OTHER_MAC, THIRD_MAC, apartment_form, building, stock


@pytest.fixture
def harbour(make_site: MakeSite) -> Site:
    """Harbour View: With Indoor Monitor on, landline on, video storage off."""
    return make_site(landline=True)


@pytest.fixture
def quay(people: People, harbour: Site) -> Building:
    """Quay House, and three monitors in Dora's library."""
    stock(people, MAC, OTHER_MAC, THIRD_MAC)
    return building(people, harbour)


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@pytest.fixture
def flat(ivan: Client, harbour: Site, quay: Building) -> Apartment:
    """Quay House 9.01 with one monitor, the Hallway."""
    ivan.post(new(harbour), apartment_form(quay, (MAC, "Hallway")))
    return Apartment.objects.get()
