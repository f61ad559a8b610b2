"""Cards are stored with consent, seen by those who pay, and removed for good."""

from datetime import timedelta

from accounts.models import AuditEvent
from payments import actions, consent
from payments.models import PaymentMethod
from tests.payments.fixtures import press, settle
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
