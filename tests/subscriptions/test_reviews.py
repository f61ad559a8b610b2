"""Under Review has a way out: the operator applies the order, or notes that the money was paid back."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.models import Refund
from payments.sandbox import Sandbox
from subscriptions import ledger
from subscriptions.actions import orders, reviews, settlement
from subscriptions.models import Cart, Order, ServicePeriod
from tests.payments.fixtures import press
from tests.people import NOW, People, Person
from tests.subscriptions.conftest import BASE, payment_of


@pytest.fixture
def doubtful(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> Order:
    """An order of which the gateway took half of the amount."""
    order = place(fill_cart())
    sandbox.faults.arm("wrong_amount")
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    order.refresh_from_db()
    assert order.state == "review"
    return order


def test_the_operator_applies_it(people: People, doubtful: Order) -> None:
    reviews.resolve(
        people.olga.actor, number=doubtful.number, is_accepted=True, reason="Rest came by bank transfer", now=NOW
    )
    doubtful.refresh_from_db()
    assert doubtful.state == "succeed"
    assert ServicePeriod.objects.count() == 5
    assert AuditEvent.objects.get(action="order.judged").after["reason"] == "Rest came by bank transfer"


def test_the_operator_notes_that_it_was_paid_back_and_the_items_are_free(
    people: People, doubtful: Order, fill_cart, place
) -> None:
    reviews.resolve(people.olga.actor, number=doubtful.number, is_accepted=False, reason="Paid back", now=NOW)
    doubtful.refresh_from_db()
    payment = payment_of(doubtful)
    assert (doubtful.state, payment.refunded_minor) == ("refunded", payment.captured_minor)
    refund = payment.refunds.get()
    assert (refund.amount_minor, refund.currency, refund.state, refund.is_outside, refund.reason, refund.created_by) == (
        payment.captured_minor, payment.currency, "succeeded", True, "Paid back", people.olga.membership.user,
    )  # fmt: skip
    with pytest.raises(Refused, match="At most"):
        payment_actions.note_outside(people.olga.actor, payment, amount_minor=1, reason="again", now=NOW)
    assert not list(ledger.refunds())
    Refund.objects.update(amount_minor=1)
    assert [str(fault) for fault in ledger.refunds()] == [
        f"payment {payment.pk}: took {payment.captured_minor} and gave back {payment.captured_minor}, its refunds say 1 of 1"
    ]
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.update(amount_minor=0)
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert not ServicePeriod.objects.exists()
    assert place(fill_cart()).line_count == 5


def test_nobody_else_does_and_not_without_a_reason_and_not_twice(people: People, doubtful: Order) -> None:
    for person in (people.dora, people.ivan, people.mallory, people.petra):
        with pytest.raises((NotPermitted, Order.DoesNotExist)):
            reviews.resolve(person.actor, number=doubtful.number, is_accepted=True, reason="please", now=NOW)
    with pytest.raises(Refused, match="Say why"):
        reviews.resolve(people.olga.actor, number=doubtful.number, is_accepted=True, reason="  ", now=NOW)
    doubtful.refresh_from_db()
    assert doubtful.state == "review"
    reviews.resolve(people.olga.actor, number=doubtful.number, is_accepted=True, reason="fine", now=NOW)
    with pytest.raises(Refused, match="not under review"):
        reviews.resolve(people.olga.actor, number=doubtful.number, is_accepted=False, reason="twice", now=NOW)


@pytest.mark.usefixtures("time_machine_at_noon")
def test_a_reason_out_of_shape_is_asked_for_again_on_the_page_and_nothing_changes(
    people: People, doubtful: Order, sign_in: Callable[[Person], Client]
) -> None:
    """A NUL byte is what no PostgreSQL can keep; too long a text was cut in silence."""
    client, address = sign_in(people.olga), f"/orders/{doubtful.number}/judge/"
    for reason, said in (
        ("Paid\0back", "a character that can&#x27;t be shown (U+0000)"),
        ("x" * 301, "at most 300 characters"),
        ("  ", "Say why, for whoever reads this later."),
    ):
        answer = client.post(address, {"verdict": "apply", "reason": reason})
        assert (answer.status_code, said in answer.content.decode()) == (422, True), reason
        assert "Apply the order" in answer.content.decode()
    doubtful.refresh_from_db()
    assert doubtful.state == "review"
    assert not AuditEvent.objects.filter(action="order.judged").exists()
    assert client.post("/orders/SP-261122-ABSENT11/judge/", {"reason": ""}).status_code == 404
    assert (
        client.post(address, {"verdict": "apply", "reason": "Rest came"})["Location"] == f"/orders/{doubtful.number}/"
    )
    doubtful.refresh_from_db()
    assert doubtful.state == "succeed"
    assert AuditEvent.objects.get(action="order.judged").after["reason"] == "Rest came"
