"""The parts of a quote: items, lines with their reasons, sums, and the fingerprint of what was shown (R40, R41)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import catalogue
from communities.models import Kind as ProjectType
from communities.models import PriceClass
from payments import money
from subscriptions import periods, taxes
from subscriptions.discounts import Place
from subscriptions.periods import Cycles, Months, Term
from subscriptions.prices import Parts, Product, unit_price
from subscriptions.taxes import Treatment


def why_code(product: Product, paid_variant: str = "") -> str:
    """The identifier, within one order, of the reasons for a product's price, or for its upgrade from a paid variant."""
    return f"{product.code}<{paid_variant}" if paid_variant else product.code


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to price, or `count` equal ones. `key` is the entitlement's id, or any label in a draft. `keys` are the ids, ascending, of
    entitlements that are equal in everything else: each gets its own order line, and they are priced once.

    `paid_variant` is what was paid for last; only the rest of a running period uses it. Project type and price class select the price; site
    and installer are ids for the scopes of discounts.
    """

    key: int | str
    service_type: str
    variant: str
    expires_at: datetime | None = None
    zone: str = "UTC"
    paid_variant: str = ""
    count: int = 1
    anchor_at: datetime | None = None  # what months up to `expires_at` were counted from
    works_until: datetime | None = None  # the end of grace
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL
    site_id: int | None = None
    installer_id: int | None = None
    keys: tuple[int, ...] = ()
    term: Term | None = None  # its own term, where it differs from that of the quote

    def of_all(self, keys: Sequence[int]) -> Item:
        """The item for all `keys` together."""
        return replace(self, key=keys[0], keys=tuple(keys), count=len(keys))

    def part(self, start: int, count: int) -> Item:
        """The item for `count` of its keys, from `start` on."""
        if not self.keys or count == self.count:
            return self
        keys = self.keys[start : start + count]
        return replace(self, key=keys[0], keys=keys, count=count)

    @property
    def product(self) -> Product:
        """What is bought."""
        return Product(self.service_type, self.variant, self.project_type, self.price_class)

    @property
    def place(self) -> Place:
        """Its properties for the scopes of discounts."""
        return Place(self.project_type, self.service_type, self.site_id, self.installer_id)


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons of an amount; shared by all lines of the same variant and base. Words are made when they are read."""

    service_type: str
    parts: Parts
    term: Term
    days: int
    currency: str
    price_list: str
    paid_parts: Parts = ()  # what the running period has paid already

    @property
    def unit_minor(self) -> int:
        """The 30-day price: the sum of the parts, less what is paid already; at least 0."""
        return unit_price(self.parts, self.paid_parts)

    @property
    def amount_minor(self) -> int:
        """The price of one item for the term."""
        return line_amount(self.term, self.unit_minor, self.days)

    @property
    def named_parts(self) -> list[tuple[str, int]]:
        """The parts in the reader's language; for an upgrade the new ones, and minus those that are off."""
        added = [part for part in self.parts if part not in self.paid_parts]
        dropped = [part for part in self.paid_parts if part not in self.parts]
        return [
            *((catalogue.price_label(self.service_type, part), amount) for part, amount in added),
            *(
                (_("%(part)s, paid already") % {"part": catalogue.price_label(self.service_type, part)}, -amount)
                for part, amount in dropped
            ),
        ]

    @property
    def formula(self) -> str:
        """How the 30-day price becomes the amount: "3 months × US$1.50"."""
        price = money.show(self.unit_minor, self.currency)
        if isinstance(self.term, Months):
            return ngettext("%(n)s month × %(price)s", "%(n)s months × %(price)s", self.term.count) % {
                "n": self.term.count,
                "price": price,
            }
        if isinstance(self.term, Cycles):
            return _("%(n)s × 30 days × %(price)s") % {"n": self.term.count, "price": price}
        return _("%(n)s days × %(price)s ÷ 30") % {"n": self.days, "price": price}


@dataclass(frozen=True, slots=True)
class Line:
    """One priced item (or several equal ones, all summed up): from, to, price, discount and tax. `tax_minor` is added to the price,
    `included_tax_minor` is contained in it; one of them is 0. Items of one line are equal in all of this."""

    item: Item
    starts_at: datetime
    ends_at: datetime
    days: int
    unit_minor: int
    amount_minor: int
    why: Why
    treatment: Treatment
    discount_minor: int = 0
    tax_minor: int = 0
    included_tax_minor: int = 0

    @property
    def each_minor(self) -> int:
        """The price of one of the items."""
        return self.amount_minor // self.item.count


@dataclass(frozen=True, slots=True)
class Group(catalogue.Labelled):
    """Lines of one variant with the same price: one row of a price preview."""

    service_type: str
    variant: str
    count: int
    each_minor: int
    amount_minor: int
    ends_at: datetime
    zone: str
    why: Why
    keys: tuple[int | str, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class Quote:
    """What is to be paid. Invariant (R41): Σ lines − discount + tax = total ≥ 0, for net and gross prices: contained tax is stated
    separately and is not in the sum."""

    currency: str
    lines: tuple[Line, ...]
    price_list: str = ""
    price_list_id: int = 0
    is_invented: bool = False
    includes_tax: bool = False  # whether prices are gross

    @property
    def count(self) -> int:
        """How many items are priced."""
        return sum(line.item.count for line in self.lines)

    @property
    def each_cycle_minor(self) -> int:
        """The price of 30 days of all items for the payer, with tax and without discounts: what an auto-renewal charges."""
        lines = [replace(line, amount_minor=line.unit_minor * line.item.count, discount_minor=0) for line in self.lines]
        taxed = with_tax(lines, includes_tax=self.includes_tax)
        return sum(line.amount_minor + (0 if self.includes_tax else line.tax_minor) for line in taxed)

    @property
    def subtotal_minor(self) -> int:
        """Σ lines before discount and tax."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def discount_minor(self) -> int:
        """The discounts of all lines together."""
        return sum(line.discount_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        """The tax added to net prices."""
        return sum(line.tax_minor for line in self.lines)

    @property
    def included_tax_minor(self) -> int:
        """The tax contained in gross prices, after discounts."""
        return sum(line.included_tax_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        """The amount that is charged."""
        return self.subtotal_minor - self.discount_minor + self.tax_minor

    @property
    def ends_at(self) -> datetime | None:
        """The latest end of all lines."""
        return max((line.ends_at for line in self.lines), default=None)

    @property
    def zone(self) -> str:
        """The time zone of the site with the latest end."""
        return max(self.lines, key=lambda line: line.ends_at).item.zone if self.lines else "UTC"

    def groups(self) -> list[Group]:
        """The lines grouped by variant and price, in the order in which they first appear."""
        gathered: dict[tuple[str, str, int, datetime, str, Parts], list[Line]] = {}
        for line in self.lines:
            item = line.item
            key = (item.service_type, item.variant, line.each_minor, line.ends_at, item.zone, line.why.paid_parts)
            gathered.setdefault(key, []).append(line)
        return [
            Group(
                service_type=service_type,
                variant=variant,
                count=sum(line.item.count for line in lines),
                each_minor=each,
                amount_minor=sum(line.amount_minor for line in lines),
                ends_at=ends_at,
                zone=zone,
                why=lines[0].why,
                keys=tuple(key for line in lines for key in line.item.keys or (line.item.key,)),
            )
            for (service_type, variant, each, ends_at, zone, _paid), lines in gathered.items()
        ]

    def fingerprint(self) -> str:
        """A short digest of everything that the person was shown: items, variants, terms, ends, amounts, discounts, tax, total (R40). It is
        the same whether equal items were priced together or one by one."""
        alike: dict[str, list[str]] = {}
        for line in self.lines:
            item, n = line.item, line.item.count if line.item.keys else 1
            taxed = f"{line.treatment.rate_bp}:{line.tax_minor // n}:{line.included_tax_minor // n}"
            sums = f"{line.amount_minor // n}:{line.discount_minor // n}:{taxed}"
            base = item.expires_at.isoformat() if item.expires_at else ""
            keys = item.keys or (item.key,)
            alike.setdefault(f"{item.service_type}:{item.variant}:{line.why.term}:{base}:{sums}", []).extend(
                map(str, keys)
            )
        digest = hashlib.sha256(f"{self.currency}:{self.total_minor}".encode())
        for said, keys_ in sorted(alike.items()):
            digest.update(f"|{said}|{','.join(sorted(keys_))}".encode())
        return digest.hexdigest()[:24]


def with_tax(lines: Sequence[Line], *, includes_tax: bool) -> Sequence[Line]:
    if not any(line.treatment.rate_bp for line in lines):
        return lines
    counts = [len(line.item.keys) or 1 for line in lines]
    rest = [(line.amount_minor - line.discount_minor) // n for line, n in zip(lines, counts, strict=True)]
    found = taxes.tax_on([line.treatment for line in lines], rest, counts, includes_tax=includes_tax)
    return [
        replace(part, included_tax_minor=tax * (len(part.item.keys) or 1))
        if includes_tax
        else replace(part, tax_minor=tax * (len(part.item.keys) or 1))
        for line, runs in zip(lines, found, strict=True)
        for part, tax in split_line(line, runs)
    ]


def split_line(line: Line, runs: Sequence[tuple[int, int]]) -> Iterator[tuple[Line, int]]:
    """Split a line where its items get different shares; each part has its share."""
    at, n = 0, len(line.item.keys) or 1
    for share, count in runs:
        if count == n:
            yield line, share
            return
        yield (
            replace(
                line,
                item=line.item.part(at, count),
                amount_minor=line.amount_minor // n * count,
                discount_minor=line.discount_minor // n * count,
            ),
            share,
        )
        at += count


def line_amount(term: Term, unit_minor: int, days: int) -> int:
    """The amount of one item: months and cycles cost the 30-day price each, other terms days × price / 30, half-up."""
    if isinstance(term, Months | Cycles):
        return term.count * unit_minor
    return money.divide_half_up(days * unit_minor, periods.CYCLE.days)
