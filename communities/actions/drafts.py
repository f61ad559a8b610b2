"""Drafts of sites: begun, saved at each step, copied from a site, deleted. No draft is billed or audited; the site made of one is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import Actor, Role
from accounts.typed.keys import identity_key
from accounts.typed.text import sought
from communities import catalogue, drafts, structure
from communities.actions.sites import BASICS, OPTIONS
from communities.models import Apartment, Building, Kind, Site, SiteDraft, Step

LONGEST_NAME = 64


def may_create_sites(actor: Actor) -> bool:
    """Whether the actor creates sites: the installer's people, without its technicians (S1)."""
    return actor.role is Role.INSTALLER


def lock_draft(actor: Actor, draft_id: int) -> SiteDraft:
    """The draft, if the actor sees it, locked until the transaction ends."""
    return SiteDraft.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=draft_id)


@transaction.atomic
def start_draft(actor: Actor, *, parts: Mapping[str, Any], step: str = Step.BASICS, now: datetime) -> SiteDraft:
    """Begin a draft with these parts (`communities.drafts`). Installers only."""
    if not may_create_sites(actor):
        raise NotPermitted(_("Sites are created by the installer."))
    installer = Organization.objects.visible_to(actor).get(pk=actor.organization_id)
    assert installer.distributor_id is not None  # every installer belongs to a distributor
    draft = SiteDraft(
        installer=installer, distributor_id=installer.distributor_id, subdistributor_id=installer.subdistributor_id,
        created_by_id=actor.user_id, created_at=now,
    )  # fmt: skip
    _write(draft, parts, step, now)
    draft.save()
    return draft


@transaction.atomic
def save_draft(
    actor: Actor,
    *,
    draft_id: int,
    parts: Mapping[str, Any],
    step: str,
    apartments: int | None = None,
    form: str = "",
    in_passing: bool = False,
    now: datetime,
) -> SiteDraft:
    """Save these parts of a draft, and the step at which it goes on; other parts stay. `apartments` is their number now, None where it did
    not change. `form` tells the form of a page: what a page saves `in_passing`, while it is filled in, changes nothing once its form was
    sent. The last of two people who save the same part wins. Locks the draft."""
    if not may_create_sites(actor):
        raise NotPermitted
    draft = lock_draft(actor, draft_id)
    if in_passing and form and draft.data.get("closed") == form:
        return draft
    _write(draft, parts if in_passing else {**parts, "closed": form}, step, now)
    if apartments is not None:
        draft.apartments = min(apartments, 2**31 - 1)
    draft.version += 1
    draft.save()
    return draft


def _write(draft: SiteDraft, parts: Mapping[str, Any], step: str, now: datetime) -> None:
    if step not in Step.values:
        raise Refused(_("This is no step."))
    draft.data = drafts.merged(draft.data, parts)
    draft.name = sought(str(draft.data["basics"].get("name", "")), most=LONGEST_NAME)
    draft.step, draft.updated_at = step, now


@transaction.atomic
def delete_draft(actor: Actor, *, draft_id: int, now: datetime) -> None:
    """Delete a draft. Locks it."""
    if not may_create_sites(actor):
        raise NotPermitted
    lock_draft(actor, draft_id).delete()


@transaction.atomic
def copy_site(actor: Actor, *, site_id: int, now: datetime) -> SiteDraft:
    """Begin a draft with the services and the structure of a community: buildings, floors, numbers, and the switches of apartments that
    differ from the community's. Neither people nor devices nor paid time come along. Installers only; three statements read the site."""
    if not may_create_sites(actor):
        raise NotPermitted(_("Sites are created by the installer."))
    site = Site.objects.visible_to(actor).get(pk=site_id)
    if site.kind != Kind.COMMUNITY:
        raise Refused(_("Only communities can be copied."))
    rows, count = _buildings_of(site)
    parts = {
        "basics": {**{name: getattr(site, name) for name in BASICS}, "name": "", "free_members": site.free_members},
        "buildings": rows,
        "services": {
            **{code: "on" for code, on in site.switches.items() if on},
            **{name: getattr(site, name) for name in OPTIONS},
        },
        "source": site.name,
    }
    draft = start_draft(actor, parts=parts, now=now)
    draft.apartments = count
    draft.save(update_fields=["apartments"])
    return draft


def _buildings_of(site: Site) -> tuple[list[dict[str, Any]], int]:
    """The buildings of a site as rows of a draft, and the number of their apartments."""
    here = Apartment.objects.filter(site=site).order_by("floor_order", "number_order", "pk")
    by_building: dict[int, list[tuple[Any, ...]]] = {}
    for building, *values in here.values_list("building_id", "floor", "number", *catalogue.APARTMENT_SWITCHES):
        by_building.setdefault(building, []).append(tuple(values))
    community, found = site.switches, list[dict[str, Any]]()
    for at, (pk, name) in enumerate(Building.objects.filter(site=site).values_list("pk", "name"), start=1):
        units = by_building.get(pk, [])
        differing = {
            identity_key(number): differs
            for _floor, number, *switches in units
            if (differs := _differing(switches, community))
        }
        typed = structure.as_list(structure.Unit(floor, number) for floor, number, *_switches in units)
        found.append({"id": f"b{at}", "name": name, "mode": "list", "pasted": typed, "switches": differing})
    return found, sum(map(len, by_building.values()))


def _differing(switches: list[bool], community: Mapping[str, bool]) -> dict[str, bool]:
    pairs = zip(catalogue.APARTMENT_SWITCHES, switches, strict=True)
    return {code: on for code, on in pairs if on != community[code]}
