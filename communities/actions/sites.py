"""Creating and editing sites and their switches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent, Organization
from accounts.scope import RESELLERS, Actor, Role
from accounts.typed import postal, text, zones
from accounts.typed.days import end_date
from accounts.typed.keys import identity_key
from communities import audit_sentences, catalogue
from communities.actions.entitlements import sync_site
from communities.actions.households import admit_waiting, events_of
from communities.actions.site_rules import (
    name_taken,
    payment_mode_of,
    refuse_foreign_services,
    refuse_no_community,
    refuse_wrong_options,
)
from communities.actions.targets import relabel
from communities.errors import NameTaken, ServiceLocked
from communities.models import Apartment, Building, Entitlement, Kind, Site, keys_of, targets

BASICS = ("name", "street", "city", "state", "postal_code", "country", "time_zone")
OPTIONS = ("camera_residents", "camera_administrators", "retention_days")
AUDITED = [*BASICS, "free_members", *catalogue.SWITCHES, "attendance_plan", *OPTIONS, "payment_mode"]
SITE_CREATED = audit.Word("site.created", gettext_lazy("Site created"), area=audit.Area.SERVICES, saves=True)
SITE_CHANGED = audit.Word(
    "site.changed",
    gettext_lazy("Basics or services changed"),
    area=audit.Area.SERVICES,
    saves=True,
    compares=len(AUDITED),
    tells=audit_sentences.switched,
)
SERVICE_LOST = audit.Word(
    "apartment.service_lost",
    gettext_lazy("Service switched off in an apartment"),
    gettext_lazy("Service switched off in %(what)s"),
    area=audit.Area.SERVICES,
    saves=True,
    tells=audit_sentences.of_apartment,
)
BUILDING_CREATED = audit.Word(
    "building.created", gettext_lazy("Building added"), gettext_lazy("%(what)s added"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
BUILDING_RENAMED = audit.Word(
    "building.renamed", gettext_lazy("Building renamed"), gettext_lazy("Building renamed to %(what)s"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip


def lock_site(actor: Actor, site_id: int) -> Site:
    """The site, if the actor sees it, locked until the transaction ends. Nearly every lock order begins with it. Refuses an archived one,
    where nothing changes before it is restored (R78)."""
    site = Site.every.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=site_id)
    if site.archived_at is not None:
        raise Refused(_("%(site)s is archived. Restore it first.") % {"site": site.name})
    return site


def may_configure(actor: Actor) -> bool:
    """Whether the actor configures sites: installers and their technicians (S1, DOMAIN §1)."""
    return actor.role in {Role.INSTALLER, Role.TECHNICIAN, Role.SYSTEM}


@transaction.atomic
def create_community(
    actor: Actor,
    *,
    basics: Mapping[str, str],
    free_members: int,
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    now: datetime,
) -> Site:
    """Create a community site with its services (S1). Installers only. Refuses a name that the installer already uses (R77)."""
    return begin_community(
        actor, basics=basics, free_members=free_members, switches=switches, options=options, now=now
    )[0]


def begin_community(
    actor: Actor,
    *,
    basics: Mapping[str, str],
    free_members: int,
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    now: datetime,
) -> tuple[Site, AuditEvent]:
    """As `create_community`, inside the caller's transaction, with the row of the audit, below which the rows of its parts stand."""
    return begin_site(
        actor, Kind.COMMUNITY, basics=basics, free_members=free_members, switches=switches, options=options, now=now
    )


def begin_site(
    actor: Actor,
    kind: Kind,
    *,
    basics: Mapping[str, str],
    free_members: int,
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    now: datetime,
) -> tuple[Site, AuditEvent]:
    """Create a site of a project type by the rules of `create_community`, inside the caller's transaction, with its row of the audit."""
    if actor.role is not Role.INSTALLER:
        raise NotPermitted(_("Sites are created by the installer."))
    installer = Organization.objects.visible_to(actor).select_for_update(no_key=True).get(pk=actor.organization_id)
    assert installer.distributor_id is not None  # every installer belongs to a distributor
    refuse_wrong_options(switches, options)
    refuse_foreign_services(kind, switches, options)
    site = Site(
        kind=kind,
        installer=installer,
        distributor_id=installer.distributor_id,
        subdistributor_id=installer.subdistributor_id,
        free_members=free_members,
        created_by_id=actor.user_id,
        created_at=now,
        payment_mode=payment_mode_of(kind, now),
        attendance_plan=bool(options.get("attendance_plan")),
        **_read(basics),
        **catalogue.normalised(switches),
        **{field: options[field] for field in OPTIONS},
    )
    if not identity_key(site.name):
        raise Refused(_("The site needs a name."), field="name")
    if taken := name_taken(installer.pk, site.name):
        raise taken
    site.save()
    after = audit.fields_of(site, AUDITED)
    return site, audit.record(actor, SITE_CREATED, site, now=now, tenant=site, site_id=site.pk, after=after)


@transaction.atomic
def edit_site(
    actor: Actor,
    *,
    site_id: int,
    version: int,
    basics: Mapping[str, str],
    free_members: int | None,
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    now: datetime,
    ceiling_confirmed: bool = False,
) -> Site:
    """Change facts and services under the site's lock (R11, R12, R22, R24, R26); entitlements follow.

    `free_members` may be changed by the distributor only; None keeps it. Switching landline or video storage off switches it off in every
    apartment, and is refused without `ceiling_confirmed`.
    """
    if not may_configure(actor) and actor.role not in RESELLERS:
        raise NotPermitted
    site = lock_site(actor, site_id)
    if site.version != version:
        raise Conflict
    before, lowered = audit.fields_of(site, AUDITED), dict[str, list[Apartment]]()
    wanted = catalogue.normalised(switches)
    if free_members is not None:
        _write_free_members(actor, site, free_members)
    if may_configure(actor):
        refuse_wrong_options(switches, options)
        refuse_foreign_services(site.kind, wanted, options)
        refuse_locked_switches(site, wanted, now)
        _write_basics(site, basics, options)
        lowered = _write_switches(site, wanted, ceiling_confirmed=ceiling_confirmed)
    admitted = admit_waiting(site, now=now) if site.free_members > before["free_members"] else []
    # The summary counts their days anew; no other transaction may change them meanwhile
    if site.time_zone != before["time_zone"]:
        items = Entitlement.objects.filter(site=site).order_by("pk")
        list(items.select_for_update(of=("self",), no_key=True).values_list("pk"))
    site.version += 1
    site.save()
    sync_site(site)
    off_in = {f"{code}_off_in": len(flats) for code, flats in lowered.items() if flats}
    after = audit.fields_of(site, AUDITED) | off_in
    told = audit.record(actor, SITE_CHANGED, site, now=now, tenant=site, site_id=site.pk, before=before, after=after)
    audit.record_all([*_lost(actor, lowered, told, now=now), *events_of(actor, admitted, now=now, batch=told)])
    return site


def _write_free_members(actor: Actor, site: Site, count: int) -> None:
    if count != site.free_members and actor.role is not Role.DISTRIBUTOR:
        raise NotPermitted(
            _("Only the distributor changes the number of free family members later."), field="free_members"
        )
    site.free_members = count


def _write_switches(site: Site, wanted: Mapping[str, bool], *, ceiling_confirmed: bool) -> dict[str, list[Apartment]]:
    """Write the switches to the site. Returns the apartments in which a service was switched off with it, by service."""
    lowered = {
        code: _lower_ceiling(site, code, confirmed=ceiling_confirmed)
        for code in catalogue.CEILING_SWITCHES
        if getattr(site, code) and not wanted[code]
    }
    for code, on in wanted.items():
        setattr(site, code, on)
    return lowered


def _write_basics(site: Site, basics: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """Write name, address and options to the site. Refuses an empty or used name (R77)."""
    for field, value in _read(basics, before=site).items():
        setattr(site, field, value)
    for field in OPTIONS:
        setattr(site, field, options[field])
    site.attendance_plan = bool(options.get("attendance_plan", site.attendance_plan))
    if not identity_key(site.name):
        raise Refused(_("The site needs a name."), field="name")
    if taken := name_taken(site.installer_id, site.name, but=site.pk):
        raise taken


def _read(basics: Mapping[str, str], before: Site | None = None) -> dict[str, str]:
    """Name, address and zone as they are stored."""
    values = {field: text.line(basics.get(field, "")) for field in BASICS}
    values["time_zone"] = zones.canonical(values["time_zone"]) or values["time_zone"]
    return values | postal.checked(values, before=before)


def active_pm_apps(site: Site, now: datetime, *, target_ids: Collection[int] | None = None) -> list[Entitlement]:
    """The PM Apps that lock the switch: paid, grace included, of managers who are assigned with the PM App (R11); with `target_ids` only
    those."""
    rows = Entitlement.objects.filter(site=site, service_type__in=[entry.code for entry in catalogue.HOLDING])
    if target_ids is not None:
        rows = rows.filter(target__in=target_ids)
    return list(rows.wanted().in_force(now).select_related("site", *targets.named()).order_by("expires_at", "pk"))


def pm_app_lock_reason(holders: list[Entitlement]) -> str:
    """Why the PM App switch is locked and by whose apps: "2 PM Apps are active: Petra until 14 Mar 2027, …"."""
    names = ", ".join(
        _("%(name)s until %(date)s")
        % {"name": holder.target, "date": end_date(holder.expires_at, holder.site.time_zone)}
        for holder in holders
        if holder.expires_at
    )
    return ngettext(
        "Locked on: %(n)s PM App is active: %(names)s.", "Locked on: %(n)s PM Apps are active: %(names)s.", len(holders)
    ) % {
        "n": len(holders),
        "names": names,
    }


def refuse_locked_switches(site: Site, wanted: Mapping[str, bool], now: datetime) -> None:
    """Refuse to switch the PM App off while one is active (R11). The caller holds the site's lock."""
    for code in sorted(catalogue.HELD_SWITCHES):
        if not wanted[code] and (holders := active_pm_apps(site, now)):
            raise ServiceLocked(pm_app_lock_reason(holders), field=code)


def _lower_ceiling(site: Site, code: str, *, confirmed: bool) -> list[Apartment]:
    """Switch a ceiling service off in all apartments (R22). Returns the apartments that had it on."""
    below = Apartment.objects.filter(site=site, **{code: True})
    locked = below.order_by("pk").select_for_update(of=("self",), no_key=True)
    had = list(locked.select_related("building"))
    if had and not confirmed:
        raise Refused(
            ngettext(
                "Switching %(service)s off switches it off in %(n)s apartment. Confirm this below.",
                "Switching %(service)s off switches it off in %(n)s apartments. Confirm this below.",
                len(had),
            )
            % {"service": catalogue.BY_CODE[code].label, "n": len(had)},
            field="ceiling_confirmed",
        )
    below.update(**{code: False}, version=models.F("version") + 1)
    return had


def _lost(
    actor: Actor, lowered: Mapping[str, list[Apartment]], batch: AuditEvent, *, now: datetime
) -> Iterator[AuditEvent]:
    """One audit row for each apartment that lost services, with all of them (R9)."""
    codes_of: dict[int, list[str]] = {}
    for code, had in lowered.items():
        for apartment in had:
            codes_of.setdefault(apartment.pk, []).append(code)
    for apartment in {row.pk: row for had in lowered.values() for row in had}.values():
        codes = codes_of[apartment.pk]
        yield audit.event(
            actor, SERVICE_LOST, apartment, now=now, tenant=apartment, site_id=apartment.site_id, batch=batch,
            before=dict.fromkeys(codes, True), after=dict.fromkeys(codes, False),
        )  # fmt: skip


@transaction.atomic
def add_building(actor: Actor, *, site_id: int, name: str, now: datetime) -> Building:
    """Add a building. Refuses a name that the community already uses (R4, R77)."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    refuse_no_community(site)
    name = text.line(name)
    if not identity_key(name):
        raise Refused(_("The building needs a name."), field="name")
    if Building.objects.filter(site=site, name_key=identity_key(name)).exists():
        raise NameTaken(_("This community already has a building called “%(name)s”.") % {"name": name})
    building = Building.objects.create(**keys_of(site), name=name)
    audit.record(
        actor, BUILDING_CREATED, building, now=now, tenant=site, site_id=site.pk, after={"name": building.name}
    )
    return building


@transaction.atomic
def rename_building(actor: Actor, *, building_id: int, version: int, name: str, now: datetime) -> Building:
    """Rename a building. Refuses a name that the community already uses (R77)."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, Building.objects.visible_to(actor).get(pk=building_id).site_id)
    building = Building.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=building_id)
    refuse_no_community(site)
    if building.version != version:
        raise Conflict
    name = text.line(name)
    if not identity_key(name):
        raise Refused(_("The building needs a name."), field="name")
    if Building.objects.filter(site_id=building.site_id, name_key=identity_key(name)).exclude(pk=building.pk).exists():
        raise NameTaken(_("This community already has a building called “%(name)s”.") % {"name": name})
    before = building.name
    building.name, building.version = name, building.version + 1
    building.save()
    relabel(site)
    audit.record(
        actor,
        BUILDING_RENAMED,
        building,
        now=now,
        tenant=building,
        site_id=building.site_id,
        before={"name": before},
        after={"name": building.name},
    )
    return building
