"""Writing how the people of apartments stand: `communities.households` says it, and entitlements follow. The caller holds the site's lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Refused
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed.days import site_day
from communities.actions.entitlements import sync_site
from communities.households import MAX_MEMBERS, Person, Standing, settled
from communities.models import Apartment, Resident, Site, Stage

RESIDENT_ARRIVED = audit.Word(
    "resident.arrived",
    gettext_lazy("Resident's first day"),
    gettext_lazy("First day of a resident of %(what)s"),
    area=audit.Area.SERVICES,
)
RESIDENT_LEFT = audit.Word(
    "resident.left",
    gettext_lazy("Resident moved out"),
    gettext_lazy("Resident moved out of %(what)s"),
    area=audit.Area.SERVICES,
)
RESIDENT_ADMITTED = audit.Word(
    "resident.admitted",
    gettext_lazy("Resident accepted"),
    gettext_lazy("Resident accepted in %(what)s"),
    area=audit.Area.SERVICES,
)
MASTER_SET = audit.Word(
    "resident.master_set",
    gettext_lazy("Family master changed"),
    gettext_lazy("New family master in %(what)s"),
    area=audit.Area.SERVICES,
)


@dataclass(frozen=True, slots=True)
class Change:
    """How one resident stood before, and stands now."""

    resident: Resident
    before: Standing
    after: Standing

    @property
    def word(self) -> audit.Word:
        """What the audit calls it."""
        if self.after.stage == Stage.ENDED:
            return RESIDENT_LEFT
        if self.before.stage == Stage.FUTURE:
            return RESIDENT_ARRIVED
        return RESIDENT_ADMITTED if self.before.stage == Stage.WAITING else MASTER_SET


def settle(site: Site, apartment_ids: Collection[int], *, now: datetime) -> list[Change]:
    """Write how everybody in these apartments stands at `now`, and let the entitlements follow (R30, R32). The caller holds the site's lock
    and, in ascending order, those of the apartments."""
    changes = arrange(site, apartment_ids, now=now)
    sync_site(site, apartment_ids=apartment_ids)
    return changes


def arrange(site: Site, apartment_ids: Collection[int], *, now: datetime) -> list[Change]:
    """As `settle`, for a caller that lets the entitlements of the whole site follow. Locks residents."""
    rows = Resident.objects.filter(site=site, apartment__in=list(apartment_ids)).current().order_by("pk")
    found = list(rows.select_for_update(of=("self",), no_key=True).select_related("apartment__building"))
    today = site_day(now, site.time_zone)
    changes = list[Change]()
    for _apartment, people in groupby(sorted(found, key=attrgetter("apartment_id", "pk")), attrgetter("apartment_id")):
        living = {row.pk: row for row in people}
        stands = settled((as_person(row) for row in living.values()), free=site.free_members, today=today)
        changes += [Change(living[pk], standing_of(living[pk]), standing) for pk, standing in stands.items()]
    changed = [one for one in changes if one.before != one.after]
    _write(changed, now=now)
    return changed


def as_person(row: Resident) -> Person:
    """A resident as the rules see it."""
    return Person(
        row.pk, row.stage, row.created_at, row.is_master, row.becomes_master, row.is_accepted, row.lease
    )  # fmt: skip


def standing_of(row: Resident) -> Standing:
    """How a resident stands as stored."""
    return Standing(row.stage, row.is_master)


def _write(changes: Iterable[Change], *, now: datetime) -> None:
    """One statement for each way of standing; the former family masters first, since an apartment has one."""
    by_standing: dict[Standing, list[int]] = defaultdict(list)
    for change in changes:
        by_standing[change.after].append(change.resident.pk)
        change.resident.stage, change.resident.is_master = change.after.stage, change.after.is_master
    for standing, pks in sorted(by_standing.items(), key=lambda item: item[0].is_master):
        more = {} if standing.stage == Stage.FUTURE else {"becomes_master": False}
        left_at = now if standing.stage == Stage.ENDED else None
        Resident.objects.filter(pk__in=pks).update(
            stage=standing.stage, is_master=standing.is_master, left_at=left_at, **more
        )


def events_of(
    actor: Actor,
    changes: Iterable[Change],
    *,
    now: datetime,
    batch: AuditEvent | None = None,
    but: Collection[int] = (),
) -> Iterator[AuditEvent]:
    """One audit row for each change, without names (R9). `but` are residents that the caller tells of itself."""
    for change in changes:
        if change.resident.pk in but:
            continue
        yield audit.event(
            actor, change.word, change.resident, now=now, tenant=change.resident, site_id=change.resident.site_id,
            before=_told(change.before), after=_told(change.after), label=str(change.resident.apartment), batch=batch,
        )  # fmt: skip


def _told(standing: Standing) -> dict[str, object]:
    return {"stage": str(standing.stage), "master": standing.is_master}


def admit_waiting(site: Site, *, now: datetime) -> list[Change]:
    """Let in who fits into a free number that has grown. The caller lets the entitlements follow."""
    ids = Resident.objects.filter(site=site, stage=Stage.WAITING).order_by("apartment_id")
    flats = list(ids.values_list("apartment_id", flat=True).distinct())
    return arrange(site, lock_apartments(flats), now=now) if flats else []


def lock_apartments(apartment_ids: Iterable[int]) -> list[int]:
    """Lock apartments in the order of their ids. Returns the ids."""
    rows = Apartment.objects.filter(pk__in=list(apartment_ids)).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def refuse_full(apartment: Apartment, *, more: int = 1) -> None:
    """Refuse more members than an apartment may have, counting those who wait or move in later (R31)."""
    members = Resident.objects.filter(apartment=apartment, is_master=False, becomes_master=False).current().count()
    if members + more > MAX_MEMBERS:
        raise Refused(_("An apartment has at most %(n)s family members.") % {"n": MAX_MEMBERS})
