"""Residents of an apartment."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor, Role
from accounts.typed import mail, phones, text
from communities.actions.entitlements import sync_site
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, Resident, keys_of

MAX_MEMBERS = 63  # besides the family master (R31)
RESIDENT_FIELDS = ["name", "email", "mobile", "language", "remark"]
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
    now: datetime,
) -> Resident:
    """Add a resident. The first one of an apartment becomes its family master, which makes the App billable (R32)."""
    if not may_edit_residents(actor):
        raise NotPermitted
    apartment = Apartment.objects.visible_to(actor).get(pk=apartment_id)
    site = lock_site(actor, apartment.site_id)
    apartment = Apartment.objects.select_for_update(of=("self",), no_key=True).get(pk=apartment_id)
    values = cleaned(name, email, mobile, remark, country=site.country)
    members = Resident.objects.filter(apartment=apartment)
    if members.filter(is_master=False).count() >= MAX_MEMBERS:
        raise Refused(_("An apartment has at most %(n)s family members.") % {"n": MAX_MEMBERS})
    resident = Resident.objects.create(
        **keys_of(site),
        apartment=apartment,
        **values,
        language=language,
        is_master=not members.filter(is_master=True).exists(),
        created_at=now,
    )
    sync_site(site, apartment_ids=[apartment.pk])
    audit.record(
        actor,
        RESIDENT_ADDED,
        resident,
        now=now,
        tenant=site,
        site_id=site.pk,
        after={"master": resident.is_master},
        label=f"{apartment}",
    )
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
    now: datetime,
) -> Resident:
    """Change a resident's data. Conflict when somebody else saved since `version`."""
    if not may_edit_residents(actor):
        raise NotPermitted
    resident = (
        Resident.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .select_related("apartment__building", "site")
        .get(pk=resident_id)
    )
    if resident.version != version:
        raise Conflict
    values = {
        **cleaned(name, email, mobile, remark, country=resident.site.country, kept=resident.mobile),
        "language": language,
    }
    changed = [field for field in RESIDENT_FIELDS if getattr(resident, field) != values[field]]
    for field, value in values.items():
        setattr(resident, field, value)
    resident.version += 1
    resident.save()
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
    return resident


@transaction.atomic
def remove_resident(actor: Actor, *, resident_id: int, now: datetime) -> None:
    """Remove a resident. Paid time stays with the apartment (R33); the next member, if there is one, becomes family master."""
    if not may_edit_residents(actor):
        raise NotPermitted
    resident = Resident.objects.visible_to(actor).get(pk=resident_id)
    site = lock_site(actor, resident.site_id)
    apartment = Apartment.objects.select_for_update(of=("self",), no_key=True).get(pk=resident.apartment_id)
    resident = Resident.objects.filter(apartment=apartment).get(pk=resident_id)
    audit.record(
        actor,
        RESIDENT_REMOVED,
        resident,
        now=now,
        tenant=site,
        site_id=site.pk,
        before={"master": resident.is_master},
        label=str(apartment),
    )
    was_master = resident.is_master
    resident.delete()
    heir = Resident.objects.filter(apartment=apartment).order_by("created_at", "pk").first()
    if was_master and heir is not None:
        heir.is_master = True
        heir.save(update_fields=["is_master"])
    sync_site(site, apartment_ids=[apartment.pk])


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
