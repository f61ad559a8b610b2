"""Stripe's objects as our plain values; no network and no SDK here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.gateways.base import Remote, RemoteRefund, RemoteState, SavedMethod
from payments.gateways.stripe.limits import from_stripe
from payments.kinds import MethodKind

Object = Mapping[str, Any]

# Declines after which the same card can't work: it is lost, wrong, or blocked by its holder. Trying again costs fees.
HARD_DECLINES = frozenset(
    {
        "card_not_supported", "currency_not_supported", "expired_card", "fraudulent", "highest_risk_level",
        "incorrect_number", "invalid_account", "invalid_expiry_month", "invalid_expiry_year", "invalid_number",
        "lost_card", "merchant_blacklist", "pickup_card", "restricted_card", "revocation_of_all_authorizations",
        "revocation_of_authorization", "security_violation", "stolen_card", "stop_payment_order", "transaction_not_allowed",
    }
)  # fmt: skip
WANTS_HOLDER = "authentication_required"
# Other declines need another card, or the holder, who is not there.
INTENT_STATES = {
    "requires_confirmation": RemoteState.OPEN,
    "processing": RemoteState.PENDING,
    "succeeded": RemoteState.SUCCEEDED,
    "canceled": RemoteState.EXPIRED,
}
REFUND_STATES = {
    "succeeded": RemoteState.SUCCEEDED,
    "failed": RemoteState.DECLINED,
    "canceled": RemoteState.DECLINED,
}


def remote_of(session: Object) -> Remote:
    """A Checkout Session (PaymentIntent, its latest charge and card expanded, as far as they exist) as a plain value."""
    if session.get("mode") == "setup":
        return _setup_of(session)
    intent: Object = session.get("payment_intent") or {}
    currency = str(session["currency"]).upper()
    state = _state_of(session["status"], session["payment_status"], intent.get("status", ""))
    return Remote(
        ref=session["id"],
        payment_ref=intent.get("id", ""),
        state=state,
        amount_minor=from_stripe(session["amount_total"], currency),
        captured_minor=from_stripe(intent.get("amount_received") or 0, str(intent.get("currency", currency)).upper()),
        currency=str(intent.get("currency") or currency).upper(),
        reference=session.get("client_reference_id") or "",
        is_live_mode=session["livemode"],
        request_key=request_key_of(session),
        # A page that is complete and was not paid (a slow method failed) takes no other card, and can't be expired either.
        is_closed=state in {RemoteState.SUCCEEDED, RemoteState.EXPIRED, RemoteState.DECLINED},
        decline_reason=_reason_of(intent),
        decline_code=_code_of(intent.get("last_payment_error") or {}),
        declined_ref=str((intent.get("last_payment_error") or {}).get("charge") or ""),
        method=_card_of(intent) if state == RemoteState.SUCCEEDED else None,
    )


def _setup_of(session: Object) -> Remote:
    """A Checkout Session that only stores a card (its SetupIntent and card expanded). It takes no money, whatever its state."""
    intent: Object = session.get("setup_intent") or {}
    is_saved = session["status"] == "complete" and intent.get("status", "succeeded") == "succeeded"
    return Remote(
        ref=session["id"],
        payment_ref="",
        state=RemoteState.SUCCEEDED
        if is_saved
        else RemoteState.EXPIRED
        if session["status"] == "expired"
        else RemoteState.OPEN,
        amount_minor=0,
        captured_minor=0,
        currency=str(session.get("currency") or "").upper(),
        reference=session.get("client_reference_id") or "",
        is_live_mode=session["livemode"],
        request_key=request_key_of(session),
        is_closed=session["status"] != "open",
        method=_card_of({**intent, "setup_future_usage": intent.get("usage")}) if is_saved else None,
    )


def charge_of(intent: Object) -> Remote:
    """A PaymentIntent (latest charge and card expanded) as a plain value.

    Nobody is there to confirm an off-session charge, so an intent that waits for the holder is a decline, but not for good.
    """
    status = intent["status"]
    state = INTENT_STATES.get(status, RemoteState.DECLINED)
    currency = str(intent["currency"]).upper()
    failure: Object = intent.get("last_payment_error") or {}
    code = _code_of(failure) or (WANTS_HOLDER if status == "requires_action" else "")
    is_declined = state == RemoteState.DECLINED
    return Remote(
        ref=intent["id"],
        payment_ref=intent["id"],
        state=state,
        amount_minor=from_stripe(intent["amount"], currency),
        captured_minor=from_stripe(intent.get("amount_received") or 0, currency),
        currency=currency,
        reference=(intent.get("metadata") or {}).get("reference", ""),
        is_live_mode=intent["livemode"],
        request_key=request_key_of(intent),
        is_closed=status in {"succeeded", "canceled"},
        decline_reason=_reason_of(intent) if is_declined else "",
        decline_code=code if is_declined else "",
        is_hard=is_declined and _is_hard(code, failure.get("advice_code")),
        method=_card_of(intent) if state == RemoteState.SUCCEEDED else None,
    )


def refund_of(refund: Object) -> RemoteRefund:
    """A Refund as a plain value. A refund that is not finished is pending, whoever has to act for it."""
    currency = str(refund["currency"]).upper()
    return RemoteRefund(
        ref=refund["id"],
        state=REFUND_STATES.get(refund["status"] or "", RemoteState.PENDING),
        amount_minor=from_stripe(refund["amount"], currency),
        currency=currency,
        request_key=request_key_of(refund),
    )


def request_key_of(target: Object) -> str:
    """Our own key, as Stripe returns it."""
    metadata = target.get("metadata")
    return str(metadata.get("request_key", "")) if isinstance(metadata, Mapping) else ""


def _state_of(status: str, payment_status: str, intent_status: str) -> RemoteState:
    if status == "complete" and payment_status in {"paid", "no_payment_required"}:
        return RemoteState.SUCCEEDED
    if intent_status == "succeeded":  # for a moment the intent is ahead of the session
        return RemoteState.SUCCEEDED
    if intent_status == "processing":  # money is on its way, whatever the state of the page: the items stay reserved
        return RemoteState.PENDING
    if status == "expired":
        return RemoteState.EXPIRED
    if intent_status == "requires_action":
        return RemoteState.ACTION_REQUIRED
    if status == "open":
        return RemoteState.OPEN
    # complete but unpaid: a slow method, either still under way or failed for good
    return RemoteState.DECLINED if intent_status in {"requires_payment_method", "canceled"} else RemoteState.PENDING


def _reason_of(intent: Object) -> str:
    charge = intent.get("latest_charge")
    failure = intent.get("last_payment_error") or {}
    reason = failure.get("message") or (charge.get("failure_message") if isinstance(charge, Mapping) else None) or ""
    return str(reason)[:250]


def _code_of(failure: Object) -> str:
    return str(failure.get("decline_code") or failure.get("code") or "")[:64]


def _is_hard(code: str, advice: object) -> bool:
    return code in HARD_DECLINES or advice == "do_not_try_again"


def _card_of(intent: Object) -> SavedMethod | None:
    """The card that the intent stored for its customer; None where the card was used for this payment only."""
    method, customer = intent.get("payment_method"), intent.get("customer")
    if intent.get("setup_future_usage") != "off_session" or not customer or not isinstance(method, Mapping):
        return None
    return kept_card(method, customer)


def kept_card(method: Object, customer: str) -> SavedMethod | None:
    """A PaymentMethod as a stored card of `customer` ("" for none); None for a method that is no card."""
    card: Object = method.get("card") or {}
    if not card.get("exp_year"):
        return None
    return SavedMethod(
        kind=MethodKind.CARD,
        customer=customer,
        ref=method["id"],
        brand=str(card.get("brand") or "card")[:32],
        last4=str(card.get("last4") or "")[:4],
        exp_month=card["exp_month"],
        exp_year=card["exp_year"],
    )
