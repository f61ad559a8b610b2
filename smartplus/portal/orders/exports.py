"""Orders as a file: every row that matches, with the texts of the page."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.scope import Actor
from payments.money import Money
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from smartplus.portal.orders.rows import as_seen
from subscriptions.models import Order


def columns() -> list[Column]:
    """The columns of a file of orders."""
    return [
        Column(_("Order")), Column(_("Type")), Column(_("Site")), Column(_("Installer")), Column(_("Items"), tables.Kind.NUMBER),
        Column(_("Status")), Column(_("Created"), tables.Kind.MOMENT), Column(_("Total"), tables.Kind.MONEY), Column(_("Currency")),
        Column(_("Your reference")),
    ]  # fmt: skip


def rows(actor: Actor, found: QuerySet[Order]) -> Iterator[list[object]]:
    """Orders as lines, with what the actor may see of each."""
    for some in tables.in_chunks(found):
        for order, sites, items, amount_minor, is_mine in as_seen(actor, some):
            yield [
                order.number,
                order.get_type_display(),
                ", ".join(sites),
                order.installer.name,
                items,
                order.get_state_display(),
                order.created_at,
                None if amount_minor is None else Money(amount_minor, order.currency),
                order.currency,
                order.reference if is_mine else "",
            ]
