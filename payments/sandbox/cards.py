"""The test cards of the payment page, and the result of charging each without its holder."""

from __future__ import annotations

from dataclasses import dataclass

from payments.sandbox.store import Json


def card_error(
    message: str, decline_code: str | None, *, code: str = "card_declined", advice: str | None = None
) -> Json:
    """Why a bank says no, in Stripe's words."""
    told = {"type": "card_error", "code": code, "decline_code": decline_code, "message": message, "advice_code": advice}
    return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Card:
    """A card; `failure` is the bank's answer off session, None lets it pay."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    name: str
    failure: Json | None = None


DECLINE = card_error("Your card was declined.", "generic_decline", advice="try_again_later")
UNCONFIRMED = card_error(
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.", None,
    code="payment_intent_authentication_failure",
)  # fmt: skip
WORKS = "works"
ASKS = "asks-now"
CARDS = {
    WORKS: Card("visa", "4242", 12, 2034, "always works"),
    ASKS: Card("visa", "3155", 7, 2034, "its bank asks the holder (3-D Secure)"),
    "no-funds-later": Card(
        "visa", "9995", 11, 2033, "works now, later has no funds",
        card_error("Your card has insufficient funds.", "insufficient_funds", advice="try_again_later"),
    ),
    "lost-later": Card(
        "mastercard", "9987", 10, 2033, "works now, later is reported lost",
        card_error("Your card was declined.", "lost_card", advice="do_not_try_again"),
    ),
    "expired-later": Card(
        "visa", "0069", 8, 2033, "works now, later has expired",
        card_error("Your card has expired.", None, code="expired_card"),
    ),
    "confirm-later": Card(
        "visa", "3184", 9, 2033, "works now, later wants confirmation",
        card_error(
            "Your card was declined. This transaction requires authentication.", "authentication_required",
            code="authentication_required",
        ),
    ),
}  # fmt: skip


def by_last4(last4: str) -> Card:
    """The card with this ending."""
    return next(card for card in CARDS.values() if card.last4 == last4)
