"""What a quote consists of: items, lines with their reasons, sums, and the fingerprint of what was shown (R40, R41)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import catalogue
from communities.models import Kind as ProjectType
from payments import money
from subscriptions import periods, taxes
from subscriptions.discounts import Place
from subscriptions.periods import Cycles, Months, Term
from subscriptions.prices import Parts, PriceClass, Product, unit_price
from subscriptions.taxes import Treatment


def why_code(product: Product, paid_variant: str = "") -> str:
    """What names the why of a product, or of its upgrade from a paid variant, within one order."""
    return f"{product.code}<{paid_variant}" if paid_variant else product.code


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to price, or `count` alike. `key` is the entitlement's id, or any label while it is a draft. `keys` are the ids, ascending, of
    entitlements that are alike in everything else: each of them is a line of its own, priced once.

    `paid_variant` is what was paid for last; only the rest of a running period asks about it. Project type and price class say which
    price it has; site and installer, ids, are asked by the scopes of discounts.
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
    term: Term | None = None  # its own, where others of the quote have another one

    def of_all(self, keys: Sequence[int]) -> Item:
        """All of these, each like this one."""
        return replace(self, key=keys[0], keys=tuple(keys), count=len(keys))

    def part(self, start: int, count: int) -> Item:
        """So many of the alike, from a place on."""
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
        """Where it belongs, for the scopes of discounts."""
        return Place(self.project_type, self.service_type, self.site_id, self.installer_id)


@dataclass(frozen=True, slots=True)
class Why:
    """How the amount of a variant came about; shared by all lines of the variant and base. Words are made when it is read."""

    service_type: str
    parts: Parts
    term: Term
    days: int
    currency: str
    price_list: str
    paid_parts: Parts = ()  # what the running period was paid for already

    @property
    def unit_minor(self) -> int:
        """The 30-day price: the sum of the parts, less what is paid already; nothing is given back."""
        return unit_price(self.parts, self.paid_parts)

    @property
    def amount_minor(self) -> int:
        """What one item costs for the term."""
        return line_amount(self.term, self.unit_minor, self.days)

    @property
    def named_parts(self) -> list[tuple[str, int]]:
        """The parts in the reader's language; of an upgrade what is new, and less what is not on any more."""
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
    """One priced item (or several alike, with all of them summed up): from, to, what it costs, what comes off, and its tax: `tax_minor` is
    added to the price, `included_tax_minor` contained in it, for information; one of them is 0. Items of one line agree in all of it."""

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
        """What one of the items costs."""
        return self.amount_minor // self.item.count


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one variant that cost the same: what a bill shows as one row."""

    service_type: str
    variant: str
    count: int
    each_minor: int
    amount_minor: int
    ends_at: datetime
    zone: str
    why: Why
    keys: tuple[int | str, ...] = field(repr=False, default=())

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


@dataclass(frozen=True, slots=True)
class Quote:
    """What is to be paid. Invariant (R41): Σ lines − discount + tax = total ≥ 0, of net and of gross prices: tax that these contain is
    said beside them and is no part of the sum."""

    currency: str
    lines: tuple[Line, ...]
    price_list: str = ""
    price_list_id: int = 0
    is_invented: bool = False
    includes_tax: bool = False  # prices are gross

    @property
    def count(self) -> int:
        """How many items are priced."""
        return sum(line.item.count for line in self.lines)

    @property
    def each_cycle_minor(self) -> int:
        """What 30 days of all of them cost whoever this is billed to, tax included: what an auto-renewal of them charges, for which no
        discount counts."""
        lines = [replace(line, amount_minor=line.unit_minor * line.item.count, discount_minor=0) for line in self.lines]
        taxed = with_tax(lines, includes_tax=self.includes_tax)
        return sum(line.amount_minor + (0 if self.includes_tax else line.tax_minor) for line in taxed)

    @property
    def subtotal_minor(self) -> int:
        """Σ lines before discount and tax."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def discount_minor(self) -> int:
        """What comes off all lines together."""
        return sum(line.discount_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        """The tax that is added."""
        return sum(line.tax_minor for line in self.lines)

    @property
    def included_tax_minor(self) -> int:
        """The tax that gross prices contain, after discounts."""
        return sum(line.included_tax_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        """What is charged."""
        return self.subtotal_minor - self.discount_minor + self.tax_minor

    @property
    def ends_at(self) -> datetime | None:
        """The latest end, for the button that names the date."""
        return max((line.ends_at for line in self.lines), default=None)

    @property
    def zone(self) -> str:
        """The time zone of the site where that is."""
        return max(self.lines, key=lambda line: line.ends_at).item.zone if self.lines else "UTC"

    def groups(self) -> list[Group]:
        """The lines gathered by variant and price, in the order in which they first appear."""
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
        """A short digest of everything the person was shown a price for: items, variants, terms, what they are paid to, amounts, discounts, tax,
        total (R40). The same whether items that are alike were priced one by one or together."""
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
    """A line taken apart where its items get different shares, with the share of each."""
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
    """The amount of one item: months and cycles cost the 30-day price each, anything else days × price / 30, half-up."""
    if isinstance(term, Months | Cycles):
        return term.count * unit_minor
    return money.divide_half_up(days * unit_minor, periods.CYCLE.days)
