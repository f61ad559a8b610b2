"""Applying the changes of a sheet: many cells and new apartments of a community, all or none, as one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed import text
from communities.actions import apartment_rows
from communities.actions.apartment_rows import Master
from communities.actions.apartments import APARTMENT_CHANGED, AUDITED
from communities.actions.residents import may_edit_residents
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, ServiceChange, Site, keys_of
from devices import audit_sentences
from devices.actions import switching
from devices.actions.many import register_many
from devices.actions.sheet_run import Edit, Key, New, SheetRun, dry_run_of_sheet, values_of
from devices.actions.switching import Switched
from devices.errors import PlacesRefused, SheetOutdated, SheetRefused

SHEET_APPLIED = audit.Word(
    "site.sheet_changed",
    gettext_lazy("Sheet changed"),
    area=audit.Area.SERVICES,
    saves=True,
    tells=audit_sentences.sheet_applied,
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: the cells that changed, the apartments that were added, and the change of switches that can be taken back, if there is
    one."""

    count: int
    created: list[Apartment] = field(default_factory=list)
    change: ServiceChange | None = None


@transaction.atomic
def apply_sheet(
    actor: Actor,
    *,
    site_id: int,
    edits: Mapping[int, Edit],
    new: Mapping[str, New],
    language: str = "en",
    now: datetime,
) -> Applied:
    """Apply what was typed into a sheet to exactly the apartments that the page showed, all of it or nothing (R14, R16–R23).

    Raises SheetOutdated with the apartments that somebody changed since, SheetRefused with the refusal of each wrong cell, and Refused
    where nothing changes. Who edits residents and does not configure the site changes family masters alone. New apartments are created
    together with their monitors (R18). `language` is that of new family masters. Locks: site → apartments → family masters → MACs of the
    library → entitlements, each in the order of ids.
    """
    if not may_edit_residents(actor) or not (may_configure(actor) or _is_of_people(edits, new)):
        raise NotPermitted
    site = lock_site(actor, site_id)
    run = dry_run_of_sheet(actor, site, edits, new, lock=True)
    if run.outdated:
        raise SheetOutdated(run.outdated)
    if run.errors:
        raise SheetRefused(run.errors)
    if not run.count:
        raise Refused(_("Nothing is changed."))
    count = run.count
    whole = audit.record(
        actor, SHEET_APPLIED, site, now=now, tenant=site, site_id=site.pk,
        after={"count": len(run.changed), "added": len(new)},
    )  # fmt: skip
    change = _switch(actor, site, run, now=now)
    events = _events_of(actor, site, run, whole, now=now)
    rows = [home.apartment for home in run.homes.values()]
    apartment_rows.renumber(site, rows, run.renumbered)
    created = _create(actor, site, run, whole, events, language=language, now=now)
    _register(actor, site, run, created, whole, now=now)
    audit.record_all(events)
    switching.follow(site, [*run.changed, *(row.pk for row in created.values())])
    return Applied(count, list(created.values()), change)


def _is_of_people(edits: Mapping[int, Edit], new: Mapping[str, New]) -> bool:
    """Whether nothing but family masters is changed."""
    return not new and not any(edit.number is not None or edit.switches or edit.monitor for edit in edits.values())


def _switch(actor: Actor, site: Site, run: SheetRun, *, now: datetime) -> ServiceChange | None:
    """Write the switches as a change of their own, which can be taken back; without one, whether apartments with a new monitor wait."""
    switched = run.switched
    settled = [
        pk
        for pk, edit in run.edits.items()
        if edit.monitor and run.homes[pk].apartment.monitor_pending and pk not in set(switched)
    ]
    if settled:
        Apartment.objects.filter(pk__in=settled).update(monitor_pending=False)
    if not switched:
        return None
    change = ServiceChange.objects.create(
        **keys_of(site), created_by_id=actor.user_id, created_at=now, count=len(switched), looked_at=len(switched)
    )
    switching.write(change, [Switched(pk, run.homes[pk].values, run.after(pk)) for pk in switched])
    return change


def _events_of(actor: Actor, site: Site, run: SheetRun, whole: AuditEvent, *, now: datetime) -> list[AuditEvent]:
    """A row of the audit for each apartment whose facts or switches change (R9)."""
    numbers = run.renumbered
    events = []
    for pk in sorted({*run.switched, *numbers}):
        apartment = run.homes[pk].apartment
        before = audit.fields_of(apartment, AUDITED)
        after = {**before, **run.after(pk), "number": numbers.get(pk, apartment.number)}
        events.append(
            audit.event(
                actor, APARTMENT_CHANGED, apartment, now=now, tenant=site, site_id=site.pk, batch=whole, before=before, after=after
            )
        )  # fmt: skip
    return events


def _create(
    actor: Actor,
    site: Site,
    run: SheetRun,
    whole: AuditEvent,
    events: list[AuditEvent],
    *,
    language: str,
    now: datetime,
) -> dict[str, Apartment]:
    """Add the new apartments, and write all family masters."""
    places = [(run.buildings[row.building_id], text.line(row.floor), text.line(row.number)) for row in run.new.values()]
    made, told = apartment_rows.add_apartments(actor, site, places, batch=whole, now=now) if places else ([], [])
    created = dict(zip(run.new, made, strict=True))
    masters = [
        Master(run.homes[pk].apartment, values_of(site, person, run.homes[pk].master), run.homes[pk].master)
        for pk, person in run.masters.items()
    ]
    masters += [
        Master(created[key], values_of(site, row.master, None))
        for key, row in run.new.items()
        if not row.master.is_blank
    ]
    events += [*told, *apartment_rows.set_masters(actor, site, masters, language=language, batch=whole, now=now)]
    return created


def _register(
    actor: Actor, site: Site, run: SheetRun, created: Mapping[str, Apartment], whole: AuditEvent, *, now: datetime
) -> None:
    """Register the monitors, or refuse each wrong one at its cell."""
    entries = run.monitors
    if not entries:
        return
    apartments: dict[Key, Apartment] = {pk: home.apartment for pk, home in run.homes.items()}
    try:
        register_many(actor, site=site, apartments={**apartments, **created}, entries=entries, batch=whole, now=now)
    except PlacesRefused as refusal:
        errors = {
            (key, "monitor_name" if error.field == "name" else "mac"): error for key, error in refusal.errors.items()
        }
        raise SheetRefused(errors) from None
