"""Orders as a file: every row that matches, in the words of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from payments.money import Money
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from subscriptions.models import Order

CHUNK = 500  # rows looked at together


def columns() -> list[Column]:
    """The columns of a file of orders."""
    return [
        Column(_("Order")), Column(_("Type")), Column(_("Site")), Column(_("Installer")), Column(_("Items"), tables.Kind.NUMBER),
        Column(_("Status")), Column(_("Created"), tables.Kind.MOMENT), Column(_("Total"), tables.Kind.MONEY), Column(_("Currency")),
        Column(_("Your reference")),
    ]  # fmt: skip


def rows(found: QuerySet[Order], as_seen: Callable[[list[Order]], list[dict[str, Any]]]) -> Iterator[list[object]]:
    """Orders as lines; `as_seen` tells what of each the reader may see."""
    waiting = found.iterator(chunk_size=CHUNK)
    while some := list(islice(waiting, CHUNK)):
        for row in as_seen(some):
            order: Order = row["order"]
            amount: int | None = row["amount"]
            yield [
                order.number,
                order.get_type_display(),
                ", ".join(row["sites"]),
                order.installer.name,
                row["items"],
                order.get_state_display(),
                order.created_at,
                None if amount is None else Money(amount, order.currency),
                order.currency,
                order.reference if row["is_mine"] else "",
            ]
