"""Assigning managers and technicians to sites."""

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
    """Assign exactly these property managers to the site; the value of each says whether it gets the PM App (DOMAIN §1, R13).

    `version` is the site's version that the form showed; Conflict if the site or its people changed since. None if the caller read the site
    in this transaction. Managers who are left out lose the site at once (R3); paid time stays on the ended assignment. Refuses to untick an
    active PM App of a manager who stays, since it was paid for.
    """
    if actor.role not in {Role.INSTALLER, Role.SYSTEM}:
        raise NotPermitted(_("Managers are chosen by the installer."))
    site = lock_site(actor, site_id)
    _refuse_stale(site, version)
    rows = ManagerAssignment.objects.filter(site=site, membership__isnull=False).order_by("pk")
    current = {row.membership_id: row for row in rows.select_for_update(no_key=True) if row.membership_id}
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
    """Assign exactly these technicians of the installer to the site; `version` as in `set_managers`."""
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
    """Set managers and technicians of a site in one transaction; `version` as in `set_managers`."""
    set_managers(actor, site_id=site_id, version=version, pm_app_by_membership=pm_app_by_membership, now=now)
    # The site is locked since `set_managers`
    set_technicians(actor, site_id=site_id, membership_ids=technician_ids, now=now)
    return Site.objects.visible_to(actor).get(pk=site_id)


def sites_of(actor: Actor, membership: Membership) -> set[int] | None:
    """The sites that this manager or technician is assigned to, among those the actor sees. None where nothing can be chosen: only an
    installer assigns people, and only managers and technicians are assigned."""
    works = membership.is_technician or membership.organization.kind == Kind.MANAGER
    if actor.role is not Role.INSTALLER or not works or not membership.is_active:
        return None
    rows = (
        TechnicianAssignment.objects.visible_to(actor)
        if membership.is_technician
        else ManagerAssignment.objects.visible_to(actor).filter(ended_at=None)
    )
    return set(rows.filter(membership=membership).values_list("site_id", flat=True))


def chosen_sites_of(actor: Actor, membership: Membership) -> set[int]:
    """As `sites_of`; refuses a person for whom nothing can be chosen."""
    if (found := sites_of(actor, membership)) is None:
        raise NotPermitted(_("This person has no sites to choose."))
    return found


@transaction.atomic
def set_sites_of(
    actor: Actor,
    *,
    membership_id: int,
    site_ids: Collection[int],
    now: datetime,
    seen_ids: Collection[int] | None = None,
) -> Membership:
    """Assign a property manager or a technician to exactly these sites of the installer; sites of other installers stay.

    `seen_ids` are the sites that the form showed as assigned; Conflict if they changed since. The rules are those of `set_managers`: sites
    that are not named are lost at once (R3), and paid time stays on the ended assignment. PM Apps stay as they are; a new site begins
    without one. Locks the sites in the order of their ids. Audited at each site; for several sites as a batch of the person.
    """
    if actor.role not in {Role.INSTALLER, Role.SYSTEM}:
        raise NotPermitted(_("Managers and technicians are chosen by the installer."))
    person = Membership.objects.visible_to(actor).select_related("organization", "user").get(pk=membership_id)
    kind = person.organization.kind
    installer_id = person.organization.installer_id if kind == Kind.MANAGER else person.organization_id
    assert installer_id is not None  # managers belong to a firm below an installer
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
    if seen_ids is not None and _sites_of(rows, person) != set(seen_ids):  # read again, now that the sites are locked
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
    """Increase the site's version, so that a form that shows older people raises Conflict. The caller holds the site's lock."""
    site.version += 1
    site.save(update_fields=["version"])


def _set_manager(actor: Actor, site: Site, person: Membership, *, is_wanted: bool, now: datetime) -> AuditEvent | None:
    """Assign one manager to a locked site or remove it; other managers stay. Returns the events to audit."""
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
    """Assign one technician to a locked site or remove it; others stay. Returns the events to audit."""
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
    """People who may be assigned to sites of this installer, also before they have joined: people of its managers' firms, or its
    technicians."""
    people = Membership.objects.choosable()
    if kind == Kind.MANAGER:
        return people.filter(organization__kind=Kind.MANAGER, organization__parent_id=installer_id)
    return people.filter(organization_id=installer_id, is_technician=True)


def _own_members(
    installer_id: int, wanted: Mapping[int, bool], *, kind: str, already: Collection[int] = ()
) -> list[int]:
    """Refuse people whom the installer may not assign, unless they are assigned `already`: a deactivated person keeps its sites."""
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
