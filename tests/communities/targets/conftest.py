"""A community with a target of every kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from communities.actions import assignments
from communities.models import Apartment, Site
from tests.people import NOW, People


@pytest.fixture
def site(people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Site:
    """Two apartments, one of them landline, and Petra with the PM App."""
    made = make_site(landline=True)
    for number in ("1.01", "1.02"):
        make_apartment(made, number)
    assignments.set_managers(
        people.ivan.actor, site_id=made.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
    )
    return made
