"""The price preview: the price of a configuration, saved or a draft, every 30 days, and what it costs to make it work today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from communities import catalogue
from communities.catalogue import Target, Variant
from communities.models import Site
from payments import money
from subscriptions.cycles import recurring_total
from subscriptions.periods import Months, Rest
from subscriptions.preview_notes import notes_of
from subscriptions.prices import PriceTable, Product
from subscriptions.pricing import quote
from subscriptions.quotes import Group, Item, Quote, Why
from subscriptions.saved_items import Saved, Step, census_of, is_running, steps_of


@dataclass(frozen=True, slots=True)
class Row(catalogue.Labelled):
    """A line of the preview: one variant, every 30 days. `was_minor` is the price of the same targets as saved.

    A variant that is no longer wanted has a count of 0 and costs nothing.
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
    def new_labels(self) -> list[str]:
        """Parts in the variant that were not in the saved variant of every target."""
        return catalogue.part_labels(self.service_type, sorted(self.new_parts))


@dataclass(frozen=True, slots=True)
class PricePreview:
    """The price of a configuration. Amounts are minor units of `currency`; saving charges nothing.

    `activation` is one month for everything that was never activated or has lapsed; `upgrade` is the difference up to their own expiry for
    running items with unpaid parts. Together they are `today_minor`.
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
        """The difference to the saved price, every 30 days."""
        return self.every_30_days.total_minor - self.before_minor

    @property
    def per_apartment_difference_minor(self) -> int:
        """The difference to the saved price, every 30 days for each apartment."""
        return self.per_apartment_minor - self.per_apartment_before_minor

    @property
    def has_several_plans(self) -> bool:
        """Whether apartments differ in their Premium Plan, so that its lines have to name the parts."""
        return sum(row.entry.is_sum and bool(row.count) for row in self.rows) > 1

    @property
    def upgrade_groups(self) -> list[Group]:
        """The upgrades due today, in groups."""
        return self.upgrade.groups()

    @property
    def has_one_upgrade_end(self) -> bool:
        """Whether all upgrades end at the same instant."""
        return len({line.ends_at for line in self.upgrade.lines}) == 1

    @property
    def to_activate(self) -> int:
        """How many items need an activation."""
        return _count(self.activation)

    @property
    def to_upgrade(self) -> int:
        """How many running items have unpaid parts."""
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
    """The price of a configuration compared with the saved one (R25, R27). Pure function; raises MissingPrice.

    Every apartment is priced as with its family master, whether planned, new or saved; so `saved` must be too (`as_occupied`). A note says
    how many apartments have none, and which part of the sum waits for one. `counts` says how many equal apartments a key stands for
    (default 1); they are priced once.
    """
    counts = counts or {}
    steps = steps_of(_occupied(draft), saved, counts)
    now_rows, before_rows = _counted(steps, "wanted"), _counted(steps, "saved")
    every = _every_30_days(now_rows, draft, prices, as_of)
    before = _every_30_days(before_rows, draft, prices.as_paid(), as_of)
    apartments = sum(counts.get(apartment.key, 1) for apartment in draft.apartments)
    return PricePreview(
        every_30_days=every,
        before_minor=before.total_minor,
        per_apartment_minor=_per_apartment(now_rows, every, apartments),
        per_apartment_before_minor=_per_apartment(before_rows, before, apartments),
        apartments=apartments,
        activation=quote(_to_activate(steps, as_of, zone, draft), Months(1), as_of, prices),
        upgrade=quote(_to_upgrade(steps, as_of, zone, draft), Rest(), as_of, prices),
        rows=tuple(_rows(steps, every, before)),
        notes=tuple(notes_of(draft, counts, steps, as_of, prices)),
    )


def _occupied(draft: catalogue.Configuration) -> catalogue.Configuration:
    return replace(draft, apartments=tuple(replace(apartment, has_master=True) for apartment in draft.apartments))


_Kind = tuple[str, str, str]  # target kind, service type, variant


def _counted(steps: Counter[Step], side: str) -> Counter[_Kind]:
    found: Counter[_Kind] = Counter()
    for step, count in steps.items():
        if variant := getattr(step, side):
            found[step.target_kind, step.service_type, variant] += count
    return found


def _ordered(rows: Counter[_Kind]) -> list[_Kind]:
    return sorted(rows, key=lambda row: (catalogue.rank(row[1]), -rows[row] if row[0] == Target.APARTMENT else 0, row))


def _every_30_days(rows: Counter[_Kind], at: catalogue.Configuration, prices: PriceTable, as_of: datetime) -> Quote:
    """Their price at a site of this project type and price class: one line for each, as in `_ordered`."""
    return recurring_total(
        (
            (Product(service, variant, at.project, at.price_class), rows[kind, service, variant])
            for kind, service, variant in _ordered(rows)
        ),
        prices,
        as_of,
    )


def _per_apartment(rows: Counter[_Kind], priced: Quote, apartments: int) -> int:
    """The price for each apartment: the lines of apartments divided by their number, rounded once."""
    if not apartments:
        return 0
    lines = zip(_ordered(rows), priced.lines, strict=True)
    mine = sum(line.amount_minor for (kind, _service, _variant), line in lines if kind == Target.APARTMENT)
    return money.divide_half_up(mine, apartments)


def _lacks(step: Step) -> bool:
    return bool(catalogue.uncovered(step.service_type, step.wanted, step.paid))


def _to_activate(steps: Counter[Step], as_of: datetime, zone: str, at: catalogue.Configuration) -> list[Item]:
    """Items to activate: never activated or lapsed; and those in grace with unpaid parts, since no running period is left to upgrade."""
    return [
        Item(
            str(step),
            step.service_type,
            step.wanted,
            step.expires_at,
            zone,
            count=count,
            works_until=step.works_until,
            project_type=at.project,
            price_class=at.price_class,
        )
        for step, count in steps.items()
        if step.wanted
        and (step.works_until is None or as_of >= step.works_until or (not is_running(step, as_of) and _lacks(step)))
    ]


def _to_upgrade(steps: Counter[Step], as_of: datetime, zone: str, at: catalogue.Configuration) -> list[Item]:
    return [
        Item(
            str(step),
            step.service_type,
            step.wanted,
            step.variant_until or step.expires_at,
            zone,
            step.paid,
            count,
            project_type=at.project,
            price_class=at.price_class,
        )
        for step, count in steps.items()
        if step.wanted and is_running(step, as_of) and _lacks(step)
    ]


def _rows(steps: Counter[Step], every: Quote, before: Quote) -> list[Row]:
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


def _count(found: Quote) -> int:
    return sum(line.item.count for line in found.lines)


def site_total_minor(site: Site, prices: PriceTable, *, as_of: datetime) -> int:
    """The price of a saved site every 30 days, by the rules of `preview_of`; two statements. Raises MissingPrice."""
    census = census_of(site)
    draft = census.under(site.switches, retention_days=site.retention_days)
    steps = steps_of(_occupied(draft), census.saved, census.counts)
    return _every_30_days(_counted(steps, "wanted"), draft, prices, as_of).total_minor
