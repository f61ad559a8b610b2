"""The live bill: what a configuration, saved or still a draft, costs every 30 days, and what it takes to have it work today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, FilteredRelation, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import catalogue
from communities.catalogue import Target, TargetKey, Variant
from communities.models import Apartment, Entitlement, Kind, Site, status
from payments import money
from subscriptions.cycles import recurring_total
from subscriptions.periods import Months, Rest
from subscriptions.prices import PriceKey, PriceTable, Product
from subscriptions.pricing import quote
from subscriptions.quotes import Group, Item, Quote, Why


@dataclass(frozen=True, slots=True)
class SwitchPrice:
    """What a service of the feature section costs every 30 days once it is on, in minor units; `other_minor` is what the App costs
    without an indoor monitor, a surcharge comes on top of the price of the service it needs."""

    minor: int
    per: str
    other_minor: int | None = None
    is_surcharge: bool = False


def switch_prices(prices: PriceTable, *, retention_days: int, project: str) -> dict[str, SwitchPrice]:
    """Service code → its price in a list for a project type; a service whose price the list lacks is not in it. Video as long as it is kept."""
    found: dict[str, SwitchPrice] = {}
    for entry in catalogue.AVAILABLE:
        for code in catalogue.SWITCHES:
            part = entry.part_of_switch(code, retention_days)
            minor = prices.amount_of(PriceKey(entry.code, part, project)) if part is not None else None
            if part is not None and minor is not None:
                other = entry.other_part(code)
                found[code] = SwitchPrice(
                    minor,
                    entry.per_label(part),
                    prices.amount_of(PriceKey(entry.code, other, project)) if other else None,
                    entry.is_surcharge(part),
                )
    return found


class Saved(NamedTuple):
    """An entitlement as a bill looks at it. `target` is its key in the configuration; `renewed` the variant that its renewal pays for, where
    that is not the configured one."""

    target_kind: str
    target: int | str
    service_type: str
    variant: str
    paid_variant: str
    expires_at: datetime | None
    works_until: datetime | None = None
    variant_until: datetime | None = None
    renewed: str = ""


class _Step(NamedTuple):
    """What happens to one billable: from the saved variant to the wanted one, and what of it is paid."""

    target_kind: str
    service_type: str
    wanted: str
    saved: str
    paid: str
    expires_at: datetime | None
    works_until: datetime | None = None
    variant_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the bill: one variant, every 30 days. `was_minor` is what the same targets cost as saved.

    A variant that is not wanted any more has a count of 0 and costs nothing.
    """

    service_type: str
    variant: str
    count: int
    amount_minor: int
    was_minor: int
    is_changed: bool
    why: Why
    new_parts: frozenset[str] = frozenset()

    @property
    def difference_minor(self) -> int:
        """How much more than saved, per 30 days."""
        return self.amount_minor - self.was_minor

    @property
    def entry(self) -> catalogue.Entry:
        """What the catalogue knows of the service type."""
        return catalogue.BY_TYPE[self.service_type]

    @property
    def service_label(self) -> str:
        """The service type in words."""
        return str(catalogue.SERVICE_TYPE_LABELS[self.service_type])

    @property
    def variant_label(self) -> str:
        """The variant in words."""
        return catalogue.variant_label(self.service_type, self.variant)

    @property
    def new_labels(self) -> list[str]:
        """What is in the variant and was not in the saved one of every target."""
        return catalogue.part_labels(self.service_type, sorted(self.new_parts))


@dataclass(frozen=True, slots=True)
class PricePreview:
    """What a configuration costs. Amounts in minor units of `currency`; saving charges nothing of it.

    `activation` is one month for everything that was never activated or has lapsed, `upgrade` the difference to their own
    expiry for running items with something on that is not paid for: together they are `today_minor`.
    """

    every_30_days: Quote
    before_minor: int
    per_apartment_minor: int
    per_apartment_before_minor: int
    apartments: int
    activation: Quote
    upgrade: Quote
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.every_30_days.currency

    @property
    def today_minor(self) -> int:
        """What it costs to have everything work today."""
        return self.activation.total_minor + self.upgrade.total_minor

    @property
    def difference_minor(self) -> int:
        """How much more than saved, every 30 days."""
        return self.every_30_days.total_minor - self.before_minor

    @property
    def per_apartment_difference_minor(self) -> int:
        """How much more than saved, every 30 days and apartment."""
        return self.per_apartment_minor - self.per_apartment_before_minor

    @property
    def has_several_plans(self) -> bool:
        """Whether apartments differ in their Premium Plan, so that its lines need telling apart."""
        return sum(row.entry.is_sum and bool(row.count) for row in self.rows) > 1

    @property
    def upgrade_groups(self) -> list[Group]:
        """What is due today of running items, gathered."""
        return self.upgrade.groups()

    @property
    def has_one_upgrade_end(self) -> bool:
        """Whether all of them run to the same instant."""
        return len({line.ends_at for line in self.upgrade.lines}) == 1

    @property
    def to_activate(self) -> int:
        """How many items wait for a month of their own."""
        return _count(self.activation)

    @property
    def to_upgrade(self) -> int:
        """How many running items have something on that is not paid for."""
        return _count(self.upgrade)


def preview_of(
    draft: catalogue.Configuration,
    saved: Iterable[Saved],
    prices: PriceTable,
    *,
    as_of: datetime,
    zone: str,
    counts: Mapping[int | str, int] | None = None,
) -> PricePreview:
    """Price a configuration against what is saved (R25, R27). Pure; raises MissingPrice.

    One rule for every bill beside a form: an apartment is priced as with its family master, whether it is planned, new or saved;
    `saved` has to be so too (`as_occupied`). A note says how many have none yet, and what of the sum waits for one. `counts`
    says how many apartments stand behind a key, one if it doesn't: alike ones are priced once.
    """
    counts = counts or {}
    steps = _steps(_occupied(draft), saved, counts)
    now_rows, before_rows = _counted(steps, "wanted"), _counted(steps, "saved")
    every = _every_30_days(now_rows, draft.project, prices, as_of)
    before = _every_30_days(before_rows, draft.project, prices.as_paid(), as_of)
    apartments = sum(counts.get(apartment.key, 1) for apartment in draft.apartments)
    return PricePreview(
        every_30_days=every,
        before_minor=before.total_minor,
        per_apartment_minor=_per_apartment(now_rows, every, apartments),
        per_apartment_before_minor=_per_apartment(before_rows, before, apartments),
        apartments=apartments,
        activation=quote(_to_activate(steps, as_of, zone, draft.project), Months(1), as_of, prices),
        upgrade=quote(_to_upgrade(steps, as_of, zone, draft.project), Rest(), as_of, prices),
        rows=tuple(_rows(steps, every, before)),
        notes=tuple(_notes(draft, counts, steps, as_of, prices)),
    )


def _occupied(draft: catalogue.Configuration) -> catalogue.Configuration:
    return replace(draft, apartments=tuple(replace(apartment, has_master=True) for apartment in draft.apartments))


_Kind = tuple[str, str, str]  # target kind, service type, variant


def _steps(draft: catalogue.Configuration, saved: Iterable[Saved], counts: Mapping[int | str, int]) -> Counter[_Step]:
    wanted: dict[tuple[str, TargetKey, str], str] = {
        (item.target_kind, item.target, item.service_type): item.variant.code for item in catalogue.billables(draft)
    }
    steps: Counter[_Step] = Counter()
    for row in saved:
        new = wanted.pop((row.target_kind, row.target, row.service_type), "")
        renewed = row.renewed or row.variant
        step = _Step(
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
        steps[_Step(kind, service_type, variant, "", "", None)] += _times(counts, kind, new_target)
    return steps


def _times(counts: Mapping[int | str, int], kind: str, target: TargetKey) -> int:
    """How many stand behind a target: alike apartments are counted, and their members' slots with them."""
    key = target[0] if isinstance(target, tuple) else target
    return counts.get(key, 1) if kind in catalogue.OF_APARTMENTS else 1


def _counted(steps: Counter[_Step], side: str) -> Counter[_Kind]:
    found: Counter[_Kind] = Counter()
    for step, count in steps.items():
        if variant := getattr(step, side):
            found[step.target_kind, step.service_type, variant] += count
    return found


def _ordered(rows: Counter[_Kind]) -> list[_Kind]:
    return sorted(rows, key=lambda row: (catalogue.rank(row[1]), -rows[row] if row[0] == Target.APARTMENT else 0, row))


def _every_30_days(rows: Counter[_Kind], project: str, prices: PriceTable, as_of: datetime) -> Quote:
    """What they cost at a site of a project type: a line for each, as `_ordered`."""
    return recurring_total(
        (
            (Product(service, variant, project), rows[kind, service, variant])
            for kind, service, variant in _ordered(rows)
        ),
        prices,
        as_of,
    )


def _per_apartment(rows: Counter[_Kind], priced: Quote, apartments: int) -> int:
    """The lines of apartments shared by all of them, rounded once."""
    if not apartments:
        return 0
    lines = zip(_ordered(rows), priced.lines, strict=True)
    mine = sum(line.amount_minor for (kind, _service, _variant), line in lines if kind == Target.APARTMENT)
    return money.divide_half_up(mine, apartments)


def _is_running(step: _Step, as_of: datetime) -> bool:
    return step.expires_at is not None and as_of < step.expires_at


def _lacks(step: _Step) -> bool:
    return bool(catalogue.uncovered(step.service_type, step.wanted, step.paid))


def _to_activate(steps: Counter[_Step], as_of: datetime, zone: str, project: str) -> list[Item]:
    """Never activated or lapsed; and in grace with something unpaid, since no running period is left to upgrade."""
    return [
        Item(
            str(step),
            step.service_type,
            step.wanted,
            step.expires_at,
            zone,
            count=count,
            works_until=step.works_until,
            project_type=project,
        )
        for step, count in steps.items()
        if step.wanted
        and (step.works_until is None or as_of >= step.works_until or (not _is_running(step, as_of) and _lacks(step)))
    ]


def _to_upgrade(steps: Counter[_Step], as_of: datetime, zone: str, project: str) -> list[Item]:
    return [
        Item(
            str(step),
            step.service_type,
            step.wanted,
            step.variant_until or step.expires_at,
            zone,
            step.paid,
            count,
            project_type=project,
        )
        for step, count in steps.items()
        if step.wanted and _is_running(step, as_of) and _lacks(step)
    ]


def _rows(steps: Counter[_Step], every: Quote, before: Quote) -> list[Row]:
    each = {(line.item.service_type, line.item.variant): line.unit_minor for line in before.lines}
    was: Counter[tuple[str, str]] = Counter()
    came_from: dict[tuple[str, str], set[str]] = {}
    gone: Counter[tuple[str, str]] = Counter()
    for step, count in steps.items():
        if step.wanted:
            was[step.service_type, step.wanted] += count * each.get((step.service_type, step.saved), 0)
            came_from.setdefault((step.service_type, step.wanted), set()).add(step.saved)
        elif step.saved:
            gone[step.service_type, step.saved] += count
    rows = [
        Row(
            service_type=group.service_type,
            variant=group.variant,
            count=group.count,
            amount_minor=group.amount_minor,
            was_minor=was[group.service_type, group.variant],
            is_changed=came_from[group.service_type, group.variant] != {group.variant},
            why=group.why,
            new_parts=_new_parts(group.variant, came_from[group.service_type, group.variant]),
        )
        for group in every.groups()
    ]
    rows += [
        Row(line.item.service_type, line.item.variant, 0, 0, number * line.unit_minor, True, line.why)
        for line in before.lines
        if (number := gone[line.item.service_type, line.item.variant])
    ]
    return sorted(rows, key=lambda row: catalogue.rank(row.service_type))


def _new_parts(variant: str, saved: set[str]) -> frozenset[str]:
    return frozenset(Variant.parse(variant).parts).difference(*(Variant.parse(old).parts for old in saved))


def _notes(
    draft: catalogue.Configuration,
    counts: Mapping[int | str, int],
    steps: Counter[_Step],
    as_of: datetime,
    prices: PriceTable,
) -> list[str]:
    notes = []
    if homeless := Counter({row.key: counts.get(row.key, 1) for row in draft.apartments if not row.has_master}):
        amount = sum(
            homeless[row.key]
            * sum(minor for _part, minor in prices.parts(Product(item.service_type, item.variant.code, draft.project)))
            for row in draft.apartments
            if row.key in homeless
            for item in catalogue.of_residents(row)
        )
        words = ngettext(
            "%(n)s apartment has no family master yet: its App, %(amount)s of the sum, can be activated once it has one.",
            "%(n)s apartments have no family master yet: their Apps, %(amount)s of the sum, can be activated once they have one.",
            homeless.total(),
        )
        notes.append(words % {"n": homeless.total(), "amount": money.show(amount, prices.currency)})
        if any(step.wanted and step.target_kind == Target.APARTMENT and not _needs_master(step) for step in steps):
            notes.append(_("The Premium Plan belongs to the apartment: it can be activated without a family master."))
    for code in catalogue.CEILING_SWITCHES:
        if draft.apartments and draft.switches[code] and not any(getattr(row, code) for row in draft.apartments):
            notes.append(
                _("%(service)s: no apartment has it on, so it adds nothing yet.")
                % {"service": catalogue.BY_CODE[code].label}
            )
    if idle := sum(
        count for step, count in steps.items() if not step.wanted and step.saved and _is_running(step, as_of)
    ):
        notes.append(
            ngettext(
                "%(n)s item is paid and would not be used any more; its paid time stays.",
                "%(n)s items are paid and would not be used any more; their paid time stays.",
                idle,
            )
            % {"n": idle}
        )
    return notes


def _needs_master(step: _Step) -> bool:
    return catalogue.BY_TYPE[step.service_type].needs_master


def _count(found: Quote) -> int:
    return sum(line.item.count for line in found.lines)


PAID = (
    "paid_variant",
    "expires_at",
    "works_until",
    "variant_until",
)  # the columns of an entitlement that `Saved` ends with,
RENEWED = "renewed"  # and this one

# --- what is saved ------------------------------------------------------------------------------------------------------


def saved_of(site: Site, *, apartment: Apartment | None) -> list[Saved]:
    """The entitlements of one apartment, or with None of whatever else is billed at the site, as a bill looks at them; one statement."""
    rows = Entitlement.objects.filter(site=site)
    rows = (
        rows.filter(target=apartment.target_id) if apartment else rows.exclude(target__kind__in=catalogue.OF_APARTMENTS)
    )
    return [
        Saved(Target(kind), target, service_type, variant, *paid)
        for kind, target, service_type, variant, *paid in rows.annotate(renewed=status.renewed())
        .order_by("pk")
        .values_list("target__kind", "target_id", "service_type", "variant", *PAID, RENEWED)
    ]


def as_occupied(saved: Iterable[Saved], apartment: catalogue.ApartmentConfiguration) -> list[Saved]:
    """What is saved for an apartment, with the App it has with a family master."""
    rows = {row.service_type: row for row in saved}
    for item in catalogue.of_residents(apartment):
        row = rows.get(item.service_type)
        if row is None or not row.variant:
            rows.pop(item.service_type, None)  # it comes last
            row = row or Saved(item.target_kind, apartment.key, item.service_type, "", "", None)
            rows[item.service_type] = row._replace(variant=item.variant.code)
    return list(rows.values())


@dataclass(frozen=True, slots=True)
class Census:
    """What a site has, alike apartments counted instead of listed: `counts` says how many stand behind an apartment's key."""

    apartments: tuple[catalogue.ApartmentConfiguration, ...]
    managers: tuple[catalogue.ManagerConfiguration, ...]
    saved: tuple[Saved, ...]
    counts: Mapping[int | str, int]
    project: str = Kind.COMMUNITY

    def under(self, switches: Mapping[str, bool], *, retention_days: int) -> catalogue.Configuration:
        """The same apartments and managers under switches that are not saved."""
        on = catalogue.normalised(switches)
        return catalogue.Configuration(on, retention_days, self.apartments, self.managers, project=self.project)


def census_of(site: Site) -> Census:
    """Count a site's apartments by their switches and by what is paid for them; two statements, as fast for ten thousand.

    Who has a family master or the PM App is what the entitlements say: they follow the configuration.
    """
    kinds = catalogue.PER_APARTMENT
    columns = [
        column
        for code in kinds
        for column in (*(f"{code}__{field}" for field in ("variant", *PAID)), f"{code}_{RENEWED}")
    ]
    rows = (
        Apartment.objects.filter(site=site)
        .annotate(
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
    apartments, saved = [], list[Saved]()
    counts: dict[int | str, int] = {}
    for key, (monitor, landline, video, *paid, count) in enumerate(rows):
        width = len(columns) // len(kinds)
        services = {code: paid[width * at : width * (at + 1)] for at, code in enumerate(kinds)}
        rows_of_it = [
            Saved(Target.APARTMENT, key, code, *what) for code, what in services.items() if what[0] is not None
        ]
        has_master = any(row.variant and catalogue.BY_TYPE[row.service_type].needs_master for row in rows_of_it)
        apartment = catalogue.ApartmentConfiguration(key, monitor, landline, video, has_master)
        apartments.append(apartment)
        saved += as_occupied(rows_of_it, apartment)
        counts[key] = count
    others = saved_of(site, apartment=None)
    managers = tuple(
        catalogue.ManagerConfiguration(row.target, pm_app=True)
        for row in others
        if row.variant and row.target_kind == Target.MANAGER
    )
    return Census(tuple(apartments), managers, (*saved, *others), counts, site.kind)


def planned(switches: Mapping[str, bool], *, apartments: int, managers: int) -> Census:
    """A community that does not exist yet: so many apartments as it makes them (R23), so many managers with the PM App."""
    on = catalogue.normalised(switches)
    one = catalogue.ApartmentConfiguration(key=0, **{code: on[code] for code in catalogue.APARTMENT_SWITCHES})
    people = tuple(catalogue.ManagerConfiguration(number, pm_app=True) for number in range(managers) if on["pm_app"])
    return Census((one,), people, (), {0: apartments})


def site_total_minor(site: Site, prices: PriceTable, *, as_of: datetime) -> int:
    """What a site costs every 30 days as it is saved, by the rule of `preview_of`; two statements. Raises MissingPrice."""
    census = census_of(site)
    draft = census.under(site.switches, retention_days=site.retention_days)
    steps = _steps(_occupied(draft), census.saved, census.counts)
    return _every_30_days(_counted(steps, "wanted"), site.kind, prices, as_of).total_minor
