"""Cards are stored with consent, seen by those who pay, and removed for good."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import NotPermitted
from accounts.models import AuditEvent
from payments import actions, consent
from payments.errors import GatewayForgot, TooSmall
from payments.gateways.stripe.limits import limits, to_stripe
from payments.models import GatewayCustomer, Payment, PaymentMethod
from payments.sandbox.limits import MINIMUM
from tests.payments.pay_page import press, settle
from tests.people import NOW

LATER = NOW + timedelta(minutes=2)


def test_a_card_is_stored_with_the_consent_of_who_paid(people, sandbox, begin_payment):
    begun = begin_payment(people.ivan, save_method=True, consent_by=people.ivan.membership.user)
    payment = actions.start_checkout(begun.pk, now=NOW)
    page = press(payment.checkout_url).text
    assert "The card will be saved" in page
    assert "Visa 4242" in page
    assert not PaymentMethod.objects.exists()
    press(payment.checkout_url, "approve")
    settled = settle(payment, now=LATER)
    card = PaymentMethod.objects.get()
    assert settled.method == card
    assert (card.label, card.exp_month, card.exp_year) == ("Visa ending 4242", 12, 2034)
    assert (card.owner, card.gateway) == (people.ivan.firm, "stripe")
    assert (card.consent_at, card.consent_by, card.consent_text_version, card.created_at) == (
        NOW, people.ivan.membership.user, consent.VERSION, LATER,
    )  # fmt: skip
    [kept] = sandbox.state()["methods"]
    assert (card.gateway_ref, card.gateway_customer) == (kept["id"], kept["customer"])
    event = AuditEvent.objects.get(action="payment_method.saved")
    assert (event.subject_label, event.after) == (
        "Visa ending 4242",
        {"consent_by": "Ivan Brandt", "consent_text": consent.VERSION},
    )


def test_a_card_is_stored_once_however_often_its_payment_is_settled(people, sandbox, store_card):
    card = store_card(people.ivan)
    again = settle(Payment.objects.get(), now=LATER)
    assert (again.method, PaymentMethod.objects.count(), GatewayCustomer.objects.count()) == (card, 1, 1)
    assert AuditEvent.objects.filter(action="payment_method.saved").count() == 1


def test_without_consent_no_card_is_stored(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.ivan).pk, now=NOW)
    assert "will be saved" not in press(payment.checkout_url).text
    press(payment.checkout_url, "approve")
    settled = settle(payment, now=LATER)
    assert settled.remote is not None
    assert (settled.remote.method, settled.method, PaymentMethod.objects.count()) == (None, None, 0)
    assert [row["customer"] for row in sandbox.state()["methods"]] == [None]
    with pytest.raises(ValueError, match="consent"):
        begin_payment(people.ivan, "SP-B", save_method=True)
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database holds it too
        Payment.objects.update(saves_method=True)


def test_a_declined_checkout_stores_nothing(people, sandbox, begin_payment):
    begun = begin_payment(people.ivan, save_method=True, consent_by=people.ivan.membership.user)
    payment = actions.start_checkout(begun.pk, now=NOW)
    press(payment.checkout_url, "decline")
    assert settle(payment, now=LATER).method is None
    assert not PaymentMethod.objects.exists()


def test_a_second_card_goes_to_the_same_customer(people, sandbox, store_card):
    first = store_card(people.ivan)
    second = store_card(people.ivan, "lost-later", "SP-261122-SECOND")
    assert second.label == "Mastercard ending 9987"
    assert second.gateway_customer == first.gateway_customer == GatewayCustomer.objects.get().ref
    assert len(sandbox.state()["customers"]) == 1
    store_card(people.dora, reference="SP-261122-DORA")
    assert len(sandbox.state()["customers"]) == 2


def test_who_removes_a_card_removes_it_here_and_at_the_gateway(people, sandbox, store_card):
    card = store_card(people.ivan)
    assert PaymentMethod.objects.usable().get() == card
    removed = actions.remove_method(people.dora.actor, method_id=card.pk, now=LATER)
    assert (removed.removed_at, removed.detached_at) == (LATER, LATER)
    assert not PaymentMethod.objects.usable().exists()
    assert not removed.is_usable
    assert [row["customer"] for row in sandbox.state()["methods"]] == [None]
    event = AuditEvent.objects.get(action="payment_method.removed")
    assert (event.actor_label, event.subject_label) == ("Dora Lindqvist", "Visa ending 4242")
    again = actions.remove_method(people.ivan.actor, method_id=card.pk, now=LATER + timedelta(days=1))
    assert again.removed_at == LATER
    assert AuditEvent.objects.filter(action="payment_method.removed").count() == 1


def test_a_removed_card_does_not_come_back_when_its_payment_is_settled_again(people, sandbox, store_card):
    card = store_card(people.ivan)
    actions.remove_method(people.ivan.actor, method_id=card.pk, now=LATER)
    assert settle(Payment.objects.get(), now=LATER).method is None
    assert not PaymentMethod.objects.usable().exists()
    assert PaymentMethod.objects.count() == 1


def test_a_gateway_that_does_not_answer_forgets_the_card_later(people, sandbox, store_card):
    card = store_card(people.ivan)
    sandbox.faults.arm("unavailable", 3)
    removed = actions.remove_method(people.ivan.actor, method_id=card.pk, now=LATER)
    assert (removed.removed_at, removed.detached_at) == (LATER, None)
    later = LATER + timedelta(hours=1)
    sandbox.faults.arm("unavailable", 3)
    assert actions.detach_removed(now=later) == 0
    later += timedelta(minutes=1)  # the pause after a failure
    assert actions.detach_removed(now=later) == 1
    assert actions.detach_removed(now=later) == 0
    card.refresh_from_db()
    assert card.detached_at == later
    assert [row["customer"] for row in sandbox.state()["methods"]] == [None]


def test_a_card_that_the_gateway_forgot_before_is_removed_all_the_same(people, sandbox, store_card):
    card = store_card(people.ivan)
    sandbox.processor.detach(card.gateway_ref)
    assert actions.remove_method(people.ivan.actor, method_id=card.pk, now=LATER).detached_at == LATER


@pytest.mark.rule("R1")
def test_each_sees_and_removes_the_cards_of_the_own_subtree(people, sandbox, store_card):
    for person in (people.dora, people.ivan, people.petra, people.mallory):
        store_card(person, reference=f"SP-{person.email}")

    def seen(person):
        cards = PaymentMethod.objects.visible_to(person.actor)
        customers = GatewayCustomer.objects.visible_to(person.actor)
        owners = set(cards.values_list("owner__name", flat=True))
        assert owners == set(customers.values_list("owner__name", flat=True))
        return owners

    nordlys, hafen, holm = people.dora.firm.name, people.ivan.firm.name, people.petra.firm.name
    assert seen(people.olga) == {nordlys, hafen, holm, people.mallory.firm.name}
    assert seen(people.dora) == {nordlys, hafen, holm}
    assert seen(people.ivan) == {hafen, holm}
    assert seen(people.petra) == {holm}
    assert seen(people.tess) == seen(people.sam) == set()
    ivans = PaymentMethod.objects.get(owner=people.ivan.firm)
    for person in (people.mallory, people.sam, people.petra):
        with pytest.raises(PaymentMethod.DoesNotExist):
            actions.remove_method(person.actor, method_id=ivans.pk, now=LATER)
    with pytest.raises(NotPermitted):
        actions.remove_method(people.tess.actor, method_id=ivans.pk, now=LATER)
    assert not PaymentMethod.objects.filter(removed_at__isnull=False).exists()


def test_one_card_is_stored_actively_once(people, sandbox, store_card):
    card = store_card(people.ivan)
    card.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        card.save(force_insert=True)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "sentence"),
    [
        (50, "USD", None),
        (49, "USD", "US$0.49 is too small to be paid by card: the least is US$0.50."),
        (29, "GBP", "£0.29 is too small to be paid by card: the least is £0.30."),
        (299, "NOK", "NOK2.99 is too small to be paid by card: the least is NOK3.00."),
        (49, "JPY", "¥49 is too small to be paid by card: the least is ¥50."),
        (1, "ISK", None),  # not published; the gateway has the last word
    ],
)
def test_what_the_gateway_would_not_take_is_refused_beforehand(amount_minor, currency, sentence):
    if sentence is None:
        actions.refuse_unpayable(amount_minor, currency, "stripe")
        return
    with pytest.raises(TooSmall) as caught:
        actions.refuse_unpayable(amount_minor, currency, "stripe")
    assert str(caught.value) == sentence


def test_the_stand_in_and_we_know_the_same_least_amounts():
    for currency, at_stripe in MINIMUM.items():
        assert to_stripe(limits(currency.upper()).least_minor, currency.upper()) == at_stripe


@pytest.mark.parametrize(
    ("brand", "label"), [("amex", "American Express ending 0005"), ("cartes_bancaires", "Cartes bancaires ending 0005")]
)
def test_a_card_is_called_as_people_know_it(brand, label):
    assert str(PaymentMethod(brand=brand, last4="0005")) == label


def test_what_the_bank_changed_about_a_card_is_followed_and_heals_it(people, sandbox, store_card):
    card = store_card(people.ivan)
    PaymentMethod.objects.update(failed_at=NOW, failed_reason="expired_card")
    sandbox.processor.renew_card(card.gateway_ref, exp_year=2039, exp_month=4, last4="0005", brand="mastercard")
    for _ in range(2):
        assert actions.follow_method("stripe", card.gateway_ref, now=LATER) is True
    card.refresh_from_db()
    assert (card.label, card.exp_month, card.exp_year) == ("Mastercard ending 0005", 4, 2039)
    assert (card.is_usable, card.failed_reason) == (True, "")
    event = AuditEvent.objects.get(action="payment_method.changed")
    assert (event.before["exp_year"], event.after["exp_year"], event.after["last4"]) == (2034, 2039, "0005")


@pytest.mark.parametrize("reason", ["lost_card", "fraudulent"])
def test_new_details_do_not_heal_a_card_that_its_bank_has_blocked(people, sandbox, store_card, reason):
    card = store_card(people.ivan)
    PaymentMethod.objects.update(failed_at=NOW, failed_reason=reason)
    sandbox.processor.renew_card(card.gateway_ref, exp_year=2039)
    assert actions.follow_method("stripe", card.gateway_ref, now=LATER)
    card.refresh_from_db()
    assert (card.exp_year, card.is_usable, card.failed_reason) == (2039, False, reason)


def test_a_card_that_the_gateway_detached_is_charged_no_more_and_one_it_does_not_know_is_left_as_it_is(
    people, sandbox, store_card
):
    card = store_card(people.ivan)
    with sandbox.store.lock:
        kept = sandbox.store.methods.pop(card.gateway_ref)
    with pytest.raises(GatewayForgot):  # other keys: that says nothing about the card
        actions.follow_method("stripe", card.gateway_ref, now=LATER)
    card.refresh_from_db()
    assert card.is_usable
    with sandbox.store.lock:
        sandbox.store.methods[card.gateway_ref] = kept
    sandbox.processor.detach(card.gateway_ref)
    assert actions.follow_method("stripe", card.gateway_ref, now=LATER)
    card.refresh_from_db()
    assert (card.is_usable, card.failed_at, card.failed_reason) == (False, LATER, "method_gone")
    assert actions.follow_method("stripe", "pm_of_somebody_else", now=LATER) is False
