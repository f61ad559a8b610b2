"""When the auto-renewal of a month is due, and for how much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from communities.models import Entitlement
from payments.sandbox import Sandbox
from subscriptions.models import AutoRenewal, Order

EXPIRY = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
DUE = EXPIRY - timedelta(days=3)
MONTHLY = 150 + 90 + 250 + 30 + 500


def at(sandbox: Sandbox, instant: datetime) -> datetime:
    sandbox.clock.freeze(instant)
    return instant


def expiries() -> set[datetime | None]:
    return set(Entitlement.objects.exclude(variant="").values_list("expires_at", flat=True))


def renewals_of(auto_renewal: AutoRenewal) -> list[Order]:
    return list(Order.objects.filter(type=Order.Type.AUTO_RENEWAL, payer=auto_renewal.payer).order_by("pk"))
