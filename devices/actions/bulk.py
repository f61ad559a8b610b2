"""Setting With Indoor Monitor and Landline for many apartments at once, and taking such a change back (R15–R17, R22)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import Actor
from communities.actions.apartments import refuse_above_ceiling
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, ServiceChange, ServiceChangeRow, Site, keys_of
from devices import audit_sentences
from devices.actions import switching
from devices.actions.checks import MonitorEntry
from devices.actions.many import register_many
from devices.actions.registration import lock_entries
from devices.actions.switching import Switched
from devices.bulk import LANDLINE, DryRun, UndoRow, Wanted, dry_run, undo_run
from devices.errors import BulkMonitorsMissing, BulkMonitorsRefused, DryRunOutdated, PlacesRefused

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
    rows = list(_switched(found, monitors))
    switching.write(change, rows)
    switching.follow(site, [row.apartment_id for row in rows])
    switching.record(actor, BULK_APPLIED, change, rows, site, now=now)
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
    rows = list(_switched_back(undone))
    switching.write(back, rows)
    switching.follow(site, [row.apartment_id for row in rows])
    switching.record(actor, BULK_UNDONE, back, rows, site, now=now)
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


def _switched(found: DryRun, monitors: Collection[int]) -> Iterator[Switched]:
    for row in found.rows:
        after = {**row.values, **found.wanted.switches}
        lacks_one = not row.has_monitor and row.apartment_id not in monitors
        yield Switched(
            row.apartment_id, row.values, {**after, "monitor_pending": after["indoor_monitor"] and lacks_one}
        )


def _switched_back(undone: Iterable[UndoRow]) -> Iterator[Switched]:
    for row in undone:
        now = {name: getattr(row.apartment, name) for name in ServiceChangeRow.VALUES}
        yield Switched(row.apartment.pk, now, {**now, **row.back})


def _register(actor: Actor, site: Site, monitors: Mapping[int, MonitorEntry], *, now: datetime) -> None:
    """Register the monitors that came with the change, or none: each wrong one is named. The caller holds their entries in the library."""
    if not monitors:
        return
    apartments = Apartment.objects.filter(site=site).select_related("building").in_bulk(monitors)
    try:
        register_many(actor, site=site, apartments=apartments, entries=monitors, batch=None, now=now)
    except PlacesRefused as refusal:
        raise BulkMonitorsRefused(refusal.errors) from None
