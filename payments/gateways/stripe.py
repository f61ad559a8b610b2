"""Stripe: hosted Checkout Sessions through the official SDK, which is imported on first use and never leaves this file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from payments import money
from payments.errors import BadSignature, GatewayRefused, GatewayUnavailable
from payments.gateways.base import CheckoutRequest, CheckoutStarted, Event, Remote, RemoteState

if TYPE_CHECKING:
    from stripe import StripeClient

SIGNATURE_TOLERANCE_S = 300  # Stripe's own; it guards the past only, we guard the future as well
FIND_MARGIN_S = 120  # clocks differ, and the SDK may have tried for a minute before Stripe made the session
FIND_AT_MOST = 1000  # sessions looked through before a lost one counts as not found yet

# Units in which Stripe counts a currency, where they are not hundredths. It follows neither CLDR nor ISO 4217 throughout.
WHOLE_UNITS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])

KNOWN_KINDS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.canceled",
    }
)


@dataclass(frozen=True)
class StripeGateway:
    """Stripe with one account's keys."""

    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_base: str
    timeout_s: float
    name: str = "stripe"

    @classmethod
    def from_settings(cls) -> StripeGateway:
        """The gateway as this installation is configured."""
        return cls(
            api_key=settings.STRIPE_SECRET_KEY,
            webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
            api_base=settings.STRIPE_API_BASE,
            timeout_s=settings.STRIPE_TIMEOUT_S,
        )

    @property
    def is_live_mode(self) -> bool:
        """Whether the key moves real money."""
        return self.api_key.startswith(("sk_live_", "rk_live_"))

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a Checkout Session for one line of the whole amount."""
        ours = {"reference": request.reference, "request_key": request.request_key}
        with _translated():
            session = self._client().v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": request.currency.lower(),
                                "unit_amount": to_stripe(request.amount_minor, request.currency),
                                "product_data": {"name": request.description},
                            },
                        }
                    ],
                    "client_reference_id": request.reference,
                    "metadata": ours,
                    "payment_intent_data": {"metadata": ours, "description": request.description},
                    "success_url": request.return_url,
                    "cancel_url": request.cancel_url,
                    "expires_at": int(request.expires_at.timestamp()),
                    **({"customer_email": request.customer_email} if request.customer_email else {}),
                },
                {"idempotency_key": request.request_key},
            )
            return CheckoutStarted(session.id, session.url or "")

    def find_checkout(self, request: CheckoutRequest) -> CheckoutStarted | None:
        """Look through the sessions made since the request was; a stored 500 is replayed for ever, a list is not."""
        since = int(request.created_at.timestamp()) - FIND_MARGIN_S
        with _translated():
            page = self._client().v1.checkout.sessions.list({"created": {"gte": since}, "limit": 100})
            for seen, session in enumerate(page.auto_paging_iter()):
                if _request_key(session.to_dict()) == request.request_key:
                    return CheckoutStarted(session.id, session.url or "")
                if seen >= FIND_AT_MOST:
                    raise GatewayUnavailable("too many sessions to look through")
        return None

    def expire_checkout(self, ref: str) -> None:
        """Close an open session."""
        with _translated():
            self._client().v1.checkout.sessions.expire(ref)

    def fetch(self, ref: str) -> Remote:
        """Read the session, its PaymentIntent and the latest charge."""
        with _translated():
            session = self._client().v1.checkout.sessions.retrieve(ref, {"expand": ["payment_intent.latest_charge"]})
            return remote_of(session.to_dict())

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Verify the signature and its time, then read where the event points."""
        import stripe

        signature = {name.lower(): value for name, value in headers.items()}.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(body, signature, self.webhook_secret)
            signed_at = int(next(part[2:] for part in signature.split(",") if part.startswith("t=")))
            event = json.loads(body)
        # A header outside ASCII is a TypeError in the SDK, a body that is no text a ValueError.
        except (stripe.SignatureVerificationError, TypeError, ValueError, RecursionError) as error:
            raise BadSignature from error
        if abs(signed_at - now.timestamp()) > SIGNATURE_TOLERANCE_S:
            raise BadSignature
        return _event_of(event)

    def _client(self) -> StripeClient:
        return _client(self.api_key, self.api_base, self.timeout_s)


def remote_of(session: Mapping[str, Any]) -> Remote:
    """A Checkout Session (PaymentIntent and its latest charge expanded, as far as they exist) as a plain value."""
    intent: Mapping[str, Any] = session.get("payment_intent") or {}
    charge = intent.get("latest_charge")
    failure = intent.get("last_payment_error") or {}
    reason = failure.get("message") or (charge.get("failure_message") if isinstance(charge, Mapping) else None) or ""
    currency = str(session["currency"]).upper()
    return Remote(
        ref=session["id"],
        payment_ref=intent.get("id", ""),
        state=_state_of(session["status"], session["payment_status"], intent.get("status", "")),
        amount_minor=from_stripe(session["amount_total"], currency),
        captured_minor=from_stripe(intent.get("amount_received") or 0, str(intent.get("currency", currency)).upper()),
        currency=str(intent.get("currency") or currency).upper(),
        reference=session.get("client_reference_id") or "",
        is_live_mode=session["livemode"],
        decline_reason=reason[:250],
    )


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units in Stripe's; raises GatewayRefused for an amount that Stripe cannot express."""
    theirs = _exponent(currency)
    amount, rest = divmod(minor * 10**theirs, 10 ** money.exponent(currency))
    if rest:
        raise GatewayRefused(f"{minor} {currency} has more digits than Stripe takes")
    return int(amount)


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units in ours; GatewayUnavailable for a fraction of ours, since a person has to look at it."""
    minor, rest = divmod(amount * 10 ** money.exponent(currency), 10 ** _exponent(currency))
    if rest:
        raise GatewayUnavailable(f"Stripe says {amount} {currency}, a fraction of our smallest unit")
    return int(minor)


def _exponent(currency: str) -> int:
    return 0 if currency in WHOLE_UNITS else 3 if currency in THOUSANDTHS else 2


def _state_of(status: str, payment_status: str, intent_status: str) -> RemoteState:
    if status == "complete" and payment_status in {"paid", "no_payment_required"}:
        return RemoteState.SUCCEEDED
    if intent_status == "succeeded":  # the intent is ahead of the session for a moment
        return RemoteState.SUCCEEDED
    if status == "expired":
        return RemoteState.EXPIRED
    if intent_status == "requires_action":
        return RemoteState.ACTION_REQUIRED
    if intent_status == "processing":
        return RemoteState.PENDING
    if status == "open":
        return RemoteState.OPEN
    # complete but unpaid: a slow method, either still under way or failed for good
    return RemoteState.DECLINED if intent_status in {"requires_payment_method", "canceled"} else RemoteState.PENDING


def _event_of(event: object) -> Event:
    try:
        assert isinstance(event, dict)
        target = event["data"]["object"]
        return Event(
            id=_text(event["id"], 255),
            kind=_text(event["type"], 80),
            object_ref=_text(target.get("id") or "", 255),
            request_key=_request_key(target)[:64],
            created_at=datetime.fromtimestamp(event["created"], UTC),
            is_known=event["type"] in KNOWN_KINDS,
        )
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadSignature from error  # signed, yet no event of the API we speak


def _text(value: object, length: int) -> str:
    if not isinstance(value, str) or len(value) > length:
        raise ValueError
    return value


def _request_key(target: Mapping[str, Any]) -> str:
    metadata = target.get("metadata")
    return str(metadata.get("request_key", "")) if isinstance(metadata, Mapping) else ""


@lru_cache(maxsize=8)
def _client(api_key: str, api_base: str, timeout_s: float) -> StripeClient:
    import requests
    import stripe

    session = None
    if api_base:  # the sandbox on loopback: no proxy of the environment stands between
        session = requests.Session()
        session.trust_env = False
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base} if api_base else None,
        max_network_retries=2,  # under the same idempotency key, so that a retry can't charge twice
        http_client=stripe.RequestsClient(timeout=timeout_s, session=session),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's errors in our two: a rejected request did nothing, everything else leaves the outcome open.

    A wrong key (401), a key in use (409) or a key with other parameters says nothing about what an earlier try did.
    """
    import stripe

    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise GatewayRefused(error.user_message or "") from error
    except stripe.StripeError as error:
        raise GatewayUnavailable(error.user_message or "") from error
