"""Requests that wait for whoever pays: the first tile of the dashboard, the line with the newest."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import ngettext

from smartplus.access import PortalRequest
from smartplus.portal.kit import waiting_requests
from subscriptions import rights, waiting
from subscriptions.models import RenewalRequest
from subscriptions.prices import PriceTable

PRICED = 50  # requests whose amounts are added up; of more only the number is said
WAITING = "waiting"  # of the list's address


@dataclass(frozen=True, slots=True)
class Waiting:
    """The requests that wait: how many, the newest with what it asks for, the firms that ask, and what all of them cost (None where
    prices are hidden, missing, or the requests too many to add up)."""

    count: int
    newest: RenewalRequest
    asked: waiting.Asked
    firms: tuple[str, ...]
    amount_minor: int | None

    @property
    def more(self) -> int:
        """How many wait besides the newest."""
        return self.count - 1

    @property
    def url(self) -> str:
        """Their list."""
        return f"{reverse('request-list')}?{urlencode({'state': WAITING})}"

    @property
    def who(self) -> str:
        """The firm that asks, or how many do."""
        if len(self.firms) == 1:
            return self.firms[0]
        n = len(self.firms)
        return ngettext("%(n)s installer", "%(n)s installers", n) % {"n": n}


def waiting_for(request: PortalRequest, prices: PriceTable | None) -> Waiting | None:
    """What waits for this person; None when nothing does. Three statements at most."""
    found = rights.decidable(request.actor)
    if found.query.is_empty():
        return None
    rows = list(found.select_related("installer", "requested_by").order_by("-pk")[: PRICED + 1])
    if len(rows) <= PRICED:
        waiting_requests.remember(request, len(rows))
    if not rows:
        return None
    asked = waiting.asked_in(request.actor, rows, prices=prices, now=request.now)
    count = len(rows) if len(rows) <= PRICED else found.order_by().count()
    amounts = [asked.get(row.pk, waiting.Asked(amount_minor=0)).amount_minor for row in rows]
    return Waiting(
        count,
        rows[0],
        asked.get(rows[0].pk, waiting.Asked()),
        tuple(dict.fromkeys(row.installer.name for row in rows)),
        None if None in amounts or prices is None or count > PRICED else sum(amount or 0 for amount in amounts),
    )
