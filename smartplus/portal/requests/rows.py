"""Rows of the list of requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from communities.models import Kind
from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.money_tags import money
from smartplus.portal.kit.status_tags import status
from subscriptions.models import RenewalRequest
from subscriptions.waiting import Asked

S = RenewalRequest.State
TONES = {
    S.OPEN: "pending",
    S.APPROVED: "auto",
    S.REFUSED: "lapsed",
    S.WITHDRAWN: "inactive",
    S.DONE: "active",
}
SITES = 3  # named in a row
LONGEST = 60  # characters of the reason of a refusal


class RequestCells(NamedTuple):
    """One request as its reader sees it; `price` is "–" where there is none, and there is no such cell where prices are hidden."""

    url: str
    name: str
    what: str
    counts: str
    installer: str
    person: str
    items: int
    still: str
    months: str
    price: str
    status: SafeString
    requested: str


def cells(
    rows: Iterable[RenewalRequest],
    items: Mapping[int, int],
    asked: Mapping[int, Asked],
    *,
    currency: str,
    now: datetime,
) -> list[RequestCells]:
    """The cells of requests; `items` is the number of items by request, `asked` what of each can be activated now."""
    kinds = {value: str(label) for value, label in RenewalRequest.Kind.choices}
    types = {kind.value: str(kind.label) for kind in Kind}
    states = {value: str(label) for value, label in S.choices}
    still = _("%(n)s can be activated")
    found = []
    for row in rows:
        now_free, n = asked.get(row.pk), items[row.pk]
        what = f"{kinds[row.kind]}, {types[row.site_kind]}"
        if now_free and now_free.sites:
            rest = " …" if len(now_free.sites) > SITES else ""
            what = f"{what}: {', '.join(now_free.sites[:SITES])}{rest}"
        counts = ", ".join(f"{count} × {label}" for label, count in now_free.named) if now_free else ""
        word = status(TONES[S(row.state)], states[row.state])
        if row.state == S.REFUSED:
            word = side_by_side([word, _mute(Truncator(row.reason).chars(LONGEST))])
        found.append(
            RequestCells(
                url=address("request-detail", row.pk),
                name=str(row),
                what=what,
                counts=_mute(counts) if counts else "",
                installer=row.installer.name,
                person=row.requested_by.name,
                items=n,
                still=_mute(still % {"n": now_free.items}) if now_free and now_free.items != n else "",
                months=str(row.months or "–"),
                price=(money(now_free.amount_minor, currency) if now_free and currency else "") or "–",
                status=word,
                requested=when(row.created_at, now),
            )
        )
    return found


def _mute(text: str) -> SafeString:
    return as_html('<span class="t12 mute">{}</span>', text)
