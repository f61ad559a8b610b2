"""What is done with the request, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from accounts.models import AuditEvent, Membership, Notice, Organization
from subscriptions.actions import orders, settlement
from subscriptions.models import Order, RenewalRequest
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.subscriptions.lookups import BASE, payment_of

Ask = Callable[..., RenewalRequest]
LATER = NOW + timedelta(hours=1)


def told(request: RenewalRequest) -> list[tuple[str, str]]:
    return [(notice.email, notice.key.split(":")[0]) for notice in Notice.objects.about(request).order_by("pk")]


def audit_codes(request: RenewalRequest) -> list[str]:
    return list(
        AuditEvent.objects.filter(subject_type="renewalrequest", subject_id=request.pk)
        .order_by("pk")
        .values_list("action", flat=True)
    )


def paid(people: People, order: Order) -> None:
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)


def revoke(firm: Organization, **fields: bool) -> None:
    Organization.objects.filter(pk=firm.pk).update(**fields)


def again(person: Person) -> Person:
    """The person as the next request of theirs would find them."""
    return Person(Membership.objects.select_related("organization", "user").get(pk=person.membership.pk))
