"""One pure function prices everything: the live bill, the cart, the order, "why this price" (R27, R40, R41)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import Refused
from accounts.typed.days import end_date
from communities import catalogue
from payments import money
from subscriptions import periods
from subscriptions.periods import Cycles, Months, Rest, Term, Until

Parts = tuple[tuple[str, int], ...]  # what a 30-day price is the sum of: (part, minor units)


class CantQuote(Refused):
    """What is chosen has no price, or can't be bought for so long."""


class MissingPrice(CantQuote):
    """The price list does not name prices that are needed; the message says which (DOMAIN §3)."""


class TooFarAhead(CantQuote):
    """Paid time would reach further than 60 months from now (R45)."""

    field = "months"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """One version of a price list as values: amount per 30 days, in minor units, by (service type, part)."""

    list_id: int
    label: str  # "Price list 7, from 1 Oct 2026"
    currency: str
    amounts: Mapping[tuple[str, str], int]
    is_invented: bool = False  # demo prices are labelled so
    former: Mapping[tuple[str, str], int] = field(default_factory=dict)  # last prices of what left the list

    def as_paid(self) -> PriceTable:
        """The table that also prices what left the list, at its last price: for what was paid for already, never for what is sold."""
        return replace(self, amounts={**self.former, **self.amounts}, former={})

    def change_parts(self, service_type: str, variant: str, paid_variant: str) -> tuple[Parts, Parts]:
        """The parts of a variant and of the paid one, for the difference between them. What is paid for may have left the list: it is
        priced as it last was, on both sides alike. Raises MissingPrice for what is new and has no price."""
        paid = self.as_paid().parts(service_type, paid_variant)
        covered = {(service_type, part): amount for part, amount in paid}
        return replace(self, amounts={**covered, **self.amounts}).parts(service_type, variant), paid

    def parts(self, service_type: str, variant: str) -> Parts:
        """What the 30-day price of a variant is made of: (part, minor units). Raises MissingPrice."""
        self.refuse_missing([(service_type, variant)])
        return tuple((key[1], self.amounts[key]) for key in catalogue.price_parts(service_type, variant))

    def refuse_missing(self, variants: Iterable[tuple[str, str]]) -> None:
        """Raise MissingPrice that names everything these (service type, variant) need and the list has not."""
        needed = dict.fromkeys(key for variant in variants for key in catalogue.price_parts(*variant))
        missing = [key for key in needed if key not in self.amounts]
        if missing:
            names = "; ".join(
                f"{catalogue.SERVICE_TYPE_LABELS[service_type]}, {catalogue.price_label(service_type, part)}"
                for service_type, part in missing
            )
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
    """One thing to price, or `count` alike. `key` is the entitlement's id, or any label while it is a draft.

    `paid_variant` is what was paid for last; only the rest of a running period asks about it.
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
    """One priced item (or several alike): from, to, and what it costs."""

    item: Item
    starts_at: datetime
    ends_at: datetime
    days: int
    unit_minor: int
    amount_minor: int
    why: Why
    discount_minor: int = 0
    tax_minor: int = 0

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
    """What is to be paid. Invariant (R41): Σ lines − discount + tax = total ≥ 0."""

    currency: str
    lines: tuple[Line, ...]
    discount_minor: int
    tax_minor: int
    price_list: str = ""
    price_list_id: int = 0
    is_invented: bool = False

    @property
    def subtotal_minor(self) -> int:
        """Σ lines before discount and tax."""
        return sum(line.amount_minor for line in self.lines)

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
                keys=tuple(line.item.key for line in lines),
            )
            for (service_type, variant, each, ends_at, zone, _paid), lines in gathered.items()
        ]

    def fingerprint(self) -> str:
        """A short digest of everything the person was shown a price for: items, variants, amounts, total (R40)."""
        digest = hashlib.sha256(f"{self.currency}:{self.total_minor}".encode())
        for line in sorted(self.lines, key=lambda line: str(line.item.key)):
            digest.update(f"|{line.item.key}:{line.item.variant}:{line.amount_minor}".encode())
        return digest.hexdigest()[:24]


def quote(
    items: Iterable[Item],
    term: Term,
    as_of: datetime,
    prices: PriceTable,
    *,
    discount_minor: int = 0,
    tax_minor: int = 0,
) -> Quote:
    """Price `items` for `term` as of an instant (DESIGN §3). Pure; raises MissingPrice, and TooFarAhead where the term is one that
    people choose and the paid time would reach further than 60 months from `as_of`, whatever the term's own length (R45).

    Each item is rounded once, half-up; discount and tax are given as totals and allotted to lines by largest remainder.
    Distinct variants and bases are worked out once and shared by their lines. The rest of a running period costs what the
    variant costs more than the paid one, by the day, and never less than nothing.
    """
    items = list(items)
    if not isinstance(term, Rest):  # what is paid for already need not be in the list
        prices.refuse_missing(dict.fromkeys((item.service_type, item.variant) for item in items))
    priced: dict[tuple[str, str, str], tuple[Parts, Parts, int]] = {}
    spans: dict[tuple[datetime | None, datetime | None, str, datetime | None], tuple[datetime, datetime, int]] = {}
    reasons: dict[tuple[str, str, str, int], Why] = {}
    lines: list[Line] = []
    for item in items:
        kind = (item.service_type, item.variant, item.paid_variant if isinstance(term, Rest) else "")
        if kind not in priced:
            parts, paid = prices.change_parts(*kind)
            priced[kind] = parts, paid, unit_price(parts, paid)
        parts, paid, unit = priced[kind]
        where = (item.expires_at, item.works_until, item.zone, item.anchor_at)
        if where not in spans:
            start, finish = periods.span(term, item.expires_at, item.works_until, as_of, item.zone, item.anchor_at)
            spans[where] = start, finish, periods.days_of(term, start, finish, item.zone)
        start, finish, days = spans[where]
        reason = (*kind, days)
        if reason not in reasons:
            reasons[reason] = Why(item.service_type, parts, term, days, prices.currency, prices.label, paid)
        amount = item.count * line_amount(term, unit, days)
        lines.append(Line(item, start, finish, days, unit, amount, reasons[reason]))
    if isinstance(term, Months | Until):
        # months that begin now or in grace are never too many, even where the item's own day lies later in the last month
        ahead = [line for line in lines if isinstance(term, Until) or line.starts_at > as_of]
        _refuse_too_far(ahead, as_of)
    return Quote(
        currency=prices.currency,
        lines=tuple(_allotted(lines, discount_minor, tax_minor)),
        discount_minor=discount_minor,
        tax_minor=tax_minor,
        price_list=prices.label,
        price_list_id=prices.list_id,
        is_invented=prices.is_invented,
    )


def _refuse_too_far(lines: Sequence[Line], as_of: datetime) -> None:
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


def _allotted(lines: Sequence[Line], discount_minor: int, tax_minor: int) -> Sequence[Line]:
    if not discount_minor and not tax_minor:
        return lines
    weights = [line.amount_minor for line in lines]
    if not 0 <= discount_minor <= sum(weights):
        raise ValueError("a discount lies between nothing and everything")
    discounts = money.allot(discount_minor, weights)
    taxes = money.allot(tax_minor, [weight - less for weight, less in zip(weights, discounts, strict=True)])
    return [
        Line(
            line.item,
            line.starts_at,
            line.ends_at,
            line.days,
            line.unit_minor,
            line.amount_minor,
            line.why,
            discount,
            tax,
        )
        for line, discount, tax in zip(lines, discounts, taxes, strict=True)
    ]
