"""What a refusal must not leave behind."""

from __future__ import annotations

from accounts.models import AuditEvent
from communities.models import Entitlement
from payments.models import Payment
from subscriptions.models import Order, OrderLine


def nothing_happened() -> None:
    assert not Order.objects.exists()
    assert not OrderLine.objects.exists()
    assert not Payment.objects.exists()
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert not AuditEvent.objects.filter(action="order.created").exists()
