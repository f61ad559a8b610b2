"""A new community with all its apartments and family masters, created by one action."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from accounts.scope import Actor
from communities import catalogue
from communities.actions import drafts
from communities.actions.buildings import NewApartment, NewBuilding
from communities.actions.sites import BASICS, OPTIONS
from communities.models import Site
from devices import actions
from devices.actions import NewSite
from smartplus.bench.cases import Goal, Result
from smartplus.bench.measure import in_turn, undone

FLATS = 100  # apartments of a building
GOAL = Goal(statements=60)  # whatever the number of apartments, but for a statement for each thousand rows of the audit


def of_new_sites(installer: Actor, like: Site, *, count: int, now: datetime, rounds: int) -> Iterator[Result]:
    """Create a community of `count` apartments where another one is, with its services; everything is rolled back."""
    houses = [
        NewBuilding(f"House {at}", [_flat(number) for number in range(min(FLATS, count - at))])
        for at in range(0, count, FLATS)
    ]
    new = NewSite(
        {**{name: getattr(like, name) for name in BASICS}, "name": "New for the benchmark"}, like.free_members,
        dict(catalogue.DEFAULTS), {name: getattr(like, name) for name in OPTIONS}, houses, may_wait=True,
    )  # fmt: skip

    def create() -> int:
        with undone():
            draft = drafts.start_draft(installer, parts={}, now=now)
            actions.create_site(installer, draft_id=draft.pk, version=draft.version, new=new, now=now)
        return 0

    ours, _none = in_turn(create, None, rounds=rounds)
    yield Result("new_site", f"new site with {count} apartments", GOAL, ours)


def _flat(number: int) -> NewApartment:
    floor = str(number // 4)
    return NewApartment(
        floor, f"{floor}.{number % 4 + 1:02}", master=f"Resident {number}", email=f"r{number}@x.example"
    )
