"""Rows of the list of orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.money_tags import money
from smartplus.portal.kit.status_tags import status
from subscriptions.models import Order

SITES = 2  # named in a row; of more the number is said


class OrderCells(NamedTuple):
    """One order as its reader sees it."""

    url: str
    number: str
    type: str
    sites: str
    installer: str
    items: int
    status: SafeString
    created: str
    total: str
    part: str  # that the total is not the whole order's


def cells(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[OrderCells]:
    """The cells of orders, each a mapping with `order`, `tone`, `sites`, `is_mine`, `items` and `amount` (None where prices are hidden)."""
    types = {value: str(label) for value, label in Order.Type.choices}
    states = {value: str(label) for value, label in Order.State.choices}
    part, more = as_html('<span class="t12 mute">{}</span>', _("your sites")), _("and %(n)s more")
    found = []
    for row in rows:
        order, sites, amount = row["order"], row["sites"], row["amount"]
        rest = f" {more % {'n': len(sites) - SITES}}" if len(sites) > SITES else ""
        found.append(
            OrderCells(
                url=address("order-detail", order.number),
                number=order.number,
                type=types[order.type],
                sites=", ".join(sites[:SITES]) + rest,
                installer=order.installer.name,
                items=row["items"],
                status=status(row["tone"], states[order.state]),
                created=when(order.created_at, now),
                total=money(amount, order.currency) or "–",
                part=part if amount is not None and not row["is_mine"] else "",
            )
        )
    return found
