"""Creating and changing single-family houses together with their indoor monitors (R18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import NotPermitted
from accounts.scope import Actor
from communities.actions import houses
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, Kind, Site
from devices.actions.checks import MonitorEntry
from devices.actions.registration import has_monitor, register_monitors
from devices.errors import MonitorRequired


@transaction.atomic
def add_house(
    actor: Actor,
    *,
    basics: Mapping[str, str],
    free_members: int,
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    monitors: Sequence[MonitorEntry] = (),
    now: datetime,
) -> Apartment:
    """Add a house with its unit and its indoor monitors, or nothing at all (R18, R20, R28). Refuses what `create_house` refuses, then
    MonitorRequired when a monitor is required and no row was given, and MonitorRowsRefused with the error of every wrong row."""
    unit = houses.create_house(
        actor, basics=basics, free_members=free_members, switches=switches, options=options, now=now
    )
    if unit.indoor_monitor and not monitors:
        raise MonitorRequired
    if monitors:
        register_monitors(actor, site=unit.site, apartment=unit, entries=monitors, now=now)
    return unit


@transaction.atomic
def edit_house(
    actor: Actor,
    *,
    site_id: int,
    version: int,
    basics: Mapping[str, str],
    switches: Mapping[str, bool],
    options: Mapping[str, Any],
    monitors: Sequence[MonitorEntry] = (),
    now: datetime,
) -> Site:
    """Change a house, and add `monitors`. Requiring a monitor needs one there or in `monitors`; not requiring it deletes no device (R21)."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    before = Apartment.objects.select_related("building").get(site=site, site__kind=Kind.HOUSE)
    is_there = bool(monitors) or has_monitor(before)
    unit = houses.change_house(
        actor, site_id=site_id, version=version, basics=basics, switches=switches, options=options, has_monitor=is_there, now=now
    )  # fmt: skip
    if unit.indoor_monitor and not before.indoor_monitor and not is_there:
        raise MonitorRequired(
            _("This house has no indoor monitor yet: enter the MAC address and the name of one to switch this on.")
        )
    if monitors:
        register_monitors(actor, site=site, apartment=unit, entries=monitors, now=now)
    return unit.site
