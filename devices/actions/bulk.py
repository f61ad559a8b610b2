"""Setting With Indoor Monitor and Landline for many apartments at once, and taking such a change back (R15–R17, R22)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import Actor
from communities.actions.apartments import APARTMENT_CHANGED, refuse_above_ceiling
from communities.actions.entitlements import sync_site
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, Building, ServiceChange, ServiceChangeRow, Site, keys_of
from devices import audit_sentences, mac
from devices.actions.checks import MonitorEntry
from devices.actions.registration import lock_entries, register_monitors
from devices.bulk import LANDLINE, DryRun, UndoRow, Wanted, dry_run, undo_run
from devices.errors import (
    BulkMonitorsMissing,
    BulkMonitorsRefused,
    DryRunOutdated,
    DuplicateMac,
    MacRefused,
    MonitorRowsRefused,
    TooManyDevices,
)

FEW = 500  # apartments; of more the whole site's entitlements are compared with its configuration
BULK_APPLIED = audit.Word(
    "site.bulk_changed",
    gettext_lazy("Bulk change applied"),
    area=audit.Area.SERVICES,
    saves=True,
    tells=audit_sentences.bulk_applied,
)
BULK_UNDONE = audit.Word(
    "site.bulk_undone",
    gettext_lazy("Bulk change taken back"),
    area=audit.Area.SERVICES,
    saves=True,
    tells=audit_sentences.bulk_undone,
)


@transaction.atomic
def apply_bulk_change(
    actor: Actor,
    *,
    site_id: int,
    wanted: Wanted,
    digest: str,
    monitors: Mapping[int, MonitorEntry],
    may_wait: bool,
    now: datetime,
) -> ServiceChange:
    """Set the wanted switches in exactly the apartments that the dry run with this digest showed, all or none (R15, R16).

    `monitors` are indoor monitors for apartments that need one and have none, by the id of the apartment; with `may_wait` the others become
    monitor pending (R17). Raises DryRunOutdated where the dry run would show something else now, Refused where there is nothing to change
    or the community's ceiling forbids it (R22), BulkMonitorsMissing with the apartments that need a monitor, and BulkMonitorsRefused with the
    refusal of each wrong MAC. Locks: site → apartments → MACs of the library → entitlements, each in the order of ids.
    """
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    found = _as_shown(site, wanted, digest, monitors, may_wait=may_wait)
    lock_entries(site, texts=[entry.mac for entry in monitors.values()])
    change = ServiceChange.objects.create(
        **keys_of(site), created_by_id=actor.user_id, created_at=now, count=len(found.rows), looked_at=found.looked_at,
        building_id=wanted.building_id, floor=wanted.floor, **wanted.switches,
    )  # fmt: skip
    rows = ServiceChangeRow.objects.bulk_create(_rows(change, found, monitors))
    waiting = [row.apartment_id for row in rows if row.monitor_pending_after]
    _write([row.apartment_id for row in rows], {**wanted.switches, "monitor_pending": False})
    if waiting:
        Apartment.objects.filter(pk__in=waiting).update(monitor_pending=True)
    _follow(site, [row.apartment_id for row in rows])
    _record(actor, BULK_APPLIED, change, rows, site, now=now)
    _register(actor, site, monitors, now=now)
    return change


@transaction.atomic
def undo_bulk_change(actor: Actor, *, change_id: int, digest: str, now: datetime) -> ServiceChange:
    """Give the apartments of a bulk change the values back that they had, as a new change: exactly those that the dry run with this digest
    showed. Monitors that were registered with it stay. Raises DryRunOutdated where the dry run would show something else now, and
    Refused where nothing can be taken back or it was taken back already. Locks: site → apartments → entitlements, in the order of ids."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, ServiceChange.objects.visible_to(actor).get(pk=change_id).site_id)
    change = ServiceChange.objects.visible_to(actor).select_related("site").get(pk=change_id)
    if change.undoes_id is not None or ServiceChange.objects.filter(undoes=change).exists():
        raise Refused(_("This change was taken back already."))
    of_change = Apartment.objects.filter(
        site=site, pk__in=ServiceChangeRow.objects.filter(change=change).values("apartment")
    )
    list(of_change.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))
    found = undo_run(change)
    if found.digest != digest:
        raise DryRunOutdated
    undone = found.undone
    if not undone:
        raise Refused(_("None of its apartments can get its value back."))
    back = ServiceChange.objects.create(
        **keys_of(site), created_by_id=actor.user_id, created_at=now, count=len(undone), looked_at=change.count, undoes=change
    )  # fmt: skip
    rows = ServiceChangeRow.objects.bulk_create(_back_rows(back, undone))
    _write_back(undone)
    _follow(site, [row.apartment_id for row in rows])
    _record(actor, BULK_UNDONE, back, rows, site, now=now)
    return back


def _as_shown(site: Site, wanted: Wanted, digest: str, monitors: Collection[int], *, may_wait: bool) -> DryRun:
    """The change as it would be now, its apartments locked, if it is the one that was shown and no rule stands against it."""
    found = dry_run(site, wanted, lock=True)
    refuse_unready(site, found, digest, monitors, may_wait=may_wait)
    return found


def refuse_unready(site: Site, found: DryRun, digest: str, monitors: Collection[int], *, may_wait: bool) -> None:
    """Refuse what `apply_bulk_change` refuses before it looks at the MACs, so that nobody has to wait for it where a job applies the change."""
    if found.wanted.is_above_ceiling(site):
        refuse_above_ceiling(site, {**dict.fromkeys(site.switches, False), LANDLINE: True})
    if not found.rows:
        raise Refused(_("All of these apartments are set so already."))
    lacking = found.lacking
    if found.digest != digest or not set(monitors) <= set(lacking):
        raise DryRunOutdated
    missing = [pk for pk in lacking if pk not in monitors]
    if missing and not may_wait:
        raise BulkMonitorsMissing(missing)


def _rows(change: ServiceChange, found: DryRun, monitors: Collection[int]) -> Iterable[ServiceChangeRow]:
    wanted = found.wanted
    for row in found.rows:
        monitor = row.indoor_monitor if wanted.indoor_monitor is None else wanted.indoor_monitor
        yield ServiceChangeRow(
            change=change,
            apartment_id=row.apartment_id,
            indoor_monitor_before=row.indoor_monitor,
            indoor_monitor_after=monitor,
            landline_before=row.landline,
            landline_after=row.landline if wanted.landline is None else wanted.landline,
            monitor_pending_before=row.monitor_pending,
            monitor_pending_after=monitor and not row.has_monitor and row.apartment_id not in monitors,
        )


def _back_rows(back: ServiceChange, undone: Iterable[UndoRow]) -> Iterable[ServiceChangeRow]:
    for row in undone:
        now = {name: getattr(row.apartment, name) for name in ServiceChangeRow.VALUES}
        then = {**now, **row.back}
        yield ServiceChangeRow(
            change=back,
            apartment=row.apartment,
            **{f"{name}_before": value for name, value in now.items()},
            **{f"{name}_after": value for name, value in then.items()},
        )


def _write(ids: Collection[int], values: Mapping[str, bool]) -> None:
    Apartment.objects.filter(pk__in=ids).update(**values, version=F("version") + 1)


def _write_back(undone: Iterable[UndoRow]) -> None:
    """One statement for all that get the same values, of which there are a few kinds."""
    alike: dict[tuple[tuple[str, bool], ...], list[int]] = defaultdict(list)
    for row in undone:
        alike[tuple(sorted(row.back.items()))].append(row.apartment.pk)
    for values, ids in alike.items():
        _write(ids, dict(values))


def _follow(site: Site, ids: list[int]) -> None:
    """Entitlements say what is configured now, and which of them wait for a monitor."""
    sync_site(site, apartment_ids=ids if len(ids) <= FEW else None)


def _record(
    actor: Actor, word: audit.Word, change: ServiceChange, rows: list[ServiceChangeRow], site: Site, *, now: datetime
) -> None:
    """One row of the audit for the change, and below it one for each apartment (R9)."""
    after = {**change.wanted, "count": change.count, **({"undoes": change.undoes_id} if change.undoes_id else {})}
    whole = audit.record(actor, word, change, now=now, tenant=site, site_id=site.pk, label=site.name, after=after)
    buildings = dict(Building.objects.filter(site=site).values_list("pk", "name"))
    places = Apartment.objects.filter(pk__in=[row.apartment_id for row in rows]).values_list("pk", "building", "number")
    labels = {pk: f"{buildings[building]} {number}" for pk, building, number in places}
    audit.record_all(
        audit.event(
            actor, APARTMENT_CHANGED, Apartment(pk=row.apartment_id), now=now, tenant=site, site_id=site.pk, batch=whole,
            label=labels[row.apartment_id], before=row.before, after=row.after,
        )
        for row in rows
    )  # fmt: skip


def _register(actor: Actor, site: Site, monitors: Mapping[int, MonitorEntry], *, now: datetime) -> None:
    """Register the monitors that came with the change, or none: each wrong one is named. In the order of the MACs, so that two changes with
    the same ones wait for each other and do not deadlock. The caller holds their entries in the library."""
    if not monitors:
        return
    apartments = Apartment.objects.filter(site=site).select_related("building").in_bulk(monitors)
    errors: dict[int, Refused] = {}
    first: dict[int, int] = {}
    for value, pk in sorted((_value(entry.mac), pk) for pk, entry in monitors.items()):
        if value and first.setdefault(value, pk) != pk:
            errors[pk] = DuplicateMac(_("%(apartment)s has the same MAC.") % {"apartment": apartments[first[value]]})
            continue
        try:
            with transaction.atomic():  # so that the other rows can still be looked at
                register_monitors(actor, site=site, apartment=apartments[pk], entries=[monitors[pk]], now=now)
        except MonitorRowsRefused as refusal:
            errors[pk] = refusal.errors[0]
        except TooManyDevices as refusal:
            errors[pk] = refusal
    if errors:
        raise BulkMonitorsRefused(errors)


def _value(text: str) -> int:
    """The MAC that is typed; 0 for what is none, which its check will say."""
    try:
        return mac.parse(text).value
    except MacRefused:
        return 0
