"""The people of an apartment and what their leaving changes, as pages say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.scope import Actor
from communities.actions.residents import says_yes
from communities.households import MAX_MEMBERS, beyond_free
from communities.models import Apartment, Entitlement, Mode, Resident, Stage, Target, targets


@dataclass(frozen=True, slots=True)
class Household:
    """The people of an apartment by how they stand. `free` is the free number of the site, `beyond` how many members cost something (R30)."""

    present: tuple[Resident, ...]
    waiting: tuple[Resident, ...]
    arriving: tuple[Resident, ...]
    free: int

    @property
    def people(self) -> tuple[Resident, ...]:
        """All of them, the family master first."""
        return (*self.present, *self.waiting, *self.arriving)

    @property
    def master(self) -> Resident | None:
        """The family master, where somebody lives there (R32)."""
        return next((one for one in self.present if one.is_master), None)

    @property
    def members(self) -> int:
        """Who lives there beside the family master."""
        return sum(not one.is_master for one in self.present)

    @property
    def beyond(self) -> int:
        """How many of them are beyond the free number."""
        return beyond_free(self.members, self.free)

    @property
    def is_full(self) -> bool:
        """Whether nobody can be added (R31)."""
        return sum(not one.is_master and not one.becomes_master for one in self.people) >= MAX_MEMBERS


def household(people: Iterable[Resident], free: int) -> Household:
    """The household of one apartment, of its current residents."""
    rows = tuple(people)
    stages = (Stage.PRESENT, Stage.WAITING, Stage.FUTURE)
    present, waiting, arriving = (tuple(row for row in rows if row.stage == stage) for stage in stages)
    return Household(present, waiting, arriving, free)


def household_of(actor: Actor, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the page of an apartment or of a house says of the people there; `shown` is what the page says of the rest."""
    people = household(shown["residents"], shown["site"].free_members)
    return {"household": people, "may_accept": shown["may_house"] and says_yes(actor)}


@dataclass(frozen=True, slots=True)
class Kept:
    """Something of an apartment that is paid, until when, and whether it renews by itself."""

    label: str
    place: str
    ends_at: datetime
    renews: bool


def paid_in(actor: Actor, apartment: Apartment, now: datetime) -> list[Kept]:
    """What of an apartment and its slots is paid now; it stays there whoever leaves (R33). The targets are read first: over both tables at once
    the planner would read all items of the site."""
    here = Target.objects.visible_to(actor).filter(Q(pk=apartment.target_id) | Q(parent=apartment.target_id))
    ids = list(here.values_list("pk", flat=True))
    found = Entitlement.objects.visible_to(actor).in_force(now).filter(target__in=ids)
    rows = found.select_related(*targets.named()).order_by("target__sort_key", "service_type")
    return [
        Kept(row.get_service_type_display(), str(row.target), row.expires_at, row.mode == Mode.AUTO)
        for row in rows
        if row.expires_at
    ]
