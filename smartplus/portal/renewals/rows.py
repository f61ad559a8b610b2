"""Rows of the list of auto-renewals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from smartplus.portal.kit.day_tags import ago, day
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.money_tags import money
from smartplus.portal.kit.status_tags import status
from subscriptions.models import AutoRenewal
from subscriptions.reports import Renewed

S = AutoRenewal.State
TONES = {S.ACTIVE: "auto", S.SUSPENDED: "lapsed", S.ENDED: "inactive"}
# Columns of each auto-renewal on a page, for its cells and its next charge.
READ = (
    "state", "currency", "reason", "reason_detail", "renewals_left", "tries", "next_due_at", "ended_at",
    "payer__name", "payer__path", "installer__name", "installer__distributor__currency", "method__kind", "method__brand", "method__last4",
    "method__holder", "order__number", "order__line_count", "renewal__number",
)  # fmt: skip
SITES = 2  # named in a row; of more the number is said


class AutoRenewalCells(NamedTuple):
    """One auto-renewal as its reader sees it."""

    sites: str
    source: SafeString
    unit: str
    items: int
    status: SafeString
    due: SafeString
    amount: str
    payer: str
    card: str
    actions: SafeString


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader may see and do with one auto-renewal."""

    card: bool  # only the payer and the firms above it see card and bank answers
    amount: bool
    may_change: bool
    may_stop: bool


def cells(
    rows: Iterable[AutoRenewal],
    shown: Mapping[int, Shown],
    renewed: Mapping[int, Renewed],
    charges: Mapping[int, int | None],
    *,
    shows_orders: bool,
    now: datetime,
) -> list[AutoRenewalCells]:
    """The cells of auto-renewals, which come with their payers, installers, cards and orders."""
    states = {value: str(label) for value, label in S.choices}
    more, since, other, stop = _("and %(n)s more"), _("since order"), _("Other card"), _("Stop")
    found = []
    for row in rows:
        may, items = shown[row.pk], renewed[row.pk]
        sites = items.sites
        rest = f" {more % {'n': len(sites) - SITES}}" if len(sites) > SITES else ""
        source = (_order(row.order.number, f"{since} "),) if shows_orders and row.order else ()
        n = items.count or (row.order.line_count if row.order else 0)
        buttons = []
        if may.may_change:
            css = "b s p" if row.state == S.SUSPENDED or row.tries else "b s"
            buttons.append(as_html('<a class="{}" href="{}">{}</a>', css, address("auto-renewal-card", row.pk), other))
        if may.may_stop:
            way = address("auto-renewal-stop", row.pk)
            buttons.append(as_html('<button class="b s" form="stop" formaction="{}">{}</button>', way, stop))
        found.append(
            AutoRenewalCells(
                sites=f"{', '.join(sites[:SITES])}{rest}" if sites else row.installer.name,
                source=side_by_side([row.installer.name, *(part for order in source for part in (", ", order))]),
                unit=ngettext("item", "items", n),
                items=n,
                status=_status(row, states, shows_reason=may.card, shows_orders=shows_orders),
                due=_due(row, now),
                amount=(money(charges[row.pk], row.currency) if may.amount else "") or "–",
                payer=row.payer.name,
                card=as_html('<span class="t12 mute">{}</span>', row.method.label) if may.card else "",
                actions=side_by_side(buttons),
            )
        )
    return found


def _order(number: str, words: str) -> SafeString:
    return as_html('{}<a class="mono" href="{}">{}</a>', words, address("order-detail", number), number)


def _status(row: AutoRenewal, states: Mapping[str, str], *, shows_reason: bool, shows_orders: bool) -> SafeString:
    fails = row.state == S.ACTIVE and row.tries
    word = status("expiring", _("Auto-renew fails")) if fails else status(TONES[S(row.state)], states[row.state])
    parts = [word]
    if row.reason and shows_reason:
        parts.append(as_html('<span class="t12 mute">{}</span>', row.reason_words))
        if row.renewal and row.tries and shows_orders:
            way = address("order-detail", row.renewal.number)
            parts.append(as_html('<span class="t12"><a href="{}">{}</a></span>', way, _("Show the order")))
    elif row.renewals_left:
        left = ngettext("%(n)s more time", "%(n)s more times", row.renewals_left) % {"n": row.renewals_left}
        parts.append(as_html('<span class="t12 mute">{}</span>', left))
    return side_by_side(parts)


def _due(row: AutoRenewal, now: datetime) -> SafeString:
    if row.next_due_at:
        words = _("next try") + ", " if row.tries else ""
        return as_html('{}<span class="t12 mute">{}{}</span>', day(row.next_due_at), words, ago(row.next_due_at, now))
    if row.ended_at:
        stopped = _("stopped %(day)s") % {"day": day(row.ended_at)}
        return as_html('<span class="mute">{}</span><span class="t12 mute">{}</span>', _("none"), stopped)
    return as_html("–")
