"""What the page of the differences says of each kind: its chip, its sum above the table, its head in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from smartplus.portal.differences import rows
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.money_tags import money
from subscriptions.difference_lines import Unit
from subscriptions.differences import Kind, Total

CHIPS: dict[Kind, Promise] = {
    Kind.UNPAID: gettext_lazy("On, not paid"),
    Kind.UNUSED: gettext_lazy("Paid, not used"),
    Kind.MONITORS: gettext_lazy("Monitor to come"),
    Kind.EMPTY: gettext_lazy("Empty, but paid"),
}
ABOUT: dict[Kind, Promise] = {
    Kind.UNPAID: gettext_lazy("does not work until it is paid"),
    Kind.UNUSED: gettext_lazy("paid time runs unused"),
    Kind.MONITORS: gettext_lazy("With Indoor Monitor is on, none is entered"),
    Kind.EMPTY: gettext_lazy("no family master; an App there is not renewed, and paid time stays with the apartment"),
}


class Fact(NamedTuple):
    """The sum of a kind: the amount or, without prices, the number."""

    label: Promise
    value: str
    small: str
    detail: str
    url: str


def facts(found: Mapping[Kind, Total], currency: str) -> list[Fact]:
    """The sums of all kinds."""
    nothing = _("nothing to do")
    smalls = {Kind.UNPAID: _("every 30 days"), Kind.UNUSED: _("of paid time"), Kind.EMPTY: _("every 30 days")}
    made = []
    for kind, total in found.items():
        n = how_many(kind, total)
        amount = money(total.amount_minor, currency) if currency and total.count else ""
        if kind is Kind.MONITORS or not amount:
            value, _space, small = n.partition(" ")
            detail = _("required, none entered") if kind is Kind.MONITORS else ""
            made.append(Fact(CHIPS[kind], value, small, detail if total.count else nothing, f"?show={kind}"))
        else:
            made.append(Fact(CHIPS[kind], amount, smalls[kind], n, f"?show={kind}"))
    return made


def how_many(kind: Kind, total: Total) -> str:
    """ "19 items", "2 apartments"."""
    if kind in {Kind.UNPAID, Kind.UNUSED}:
        return ngettext("%(n)s item", "%(n)s items", total.count) % {"n": total.shown}
    return ngettext("%(n)s apartment", "%(n)s apartments", total.count) % {"n": total.shown}


def cells(units: Sequence[Unit], found: Mapping[Kind, Total], reader: rows.Reader) -> list[rows.Cells]:
    """The rows of a page; the first of each kind has the head of its kind before it, with the sum of all of the kind."""
    made, last = [], ""
    for place, lines in units:
        for line in lines:
            head = "" if place.kind == last else _head(Kind(place.kind), found[Kind(place.kind)], reader)
            made.append(rows.cells(line, reader)._replace(head=head))
            last = place.kind
    return made


def _head(kind: Kind, total: Total, reader: rows.Reader) -> SafeString:
    amount = money(total.amount_minor, reader.currency) if reader.currency else ""
    if amount and kind is Kind.EMPTY:
        amount = _("%(amount)s every 30 days") % {"amount": amount}
    return as_html(
        '<tr class="grp"><td colspan="2"><b>{}</b> <i>{}</i></td><td class="r num"><b>{}</b></td><td class="r">{}</td></tr>',
        CHIPS[kind], ABOUT[kind], amount or how_many(kind, total), "",
    )  # fmt: skip
