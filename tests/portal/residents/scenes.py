"""What stories of residents name: fixtures, and people as they are stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client

from communities.actions import residents
from communities.models import Apartment, Resident, Site
from tests.people import NOW, Person

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]
TODAY = NOW.date()
DAY = timedelta(days=1)


def add(by: Person, flat: Apartment, name: str, **more: Any) -> Resident:
    """A resident that somebody added."""
    email = f"{name.lower()}@example.org"
    return residents.add_resident(by.actor, apartment_id=flat.pk, name=name, email=email, now=NOW, **more)


def stands(flat: Apartment) -> dict[str, str]:
    """How everybody of an apartment stands, the family master as such."""
    rows = Resident.objects.filter(apartment=flat)
    return {row.name: "master" if row.is_master else str(row.stage) for row in rows}


def person_form(name: str, **more: str) -> dict[str, str]:
    """The form of a resident as the browser sends it."""
    email = f"{name.lower()}@example.org"
    empty = {"mobile": "", "remark": "", "lease_from": "", "lease_until": ""}
    return {"name": name, "email": email, "language": "en", **empty, **more}


def household_form(*names: str, **more: str) -> dict[str, str]:
    """The form of a household as the browser sends it."""
    form = {"people-TOTAL_FORMS": "3", "people-INITIAL_FORMS": "0", "begins": "", "lease_until": "", **more}
    for row in range(3):
        name = names[row] if row < len(names) else ""
        email = f"{name.lower()}@example.org" if name else ""
        form |= {f"people-{row}-{key}": value for key, value in (("name", name), ("email", email), ("mobile", ""))}
        form[f"people-{row}-language"] = "en"
    return form
