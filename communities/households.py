"""Households: who lives in an apartment on a day, who is its family master, and who waits for the installer's yes (R30, R31, R32).

Pure functions, no database; `communities.actions.households` writes what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

MAX_MEMBERS = 63  # besides the family master (R31)


class Stage(TextChoices):
    """How a resident stands. Only who lives there counts for R30 and R32."""

    PRESENT = "present", _("Lives here")
    FUTURE = "future", _("Moves in later")
    WAITING = (
        "waiting",
        _("Waits for a yes"),
    )  # beyond the free number, and the installer has not accepted the price of it
    ENDED = "ended", _("Moved out")


@dataclass(frozen=True, slots=True)
class Lease:
    """The first and the last day of a resident, as days at the site; None = open."""

    begins: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A resident as stored. `becomes_master`: meant to be the family master once the lease begins. `is_accepted`: the installer added the
    person or has said yes."""

    key: int
    stage: str
    created_at: datetime
    is_master: bool = False
    becomes_master: bool = False
    is_accepted: bool = True
    lease: Lease = Lease()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a resident stands on a day."""

    stage: str
    is_master: bool = False


def settled(people: Iterable[Person], *, free: int, today: date) -> dict[int, Standing]:
    """How everybody of one apartment stands on `today`, by their keys.

    Leases that are over have ended, those that have not begun wait for their day. An apartment without a family master gets one: who was
    meant to be it and has arrived, else the present member who came first, else who arrives first. Nobody who waits for a yes becomes
    it, and where there is none nobody is admitted. Arriving members live there within the free number, beyond it once they are accepted, and
    never more than MAX_MEMBERS; who lives there stays, also where the free number has become smaller.
    """
    here = sorted((one for one in people if one.stage != Stage.ENDED), key=lambda one: (one.created_at, one.key))
    stands = {one.key: Standing(_by_day(one.lease, today)) for one in here}
    begun = [one for one in here if stands[one.key].stage == Stage.PRESENT]
    settled_in = [one for one in begun if one.stage == Stage.PRESENT]
    arriving = [one for one in begun if one.stage != Stage.PRESENT]
    master = next((one for one in settled_in if one.is_master), None) or _heir(settled_in, arriving)
    members = sum(one is not master for one in settled_in)
    for one in arriving:
        fits = master is not None and (members < free or (one.is_accepted and members < MAX_MEMBERS))
        if one is not master and not fits:
            stands[one.key] = Standing(Stage.WAITING)
        members += one is not master and fits
    if master is not None:
        stands[master.key] = Standing(Stage.PRESENT, is_master=True)
    return stands


def beyond_free(members: int, free: int) -> int:
    """How many members cost something (R30)."""
    return max(0, members - free)


def _by_day(lease: Lease, today: date) -> str:
    if lease.ends is not None and lease.ends < today:
        return Stage.ENDED
    return Stage.FUTURE if lease.begins is not None and lease.begins > today else Stage.PRESENT


def _heir(settled_in: list[Person], arriving: list[Person]) -> Person | None:
    chosen = [one for one in arriving if one.becomes_master]
    first = [one for one in arriving if one.stage == Stage.FUTURE]
    return next(iter([*chosen, *settled_in, *first]), None)
