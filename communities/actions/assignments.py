"""The managers and technicians of a site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent, Kind, Membership
from accounts.scope import Actor, Role
from communities import audit_sentences
from communities.actions.entitlements import sync_site
from communities.actions.sites import lock_site
from communities.actions.targets import made_for
from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment, keys_of

MANAGERS_SET = audit.Word(
    "site.managers_set",
    gettext_lazy("Managers chosen"),
    area=audit.Area.PEOPLE,
    saves=True,
    tells=audit_sentences.managers_set,
)
SITES_SET = audit.Word(
    "member.sites_set",
    gettext_lazy("Sites of a member chosen"),
    gettext_lazy("Sites of %(what)s chosen"),
    area=audit.Area.PEOPLE,
)
TECHNICIANS_SET = audit.Word(
    "site.technicians_set",
    gettext_lazy("Technicians chosen"),
    area=audit.Area.PEOPLE,
    saves=True,
    tells=audit_sentences.technicians_set,
)


@transaction.atomic
def set_managers(
    actor: Actor, *, site_id: int, pm_app_by_membership: Mapping[int, bool], now: datetime, version: int | None = None
) -> None:
    """Make exactly these property managers look after the site; the value says who gets the PM App (DOMAIN §1, R13).

    `version` is the site's when the choice was shown: whoever changed the site or its people since raises Conflict. None is for
    who has nothing older than this transaction.

    Who is left out loses the site at once (R3); paid time stays on the ended assignment. A PM App that is paid for can't be
    unticked while its manager stays: the money would buy nothing.
    """
    if actor.role not in {Role.INSTALLER, Role.SYSTEM}:
        raise NotPermitted(_("Managers are chosen by the installer."))
    site = lock_site(actor, site_id)
    _refuse_stale(site, version)
    current = {
        row.membership_id: row
        for row in ManagerAssignment.objects.select_for_update(no_key=True).filter(site=site).order_by("pk")
    }
    here = {pk for pk, row in current.items() if row.ended_at is None}
    chosen = _own_members(site.installer_id, pm_app_by_membership, kind=Kind.MANAGER, already=here)
    before = {str(row.membership_id): row.pm_app for row in current.values() if row.ended_at is None}
    for membership_id, row in current.items():
        if membership_id not in chosen:
            if row.ended_at is None:
                ManagerAssignment.objects.filter(pk=row.pk).update(ended_at=now, pm_app=False)
            continue
        wants_app = pm_app_by_membership[membership_id]
        if row.pm_app and row.ended_at is None and not wants_app and _is_paid(row, now):
            raise Refused(
                _("The PM App of %(name)s is paid for. It can be given up when it has run out.") % {"name": row}
            )
        ManagerAssignment.objects.filter(pk=row.pk).update(pm_app=wants_app, ended_at=None)
    added = [
        ManagerAssignment(**keys_of(site), membership_id=pk, pm_app=pm_app_by_membership[pk], created_at=now)
        for pk in chosen
        if pk not in current
    ]
    ManagerAssignment.objects.bulk_create(made_for(added))
    sync_site(site)
    after = {str(pk): pm_app_by_membership[pk] for pk in chosen}
    if after == before:
        return
    _record_change(site)
    audit.record(actor, MANAGERS_SET, site, now=now, tenant=site, site_id=site.pk, before=before, after=after)


@transaction.atomic
def set_technicians(
    actor: Actor, *, site_id: int, membership_ids: list[int], now: datetime, version: int | None = None
) -> None:
    """Make exactly these technicians of the installer work on the site; `version` as in `set_managers`."""
    if actor.role not in {Role.INSTALLER, Role.SYSTEM}:
        raise NotPermitted(_("Technicians are chosen by the installer."))
    site = lock_site(actor, site_id)
    _refuse_stale(site, version)
    before = set(TechnicianAssignment.objects.filter(site=site).values_list("membership_id", flat=True))
    wanted = dict.fromkeys(membership_ids, True)
    chosen = _own_members(site.installer_id, wanted, kind=Kind.INSTALLER, already=before)
    TechnicianAssignment.objects.filter(site=site).exclude(membership_id__in=chosen).delete()
    TechnicianAssignment.objects.bulk_create(
        TechnicianAssignment(**keys_of(site), membership_id=pk, created_at=now) for pk in chosen if pk not in before
    )
    if set(chosen) == before:
        return
    _record_change(site)
    audit.record(
        actor,
        TECHNICIANS_SET,
        site,
        now=now,
        tenant=site,
        site_id=site.pk,
        before={"technicians": sorted(before - set(chosen))},
        after={"technicians": sorted(set(chosen) - before)},
    )


@transaction.atomic
def set_people(
    actor: Actor,
    *,
    site_id: int,
    version: int,
    pm_app_by_membership: Mapping[int, bool],
    technician_ids: list[int],
    now: datetime,
) -> Site:
    """Choose the managers and the technicians of a site as one change of it, or neither; `version` as in `set_managers`."""
    set_managers(actor, site_id=site_id, version=version, pm_app_by_membership=pm_app_by_membership, now=now)
    set_technicians(actor, site_id=site_id, membership_ids=technician_ids, now=now)  # the site is locked by now
    return Site.objects.visible_to(actor).get(pk=site_id)


def sites_of(actor: Actor, membership: Membership) -> set[int] | None:
    """The sites, among those the actor sees, that this manager or technician looks after; None where there is nothing to choose: only an
    installer chooses, and only for people who work on sites."""
    works = membership.is_technician or membership.organization.kind == Kind.MANAGER
    if actor.role is not Role.INSTALLER or not works or not membership.is_active:
        return None
    rows = (
        TechnicianAssignment.objects.visible_to(actor)
        if membership.is_technician
        else ManagerAssignment.objects.visible_to(actor).filter(ended_at=None)
    )
    return set(rows.filter(membership=membership).values_list("site_id", flat=True))


@transaction.atomic
def set_sites_of(
    actor: Actor,
    *,
    membership_id: int,
    site_ids: Collection[int],
    now: datetime,
    seen_ids: Collection[int] | None = None,
) -> Membership:
    """Let a property manager or a technician look after exactly these sites of the installer; others are not touched.

    `seen_ids` are the sites that the choice began with: where the person has others by now, it raises Conflict.

    The same rules as from the site's side: a site that is not named is lost at once (R3), paid time stays on the ended assignment.
    PM Apps stay as they are ticked at the sites; a site that is new comes without one. Locks the sites in the order of their ids.
    Audited at each site; where there are several, as a batch of the person.
    """
    if actor.role not in {Role.INSTALLER, Role.SYSTEM}:
        raise NotPermitted(_("Managers and technicians are chosen by the installer."))
    person = Membership.objects.visible_to(actor).select_related("organization", "user").get(pk=membership_id)
    kind = person.organization.kind
    installer_id = person.organization.installer_id if kind == Kind.MANAGER else person.organization_id
    assert installer_id is not None  # managers live below an installer
    _own_members(installer_id, {person.pk: True}, kind=kind)
    wanted = set(site_ids)
    rows = (
        ManagerAssignment.objects.filter(ended_at=None) if kind == Kind.MANAGER else TechnicianAssignment.objects.all()
    )
    current = _sites_of(rows, person)
    seen = Site.objects.visible_to(actor).filter(installer_id=installer_id, pk__in=wanted | current)
    sites = {site.pk: site for site in seen.order_by("pk").select_for_update(of=("self",), no_key=True)}
    if unknown := wanted - set(sites):
        raise Refused(
            _("%(n)s of the chosen sites are not yours to choose. Nothing was changed.") % {"n": len(unknown)}
        )
    if seen_ids is not None and _sites_of(rows, person) != set(seen_ids):  # asked again, now that the sites are locked
        raise Conflict
    change = _set_manager if kind == Kind.MANAGER else _set_technician
    told = [change(actor, site, person, is_wanted=site.pk in wanted, now=now) for site in sites.values()]
    changed = [event for event in told if event is not None]
    label = f"{person.known_as} ({person.organization})"
    whole = audit.event(
        actor, SITES_SET, person, now=now, tenant=person.organization, label=label, after={"sites": len(changed)}
    )
    audit.record_batch(whole, changed)
    return person


def _sites_of(rows: QuerySet[ManagerAssignment] | QuerySet[TechnicianAssignment], person: Membership) -> set[int]:
    return set(rows.filter(membership=person).values_list("site_id", flat=True))


def _refuse_stale(site: Site, version: int | None) -> None:
    if version is not None and site.version != version:
        raise Conflict


def _record_change(site: Site) -> None:
    """Let the site's version grow: whoever chooses people from an older page is told. The caller holds the site's lock."""
    site.version += 1
    site.save(update_fields=["version"])


def _set_manager(actor: Actor, site: Site, person: Membership, *, is_wanted: bool, now: datetime) -> AuditEvent | None:
    """Give a locked site to one manager or take it away, whoever else looks after it; what is to be audited."""
    row = ManagerAssignment.objects.select_for_update(no_key=True).filter(site=site, membership=person).first()
    has_it = row is not None and row.ended_at is None
    if has_it == is_wanted:
        return None
    before = {str(person.pk): row.pm_app} if row is not None and has_it else {}
    if row is None:
        made_for([row := ManagerAssignment(**keys_of(site), membership=person, created_at=now)])
        row.save()
    else:
        ended_at = None if is_wanted else now
        ManagerAssignment.objects.filter(pk=row.pk).update(ended_at=ended_at, pm_app=False)
    sync_site(site)
    _record_change(site)
    after = {str(person.pk): False} if is_wanted else {}
    return audit.event(actor, MANAGERS_SET, site, now=now, tenant=site, site_id=site.pk, before=before, after=after)


def _set_technician(
    actor: Actor, site: Site, person: Membership, *, is_wanted: bool, now: datetime
) -> AuditEvent | None:
    """Give a locked site to one technician or take it away, whoever else works there; what is to be audited."""
    if TechnicianAssignment.objects.filter(site=site, membership=person).exists() == is_wanted:
        return None
    if is_wanted:
        TechnicianAssignment.objects.create(**keys_of(site), membership=person, created_at=now)
    else:
        TechnicianAssignment.objects.filter(site=site, membership=person).delete()
    _record_change(site)
    here, gone = {"technicians": [person.pk]}, {"technicians": list[int]()}
    before, after = (gone, here) if is_wanted else (here, gone)
    return audit.event(actor, TECHNICIANS_SET, site, now=now, tenant=site, site_id=site.pk, before=before, after=after)


def candidates(installer_id: int, *, kind: str) -> QuerySet[Membership]:
    """People who may be ticked for a site of this installer, also before they have joined: its managers' people, or its own technicians."""
    people = Membership.objects.choosable()
    if kind == Kind.MANAGER:
        return people.filter(organization__kind=Kind.MANAGER, organization__parent_id=installer_id)
    return people.filter(organization_id=installer_id, is_technician=True)


def _own_members(
    installer_id: int, wanted: Mapping[int, bool], *, kind: str, already: Collection[int] = ()
) -> list[int]:
    """Refuse people who are neither the installer's to choose nor there `already`: who is deactivated keeps its sites."""
    asked = set(wanted) - set(already)
    known = (
        set(candidates(installer_id, kind=kind).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
    )
    if unknown := asked - known:
        raise Refused(
            _("%(n)s of the chosen people are not yours to choose. Nothing was changed.") % {"n": len(unknown)}
        )
    return sorted(wanted)


def _is_paid(row: ManagerAssignment, now: datetime) -> bool:
    return Entitlement.objects.filter(target=row.target_id).in_force(now).exists()
