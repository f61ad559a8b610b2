"""The one function that prices everything: the price preview, the cart, the order, "why this price" (R27, R40, R41)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import ngettext

from accounts.typed.days import end_date
from subscriptions import periods
from subscriptions.discounts import Charge, Discount, taken_off
from subscriptions.periods import Months, Rest, Term, Until
from subscriptions.prices import CantQuote, Parts, PriceTable, Product, unit_price
from subscriptions.quotes import Item, Line, Quote, Why, line_amount, split_line, with_tax
from subscriptions.taxes import UNTAXED, Tax, Treatment


class TooFarAhead(CantQuote):
    """Paid time would reach further than 60 months from now (R45)."""

    field = "months"


def quote(
    items: Iterable[Item],
    term: Term,
    as_of: datetime,
    prices: PriceTable,
    discounts: Sequence[Discount] = (),
    tax: Tax = UNTAXED,
) -> Quote:
    """Price `items` for `term` at an instant (DESIGN §3). Pure function. Raises MissingPrice, and TooFarAhead where people choose the term
    and the paid time would end more than 60 months after `as_of`, whatever the length of the term itself (R45).

    Each item is rounded once, half-up. `discounts` are taken off the lines (`discounts.taken_off`; `periods.whole_periods` counts bought
    periods); then tax is computed on what is left, for each rate (`taxes.tax_on`): added to net prices, stated as contained in gross
    prices. Distinct products and bases are computed once. Equal items come as one (`Item.keys`) and become one line, or a few where an
    allotted remainder differs; each costs the same as if priced alone. The rest of a running period costs the difference to the paid
    variant, by the day, at least 0.
    """
    lines = _lines(list(items), term, as_of, prices, tax)
    # months from now or in grace never exceed it, even where the item's own day is later in the last month
    ahead = [line for line in lines if isinstance(line.why.term, Months) and line.starts_at > as_of]
    refuse_too_far([*ahead, *(line for line in lines if isinstance(line.why.term, Until))], as_of)
    return Quote(
        currency=prices.currency,
        lines=tuple(with_tax(_discounted(lines, discounts, prices.currency), includes_tax=prices.includes_tax)),
        price_list=prices.label,
        price_list_id=prices.list_id,
        is_invented=prices.is_invented,
        includes_tax=prices.includes_tax,
    )


def _lines(items: Sequence[Item], term: Term, as_of: datetime, prices: PriceTable, tax: Tax) -> list[Line]:
    """A line for each item, before discount and tax. Raises MissingPrice."""
    products = [item.product for item in items]
    terms = [item.term or term for item in items]
    new = [product for product, own in zip(products, terms, strict=True) if not isinstance(own, Rest)]
    prices.refuse_missing(dict.fromkeys(new))  # the paid variant need not be in the list
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
    return lines


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
        for part, off in split_line(line, runs)
    ]


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
