"""Sites of the three project types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from communities import catalogue
from communities.actions import commercial, houses
from communities.models import Apartment, Site
from tests.people import NOW, People
from tests.sites import ADDRESS, OPTIONS


@pytest.fixture
def make_works(people: People) -> Callable[..., Site]:
    """Create a commercial site as Ivan."""

    def make(name: str = "Speicher 7", *, now: datetime = NOW, **services: bool) -> Site:
        wanted = {"elevator_control": False, "time_attendance": False, **services}
        return commercial.create_commercial(people.ivan.actor, basics={"name": name, **ADDRESS}, now=now, **wanted)

    return make


@pytest.fixture
def make_villa(people: People) -> Callable[..., Apartment]:
    """Create a house as Ivan; its unit is returned. Only what is named is on."""

    def make(name: str = "Villa Elbe", *, options: dict[str, Any] | None = None, **services: bool) -> Apartment:
        return houses.create_house(
            people.ivan.actor, basics={"name": name, **ADDRESS}, free_members=4, now=NOW,
            switches={**dict.fromkeys(catalogue.SWITCHES, False), **services}, options={**OPTIONS, **(options or {})},
        )  # fmt: skip

    return make
