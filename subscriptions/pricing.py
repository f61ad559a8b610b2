"""One pure function prices everything: the live bill, the cart, the order, "why this price" (R27, R40, R41)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.errors import Refused
from accounts.typed.days import end_date
from communities import catalogue
from communities.models import Kind as ProjectType
from payments import money
from subscriptions import periods, taxes
from subscriptions.discounts import Charge, Discount, Place, taken_off
from subscriptions.periods import Cycles, Months, Rest, Term, Until
from subscriptions.taxes import UNTAXED, Tax, Treatment

Parts = tuple[tuple[str, int], ...]  # what a 30-day price is the sum of: (part, minor units)


class CantQuote(Refused):
    """What is chosen has no price, or can't be bought for so long."""


class MissingPrice(CantQuote):
    """The price list does not name prices that are needed; the message says which (DOMAIN §3)."""


class TooFarAhead(CantQuote):
    """Paid time would reach further than 60 months from now (R45)."""

    field = "months"


class PriceClass(models.TextChoices):
    """A site that is connected to a property management system has the class Integration, any other Normal (S2)."""

    NORMAL = "normal", gettext_lazy("Normal")
    INTEGRATION = "integration", gettext_lazy("Integration")


class PriceKey(NamedTuple):
    """What a price of a list is for."""

    service_type: str
    part: str
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL

    @property
    def fallback(self) -> PriceKey | None:
        """Whose price counts where the list has none for this key: Integration is sold at the Normal price, a house at the Community's."""
        if self.price_class != PriceClass.NORMAL:
            return self._replace(price_class=PriceClass.NORMAL)
        if self.project_type == ProjectType.HOUSE:
            return self._replace(project_type=ProjectType.COMMUNITY)
        return None

    @property
    def part_label(self) -> str:
        """What of the service it is for, in words; the Normal price of communities is meant where nothing else is said."""
        words = [catalogue.price_label(self.service_type, self.part)]
        if self.project_type != ProjectType.COMMUNITY:
            words.append(str(ProjectType(self.project_type).label))
        if self.price_class != PriceClass.NORMAL:
            words.append(str(PriceClass(self.price_class).label))
        return ", ".join(words)

    @property
    def label(self) -> str:
        """The price in words: "App, with indoor monitor"."""
        return f"{catalogue.SERVICE_TYPE_LABELS[self.service_type]}, {self.part_label}"


def price_keys() -> Iterator[PriceKey]:
    """Every price that a list can name, in the order of its page. Only communities can be connected, so only they have two classes."""
    for project_type in ProjectType.values:
        classes = PriceClass.values if project_type == ProjectType.COMMUNITY else [PriceClass.NORMAL.value]
        for service_type, part in catalogue.priced_in(project_type):
            yield from (PriceKey(service_type, part, project_type, price_class) for price_class in classes)


class Product(NamedTuple):
    """What has one price per 30 days: a service in a variant, at a site of a project type and price class."""

    service_type: str
    variant: str
    project_type: str = ProjectType.COMMUNITY
    price_class: str = PriceClass.NORMAL

    @property
    def code(self) -> str:
        """What names it within one order, which is of one project type."""
        parts = (self.service_type, self.variant)
        return ":".join(parts if self.price_class == PriceClass.NORMAL else (*parts, self.price_class))

    @property
    def price_keys(self) -> tuple[PriceKey, ...]:
        """The prices whose sum is the product's."""
        return tuple(
            PriceKey(service_type, part, self.project_type, self.price_class)
            for service_type, part in catalogue.price_parts(self.service_type, self.variant)
        )


def why_code(product: Product, paid_variant: str = "") -> str:
    """What names the why of a product, or of its upgrade from a paid variant, within one order."""
    return f"{product.code}<{paid_variant}" if paid_variant else product.code


@dataclass(frozen=True, slots=True)
class PriceTable:
    """One version of a price list as values: amount per 30 days, in minor units, by key; with `includes_tax` tax is contained in them
    (gross), else it is added (net)."""

    list_id: int
    label: str  # "Price list 7, from 1 Oct 2026"
    currency: str
    amounts: Mapping[PriceKey, int]
    is_invented: bool = False  # demo prices are labelled so
    former: Mapping[PriceKey, int] = field(default_factory=dict)  # last prices of what left the list
    includes_tax: bool = False

    def amount_of(self, key: PriceKey) -> int | None:
        """The price of a key or of what it falls back to; None where the list has none."""
        at: PriceKey | None = key
        while at is not None:
            if at in self.amounts:
                return self.amounts[at]
            at = at.fallback
        return None

    def as_paid(self) -> PriceTable:
        """The table that also prices what left the list, at its last price: for what was paid for already, never for what is sold."""
        left = {key: amount for key, amount in self.former.items() if self.amount_of(key) is None}
        return replace(self, amounts={**left, **self.amounts}, former={})

    def change_parts(self, product: Product, paid_variant: str) -> tuple[Parts, Parts]:
        """The parts of a product and of its paid variant, for the difference between them. What is paid for may have left the list: it is
        priced as it last was, on both sides alike. Raises MissingPrice for what is new and has no price."""
        before = product._replace(variant=paid_variant)
        paid = self.as_paid().parts(before)
        covered = {key: amount for key, (_part, amount) in zip(before.price_keys, paid, strict=True)}
        return replace(self, amounts={**covered, **self.amounts}).parts(product), paid

    def parts(self, product: Product) -> Parts:
        """What the 30-day price of a product is made of: (part, minor units). Raises MissingPrice."""
        found = [(key.part, self.amount_of(key)) for key in product.price_keys]
        known = tuple((part, amount) for part, amount in found if amount is not None)
        if len(known) < len(found):
            self.refuse_missing([product])
        return known

    def refuse_missing(self, products: Iterable[Product]) -> None:
        """Raise MissingPrice that names everything these products need and the list has not."""
        needed = dict.fromkeys(key for product in products for key in product.price_keys)
        missing = [key for key in needed if self.amount_of(key) is None]
        if missing:
            names = "; ".join(dict.fromkeys(key.label for key in missing))
            raise MissingPrice(
                ngettext(
                    "%(list)s has no price for %(names)s. Ask the operator to add it.",
                    "%(list)s has no prices for %(names)s. Ask the operator to add them.",
                    len(missing),
                )
                % {"list": self.label, "names": names}
            )


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
        taxed = _taxed(lines, includes_tax=self.includes_tax)
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


def quote(
    items: Iterable[Item],
    term: Term,
    as_of: datetime,
    prices: PriceTable,
    discounts: Sequence[Discount] = (),
    tax: Tax = UNTAXED,
) -> Quote:
    """Price `items` for `term` as of an instant (DESIGN §3). Pure; raises MissingPrice, and TooFarAhead where the term is one that
    people choose and the paid time would reach further than 60 months from `as_of`, whatever the term's own length (R45).

    Each item is rounded once, half-up. `discounts` come off the lines (`discounts.taken_off`; what counts as a bought period says
    `periods.whole_periods`), then tax is worked out on what is left, within each rate (`taxes.tax_on`): added where the list is net, said
    to be contained where it is gross.
    Distinct products and bases are worked out once and shared by their lines; items that are alike in everything come as one
    (`Item.keys`) and become one line, or a few where a remainder makes them differ: each costs the same as if they came one by one.
    The rest of a running period costs what the variant costs more than the paid one, by the day, and never less than nothing.
    """
    items = list(items)
    products = [item.product for item in items]
    terms = [item.term or term for item in items]
    new = [product for product, own in zip(products, terms, strict=True) if not isinstance(own, Rest)]
    prices.refuse_missing(dict.fromkeys(new))  # what is paid for already need not be in the list
    priced: dict[tuple[Product, str], tuple[Parts, Parts, int]] = {}
    spans: dict[
        tuple[Term, datetime | None, datetime | None, str, datetime | None], tuple[datetime, datetime, int]
    ] = {}
    reasons: dict[tuple[Product, str, Term, int], Why] = {}
    treatments: dict[str, Treatment] = {}
    lines: list[Line] = []
    for item, product, own in zip(items, products, terms, strict=True):
        kind = (product, item.paid_variant if isinstance(own, Rest) else "")
        if kind not in priced:
            parts, paid = prices.change_parts(*kind)
            priced[kind] = parts, paid, unit_price(parts, paid)
        parts, paid, unit = priced[kind]
        where = (own, item.expires_at, item.works_until, item.zone, item.anchor_at)
        if where not in spans:
            start, finish = periods.span(own, item.expires_at, item.works_until, as_of, item.zone, item.anchor_at)
            spans[where] = start, finish, periods.days_of(own, start, finish, item.zone)
        start, finish, days = spans[where]
        reason = (*kind, own, days)
        if reason not in reasons:
            reasons[reason] = Why(item.service_type, parts, own, days, prices.currency, prices.label, paid)
        if item.service_type not in treatments:
            treatments[item.service_type] = tax.on(item.service_type, prices.currency)
        amount = item.count * line_amount(own, unit, days)
        lines.append(Line(item, start, finish, days, unit, amount, reasons[reason], treatments[item.service_type]))
    # months that begin now or in grace are never too many, even where the item's own day lies later in the last month
    ahead = [line for line in lines if isinstance(line.why.term, Months) and line.starts_at > as_of]
    refuse_too_far([*ahead, *(line for line in lines if isinstance(line.why.term, Until))], as_of)
    return Quote(
        currency=prices.currency,
        lines=tuple(_taxed(_discounted(lines, discounts, prices.currency), includes_tax=prices.includes_tax)),
        price_list=prices.label,
        price_list_id=prices.list_id,
        is_invented=prices.is_invented,
        includes_tax=prices.includes_tax,
    )


def _discounted(lines: Sequence[Line], discounts: Sequence[Discount], currency: str) -> Sequence[Line]:
    if not discounts:
        return lines
    charges = []
    for line in lines:
        n = len(line.item.keys) or 1
        period = (line.item.count // n) * line.unit_minor
        charges.append(
            Charge(line.item.place, line.amount_minor // n, period, periods.whole_periods(line.why.term, line.days), n)
        )
    return [
        replace(part, discount_minor=off * (len(part.item.keys) or 1))
        for line, runs in zip(lines, taken_off(discounts, charges, currency), strict=True)
        for part, off in _parts(line, runs)
    ]


def _taxed(lines: Sequence[Line], *, includes_tax: bool) -> Sequence[Line]:
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
        for part, tax in _parts(line, runs)
    ]


def _parts(line: Line, runs: Sequence[tuple[int, int]]) -> Iterator[tuple[Line, int]]:
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


def refuse_too_far(lines: Sequence[Line], as_of: datetime) -> None:
    """The resulting expiry counts, not the months of one order (R45)."""
    latest = {zone: periods.latest_end(as_of, zone) for zone in {line.item.zone for line in lines}}
    if too_far := [line for line in lines if line.ends_at > latest[line.item.zone]]:
        count = sum(line.item.count for line in too_far)
        last, (zone, door) = max(too_far, key=lambda line: line.ends_at), min(latest.items(), key=lambda end: end[1])
        raise TooFarAhead(
            ngettext(
                "%(n)s item would be paid until %(day)s. At most %(months)s months ahead can be paid, until %(latest)s: choose a shorter time.",
                "%(n)s items would be paid until %(day)s. At most %(months)s months ahead can be paid, until %(latest)s: choose a shorter time.",
                count,
            )
            % {
                "n": count,
                "day": end_date(last.ends_at, last.item.zone),
                "months": periods.MAX_MONTHS,
                "latest": end_date(door, zone),
            }
        )


def unit_price(parts: Parts, paid: Parts = ()) -> int:
    """Minor units per 30 days of `parts`, less what is paid for already; not below 0, since nothing is given back."""
    return max(0, sum(amount for _name, amount in parts) - sum(amount for _name, amount in paid))


def line_amount(term: Term, unit_minor: int, days: int) -> int:
    """The amount of one item: months and cycles cost the 30-day price each, anything else days × price / 30, half-up."""
    if isinstance(term, Months | Cycles):
        return term.count * unit_minor
    return money.divide_half_up(days * unit_minor, periods.CYCLE.days)
