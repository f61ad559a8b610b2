"""Storing a card without a charge: the gateway's page in its setup mode, from the intention to the kept card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import translation

from payments import actions
from payments.models import Payment, PaymentMethod, Purpose, State
from payments.reasons import DECLINES, Reason, amount, decline, instant
from payments.sandbox import Sandbox
from tests.payments.pay_page import press, settle
from tests.people import NOW, People

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_page(people: People, begin_payment: Callable[..., Payment]) -> Callable[[], Payment]:
    """Dora at the page that stores a card."""

    def go() -> Payment:
        begun = begin_payment(
            people.dora, "1", purpose=Purpose.AUTO_RENEWAL, amount_minor=0, is_setup=True, save_method=True,
            consent_by=people.dora.membership.user,
        )  # fmt: skip
        return actions.start_checkout(begun.pk, now=NOW)

    return go


def test_a_card_is_stored_with_consent_and_nothing_is_taken(
    people: People, open_page: Callable[[], Payment], sandbox: Sandbox
) -> None:
    payment = open_page()
    page = press(payment.checkout_url).text
    assert "Nothing is charged on this page." in page
    assert "The card will be saved and charged later" in page
    assert settle(payment, now=NOW).payment.state == State.PENDING
    assert press(payment.checkout_url, "decline").status == 200
    assert press(payment.checkout_url, "approve", card="no-funds-later").location == payment.return_url.replace(
        "{CHECKOUT_SESSION_ID}", payment.gateway_ref
    )
    done = settle(payment, now=NOW)
    assert (done.payment.state, done.payment.captured_minor) == (State.SUCCEEDED, 0)
    assert done.method is not None
    assert (done.method.last4, done.method.owner, done.method.consent_by) == (
        "9995",
        people.dora.firm,
        people.dora.membership.user,
    )
    assert sandbox.state()["moved"] == {}
    assert settle(payment, now=NOW).method == done.method
    assert PaymentMethod.objects.count() == 1
    assert "The card is saved already." in press(payment.checkout_url).text


def test_it_may_be_done_again_and_a_second_click_is_the_same_page(
    open_page: Callable[[], Payment], sandbox: Sandbox
) -> None:
    first = open_page()
    assert open_page() == first
    press(first.checkout_url, "approve")
    settle(first, now=NOW)
    assert open_page() != first


def test_a_page_that_was_left_ends_by_itself(open_page: Callable[[], Payment], sandbox: Sandbox) -> None:
    payment = open_page()
    sandbox.clock.freeze(NOW + timedelta(hours=1))
    done = settle(payment, now=NOW + timedelta(hours=1))
    assert (done.payment.state, done.method) == (State.EXPIRED, None)


def test_a_reason_is_told_in_the_language_of_who_reads_it() -> None:
    reason = Reason("other_amount", {"theirs": amount(500, "USD"), "ours": amount(1000, "USD")})
    assert str(reason) == "The gateway says US$5.00, we asked for US$10.00."
    with translation.override("de"):
        assert decline("insufficient_funds") == "Die Karte ist nicht ausreichend gedeckt."
        assert "5,00" in str(reason)
    assert decline("a_code_of_tomorrow") == decline("generic_decline") == "The bank declined the card."
    assert set(reason.stored()) == {"code", "theirs", "ours"}
    assert instant(NOW, "Europe/Berlin") == {"at": "2026-11-22T09:00:00+00:00", "zone": "Europe/Berlin"}
    assert all(str(words).endswith(".") for words in DECLINES.values())
