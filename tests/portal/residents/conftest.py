"""Harbour View with an apartment where a household lives, and an empty one."""

from __future__ import annotations

import pytest

from communities.actions import assignments
from communities.models import Apartment, Site
from tests.people import NOW, People
from tests.portal.residents.scenes import MakeApartment, MakeSite


@pytest.fixture
def harbour(people: People, make_site: MakeSite) -> Site:
    """Harbour View with one free member; Petra manages it, Tess works there."""
    site, ivan = make_site(), people.ivan.actor
    Site.objects.filter(pk=site.pk).update(free_members=1)
    assigned = {people.petra.membership.pk: False}
    assignments.set_managers(ivan, site_id=site.pk, pm_app_by_membership=assigned, now=NOW)
    assignments.set_technicians(ivan, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    site.refresh_from_db()
    return site


@pytest.fixture
def flat(harbour: Site, make_apartment: MakeApartment) -> Apartment:
    """Quay House 1.01, where Resident 1.01 is the family master."""
    return make_apartment(harbour)


@pytest.fixture
def empty(harbour: Site, flat: Apartment, make_apartment: MakeApartment) -> Apartment:
    """Quay House 1.02, where nobody lives."""
    return make_apartment(harbour, "1.02", master=False)
