"""The price of 30 days: one function for price previews, dashboards, the review, the checkout and auto-renewals (R27, R41)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from subscriptions.periods import Cycles, Rest
from subscriptions.prices import MissingPrice, PriceTable, Product, unit_price
from subscriptions.pricing import quote
from subscriptions.quotes import Item, Quote, line_amount
from subscriptions.taxes import UNTAXED, Tax

Amounts = list[int | None]  # minor units, one for each row; None for all where one has no price


def recurring_total(
    kinds: Iterable[tuple[Product, int]], prices: PriceTable, now: datetime, tax: Tax = UNTAXED
) -> Quote:
    """The price of 30 days of (product, count): one line for each, in their order. Raises MissingPrice.

    Without `tax` it is the list price; with the tax of a payer `total_minor` is what an auto-renewal charges. Products without project type
    and price class get the Normal price of communities.
    """
    items = [
        Item(at, service_type, variant, count=n, project_type=project_type, price_class=price_class)
        for at, ((service_type, variant, project_type, price_class), n) in enumerate(kinds)
    ]
    return quote(items, Cycles(1), now, prices, (), tax)


def list_amounts(kinds: Iterable[tuple[Product, int]], prices: PriceTable | None, now: datetime) -> Amounts:
    """The list price of 30 days of each (product, count)."""
    kinds = list(kinds)
    if prices is None:
        return [None] * len(kinds)
    try:
        return [line.amount_minor for line in recurring_total(kinds, prices, now).lines]
    except MissingPrice:
        return [None] * len(kinds)


def unpaid_amounts(rows: Iterable[tuple[Product, str, int]], prices: PriceTable | None) -> Amounts:
    """The list price of 30 days of each (product, paid variant, count) above what is paid; at least 0."""
    rows = list(rows)
    if prices is None:
        return [None] * len(rows)
    try:
        return [n * unit_price(*prices.change_parts(product, paid)) for product, paid, n in rows]
    except MissingPrice:
        return [None] * len(rows)


def rest_amounts(rows: Iterable[tuple[Product, str, int, int]], prices: PriceTable | None) -> Amounts:
    """The list price of the days that are left of what is paid and not used of each (product as paid, used variant, days, count): days ×
    price ÷ 30 for one item, half-up."""
    rows = list(rows)
    if prices is None:
        return [None] * len(rows)
    try:
        paid = prices.as_paid()
        units = (
            unit_price(paid.parts(product), paid.parts(product._replace(variant=used))) for product, used, *_ in rows
        )
        return [n * line_amount(Rest(), unit, max(0, days)) for unit, (*_, days, n) in zip(units, rows, strict=True)]
    except MissingPrice:
        return [None] * len(rows)


def total_of(amounts: Iterable[int | None]) -> int | None:
    """The sum of amounts; None where one is unknown."""
    amounts = list(amounts)
    return None if None in amounts else sum(amount or 0 for amount in amounts)
