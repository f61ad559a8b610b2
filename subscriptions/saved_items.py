"""A site's saved items and what a configuration makes of each: the two sides of a price preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, FilteredRelation, Q, QuerySet

from communities import catalogue
from communities.catalogue import Target, TargetKey
from communities.models import Apartment, Entitlement, Kind, PriceClass, Site, status


class Saved(NamedTuple):
    """An entitlement for a price preview. `target` is its key in the configuration; `renewed` is the variant that its renewal pays for,
    where that is not the configured one."""

    target_kind: str
    target: int | str
    service_type: str
    variant: str
    paid_variant: str
    expires_at: datetime | None
    works_until: datetime | None = None
    variant_until: datetime | None = None
    renewed: str = ""


class Step(NamedTuple):
    """The change of one billable: from the saved variant to the wanted one, and what of it is paid."""

    target_kind: str
    service_type: str
    wanted: str
    saved: str
    paid: str
    expires_at: datetime | None
    works_until: datetime | None = None
    variant_until: datetime | None = None


def steps_of(draft: catalogue.Configuration, saved: Iterable[Saved], counts: Mapping[int | str, int]) -> Counter[Step]:
    """The change of each item, saved or new, with its number. `counts` as in `price_preview.preview_of`."""
    wanted: dict[tuple[str, TargetKey, str], str] = {
        (item.target_kind, item.target, item.service_type): item.variant.code for item in catalogue.billables(draft)
    }
    steps: Counter[Step] = Counter()
    for row in saved:
        # Slots of members follow the people, whatever a draft switches
        kept = row.variant if row.target_kind == Target.MEMBER_SLOT else ""
        new = wanted.pop((row.target_kind, row.target, row.service_type), kept)
        renewed = row.renewed or row.variant
        step = Step(
            row.target_kind,
            row.service_type,
            renewed if new == row.variant else new,
            renewed,
            row.paid_variant,
            row.expires_at,
            row.works_until,
            row.variant_until,
        )
        steps[step] += _times(counts, row.target_kind, row.target)
    for (kind, new_target, service_type), variant in wanted.items():
        steps[Step(kind, service_type, variant, "", "", None)] += _times(counts, kind, new_target)
    return steps


def _times(counts: Mapping[int | str, int], kind: str, target: TargetKey) -> int:
    """How many equal targets a key stands for: equal apartments are counted, and their slots with them."""
    if kind == Target.MEMBER_SLOT and not isinstance(target, tuple):
        return 1  # a saved slot, by its own id
    key = target[0] if isinstance(target, tuple) else target
    return counts.get(key, 1) if kind in catalogue.OF_APARTMENTS else 1


def is_running(step: Step, as_of: datetime) -> bool:
    """Whether its paid time runs, without grace."""
    return step.expires_at is not None and as_of < step.expires_at


PAID = (
    "paid_variant",
    "expires_at",
    "works_until",
    "variant_until",
)  # the columns of an entitlement that are the last fields of `Saved`,
RENEWED = "renewed"  # and this annotation


def saved_of(site: Site, *, apartment: Apartment | None) -> list[Saved]:
    """The entitlements of one apartment, or with None of all other targets of the site, for a price preview; one statement. Slots of members
    are listed one by one."""
    rows = Entitlement.objects.filter(site=site)
    rows = rows.filter(target=apartment.target_id) if apartment else rows.exclude(target__kind=Target.APARTMENT)
    return [
        Saved(Target(kind), target, service_type, variant, *paid)
        for kind, target, service_type, variant, *paid in rows.annotate(renewed=status.renewed())
        .order_by("pk")
        .values_list("target__kind", "target_id", "service_type", "variant", *PAID, RENEWED)
        if variant or kind != Target.MEMBER_SLOT  # a slot that rests costs nothing and comes back only with a member
    ]


def as_occupied(saved: Iterable[Saved], apartment: catalogue.ApartmentConfiguration) -> list[Saved]:
    """What is saved for an apartment, plus the App that it would have with a family master."""
    rows = {row.service_type: row for row in saved}
    for item in catalogue.of_residents(apartment):
        row = rows.get(item.service_type)
        if row is None or not row.variant:
            rows.pop(item.service_type, None)  # the last in order
            row = row or Saved(item.target_kind, apartment.key, item.service_type, "", "", None)
            rows[item.service_type] = row._replace(variant=item.variant.code)
    return list(rows.values())


@dataclass(frozen=True, slots=True)
class Census:
    """A site with equal apartments counted instead of listed: `counts` says how many a key stands for."""

    apartments: tuple[catalogue.ApartmentConfiguration, ...]
    managers: tuple[catalogue.ManagerConfiguration, ...]
    saved: tuple[Saved, ...]
    counts: Mapping[int | str, int]
    project: str = Kind.COMMUNITY
    price_class: str = PriceClass.NORMAL

    def under(self, switches: Mapping[str, bool], *, retention_days: int) -> catalogue.Configuration:
        """The same apartments and managers with switches that are not saved."""
        on = catalogue.normalised(switches)
        return catalogue.Configuration(
            on, retention_days, self.apartments, self.managers, self.project, self.price_class
        )


def census_of(site: Site, *, apartments: QuerySet[Apartment] | None = None) -> Census:
    """Count a site's apartments by their switches and by what is paid for them; two statements, as fast for ten thousand.

    With `apartments` only those are counted, and nothing else of the site: one statement.

    Who has a family master or the PM App is what the entitlements say: they follow the configuration.
    """
    alike, saved = [], list[Saved]()
    counts: dict[int | str, int] = {}
    kinds = catalogue.PER_APARTMENT
    rows = _counted((Apartment.objects if apartments is None else apartments).filter(site=site))
    for key, (monitor, landline, video, *paid, count) in enumerate(rows):
        width = len(paid) // len(kinds)
        services = {code: paid[width * at : width * (at + 1)] for at, code in enumerate(kinds)}
        rows_of_it = [
            Saved(Target.APARTMENT, key, code, *what) for code, what in services.items() if what[0] is not None
        ]
        has_master = any(row.variant and catalogue.BY_TYPE[row.service_type].needs_master for row in rows_of_it)
        apartment = catalogue.ApartmentConfiguration(key, monitor, landline, video, has_master)
        alike.append(apartment)
        saved += as_occupied(rows_of_it, apartment)
        counts[key] = count
    others = [] if apartments is not None else saved_of(site, apartment=None)
    managers = tuple(
        catalogue.ManagerConfiguration(row.target, pm_app=True)
        for row in others
        if row.variant and row.target_kind == Target.MANAGER
    )
    return Census(tuple(alike), managers, (*saved, *others), counts, site.kind, site.price_class)


def _counted(apartments: QuerySet[Apartment]) -> QuerySet[Apartment, tuple[Any, ...]]:
    """The switches of these apartments, what is paid for each service, and how many are alike."""
    kinds = catalogue.PER_APARTMENT
    columns = [
        column
        for code in kinds
        for column in (*(f"{code}__{field}" for field in ("variant", *PAID)), f"{code}_{RENEWED}")
    ]
    return (
        apartments.annotate(
            **{
                code: FilteredRelation("target__entitlements", condition=Q(target__entitlements__service_type=code))
                for code in kinds
            }
        )
        .annotate(**{f"{code}_{RENEWED}": status.renewed(f"{code}__") for code in kinds})
        .order_by()
        .values_list(*catalogue.APARTMENT_SWITCHES, *columns)
        .annotate(n=Count("pk"))
    )


def planned(switches: Mapping[str, bool], *, apartments: int, managers: int) -> Census:
    """A community that does not exist yet: a number of apartments with inherited switches (R23), and managers with the PM App."""
    on = catalogue.normalised(switches)
    one = catalogue.ApartmentConfiguration(key=0, **{code: on[code] for code in catalogue.APARTMENT_SWITCHES})
    people = tuple(catalogue.ManagerConfiguration(number, pm_app=True) for number in range(managers) if on["pm_app"])
    return Census((one,), people, (), {0: apartments})
