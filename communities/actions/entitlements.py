"""Entitlements follow the configuration: they are created, changed, blocked or made dormant, and never deleted (R17, R26, R33)."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from communities import catalogue
from communities.actions.targets import slot_of
from communities.models import (
    AccountKind,
    Apartment,
    CommercialAccount,
    Entitlement,
    Equipment,
    EquipmentKind,
    Kind,
    ManagerAssignment,
    Resident,
    Site,
    Target,
    keys_of,
)
from communities.models.entitlements import blocked_by

Key = tuple[catalogue.Target, catalogue.TargetKey]  # targets by what a configuration calls them
EXISTING = (
    "pk", "target_id", "service_type", "variant", "expires_at", "reserved_by", "target__kind", "target__parent_id", "target__slot",
)  # fmt: skip


class Part(enum.Enum):
    """Which entitlements of a site are brought into line: all, those of some apartments, or those of no apartment."""

    WHOLE = "whole"
    HOMES = "homes"
    REST = "rest"


class Existing(NamedTuple):
    """An entitlement that is there; `kind`, `parent_id` and `number` are those of its target."""

    pk: int
    target_id: int
    service_type: str
    variant: str
    expires_at: datetime | None
    reserved_by: int | None
    kind: str
    parent_id: int | None
    number: int | None

    @property
    def slot(self) -> catalogue.Slot:
        """It as a numbered slot."""
        return catalogue.Slot(self.number or 0, bool(self.variant), self.expires_at, self.reserved_by is not None)


def configuration_of(
    site: Site, *, apartment_ids: Iterable[int] | None = None, has_apartments: bool = True
) -> catalogue.Configuration:
    """The saved configuration of a site as the catalogue's value, with ids of targets as keys; four queries at most, however many apartments.
    With `apartment_ids` it contains only these apartments and nothing else, without `has_apartments` everything else."""
    apartments = Apartment.objects.filter(site=site)
    if not has_apartments:
        apartments = apartments.none()
    managers = ManagerAssignment.objects.filter(site=site, ended_at=None)
    if site.archived_at is not None:  # nothing of it is billed (R78)
        apartments, managers = apartments.none(), managers.none()
    if apartment_ids is not None:
        apartments, managers = apartments.filter(pk__in=list(apartment_ids)), managers.none()
    has_master = Exists(Resident.objects.filter(apartment=OuterRef("pk"), is_master=True))
    members = Resident.objects.filter(apartment=OuterRef("pk")).members().order_by().values("apartment")
    counted = Coalesce(Subquery(members.annotate(n=Count("pk")).values("n")), 0)
    rows = apartments.annotate(has_master=has_master, members=counted).order_by("pk")
    found = catalogue.Configuration(
        switches=site.switches,
        retention_days=site.retention_days,
        project=site.kind,
        site=site.pk,
        free_members=site.free_members,
        apartments=tuple(
            catalogue.ApartmentConfiguration(
                key=target, indoor_monitor=monitor, landline=landline, video_storage=video, has_master=master, members=n
            )
            for target, monitor, landline, video, master, n in rows.values_list(
                "target_id", "indoor_monitor", "landline", "video_storage", "has_master", "members"
            )
        ),
        managers=tuple(
            catalogue.ManagerConfiguration(key=target, pm_app=pm_app)
            for target, pm_app in managers.order_by("pk").values_list("target_id", "pm_app")
        ),
        time_attendance=site.attendance_plan,
    )
    return found if apartment_ids is not None else _with_accounts(site, _with_equipment(site, found))


def _with_equipment(site: Site, configuration: catalogue.Configuration) -> catalogue.Configuration:
    """With what is in use: locks and sensors by their targets, doors by themselves, since only their number counts. What stands in an archived
    apartment or building is billed for nothing (R78)."""
    found: dict[str, list[int]] = defaultdict(list)
    stands = Equipment.objects.in_use().filter(building__archived_at=None, apartment__archived_at=None)
    rows = stands.filter(site=site).exclude(kind=EquipmentKind.CAMERA)
    for kind, pk, target in rows.order_by("pk").values_list("kind", "pk", "target_id"):
        found[kind].append(target or pk)
    locks, sensors, doors = (
        tuple(found[kind]) for kind in (EquipmentKind.LOCK, EquipmentKind.SENSOR, EquipmentKind.DOOR)
    )
    return replace(configuration, locks=locks, sensors=sensors, doors=doors)


def _with_accounts(site: Site, configuration: catalogue.Configuration) -> catalogue.Configuration:
    """With the accounts of a commercial site that are in use."""
    if site.kind != Kind.COMMERCIAL:
        return configuration
    found: dict[str, list[catalogue.AccountConfiguration]] = defaultdict(list)
    rows = CommercialAccount.objects.in_use().filter(site=site).order_by("pk")
    for kind, target, intercom in rows.values_list("kind", "target_id", "intercom"):
        found[kind].append(catalogue.AccountConfiguration(target, intercom))
    return replace(configuration, personnel=tuple(found[AccountKind.PERSONNEL]), admins=tuple(found[AccountKind.ADMIN]))


def sync_rest(site: Site) -> None:
    """As `sync_site`, for everything that apartments are not billed for: managers, equipment, doors, accounts and the site. It reads no
    apartment, however many there are. The caller holds the site's lock."""
    agree(site, configuration_of(site, has_apartments=False), part=Part.REST)


def sync_site(site: Site, *, apartment_ids: Iterable[int] | None = None) -> None:
    """Bring the site's entitlements into line with its configuration. The caller holds the site's lock.

    With `apartment_ids` only entitlements of these apartments are read, for edits of single apartments.
    """
    ids = None if apartment_ids is None else list(apartment_ids)
    agree(site, configuration_of(site, apartment_ids=ids), part=Part.WHOLE if ids is None else Part.HOMES)


def agree(site: Site, configuration: catalogue.Configuration, *, part: Part = Part.WHOLE) -> None:
    """Bring the entitlements of a site into line with `configuration`, whose keys are ids of targets. With another `part` than the whole
    other entitlements are not touched. The caller holds the site's lock."""
    found = catalogue.billables(configuration)
    if part is not Part.WHOLE:
        found = [item for item in found if (item.target_kind in catalogue.OF_APARTMENTS) == (part is Part.HOMES)]
    rows, homes = Entitlement.objects.filter(site=site), [int(row.key) for row in configuration.apartments]
    if part is Part.HOMES:
        rows = rows.filter(target__in=_and_slots(homes))
    elif part is Part.REST:
        rows = rows.exclude(target__kind__in=catalogue.OF_APARTMENTS)
    existing = [Existing(*values) for values in rows.order_by("pk").values_list(*EXISTING)]
    found = _numbered(found, existing, site)
    targets = _targets_of(site, {(item.target_kind, item.target) for item in found})
    wanted = {(targets[item.target_kind, item.target], item.service_type): item.variant.code for item in found}
    to_change: dict[str, list[int]] = defaultdict(list)
    for row in existing:
        new_variant = wanted.pop((row.target_id, row.service_type), "")
        if new_variant != row.variant:
            to_change[new_variant].append(row.pk)
    changing = Entitlement.objects.filter(pk__in=[pk for pks in to_change.values() for pk in pks])
    list(changing.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    for variant, pks in to_change.items():
        Entitlement.objects.filter(pk__in=pks).update(variant=variant)
    Entitlement.objects.bulk_create(
        Entitlement(**keys_of(site), service_type=service_type, variant=variant, target_id=target)
        for (target, service_type), variant in wanted.items()
    )
    if part is not Part.REST:
        mark_blocked(site.pk, None if part is Part.WHOLE else homes)


def _numbered(found: list[catalogue.Billable], existing: Iterable[Existing], site: Site) -> list[catalogue.Billable]:
    """The items with the numbers of the slots that are billed: a configuration says how many, not which (R30, R34)."""
    counted: dict[tuple[str, catalogue.TargetKey], list[catalogue.Billable]] = defaultdict(list)
    for item in found:
        if isinstance(item.target, tuple):
            counted[item.service_type, item.target[0]].append(item)
    if not counted:
        return found
    there: dict[tuple[str, catalogue.TargetKey], list[catalogue.Slot]] = defaultdict(list)
    for row in existing:
        if row.number is not None:
            is_of_site = catalogue.SLOTS[catalogue.Target(row.kind)] is catalogue.Target.SITE
            there[row.service_type, site.pk if is_of_site else row.parent_id or 0].append(row.slot)
    numbered = [item for item in found if not isinstance(item.target, tuple)]
    for (service_type, parent), items in counted.items():
        numbers = catalogue.billed(there[service_type, parent], len(items))
        numbered += [replace(item, target=(parent, at)) for item, at in zip(items, numbers, strict=True)]  # type: ignore[arg-type]
    return numbered


def _targets_of(site: Site, wanted: Collection[Key]) -> Mapping[Key, int]:
    """The ids of the targets that a configuration names. Slots and the site's own target are looked up, and created where they are missing."""
    found: dict[Key, int] = {}
    numbered: list[Key] = []
    for kind, key in wanted:
        if isinstance(key, tuple) or kind is catalogue.Target.SITE:
            numbered.append((kind, key))
        else:
            found[kind, key] = int(key)
    if not numbered:
        return found
    whole: Key = (catalogue.Target.SITE, site.pk)
    if any(catalogue.SLOTS.get(kind, kind) is catalogue.Target.SITE for kind, _key in numbered):
        row = Target.objects.filter(site=site, kind=catalogue.Target.SITE).first()
        found[whole] = (row or Target.objects.create(**keys_of(site), kind=catalogue.Target.SITE)).pk
    slots = {}
    for kind, key in numbered:
        if isinstance(key, tuple):
            parent = found[whole] if catalogue.SLOTS[kind] is catalogue.Target.SITE else int(key[0])
            slots[kind.value, parent, key[1]] = (kind, key)
    parents = Target.objects.filter(site=site).in_bulk({parent for _kind, parent, _number in slots})
    there = {
        (kind, parent or 0, slot or 0): pk
        for kind, parent, slot, pk in Target.objects.filter(parent__in=parents).values_list(
            "kind", "parent_id", "slot", "pk"
        )
    }
    ids = {one: there[one] for one in slots if one in there}
    lacking = sorted(set(slots) - set(ids))
    made = Target.objects.bulk_create(
        slot_of(parents[parent], catalogue.Target(kind), number) for kind, parent, number in lacking
    )
    ids |= {one: row.pk for one, row in zip(lacking, made, strict=True)}
    return found | {slots[one]: pk for one, pk in ids.items()}


def stop_billing(site: Site, targets: Collection[int] | None) -> None:
    """Make dormant what is billed for these apartments and their slots, or for everything of the site, since they are archived now (R78). Paid
    time stays. The caller holds the site's lock."""
    rows = Entitlement.objects.filter(site=site).exclude(variant="")
    if targets is not None:
        rows = rows.filter(target__in=_and_slots(targets))
    ids = list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    Entitlement.objects.filter(pk__in=ids).update(variant="")
    mark_blocked(site.pk, targets)


def _and_slots(targets: Collection[int]) -> list[int]:
    """These targets and their slots."""
    rows = Target.objects.filter(Q(pk__in=targets) | Q(parent__in=targets))
    return list(rows.values_list("pk", flat=True))


def mark_blocked(site_id: int, targets: Collection[int] | None) -> None:
    """Write what blocks the activation of a site's items, or of these apartments' items. Every change of whether an apartment waits for its
    monitor has to call this (R17). The caller holds the site's lock; at most two statements."""
    rows = Entitlement.objects.filter(site=site_id)
    if targets is not None:
        rows = rows.filter(target__in=_and_slots(targets))
    wrong = rows.wrongly_blocked()
    if list(wrong.order_by("pk").select_for_update(no_key=True).values_list("pk")):
        wrong.update(blocked=blocked_by())
