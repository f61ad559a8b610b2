"""Archiving apartments, buildings and sites instead of deleting them, restoring them, and deleting what never held anything (R78).

What is archived is billed for nothing, stands in no list, and keeps its paid time, its people and its monitors. What is archived together has
the same `archived_at`, and is restored together.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.deletion import ProtectedError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import Actor, Role
from communities import catalogue
from communities.actions.entitlements import stop_billing, sync_site
from communities.actions.site_rules import refuse_no_community
from communities.actions.sites import lock_site, may_configure
from communities.errors import NameTaken
from communities.models import (
    Apartment,
    Building,
    Entitlement,
    Equipment,
    ManagerAssignment,
    Resident,
    Site,
    Target,
    TechnicianAssignment,
)

APARTMENT_ARCHIVED = audit.Word(
    "apartment.archived", gettext_lazy("Apartment archived"), gettext_lazy("%(what)s archived"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
APARTMENT_RESTORED = audit.Word(
    "apartment.restored", gettext_lazy("Apartment restored"), gettext_lazy("%(what)s restored"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
APARTMENT_DELETED = audit.Word(
    "apartment.deleted", gettext_lazy("Apartment deleted"), gettext_lazy("%(what)s deleted"), area=audit.Area.SERVICES
)  # fmt: skip
BUILDING_ARCHIVED = audit.Word(
    "building.archived", gettext_lazy("Building archived"), gettext_lazy("%(what)s archived"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
BUILDING_RESTORED = audit.Word(
    "building.restored", gettext_lazy("Building restored"), gettext_lazy("%(what)s restored"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
BUILDING_DELETED = audit.Word(
    "building.deleted", gettext_lazy("Building deleted"), gettext_lazy("%(what)s deleted"), area=audit.Area.SERVICES
)  # fmt: skip
SITE_ARCHIVED = audit.Word(
    "site.archived", gettext_lazy("Site archived"), gettext_lazy("%(what)s archived"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
SITE_RESTORED = audit.Word(
    "site.restored", gettext_lazy("Site restored"), gettext_lazy("%(what)s restored"), area=audit.Area.SERVICES, saves=True
)  # fmt: skip
SITE_DELETED = audit.Word(
    "site.deleted", gettext_lazy("Site deleted"), gettext_lazy("%(what)s deleted"), area=audit.Area.SERVICES
)  # fmt: skip


# --- archive ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def archive_apartment(actor: Actor, *, apartment_id: int, now: datetime) -> Apartment:
    """Archive an apartment: nothing of it is billed or renewed any more, and what is paid stays paid (R78). Refused while an open order holds
    an item of it. Locks: site → apartment → entitlements."""
    if not may_configure(actor):
        raise NotPermitted
    site, home = _lock_home(actor, apartment_id)
    if home.archived_at is None:
        billed = [home.target_id, *_pieces(Q(apartment=home))]
        _refuse_reserved(_of_homes(billed), home)
        Apartment.every.filter(pk=home.pk).update(archived_at=now, version=F("version") + 1)
        stop_billing(site, billed)
        audit.record(actor, APARTMENT_ARCHIVED, home, now=now, tenant=site, site_id=site.pk, **_change(None, now))
    return home


@transaction.atomic
def archive_building(actor: Actor, *, building_id: int, now: datetime) -> Building:
    """Archive a building with its apartments. Refused while an open order holds an item of one of them. Locks: site → building → apartments →
    entitlements, in the order of ids."""
    if not may_configure(actor):
        raise NotPermitted
    site, building = _lock_building(actor, building_id)
    if building.archived_at is None:
        homes = _locked(Apartment.objects.filter(building=building))
        billed = [*homes.values(), *_pieces(Q(building=building) | Q(apartment__building=building))]
        _refuse_reserved(_of_homes(billed), building)
        Building.every.filter(pk=building.pk).update(archived_at=now, version=F("version") + 1)
        Apartment.every.filter(pk__in=homes).update(archived_at=now, version=F("version") + 1)
        stop_billing(site, billed)
        told = _change(None, now, len(homes))
        audit.record(actor, BUILDING_ARCHIVED, building, now=now, tenant=site, site_id=site.pk, **told)
    return building


@transaction.atomic
def archive_site(actor: Actor, *, site_id: int, now: datetime) -> Site:
    """Archive a site with all of its buildings and apartments. Installers only. Refused while an open order holds an item of it. Locks: site →
    apartments → entitlements, in the order of ids."""
    _refuse_others(actor)
    site = lock_site(actor, site_id)
    homes = _locked(Apartment.objects.filter(site=site))
    _refuse_reserved(Q(site=site), site)
    Building.objects.filter(site=site).update(archived_at=now, version=F("version") + 1)
    Apartment.every.filter(pk__in=homes).update(archived_at=now, version=F("version") + 1)
    site.archived_at, site.version = now, site.version + 1
    site.save(update_fields=["archived_at", "version"])
    stop_billing(site, None)
    told = _change(None, now, len(homes))
    audit.record(actor, SITE_ARCHIVED, site, now=now, tenant=site, site_id=site.pk, **told)
    return site


# --- restore ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def restore_apartment(actor: Actor, *, apartment_id: int, now: datetime) -> Apartment:
    """Restore an apartment; its paid time works again as far as it has not run out. Refused while its building is archived, and where the
    building has another apartment of its number (R77). A service that the community has off meanwhile is off in it too (R22)."""
    if not may_configure(actor):
        raise NotPermitted
    site, home = _lock_home(actor, apartment_id)
    if home.archived_at is None:
        return home
    if home.building.archived_at is not None:
        raise Refused(_("%(building)s is archived. Restore it first.") % {"building": home.building.name})
    if Apartment.objects.filter(building=home.building_id, number_key=home.number_key).exists():
        raise NameTaken(
            _("%(building)s has another apartment %(number)s now. Renumber that one first.")
            % {"building": home.building.name, "number": home.number}
        )
    _bring_back(site, Apartment.every.filter(pk=home.pk))
    sync_site(site)  # with the equipment that stands there
    told = _change(home.archived_at, None)
    audit.record(actor, APARTMENT_RESTORED, home, now=now, tenant=site, site_id=site.pk, **told)
    return home


@transaction.atomic
def restore_building(actor: Actor, *, building_id: int, now: datetime) -> Building:
    """Restore a building and the apartments that were archived with it. Refused where the community has another building of its name (R77)."""
    if not may_configure(actor):
        raise NotPermitted
    site, building = _lock_building(actor, building_id)
    if building.archived_at is None:
        return building
    if Building.objects.filter(site=site, name_key=building.name_key).exists():
        raise NameTaken(
            _("%(site)s has another building called “%(name)s” now. Rename that one first.")
            % {"site": site.name, "name": building.name}
        )
    homes = _locked(Apartment.every.filter(building=building, archived_at=building.archived_at))
    Building.every.filter(pk=building.pk).update(archived_at=None, version=F("version") + 1)
    _bring_back(site, Apartment.every.filter(pk__in=homes))
    sync_site(site)
    told = _change(building.archived_at, None, len(homes))
    audit.record(actor, BUILDING_RESTORED, building, now=now, tenant=site, site_id=site.pk, **told)
    return building


@transaction.atomic
def restore_site(actor: Actor, *, site_id: int, now: datetime) -> Site:
    """Restore a site and what was archived with it. Installers only. Refused where the installer has another site of its name (R77)."""
    _refuse_others(actor)
    site = Site.every.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=site_id)
    if site.archived_at is None:
        return site
    if Site.objects.filter(installer=site.installer_id, name_key=site.name_key).exists():
        raise NameTaken(_("You have another site called “%(name)s” now. Rename that one first.") % {"name": site.name})
    since = {"site": site, "archived_at": site.archived_at}
    was = site.archived_at
    homes = _locked(Apartment.every.filter(**since))
    Building.every.filter(**since).update(archived_at=None, version=F("version") + 1)
    site.archived_at, site.version = None, site.version + 1
    site.save(update_fields=["archived_at", "version"])
    _bring_back(site, Apartment.every.filter(pk__in=homes))
    sync_site(site)
    told = _change(was, None, len(homes))
    audit.record(actor, SITE_RESTORED, site, now=now, tenant=site, site_id=site.pk, **told)
    return site


def _bring_back(site: Site, homes: QuerySet[Apartment]) -> None:
    """Restore apartments that the caller holds."""
    off = {code: False for code in catalogue.CEILING_SWITCHES if not getattr(site, code)}
    homes.update(archived_at=None, version=F("version") + 1, **off)


# --- delete -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def delete_apartment(actor: Actor, *, apartment_id: int, now: datetime) -> None:
    """Delete an apartment that never held paid time, an order, a resident or a device. Refuses any other: that is archived."""
    if not may_configure(actor):
        raise NotPermitted
    site, home = _lock_home(actor, apartment_id)
    if Resident.objects.filter(apartment=home).exists():
        raise Refused(_("Somebody lives in %(what)s. Archive it instead.") % {"what": home})
    audit.record(actor, APARTMENT_DELETED, home, now=now, tenant=site, site_id=site.pk)
    _delete(home, _of_homes([home.target_id]), lambda: _delete_home(home))


@transaction.atomic
def delete_building(actor: Actor, *, building_id: int, now: datetime) -> None:
    """Delete a building that has no apartment, not even an archived one, and no device."""
    if not may_configure(actor):
        raise NotPermitted
    site, building = _lock_building(actor, building_id)
    if Apartment.every.filter(building=building).exists():
        raise Refused(_("%(what)s has apartments, perhaps archived ones. Archive it instead.") % {"what": building})
    audit.record(actor, BUILDING_DELETED, building, now=now, tenant=site, site_id=site.pk)
    _delete(building, Q(pk=None), building.delete)


@transaction.atomic
def delete_site(actor: Actor, *, site_id: int, now: datetime) -> None:
    """Delete a site that has no building, not even an archived one, and never held paid time or an order. Installers only."""
    _refuse_others(actor)
    site = Site.every.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=site_id)
    if Building.every.filter(site=site).exists():
        raise Refused(_("%(what)s has buildings, perhaps archived ones. Archive it instead.") % {"what": site})
    audit.record(actor, SITE_DELETED, site, now=now, tenant=site, site_id=site.pk)
    _delete(site, Q(site=site), lambda: _delete_whole(site))


def _delete(what: Site | Building | Apartment, items: Q, remove: Callable[[], object]) -> None:
    """Delete it with its unpaid items. Refuses what was paid once, and what an order, a request, a change or a device names."""
    found = Entitlement.objects.filter(items)
    if found.exclude(expires_at=None).exists():
        raise Refused(_("%(what)s has held paid time. Archive it instead.") % {"what": what})
    try:
        found.delete()
        remove()
    except ProtectedError:
        raise Refused(
            _("Orders, requests, changes or devices name %(what)s. Archive it instead.") % {"what": what}
        ) from None


def _delete_home(home: Apartment) -> None:
    target = home.target_id
    home.delete()
    Target.objects.filter(parent=target).delete()
    Target.objects.filter(pk=target).delete()


def _delete_whole(site: Site) -> None:
    TechnicianAssignment.objects.filter(site=site).delete()
    ManagerAssignment.objects.filter(site=site).delete()
    Target.objects.filter(site=site).exclude(parent=None).delete()
    Target.objects.filter(site=site).delete()
    site.delete()


# --- shared -------------------------------------------------------------------------------------------------------------


def _change(
    before: datetime | None, after: datetime | None, apartments: int | None = None
) -> dict[str, dict[str, object]]:
    """What the audit says of an archive: since when, before and after, and of how many apartments."""
    values: list[dict[str, object]] = [{"archived_at": at.isoformat() if at else None} for at in (before, after)]
    counted = {} if apartments is None else {"apartments": apartments}
    return {"before": values[0], "after": values[1] | counted}


def _refuse_others(actor: Actor) -> None:
    if actor.role not in {Role.INSTALLER, Role.SYSTEM}:
        raise NotPermitted(_("The installer archives its sites."))


def _lock_home(actor: Actor, apartment_id: int) -> tuple[Site, Apartment]:
    site = lock_site(actor, Apartment.every.visible_to(actor).get(pk=apartment_id).site_id)
    refuse_no_community(site)
    locked = Apartment.every.select_for_update(of=("self",), no_key=True).select_related("building")
    return site, locked.get(pk=apartment_id, site=site)


def _lock_building(actor: Actor, building_id: int) -> tuple[Site, Building]:
    site = lock_site(actor, Building.every.visible_to(actor).get(pk=building_id).site_id)
    refuse_no_community(site)
    return site, Building.every.select_for_update(of=("self",), no_key=True).get(pk=building_id, site=site)


def _locked(homes: QuerySet[Apartment]) -> dict[int, int]:
    """The ids of these apartments with their targets, locked in the order of ids."""
    rows = homes.order_by("pk").select_for_update(of=("self",), no_key=True)
    return dict(rows.values_list("pk", "target_id"))


def _pieces(place: Q) -> list[int]:
    """The targets of the equipment of a place."""
    return list(Equipment.objects.filter(place, target__isnull=False).values_list("target_id", flat=True))


def _of_homes(targets: list[int]) -> Q:
    """The items of apartments with their slots, and of equipment."""
    return Q(target__in=targets) | Q(target__parent__in=targets)


def _refuse_reserved(items: Q, what: Site | Building | Apartment) -> None:
    """Refuse while an open order holds one of the items; orders are placed under the lock of the site, so none comes meanwhile."""
    if Entitlement.objects.filter(items, reserved_by__isnull=False).exists():
        raise Refused(
            _("%(what)s is in an open order. Wait until it is paid, or let its payer cancel it.") % {"what": what}
        )
