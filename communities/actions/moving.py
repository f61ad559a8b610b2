"""Moving: one resident to another apartment, a household out and the next one in, another family master, and the installer's yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed.days import day_words, language, site_day
from communities.actions.households import (
    MASTER_SET,
    RESIDENT_ADMITTED,
    events_of,
    lock_apartments,
    refuse_full,
    settle,
)
from communities.actions.registrations import end_codes
from communities.actions.residents import (
    RESIDENT_ADDED,
    arriving,
    cleaned,
    heir_of,
    lock_home,
    lock_resident,
    may_edit_residents,
    refuse_gone,
    refuse_lease,
    says_yes,
)
from communities.actions.sites import lock_site
from communities.households import MAX_MEMBERS
from communities.models import Apartment, Lease, Resident, Site, Stage, keys_of

RESIDENT_MOVED = audit.Word(
    "resident.moved",
    gettext_lazy("Resident moved to another apartment"),
    gettext_lazy("Resident moved to %(what)s"),
    area=audit.Area.SERVICES,
    saves=True,
)
HOUSEHOLD_LEFT = audit.Word(
    "household.left",
    gettext_lazy("Household moved out"),
    gettext_lazy("Household moved out of %(what)s"),
    area=audit.Area.SERVICES,
)
HOUSEHOLD_LEAVES = audit.Word(
    "household.leaves",
    gettext_lazy("Move-out planned"),
    gettext_lazy("Move-out of %(what)s planned"),
    area=audit.Area.SERVICES,
)
HOUSEHOLD_ARRIVED = audit.Word(
    "household.arrived",
    gettext_lazy("Household moved in"),
    gettext_lazy("Household moved in to %(what)s"),
    area=audit.Area.SERVICES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person of a household that moves in, as typed."""

    name: str
    email: str = ""
    mobile: str = ""
    language: str = "en"
    remark: str = ""


@transaction.atomic
def make_master(actor: Actor, *, resident_id: int, now: datetime) -> Resident:
    """Make a member the family master; the former one is a member then, so nothing costs more (R32)."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, resident = lock_resident(actor, resident_id)
    if resident.stage != Stage.PRESENT:
        raise Refused(_("Choose somebody who lives in the apartment."))
    if resident.is_master:
        return resident
    Resident.objects.filter(apartment=resident.apartment_id, is_master=True).update(is_master=False)
    resident.is_master = True
    resident.version += 1
    resident.save(update_fields=["is_master", "version"])
    _record(actor, MASTER_SET, resident, now=now, before={"master": False}, after={"master": True})
    settle(site, [resident.apartment_id], now=now)
    return resident


@transaction.atomic
def accept_resident(actor: Actor, *, resident_id: int, now: datetime) -> Resident:
    """Say yes to a member beyond the free number: it gets the App, and its Additional App can be activated (R30). For who configures the
    site."""
    if not says_yes(actor):
        raise NotPermitted(_("The installer accepts members beyond the free number."))
    site, resident = lock_resident(actor, resident_id)
    if resident.stage != Stage.WAITING:
        return resident
    if Resident.objects.filter(apartment=resident.apartment_id).members().count() >= MAX_MEMBERS:
        raise Refused(_("An apartment has at most %(n)s family members.") % {"n": MAX_MEMBERS})
    resident.is_accepted = True
    resident.save(update_fields=["is_accepted"])
    changes = settle(site, [resident.apartment_id], now=now)
    stage = {"stage": str(Stage.WAITING)}, {"stage": str(Stage.PRESENT)}
    _record(actor, RESIDENT_ADMITTED, resident, now=now, before=stage[0], after=stage[1])
    audit.record_all(events_of(actor, changes, now=now, but=[resident.pk]))
    return resident


@transaction.atomic
def move_resident(
    actor: Actor, *, resident_id: int, version: int, apartment_id: int, heir_id: int | None = None, now: datetime
) -> Resident:
    """Move a resident to another apartment of the site; its paid time stays where it is (R33). There it is a member, or the family master
    where nobody lives. After a family master `heir_id` follows, as in `remove_resident`. Conflict where it was changed since `version`."""
    if not may_edit_residents(actor):
        raise NotPermitted
    seen = Resident.objects.visible_to(actor).get(pk=resident_id)
    target = Apartment.objects.visible_to(actor).select_related("building").get(pk=apartment_id, site=seen.site_id)
    site = lock_site(actor, seen.site_id)
    lock_apartments([seen.apartment_id, target.pk])
    rows = Resident.objects.select_for_update(of=("self",), no_key=True).select_related("apartment__building")
    resident = rows.get(pk=resident_id, apartment=seen.apartment_id)
    if resident.version != version:
        raise Conflict
    refuse_gone(resident)
    if target.pk == resident.apartment_id:
        raise Refused(_("%(name)s lives there already.") % {"name": resident.name}, field="apartment")
    refuse_full(target)
    heir, left = heir_of(resident, heir_id), resident.apartment_id
    before = {"apartment": str(resident.apartment)}
    resident.apartment, resident.is_master, resident.becomes_master = target, False, False
    resident.stage, resident.is_accepted = Stage.FUTURE, says_yes(actor)
    resident.version += 1
    resident.save()
    if heir is not None:
        Resident.objects.filter(pk=heir.pk).update(is_master=True)
        _record(actor, MASTER_SET, heir, now=now, before={"master": False}, after={"master": True})
    changes = settle(site, sorted({left, target.pk}), now=now)
    _record(actor, RESIDENT_MOVED, resident, now=now, before=before, after={"apartment": str(target)})
    audit.record_all(events_of(actor, changes, now=now, but=[resident.pk]))
    resident.refresh_from_db()
    return resident


@transaction.atomic
def move_out(actor: Actor, *, apartment_id: int, on: date | None = None, now: datetime) -> int:
    """Let the household of an apartment move out: at once, or with the day `on` as the last one. Returns how many people that concerns.

    The apartment keeps its paid time, and its App rests until somebody moves in (R33). Who moves in after `on` stays.
    """
    if not may_edit_residents(actor):
        raise NotPermitted
    site, apartment = lock_home(actor, apartment_id)
    count = _let_go(actor, site, apartment, on, now=now)
    if not count:
        raise Refused(_("Nobody lives in %(apartment)s.") % {"apartment": apartment})
    return count


@transaction.atomic
def move_in(
    actor: Actor,
    *,
    apartment_id: int,
    people: Sequence[Entry],
    begins: date | None = None,
    ends: date | None = None,
    replaces: bool = False,
    now: datetime,
) -> list[Resident]:
    """Enter a household; the first person is its family master from its first day (R32). With `replaces` those who live there move out
    before: at once, or on the day before `begins`; without it, people who still live there on that day are a refusal."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, apartment = lock_home(actor, apartment_id)
    if not people:
        raise Refused(_("A household has at least a family master."))
    if len(people) > MAX_MEMBERS + 1:
        raise Refused(_("An apartment has at most %(n)s family members.") % {"n": MAX_MEMBERS})
    today, lease = site_day(now, site.time_zone), Lease(begins, ends)
    refuse_lease(site, lease, now=now)
    values = [
        cleaned(one.name, one.email, one.mobile, one.remark, country=site.country) | {"language": one.language}
        for one in people
    ]
    first_day = begins if begins is not None and begins > today else None
    if replaces:
        _let_go(actor, site, apartment, first_day - timedelta(days=1) if first_day else None, now=now)
    _refuse_occupied(apartment, first_day or today, ends)
    added = [
        Resident.objects.create(
            **keys_of(site), **arriving(lease), **one, apartment=apartment, is_accepted=says_yes(actor),
            becomes_master=number == 0, created_at=now,
        )
        for number, one in enumerate(values)
    ]  # fmt: skip
    settle(site, [apartment.pk], now=now)
    return _recorded(actor, apartment, added, now=now)


def _recorded(actor: Actor, apartment: Apartment, added: Sequence[Resident], *, now: datetime) -> list[Resident]:
    """One audit row for the household and one for each of its people; returns them as they stand now."""
    rows = list(Resident.objects.filter(pk__in=[one.pk for one in added]).order_by("pk"))
    whole = audit.record(
        actor, HOUSEHOLD_ARRIVED, apartment, now=now, tenant=apartment, site_id=apartment.site_id, after={"people": len(rows)}
    )  # fmt: skip
    audit.record_all(
        audit.event(
            actor, RESIDENT_ADDED, row, now=now, tenant=apartment, site_id=apartment.site_id, batch=whole,
            after={"master": row.is_master, "stage": row.stage}, label=str(apartment),
        )
        for row in rows
    )  # fmt: skip
    return rows


def _let_go(actor: Actor, site: Site, apartment: Apartment, on: date | None, *, now: datetime) -> int:
    """End the stay of everybody who lives there or waits, at once or with the day `on`. Returns how many people that concerns."""
    today = site_day(now, site.time_zone)
    rows = Resident.objects.filter(apartment=apartment).current().order_by("pk")
    found = list(rows.select_for_update(of=("self",), no_key=True))
    is_now = on is None or on < today
    last = today - timedelta(days=1) if is_now else on
    assert last is not None  # `on` is a day where it is not now
    leaving = [
        one for one in found if one.stage != Stage.FUTURE or (not is_now and one.lease_from and one.lease_from <= last)
    ]
    later = [one.pk for one in leaving if one.lease_until is None or one.lease_until > last]
    if not leaving:
        return 0
    end_codes(Q(apartment=apartment), now=now)
    if is_now:  # a lease that began today would end before it began
        Resident.objects.filter(pk__in=later, lease_from__gt=last).update(lease_from=last)
    Resident.objects.filter(pk__in=later).update(lease_until=last)
    word = HOUSEHOLD_LEFT if is_now else HOUSEHOLD_LEAVES
    after = {"people": len(leaving), **({} if is_now else {"on": last.isoformat()})}
    whole = audit.record(actor, word, apartment, now=now, tenant=apartment, site_id=site.pk, after=after)
    audit.record_all(events_of(actor, settle(site, [apartment.pk], now=now), now=now, batch=whole))
    return len(leaving)


def _refuse_occupied(apartment: Apartment, first_day: date, ends: date | None) -> None:
    """Refuse a household while somebody lives there who does not leave before, or comes before it has left."""
    staying = Resident.objects.filter(apartment=apartment).current().exclude(lease_until__lt=first_day)
    staying = staying.exclude(lease_from__gt=ends) if ends else staying
    one = staying.order_by("-is_master", "pk").first()
    if one is None:
        return
    if one.lease_until is None:
        raise Refused(
            _("%(name)s still lives there. Let the present household move out first.") % {"name": one.name},
            field="begins",
        )
    until = day_words(one.lease_until, language())
    raise Refused(_("%(name)s lives there until %(day)s.") % {"name": one.name, "day": until}, field="begins")


def _record(
    actor: Actor,
    word: audit.Word,
    resident: Resident,
    *,
    now: datetime,
    before: dict[str, Any],
    after: dict[str, Any],
) -> AuditEvent:
    return audit.record(
        actor, word, resident, now=now, tenant=resident, site_id=resident.site_id, before=before, after=after,
        label=str(resident.apartment),
    )  # fmt: skip
