"""A request of Ivan's, who may not pay."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from communities.models import Entitlement, Site
from subscriptions.actions import carts, requests
from subscriptions.models import RenewalRequest
from tests.people import NOW, People, Person
from tests.subscriptions.requests.scenes import Ask


@pytest.fixture
def ask(people: People, harbour_view: Site) -> Ask:
    """Ivan requests items of Harbour View: everything, or those given."""

    def ask(
        *, by: Person | None = None, items: Iterable[Entitlement] | None = None, months: int = 3, note: str = ""
    ) -> RenewalRequest:
        person = by or people.ivan
        chosen = (
            items
            if items is not None
            else carts.activatable(person.actor, installer=person.firm, site_kind="community")
        )
        return requests.request_activation(
            person.actor, site_kind="community", entitlement_ids=[item.pk for item in chosen], months=months, note=note,
            now=NOW,
        )  # fmt: skip

    return ask
