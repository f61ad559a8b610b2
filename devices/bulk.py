"""What a bulk change of a site would do, and what taking one back would do: the dry runs. Nothing here writes (R15–R17, R22)."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from communities import catalogue
from communities.models import Apartment, Entitlement, ServiceChange, ServiceChangeRow, Site
from devices.models import Device

MONITOR, LANDLINE = "indoor_monitor", "landline"
SWITCHES = (MONITOR, LANDLINE)  # exactly these two can be set for many apartments at once (R15)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bulk change sets, and for which apartments. None leaves a switch as it is; without a building it is for all of the site, and
    `floor` is one floor of the building."""

    indoor_monitor: bool | None = None
    landline: bool | None = None
    building_id: int | None = None
    floor: str = ""

    @property
    def switches(self) -> dict[str, bool]:
        """What is set, by the code of the switch."""
        return {code: value for code in SWITCHES if (value := getattr(self, code)) is not None}

    def is_above_ceiling(self, site: Site) -> bool:
        """Whether it would switch landline on in apartments of a community that has it off (R22)."""
        return bool(self.landline) and not site.landline

    def apartments(self, site: Site) -> QuerySet[Apartment]:
        """The apartments that it looks at."""
        found = Apartment.objects.filter(site=site)
        if self.building_id is not None:
            found = found.filter(building=self.building_id)
            found = found.filter(floor=self.floor) if self.floor else found
        return found

    def changed(self, site: Site) -> QuerySet[Apartment]:
        """Those of them that get another value."""
        differs = Q(pk__in=[])
        for code, value in self.switches.items():
            differs |= Q(**{code: not value})
        return self.apartments(site).filter(differs)


def has_monitor() -> Exists:
    """For a query of apartments: whether an indoor monitor is in one (R74)."""
    return Exists(Device.objects.monitors().filter(apartment=OuterRef("pk")))


@dataclass(frozen=True, slots=True)
class Row:
    """An apartment that gets another value."""

    apartment_id: int
    target_id: int
    building_id: int
    version: int
    indoor_monitor: bool
    landline: bool
    video_storage: bool
    monitor_pending: bool
    has_monitor: bool

    @property
    def values(self) -> dict[str, bool]:
        """Its switches, and whether it waits for a monitor."""
        return {name: getattr(self, name) for name in ServiceChangeRow.VALUES}


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a change does if nobody changes one of its apartments first. `lacking` are the ids of those that would need an indoor monitor
    and have none (R17)."""

    wanted: Wanted
    looked_at: int
    rows: tuple[Row, ...]

    @property
    def lacking(self) -> list[int]:
        """In the order of the ids."""
        if not self.wanted.indoor_monitor:
            return []
        return [row.apartment_id for row in self.rows if not row.indoor_monitor and not row.has_monitor]

    @property
    def digest(self) -> str:
        """Says the same for as long as the change would do the same (R16)."""
        facts = [(row.apartment_id, row.version, row.has_monitor) for row in self.rows]
        return _digest([*self.wanted.switches.items()], facts)


def dry_run(site: Site, wanted: Wanted, *, lock: bool = False) -> DryRun:
    """What the change does now; two statements, however many apartments. With `lock` the apartments are locked, in the order of their ids;
    the caller holds the site's lock."""
    rows = wanted.changed(site).order_by("pk").annotate(has_one=has_monitor())
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    columns = ("pk", "target_id", "building_id", "version", *ServiceChangeRow.VALUES, "has_one")
    found = tuple(Row(*values) for values in rows.values_list(*columns))
    return DryRun(wanted, wanted.apartments(site).count(), found)


class Kept(enum.StrEnum):
    """Why an apartment keeps what a change set, although the change is taken back."""

    CHANGED = "changed"
    PAID = "paid"
    ORDERED = "ordered"
    NO_MONITOR = "no_monitor"
    CEILING = "ceiling"


KEPT_LABELS: Mapping[Kept, Promise] = {
    Kept.CHANGED: _("It was changed again since."),
    Kept.PAID: _("It was paid for since. Change it by hand: paid time is not given back."),
    Kept.ORDERED: _("It is in an open order."),
    Kept.NO_MONITOR: _("With Indoor Monitor would be on again, and there is no indoor monitor now."),
    Kept.CEILING: _("The service is off in the community now."),
}


@dataclass(frozen=True, slots=True)
class UndoRow:
    """One apartment of a change: whether it can get its value back, and why not."""

    apartment: Apartment
    before: Mapping[str, bool]
    after: Mapping[str, bool]
    has_monitor: bool
    kept: Kept | None

    @property
    def switches(self) -> list[str]:
        """The switches that the change set here."""
        return [code for code in catalogue.APARTMENT_SWITCHES if self.before[code] != self.after[code]]

    @property
    def back(self) -> dict[str, bool]:
        """The values that it gets: of the switches that the change set those from before, and whether it then waits for a monitor (R17)."""
        values = {code: self.before[code] for code in self.switches}
        needs_one = values.get(MONITOR, self.apartment.indoor_monitor)
        return {**values, "monitor_pending": needs_one and not self.has_monitor}


@dataclass(frozen=True, slots=True)
class UndoRun:
    """What taking a change back does."""

    change: ServiceChange
    rows: Sequence[UndoRow] = field(default_factory=tuple)

    @property
    def undone(self) -> list[UndoRow]:
        """The apartments that get their value back."""
        return [row for row in self.rows if row.kept is None]

    @property
    def kept(self) -> list[UndoRow]:
        """The others, each with its reason."""
        return [row for row in self.rows if row.kept is not None]

    @property
    def digest(self) -> str:
        """Says the same for as long as taking the change back would do the same."""
        return _digest(
            [self.change.pk], [(row.apartment.pk, row.apartment.version, row.has_monitor) for row in self.undone]
        )


def undo_run(change: ServiceChange) -> UndoRun:
    """What taking a change back does now: an apartment gets its value back where it still has the one that was set, nothing of what was
    switched was charged since, no open order holds it, and no rule forbids it (R17, R22). Three statements."""
    rows = ServiceChangeRow.objects.filter(change=change).order_by("apartment_id")
    with_one = set(
        Device.objects.monitors()
        .filter(site=change.site_id, apartment__in=rows.values("apartment"))
        .values_list("apartment_id", flat=True)
    )
    held = _held(change)
    found = []
    for row in rows.select_related("apartment__building"):
        has_one = row.apartment_id in with_one
        kept = _kept(row, change.site, has_one=has_one)
        kept = kept or _kept_by(row, held.get(row.apartment.target_id, ()), change.site.retention_days)
        found.append(UndoRow(row.apartment, row.before, row.after, has_one, kept))
    return UndoRun(change, found)


class Held(NamedTuple):
    """An item of an apartment that was charged since the change, or is in an open order."""

    service_type: str
    paid_variant: str
    was_charged: bool
    is_ordered: bool


def _held(change: ServiceChange) -> dict[int, list[Held]]:
    """What was charged since the change and what is ordered, by the target of the apartment."""
    targets = ServiceChangeRow.objects.filter(change=change).values("apartment__target")
    charged = Q(last_charged_at__gte=change.created_at)
    held = charged | Q(reserved_by__isnull=False)
    rows = Entitlement.objects.filter(held, site=change.site_id, target__in=targets)
    found: dict[int, list[Held]] = {}
    for target, service_type, paid, charged_at, order in rows.values_list(
        "target_id", "service_type", "paid_variant", "last_charged_at", "reserved_by"
    ):
        was_charged = charged_at is not None and charged_at >= change.created_at
        found.setdefault(target, []).append(Held(service_type, paid, was_charged, order is not None))
    return found


def _kept_by(row: ServiceChangeRow, held: Sequence[Held], retention_days: int) -> Kept | None:
    """Whether money keeps the value that was set: what stands for it was charged since, or its service is in an open order."""
    for code in catalogue.APARTMENT_SWITCHES:
        if row.before[code] == row.after[code]:
            continue
        for item in held:
            entry = catalogue.BY_TYPE[item.service_type]
            part = entry.part_of_switch(code, retention_days)
            if part is None:
                continue
            stands_for_it = part if row.after[code] else entry.other_part(code)
            if item.was_charged and stands_for_it in catalogue.Variant.parse(item.paid_variant).parts:
                return Kept.PAID
            if item.is_ordered:
                return Kept.ORDERED
    return None


def _kept(row: ServiceChangeRow, site: Site, *, has_one: bool) -> Kept | None:
    """Which rule keeps the value that was set, if any."""
    before, after = row.before, row.after
    switched = [code for code in catalogue.APARTMENT_SWITCHES if before[code] != after[code]]
    if any(getattr(row.apartment, code) != after[code] for code in switched):
        return Kept.CHANGED
    if MONITOR in switched and before[MONITOR] and not has_one and not before["monitor_pending"]:
        return Kept.NO_MONITOR
    if any(before[code] and not getattr(site, code) for code in switched if code in catalogue.CEILING_SWITCHES):
        return Kept.CEILING
    return None


def _digest(head: Sequence[object], facts: Sequence[Sequence[object]]) -> str:
    return hashlib.sha256(json.dumps([head, facts]).encode()).hexdigest()[:24]
