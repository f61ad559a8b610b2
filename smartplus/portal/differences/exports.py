"""The differences as a file: a line for each row of the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from accounts.typed.days import site_day
from communities import catalogue
from payments.money import Money
from smartplus.portal.differences.sections import CHIPS
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from subscriptions.difference_lines import Empty, Line, Missing, Unit, Unpaid, Unused
from subscriptions.differences import Kind, Scope
from subscriptions.waiting import in_words


def columns(*, shows_prices: bool) -> list[Column]:
    """The columns of a file of differences."""
    amount = [Column(_("Amount"), tables.Kind.MONEY), Column(_("Currency"))] if shows_prices else []
    return [
        Column(_("Kind")), Column(_("Installer")), Column(_("Site")), Column(_("Apartment")), Column(_("What")),
        Column(_("Items"), tables.Kind.NUMBER), Column(_("Paid until"), tables.Kind.DAY), *amount,
    ]  # fmt: skip


def lines(scope: Scope, units: Iterable[Unit], currency: str) -> Iterator[list[object]]:
    """Rows as lines; without amounts where no prices are shown."""
    for place, rows in units:
        for row in rows:
            values, minor = _values(row)
            amount = [] if scope.prices is None else [None if minor is None else Money(minor, currency), currency]
            yield [str(CHIPS[Kind(place.kind)]), *values, *amount]


def _values(row: Line) -> tuple[list[object], int | None]:
    if isinstance(row, Unpaid):
        what = ", ".join(f"{n} × {label}" for label, n in in_words(row.counts))
        return [row.site.installer.name, row.site.name, "", what, row.count, None], row.amount_minor
    if isinstance(row, Unused):
        label = str(catalogue.SERVICE_TYPE_LABELS[row.service_type])
        what = ", ".join([label, *(row.labels if row.switches else [])])
        doors = ", ".join(row.names)
        return [row.site.installer.name, row.site.name, doors, what, row.count, row.ends[0]], row.amount_minor
    home = row.apartment
    where = [home.site.installer.name, home.site.name, str(home)]
    if isinstance(row, Missing):
        return [*where, "", 1, None], row.more_minor
    assert isinstance(row, Empty)
    labels = dict.fromkeys(str(catalogue.SERVICE_TYPE_LABELS[item.service_type]) for item in row.items)
    ends = row.first_end
    return [
        *where,
        ", ".join(labels),
        len(row.items),
        site_day(ends, home.site.time_zone) if ends else None,
    ], row.amount_minor
