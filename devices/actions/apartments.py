"""Creating and changing apartments together with their indoor monitors, the only way to create one that requires a monitor (R18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import NotPermitted
from accounts.scope import Actor
from communities.actions import apartments
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment
from devices.actions.checks import MonitorEntry
from devices.actions.registration import has_monitor, register_monitors
from devices.errors import MonitorRequired


@transaction.atomic
def add_apartment(
    actor: Actor,
    *,
    building_id: int,
    floor: str,
    number: str,
    name: str = "",
    switches: Mapping[str, bool] | None = None,
    monitors: Sequence[MonitorEntry] = (),
    now: datetime,
) -> Apartment:
    """Add an apartment with its indoor monitors, or nothing at all (R18, R20, R23).

    `switches` that are not given are inherited. Refuses what `create_apartment` refuses, then MonitorRequired when With Indoor Monitor is
    on and no row was given, TooManyDevices (R76), and MonitorRowsRefused with the error of every wrong row.
    """
    apartment = apartments.create_apartment(
        actor,
        building_id=building_id,
        floor=floor,
        number=number,
        name=name,
        switches=switches,
        monitor_pending=False,
        now=now,
    )
    if apartment.indoor_monitor and not monitors:
        raise MonitorRequired
    if monitors:
        register_monitors(actor, site=apartment.site, apartment=apartment, entries=monitors, now=now)
    return apartment


@transaction.atomic
def edit_apartment(
    actor: Actor,
    *,
    apartment_id: int,
    version: int,
    floor: str,
    number: str,
    name: str,
    switches: Mapping[str, bool],
    monitors: Sequence[MonitorEntry] = (),
    now: datetime,
) -> Apartment:
    """Change an apartment and its three switches, and add `monitors` (R14, R17, R20, R21).

    Switching With Indoor Monitor on needs a monitor there or in `monitors`; switching it off deletes no device.
    """
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, Apartment.objects.visible_to(actor).get(pk=apartment_id).site_id)
    before = Apartment.objects.get(pk=apartment_id)
    is_there = bool(monitors) or has_monitor(before)
    apartment = apartments.change_apartment(
        actor,
        apartment_id=apartment_id,
        version=version,
        floor=floor,
        number=number,
        name=name,
        switches=switches,
        has_monitor=is_there,
        now=now,
    )
    if apartment.indoor_monitor and not before.indoor_monitor and not is_there:
        raise MonitorRequired(
            _("This apartment has no indoor monitor yet: enter the MAC address and the name of one to switch this on.")
        )
    if monitors:
        register_monitors(actor, site=site, apartment=apartment, entries=monitors, now=now)
    return apartment
