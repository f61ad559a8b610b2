"""Rows of the list of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.scope import Actor
from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.money_tags import money
from smartplus.portal.kit.status_tags import status
from subscriptions import rights
from subscriptions.lines import SiteShare, shares
from subscriptions.models import Order

SITES = 2  # names in a row; more are counted
TONES = {
    Order.State.PROCESSING: "pending",
    Order.State.SYSTEM_PROCESSING: "pending",
    Order.State.SUCCEED: "active",
    Order.State.FAILED: "lapsed",
    Order.State.TIMEOUT: "inactive",
    Order.State.CANCELLED: "inactive",
    Order.State.REVIEW: "expiring",
    Order.State.REFUNDED: "inactive",
}


class Seen(NamedTuple):
    """What a person sees of an order (R1): the sites and items of its part, and their sum, None where prices are hidden. `is_mine`: it is
    the whole order."""

    order: Order
    sites: list[str]
    items: int
    amount_minor: int | None
    is_mine: bool


def as_seen(actor: Actor, orders: Iterable[Order]) -> list[Seen]:
    """What the actor sees of each order; one statement."""
    orders, parts = list(orders), defaultdict[int, list[SiteShare]](list)
    for share in shares(actor, orders):
        parts[share.order_id].append(share)
    return [_seen(actor, order, parts[order.pk]) for order in orders]


def _seen(actor: Actor, order: Order, part: list[SiteShare]) -> Seen:
    is_mine = rights.is_paid_by(actor, order)
    items = order.line_count if is_mine else sum(share.items for share in part)
    amount = order.total_minor if is_mine else sum(share.amount_minor for share in part)
    amount_minor = amount if rights.sees_amounts(actor, order.payer_id) else None
    return Seen(order, [share.site_name for share in part], items, amount_minor, is_mine)


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
    part: str  # whether the total is only a part


def cells(rows: Iterable[Seen], now: datetime) -> list[OrderCells]:
    """The cells of orders."""
    types = {value: str(label) for value, label in Order.Type.choices}
    marks = {state.value: status(tone, str(state.label)) for state, tone in TONES.items()}
    part, more = as_html('<span class="t12 mute">{}</span>', _("your sites")), _("and %(n)s more")
    found = []
    for order, sites, items, amount_minor, is_mine in rows:
        rest = f" {more % {'n': len(sites) - SITES}}" if len(sites) > SITES else ""
        found.append(
            OrderCells(
                url=address("order-detail", order.number),
                number=order.number,
                type=types[order.type],
                sites=", ".join(sites[:SITES]) + rest,
                installer=order.installer.name,
                items=items,
                status=marks[order.state],
                created=when(order.created_at, now),
                total=money(amount_minor, order.currency) or "–",
                part=part if amount_minor is not None and not is_mine else "",
            )
        )
    return found
