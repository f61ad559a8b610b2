"""Requests that wait for the payer: the first tile of the dashboard, and the line about the newest."""

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

PRICED = 50  # requests whose amounts are added up; for more only the number is shown
WAITING = "waiting"  # the query of the list's address


@dataclass(frozen=True, slots=True)
class Waiting:
    """The waiting requests: their number, the newest with its items, the firms that ask, and the price of all (None where prices are
    hidden, missing, or there are too many requests to add up)."""

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
        """The address of their list."""
        return f"{reverse('request-list')}?{urlencode({'state': WAITING})}"

    @property
    def who(self) -> str:
        """The firm that asks, or the number of firms."""
        if len(self.firms) == 1:
            return self.firms[0]
        n = len(self.firms)
        return ngettext("%(n)s installer", "%(n)s installers", n) % {"n": n}


def waiting_for(request: PortalRequest, prices: PriceTable | None) -> Waiting | None:
    """The requests that wait for this person; None when there are none. At most three statements."""
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
