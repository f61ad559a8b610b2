"""What is paid for at a site, as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.typed.days import site_day
from communities.models import Site
from payments.money import Money
from smartplus.portal.kit.exports import Column, Kind
from subscriptions.holdings import Holding
from subscriptions.reviews import Review


def columns() -> list[Column]:
    """Its columns."""
    return [
        Column(_("Item")), Column(_("For")), Column(_("Count"), Kind.NUMBER), Column(_("Status")), Column(_("Switched on")),
        Column(_("Paid for")), Column(_("Paid, not used")), Column(_("Does not work yet")), Column(_("Expires"), Kind.DAY),
        Column(_("Who pays")), Column(_("How")), Column(_("Paid, every 30 days"), Kind.MONEY),
        Column(_("Not paid, every 30 days"), Kind.MONEY), Column(_("Next 30 days"), Kind.MONEY), Column(_("Currency")),
    ]  # fmt: skip


def lines(site: Site, review: Review, holdings: Iterable[Holding], now: datetime) -> Iterator[list[object]]:
    """A line for each of these items."""
    for row in holdings:
        yield [
            row.service_label,
            row.targets,
            row.count,
            row.status(now)[1],
            row.variant_label,
            row.paid_label if row.expires_at else "",
            row.unused,
            row.missing,
            site_day(row.expires_at, site.time_zone) if row.expires_at else None,
            row.payer.name,
            row.payer.mode,
            *(
                None if amount is None else Money(amount, review.currency)
                for amount in (row.paid_minor, row.more_minor, row.amount_minor)
            ),
            review.currency,
        ]
