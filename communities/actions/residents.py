"""Residents of an apartment: added, edited, removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor, Role
from accounts.typed import mail, phones, text
from accounts.typed.days import site_day
from communities.actions.households import MASTER_SET, events_of, refuse_full, settle
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, Lease, Resident, Site, Stage, keys_of

ANY_TIME = Lease()
RESIDENT_FIELDS = ["name", "email", "mobile", "language", "remark"]
EDITED_FIELDS = [*RESIDENT_FIELDS, "lease_from", "lease_until"]
RESIDENT_ADDED = audit.Word(
    "resident.added",
    gettext_lazy("Resident added"),
    gettext_lazy("Resident added in %(what)s"),
    area=audit.Area.SERVICES,
    saves=True,
)
RESIDENT_CHANGED = audit.Word(
    "resident.changed",
    gettext_lazy("Resident changed"),
    gettext_lazy("Resident changed in %(what)s"),
    area=audit.Area.SERVICES,
    saves=True,
)
RESIDENT_REMOVED = audit.Word(
    "resident.removed",
    gettext_lazy("Resident removed"),
    gettext_lazy("Resident removed from %(what)s"),
    area=audit.Area.SERVICES,
)


def may_edit_residents(actor: Actor) -> bool:
    """Whether the actor configures sites or is a property manager; both edit residents."""
    return may_configure(actor) or actor.role is Role.MANAGER


def says_yes(actor: Actor) -> bool:
    """Whether the actor accepts what members beyond the free number cost: who configures the site. Whom others add waits for that."""
    return may_configure(actor)


@transaction.atomic
def add_resident(
    actor: Actor,
    *,
    apartment_id: int,
    name: str,
    email: str = "",
    mobile: str = "",
    language: str = "en",
    remark: str = "",
    lease: Lease = ANY_TIME,
    now: datetime,
) -> Resident:
    """Add a resident. The first one of an apartment becomes its family master, which makes the App billable (R32); whom a manager adds beyond
    the free number waits for the installer's yes (R30). With a lease that has not begun, the person counts from its first day only."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, apartment = lock_home(actor, apartment_id)
    values = cleaned(name, email, mobile, remark, country=site.country)
    refuse_lease(site, lease, now=now)
    refuse_full(apartment)
    resident = Resident.objects.create(
        **keys_of(site),
        **arriving(lease),
        apartment=apartment,
        **values,
        language=language,
        is_accepted=says_yes(actor),
        created_at=now,
    )
    changes = settle(site, [apartment.pk], now=now)
    resident.refresh_from_db()
    audit.record(
        actor,
        RESIDENT_ADDED,
        resident,
        now=now,
        tenant=site,
        site_id=site.pk,
        after={"master": resident.is_master, "stage": resident.stage},
        label=f"{apartment}",
    )
    audit.record_all(events_of(actor, changes, now=now, but=[resident.pk]))
    return resident


@transaction.atomic
def edit_resident(
    actor: Actor,
    *,
    resident_id: int,
    version: int,
    name: str,
    email: str,
    mobile: str,
    language: str,
    remark: str,
    lease: Lease | None = None,
    now: datetime,
) -> Resident:
    """Change a resident's data, and with `lease` the first and last day. Conflict when somebody else saved since `version`; refuses people who
    have moved out."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, resident = lock_resident(actor, resident_id)
    if resident.version != version:
        raise Conflict
    refuse_gone(resident)
    lease = resident.lease if lease is None else lease
    refuse_lease(site, lease, now=now, kept=resident.lease)
    values = cleaned(name, email, mobile, remark, country=site.country, kept=resident.mobile)
    changed = _write(resident, {**values, "language": language, "lease_from": lease.begins, "lease_until": lease.ends})
    changes = settle(site, [resident.apartment_id], now=now) if {"lease_from", "lease_until"} & {*changed} else []
    audit.record(  # only the names of the fields: the audit is append-only, but personal data must be erasable
        actor,
        RESIDENT_CHANGED,
        resident,
        now=now,
        tenant=resident,
        site_id=resident.site_id,
        after={"fields": changed},
        label=str(resident.apartment),
    )
    audit.record_all(events_of(actor, changes, now=now))
    return resident


def _write(resident: Resident, values: Mapping[str, Any]) -> list[str]:
    """Save the values of a locked resident; returns the names of those that differ. A family master whose lease begins later stays meant to be
    it."""
    changed = [field for field in EDITED_FIELDS if getattr(resident, field) != values[field]]
    for field, value in values.items():
        setattr(resident, field, value)
    resident.becomes_master = resident.becomes_master or (resident.is_master and "lease_from" in changed)
    resident.version += 1
    resident.save()
    return changed


@transaction.atomic
def remove_resident(actor: Actor, *, resident_id: int, heir_id: int | None = None, now: datetime) -> None:
    """Remove a resident with all data. Paid time stays with the apartment (R33). After a family master the member `heir_id` is it, without
    one who came first (R32)."""
    if not may_edit_residents(actor):
        raise NotPermitted
    site, resident = lock_resident(actor, resident_id)
    heir = heir_of(resident, heir_id)
    audit.record(
        actor,
        RESIDENT_REMOVED,
        resident,
        now=now,
        tenant=site,
        site_id=site.pk,
        before={"master": resident.is_master, "stage": resident.stage},
        label=str(resident.apartment),
    )
    resident.delete()
    if heir is not None:
        Resident.objects.filter(pk=heir.pk).update(is_master=True)
        audit.record(
            actor, MASTER_SET, heir, now=now, tenant=site, site_id=site.pk,
            before={"master": False}, after={"master": True}, label=str(resident.apartment),
        )  # fmt: skip
    changes = settle(site, [resident.apartment_id], now=now)
    audit.record_all(events_of(actor, changes, now=now))


def lock_home(actor: Actor, apartment_id: int) -> tuple[Site, Apartment]:
    """The site and the apartment, if the actor sees it, both locked."""
    apartment = Apartment.objects.visible_to(actor).get(pk=apartment_id)
    site = lock_site(actor, apartment.site_id)
    rows = Apartment.objects.select_for_update(of=("self",), no_key=True).select_related("building")
    return site, rows.get(pk=apartment_id)


def lock_resident(actor: Actor, resident_id: int) -> tuple[Site, Resident]:
    """The site and the resident, if the actor sees it, locked with the apartment."""
    seen = Resident.objects.visible_to(actor).get(pk=resident_id)
    site, _apartment = lock_home(actor, seen.apartment_id)
    rows = Resident.objects.select_for_update(of=("self",), no_key=True).select_related("apartment__building")
    return site, rows.get(pk=resident_id, apartment=seen.apartment_id)


def arriving(lease: Lease) -> dict[str, Any]:
    """The columns of a person before it is settled how it stands."""
    return {"stage": Stage.FUTURE, "lease_from": lease.begins, "lease_until": lease.ends}


def heir_of(resident: Resident, heir_id: int | None) -> Resident | None:
    """The member that is to follow a family master, if one is named. Refuses who does not live there."""
    if heir_id is None or not resident.is_master:
        return None
    heir = Resident.objects.filter(apartment=resident.apartment_id, pk=heir_id).members().first()
    if heir is None:
        raise Refused(_("Choose somebody who lives in the apartment."), field="heir")
    return heir


def refuse_gone(resident: Resident) -> None:
    """Refuse to change people who have moved out."""
    if resident.stage == Stage.ENDED:
        raise Refused(_("%(name)s has moved out.") % {"name": resident.name})


def refuse_lease(site: Site, lease: Lease, *, now: datetime, kept: Lease = ANY_TIME) -> None:
    """Refuse a last day before the first, or one that is over already."""
    if lease.begins and lease.ends and lease.ends < lease.begins:
        raise Refused(_("The last day is before the first day."), field="lease_until")
    if lease.ends and lease.ends != kept.ends and lease.ends < site_day(now, site.time_zone):
        raise Refused(
            _("The last day is over already. To end access now, let the person move out."), field="lease_until"
        )


def cleaned(name: str, email: str, mobile: str, remark: str, *, country: str, kept: str = "") -> dict[str, str]:
    """What is saved of a resident. Refuses who has no name, or neither email nor mobile number. A number that equals the stored one is
    not checked again."""
    values = {
        "name": text.line(name),
        "email": text.line(email),
        "mobile": text.line(mobile),
        "remark": text.line(remark),
    }
    if not values["name"]:
        raise Refused(_("The resident needs a name."), field="name")
    if not values["email"] and not values["mobile"]:
        raise Refused(_("A resident needs an email or a mobile number."), field="email")
    if values["email"]:
        values["email"] = mail.address(values["email"]).shown
    if values["mobile"] not in {"", kept}:
        try:
            values["mobile"] = phones.number(values["mobile"], country)
        except Refused as refusal:
            raise Refused(str(refusal), field="mobile") from refusal
    return values
