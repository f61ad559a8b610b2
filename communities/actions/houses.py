"""Single-family houses: one site with one unit, which no page calls an apartment. `devices.actions.houses` calls these with the monitors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts import audit
from accounts.errors import NotPermitted
from accounts.scope import Actor
from communities import catalogue
from communities.actions.apartments import APARTMENT_CHANGED, APARTMENT_CREATED
from communities.actions.apartments import AUDITED as OF_APARTMENT
from communities.actions.entitlements import sync_site
from communities.actions.sites import begin_site, edit_site, may_configure
from communities.actions.targets import made_for, relabel
from communities.models import Apartment, Building, Kind, Site, keys_of


@transaction.atomic
def create_house(
    actor: Actor,
    *,
    basics: Mapping[str, str],
    free_members: int,
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    now: datetime,
) -> Apartment:
    """Create a house with its unit, which has the services of the house (R28). Refuses what `create_community` refuses. The unit stands in
    a building that no page shows, and both are called like the house."""
    site, _told = begin_site(
        actor, Kind.HOUSE, basics=basics, free_members=free_members, switches=switches, options=options, now=now
    )
    building = Building.objects.create(**keys_of(site), name=site.name)
    unit = Apartment(**keys_of(site), building=building, created_at=now, **_own(site))
    made_for([unit])
    unit.save()
    sync_site(site, apartment_ids=[unit.pk])
    after = audit.fields_of(unit, OF_APARTMENT)
    audit.record(actor, APARTMENT_CREATED, unit, now=now, tenant=site, site_id=site.pk, after=after)
    return unit


@transaction.atomic
def change_house(
    actor: Actor,
    *,
    site_id: int,
    version: int,
    basics: Mapping[str, str],
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    has_monitor: bool,
    now: datetime,
) -> Apartment:
    """Change facts and services of a house; its unit follows. `has_monitor` comes from the devices layer, as in `change_apartment`. What is
    switched off at the house is off in its only unit, so nothing has to be confirmed (R22)."""
    if not may_configure(actor):
        raise NotPermitted
    site = edit_site(
        actor, site_id=site_id, version=version, basics=basics, free_members=None, switches=switches, options=options,
        ceiling_confirmed=True, now=now,
    )  # fmt: skip
    unit = Apartment.objects.select_for_update(of=("self",), no_key=True).select_related("building").get(site=site)
    before = audit.fields_of(unit, OF_APARTMENT)
    values = _own(site) | {"monitor_pending": site.indoor_monitor and not has_monitor}
    Apartment.objects.filter(pk=unit.pk).update(**values, version=F("version") + 1)
    if unit.building.name != site.name:
        unit.building.name = site.name
        unit.building.save()
        relabel(site)
    sync_site(site, apartment_ids=[unit.pk])
    unit.refresh_from_db(fields=[*values, "version"])
    if (after := audit.fields_of(unit, OF_APARTMENT)) != before:
        audit.record(actor, APARTMENT_CHANGED, unit, now=now, tenant=site, site_id=site.pk, before=before, after=after)
    return unit


def _own(site: Site) -> dict[str, bool]:
    return {code: getattr(site, code) for code in catalogue.APARTMENT_SWITCHES}
