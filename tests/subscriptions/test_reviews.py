"""Under Review has a way out: the operator applies the order, or notes that the money was paid back."""

import re
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.gateways.base import Remote, RemoteState
from payments.models import Payment, Refund
from payments.sandbox import Sandbox
from subscriptions import ledger
from subscriptions.actions import orders, reviews, settlement
from subscriptions.models import Cart, Order, OrderEvent, ServicePeriod
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.subscriptions.lookups import BASE, payment_of


@pytest.fixture
def under_review(
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


def test_the_operator_applies_it(people: People, under_review: Order) -> None:
    reviews.resolve(
        people.olga.actor, number=under_review.number, is_accepted=True, reason="Rest came by bank transfer", now=NOW
    )
    under_review.refresh_from_db()
    assert under_review.state == "succeed"
    assert ServicePeriod.objects.count() == 5
    assert AuditEvent.objects.get(action="order.assessed").after["reason"] == "Rest came by bank transfer"


def test_the_operator_notes_that_it_was_paid_back_and_the_items_are_free(
    people: People, under_review: Order, fill_cart, place
) -> None:
    reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=False, reason="Paid back", now=NOW)
    under_review.refresh_from_db()
    payment = payment_of(under_review)
    assert (under_review.state, payment.refunded_minor) == ("refunded", payment.captured_minor)
    refund = payment.refunds.get()
    assert (refund.amount_minor, refund.currency, refund.state, refund.is_outside, refund.reason, refund.created_by) == (
        payment.captured_minor, payment.currency, "succeeded", True, "Paid back", people.olga.membership.user,
    )  # fmt: skip
    with pytest.raises(Refused, match="At most"):
        payment_actions.record_outside_refund(people.olga.actor, payment, amount_minor=1, reason="again", now=NOW)
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


def test_nobody_else_does_and_not_without_a_reason_and_not_twice(people: People, under_review: Order) -> None:
    for person in (people.dora, people.ivan, people.mallory, people.petra):
        with pytest.raises((NotPermitted, Order.DoesNotExist)):
            reviews.resolve(person.actor, number=under_review.number, is_accepted=True, reason="please", now=NOW)
    with pytest.raises(Refused, match="Say why"):
        reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=True, reason="  ", now=NOW)
    under_review.refresh_from_db()
    assert under_review.state == "review"
    reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=True, reason="fine", now=NOW)
    with pytest.raises(Refused, match="not under review"):
        reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=False, reason="twice", now=NOW)


@pytest.mark.usefixtures("time_machine_at_noon")
def test_a_reason_out_of_shape_is_asked_for_again_on_the_page_and_nothing_changes(
    people: People, under_review: Order, sign_in: Callable[[Person], Client]
) -> None:
    """A NUL byte is what no PostgreSQL can keep; too long a text was cut in silence."""
    client, address = sign_in(people.olga), f"/orders/{under_review.number}/assess/"
    for reason, said in (
        ("Paid\0back", "a character that can&#x27;t be shown (U+0000)"),
        ("x" * 301, "at most 300 characters"),
        ("  ", "Say why, for whoever reads this later."),
    ):
        answer = client.post(address, {"verdict": "apply", "reason": reason})
        assert (answer.status_code, said in answer.content.decode()) == (422, True), reason
        assert "Apply the order" in answer.content.decode()
    under_review.refresh_from_db()
    assert under_review.state == "review"
    assert not AuditEvent.objects.filter(action="order.assessed").exists()
    assert client.post("/orders/SP-261122-ABSENT11/assess/", {"reason": ""}).status_code == 404
    assert (
        client.post(address, {"verdict": "apply", "reason": "Rest came"})["Location"]
        == f"/orders/{under_review.number}/"
    )
    under_review.refresh_from_db()
    assert under_review.state == "succeed"
    assert AuditEvent.objects.get(action="order.assessed").after["reason"] == "Rest came"


@pytest.fixture
def pay_again(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Payment]:
    """The gateway takes money for an order that is over, by another payment of it."""

    def again(order: Order, name: str = "again") -> Payment:
        payment = payment_of(order)
        payment.pk, payment.request_key, payment.state = None, f"pay-{name}", "pending"
        payment.gateway_ref = payment.gateway_payment_ref = ""
        payment.captured_minor = payment.refunded_minor = 0
        payment.save(force_insert=True)
        remote = Remote(
            ref=f"cs_{name}", payment_ref=f"pi_{name}", state=RemoteState.SUCCEEDED, amount_minor=order.total_minor,
            captured_minor=order.total_minor, currency=order.currency, reference=order.number,
            is_live_mode=payment.is_live_mode, request_key=payment.request_key,
        )  # fmt: skip
        monkeypatch.setattr(payment_actions, "look_up", lambda *_, **__: remote)
        settlement.settle(payment.pk, now=NOW)
        payment.refresh_from_db()
        return payment

    return again


@pytest.mark.rule("R52", "R57")
@pytest.mark.usefixtures("time_machine_at_noon")
@pytest.mark.parametrize("is_accepted", [True, False])
def test_what_was_paid_twice_is_noted_as_paid_back_on_the_page_and_the_order_stays(
    people: People,
    under_review: Order,
    pay_again: Callable[..., Payment],
    sign_in: Callable[[Person], Client],
    is_accepted: bool,
) -> None:
    reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=is_accepted, reason="looked", now=NOW)
    second = pay_again(under_review)
    under_review.refresh_from_db()
    before, address = under_review.state, f"/orders/{under_review.number}/"
    assert (before, second.captured_minor) == ("succeed" if is_accepted else "refunded", under_review.total_minor)
    assert bool(list(ledger.refunds())) is not is_accepted
    assert "was paid twice" not in sign_in(people.dora).get(address).content.decode()
    client = sign_in(people.olga)
    assert "was paid twice" in client.get(address).content.decode()
    assert client.post(f"{address}assess/", {"verdict": "duplicate_payment", "reason": " "}).status_code == 422
    said = {"verdict": "duplicate_payment", "reason": "By bank"}
    assert client.post(f"{address}assess/", said)["Location"] == address
    second.refresh_from_db()
    under_review.refresh_from_db()
    refund = second.refunds.get()
    assert (refund.amount_minor, refund.is_outside, refund.reason) == (second.captured_minor, True, "By bank")
    assert (under_review.state, second.refunded_minor) == (before, second.captured_minor)
    told = AuditEvent.objects.get(action="payment.duplicate_repaid")
    assert told.after == {
        "amount_minor": second.captured_minor, "refunded_minor": second.captured_minor, "payment_ref": "pi_again", "reason": "By bank",
    }  # fmt: skip
    assert not list(ledger.refunds()) and not list(ledger.payments())
    assert "I paid the money back" not in client.get(address).content.decode()
    with pytest.raises(Refused, match="Nothing that was paid twice"):
        reviews.record_duplicate_repaid(people.olga.actor, number=under_review.number, reason="again", now=NOW)
    settlement.settle(second.pk, now=NOW)  # told once more by the gateway
    assert not reviews.duplicate_payments_of(under_review)


@pytest.mark.rule("R50", "R52", "R57")
@pytest.mark.usefixtures("time_machine_at_noon")
@pytest.mark.parametrize("is_under_review", [True, False])
def test_only_what_the_page_showed_is_noted_as_paid_back(
    people: People,
    under_review: Order,
    pay_again: Callable[..., Payment],
    sign_in: Callable[[Person], Client],
    is_under_review: bool,
) -> None:
    first = payment_of(under_review)
    if not is_under_review:
        reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=True, reason="looked", now=NOW)
        first = pay_again(under_review)
    client, address = sign_in(people.olga), f"/orders/{under_review.number}/"
    said = {"verdict": "refunded" if is_under_review else "duplicate_payment", "reason": "By bank"}

    def shown() -> str:
        [seen] = re.findall(r'name="seen" value="([0-9]+)"', client.get(address).content.decode())
        return str(seen)

    before = shown()
    assert int(before) == first.captured_minor
    pay_again(under_review, "third")  # while the operator is at the bank
    page = client.post(f"{address}assess/", {**said, "seen": before}, follow=True).content.decode()
    assert "Look at the order again." in page
    assert not Refund.objects.exists()
    assert int(shown()) == first.captured_minor + under_review.total_minor
    client.post(f"{address}assess/", {**said, "seen": shown()})
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == first.captured_minor + under_review.total_minor
    assert not list(ledger.refunds()) and not list(ledger.payments())


@pytest.mark.rule("R50")
def test_a_second_object_of_one_payment_is_noted_without_touching_the_orders_own_money(
    people: People, under_review: Order
) -> None:
    reviews.resolve(people.olga.actor, number=under_review.number, is_accepted=True, reason="looked", now=NOW)
    payment = payment_of(under_review)
    OrderEvent.objects.create(
        order=under_review, at=NOW, kind="duplicate_payment", detail={"payment": payment.pk, "payment_ref": "pi_twin"}
    )
    reviews.record_duplicate_repaid(people.olga.actor, number=under_review.number, reason="By bank", now=NOW)
    assert (payment_of(under_review).refunded_minor, reviews.duplicate_payments_of(under_review)) == (0, [])
