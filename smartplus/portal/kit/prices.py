"""The prices that a page may show."""

from __future__ import annotations

from accounts.models import Kind
from smartplus.access import PortalRequest
from subscriptions import rights, summary
from subscriptions.prices import PriceTable


def prices_of(request: PortalRequest) -> PriceTable | None:
    """The prices of the tree one works in, if one sees prices at all; the operator has no tree and so no single currency."""
    if not rights.sees_prices(request.actor):
        return None
    firm = request.membership.organization
    return summary.prices_for(firm.pk if firm.kind == Kind.DISTRIBUTOR else firm.distributor_id, at=request.now)
