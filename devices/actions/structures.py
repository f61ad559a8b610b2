"""A new community with everything in it, and a new building with its apartments; each is one transaction and is written in sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from accounts.scope import Actor, Role
from communities.actions import buildings, drafts
from communities.actions.buildings import NewBuilding, Place
from communities.actions.entitlements import sync_site
from communities.actions.sites import begin_community, lock_site, may_configure
from communities.models import Apartment, Building, Site
from devices.actions.checks import MonitorEntry
from devices.actions.many import check_many, register_many
from devices.actions.registration import lock_entries
from devices.errors import MonitorsMissing

FEW = 500  # apartments; of more the whole site's entitlements are compared with its configuration


@dataclass(frozen=True, slots=True)
class NewSite:
    """A community to create. `monitors` are by the place of their apartment; with `may_wait` apartments that require a monitor and have
    none there wait for it (R17). `language` is that of the family masters."""

    basics: Mapping[str, str]
    free_members: int
    switches: Mapping[str, bool]
    options: Mapping[str, Any]
    buildings: Sequence[NewBuilding] = ()
    monitors: Mapping[Place, MonitorEntry] = field(default_factory=dict)
    may_wait: bool = False
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Problems:
    """What `create_site` would refuse of a structure and its monitors, all at once. `lacking` are apartments that require a monitor, have
    none, and may not wait."""

    structure: Mapping[tuple[int, int | None], Refused]
    monitors: Mapping[Place, Refused]
    lacking: Sequence[Place]
    too_many: Refused | None = None

    @property
    def count(self) -> int:
        """How many things are wrong; all lacking monitors together are one."""
        return len(self.structure) + len(self.monitors) + bool(self.lacking) + (self.too_many is not None)


def problems_of(
    actor: Actor,
    site: Site,
    new: Sequence[NewBuilding],
    monitors: Mapping[Place, MonitorEntry],
    *,
    labels: Mapping[Place, str],
    requiring: Collection[Place],
    may_wait: bool,
) -> Problems:
    """Look over what shall be created at a site that is not saved yet; four statements, nothing is locked. `requiring` are the apartments
    that require a monitor."""
    checked = check_many(actor, site=site, entries=monitors, labels=labels)
    lacking = [] if may_wait else sorted(set(requiring) - set(monitors))
    count = sum(len(building.apartments) for building in new)
    return Problems(
        buildings.structure_errors(new, country=site.country), checked.errors, lacking, buildings.too_many(count)
    )


@transaction.atomic
def create_site(actor: Actor, *, draft_id: int, version: int, new: NewSite, now: datetime) -> Site:
    """Create the community of a draft with its buildings, apartments, family masters and monitors, or nothing at all; the draft is deleted.

    Installers only. Raises Conflict where the draft has another version, then what `create_community` refuses, StructureRefused with
    all that is wrong with buildings and apartments, MonitorsMissing (R17, R18), and PlacesRefused with the refusal of each wrong
    monitor (R69). Locks: draft → MACs of the library → the installer.
    """
    if actor.role is not Role.INSTALLER:
        raise NotPermitted
    draft = drafts.lock_draft(actor, draft_id)
    if draft.version != version:
        raise Conflict
    lock_entries(Site(distributor_id=draft.distributor_id), texts=[entry.mac for entry in new.monitors.values()])
    site, told = begin_community(
        actor, basics=new.basics, free_members=new.free_members, switches=new.switches, options=new.options, now=now
    )
    buildings.refuse_structure(new.buildings, country=site.country)
    _build(actor, site, new, told, now=now)
    sync_site(site)
    draft.delete()
    return site


@transaction.atomic
def add_building(
    actor: Actor,
    *,
    site_id: int,
    building: NewBuilding,
    monitors: Mapping[int, MonitorEntry] | None = None,
    may_wait: bool = True,
    now: datetime,
) -> Building:
    """Add a building with its apartments, which inherit the community's switches (R23). Of apartments that require a monitor those without
    one in `monitors` wait for it (R17), or are refused without `may_wait`. Refuses as `create_site`; locks site → MACs of the library."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    lock_entries(site, texts=[entry.mac for entry in (monitors or {}).values()])
    taken = Building.objects.filter(site=site).values_list("name_key", flat=True)
    buildings.refuse_structure([building], taken=set(taken), country=site.country)
    new = NewSite({}, 0, {}, {}, [building], {(0, at): entry for at, entry in (monitors or {}).items()}, may_wait)
    made = _build(actor, site, new, None, now=now)
    ids = [row.pk for row in made.values()]
    if ids:
        sync_site(site, apartment_ids=ids if len(ids) <= FEW else None)
    return Building.objects.filter(site=site).latest("pk")


def _build(actor: Actor, site: Site, new: NewSite, told: AuditEvent | None, *, now: datetime) -> dict[Place, Apartment]:
    """Buildings, apartments and monitors. Refuses apartments that require a monitor and neither have one nor may wait."""
    community = site.switches
    lacking = [
        (at, place)
        for at, building in enumerate(new.buildings)
        for place, row in enumerate(building.apartments)
        if (at, place) not in new.monitors and row.switched(community)["indoor_monitor"]
    ]
    if lacking and not new.may_wait:
        raise MonitorsMissing(lacking)
    made, batch = buildings.build(
        actor, site, new.buildings, with_monitor=new.monitors.keys(), batch=told, language=new.language, now=now
    )
    if new.monitors:
        register_many(actor, site=site, apartments=made, entries=new.monitors, batch=batch, now=now)
    return made
