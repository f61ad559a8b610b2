"""Commercial sites: doors, accounts and services of the whole site, paid with credits or with money by the day of creation (R37)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.scope import Actor
from communities import catalogue
from communities.actions.entitlements import sync_rest
from communities.actions.sites import begin_site, edit_site
from communities.models import Kind, Site

NO_OPTIONS: dict[str, Any] = {
    "camera_residents": True, "camera_administrators": True, "retention_days": catalogue.DEFAULT_RETENTION_DAYS,
}  # fmt: skip


@transaction.atomic
def create_commercial(
    actor: Actor, *, basics: Mapping[str, str], elevator_control: bool, time_attendance: bool, now: datetime
) -> Site:
    """Create a commercial site. Its payment mode follows from the day and is never changed (R37). Refuses what `create_community` refuses."""
    site, _told = begin_site(
        actor, Kind.COMMERCIAL, basics=basics, free_members=0, switches=_switches(elevator_control),
        options={**NO_OPTIONS, "attendance_plan": time_attendance}, now=now,
    )  # fmt: skip
    sync_rest(site)
    return site


def edit_commercial(
    actor: Actor,
    *,
    site_id: int,
    version: int,
    basics: Mapping[str, str],
    elevator_control: bool,
    time_attendance: bool,
    now: datetime,
) -> Site:
    """Change facts and services of a commercial site; entitlements follow. Refuses what `edit_site` refuses."""
    return edit_site(
        actor, site_id=site_id, version=version, basics=basics, free_members=None, switches=_switches(elevator_control),
        options={**NO_OPTIONS, "attendance_plan": time_attendance}, now=now,
    )  # fmt: skip


def _switches(elevator_control: bool) -> dict[str, bool]:
    return {**dict.fromkeys(catalogue.SWITCHES, False), "elevator_control": elevator_control}
