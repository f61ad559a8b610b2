"""Stripe: hosted Checkout Sessions and stored cards through the official SDK, which is imported on first use and never leaves this file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings

from payments.errors import BadSignature, GatewayForgot, GatewayNotSetUp, GatewayRefused, GatewayUnavailable
from payments.gateways import base
from payments.gateways.base import ChargeRequest, CheckoutRequest, CheckoutStarted, Event, Remote
from payments.gateways.stripe_keys import account_of
from payments.gateways.stripe_objects import charge_of, declined, remote_of, request_key_of, to_stripe

if TYPE_CHECKING:
    import stripe
    from stripe import StripeClient
    from stripe.params.checkout import SessionCreateParams

SIGNATURE_TOLERANCE_S = 300  # Stripe's own; it guards the past only, we guard the future as well
FIND_MARGIN_S = 120  # clocks differ, and the SDK may have tried for a minute before Stripe made the session
FIND_AT_MOST = 1000  # sessions or charges looked through before a lost one counts as not found yet

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

    @property
    def secret(self) -> str:
        """The secret key."""
        return self.api_key

    @property
    def missing_setting(self) -> str:
        """Without the secret key nothing can be asked; without the webhook's secret it takes longer, no more."""
        return "" if self.api_key else "STRIPE_SECRET_KEY"

    def ask_account(self) -> str:
        """One small request."""
        return account_of(self.api_key, self.api_base)

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a Checkout Session: for one line of the whole amount, or for a card alone."""
        with _translated():
            session = self._client().v1.checkout.sessions.create(
                {
                    **(_setup(request) if request.is_setup else _sale(request)),
                    "client_reference_id": request.reference,
                    "metadata": _ours(request),
                    "success_url": request.return_url,
                    "cancel_url": request.cancel_url,
                    "expires_at": int(request.expires_at.timestamp()),
                    **_whose(request),
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
                if request_key_of(session.to_dict()) == request.request_key:
                    return CheckoutStarted(session.id, session.url or "")
                if seen >= FIND_AT_MOST:
                    raise GatewayUnavailable("too many sessions to look through")
        return None

    def expire_checkout(self, ref: str) -> None:
        """Close an open session."""
        with _translated():
            self._client().v1.checkout.sessions.expire(ref)

    def fetch(self, ref: str) -> Remote:
        """Read the session, its PaymentIntent and the latest charge, or the card that was set up."""
        with _translated():
            expand = ["payment_intent.latest_charge", "payment_intent.payment_method", "setup_intent.payment_method"]
            session = self._client().v1.checkout.sessions.retrieve(ref, {"expand": expand})
            return remote_of(session.to_dict())

    def charge_saved(self, request: ChargeRequest) -> Remote:
        """Confirm a PaymentIntent off session. A decline comes as an error that carries the intent (402)."""
        import stripe

        try:
            with _translated():
                intent = self._client().v1.payment_intents.create(
                    {
                        "amount": to_stripe(request.amount_minor, request.currency),
                        "currency": request.currency.lower(),
                        "customer": request.customer,
                        "payment_method": request.method_ref,
                        "allowed_payment_method_types": ["card"],
                        "confirm": True,
                        "off_session": True,
                        "description": request.description,
                        "metadata": {"reference": request.reference, "request_key": request.request_key},
                        "expand": ["latest_charge"],
                    },
                    {"idempotency_key": request.request_key},
                )
                return charge_of(intent.to_dict())
        except GatewayRefused as refused:
            if isinstance(refused.__cause__, stripe.CardError):
                return self._declined(request, refused.__cause__)
            if self._is_gone(request):
                gone = {"code": "method_gone", "message": refused.detail}
                return replace(declined(request, gone, is_live_mode=self.is_live_mode), is_hard=True)
            raise

    def find_charge(self, request: ChargeRequest) -> Remote | None:
        """Look through the customer's intents made since the request was."""
        since = int(request.created_at.timestamp()) - FIND_MARGIN_S
        with _translated():
            page = self._client().v1.payment_intents.list(
                {
                    "customer": request.customer,
                    "created": {"gte": since},
                    "limit": 100,
                    "expand": ["data.latest_charge"],
                }
            )
            for seen, intent in enumerate(page.auto_paging_iter()):
                found = intent.to_dict()
                if request_key_of(found) == request.request_key:
                    return charge_of(found)
                if seen >= FIND_AT_MOST:
                    raise GatewayUnavailable("too many charges to look through")
        return None

    def fetch_charge(self, ref: str) -> Remote:
        """Read the intent and its latest charge."""
        with _translated():
            return charge_of(self._client().v1.payment_intents.retrieve(ref, {"expand": ["latest_charge"]}).to_dict())

    def remove_method(self, ref: str) -> None:
        """Detach the card from its customer, after which Stripe charges it no more."""
        with _translated():
            self._client().v1.payment_methods.detach(ref)

    def minimum_minor(self, currency: str) -> int:
        """What Stripe publishes."""
        return base.minimum_minor(currency)

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

    def _declined(self, request: ChargeRequest, error: stripe.CardError) -> Remote:
        body = error.json_body if isinstance(error.json_body, dict) else {}
        told: dict[str, Any] = body.get("error") or {}
        intent = told.get("payment_intent")
        if not isinstance(intent, Mapping):
            return declined(request, told, is_live_mode=self.is_live_mode)
        return charge_of({**intent, "last_payment_error": intent.get("last_payment_error") or told})

    def _is_gone(self, request: ChargeRequest) -> bool:
        """Whether the card doesn't belong to the customer any more; asked, since the refusal says so in words only."""
        import stripe

        try:
            with _translated():
                return self._client().v1.payment_methods.retrieve(request.method_ref).customer != request.customer
        except GatewayRefused as refused:
            return isinstance(refused.__cause__, stripe.InvalidRequestError) and refused.__cause__.http_status == 404

    def _client(self) -> StripeClient:
        return _client(self.api_key, self.api_base, self.timeout_s)


def _ours(request: CheckoutRequest) -> dict[str, str]:
    return {"reference": request.reference, "request_key": request.request_key}


def _sale(request: CheckoutRequest) -> SessionCreateParams:
    return {
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
        "payment_intent_data": {
            "metadata": _ours(request),
            "description": request.description,
            **({"setup_future_usage": "off_session"} if request.saves_method else {}),
        },
    }


def _setup(request: CheckoutRequest) -> SessionCreateParams:
    return {
        "mode": "setup",
        "currency": request.currency.lower(),
        "setup_intent_data": {"metadata": _ours(request), "description": request.description},
    }


def _whose(request: CheckoutRequest) -> SessionCreateParams:
    """The fields that say who pays; a card can be kept only with a customer, and only cards are kept."""
    told: SessionCreateParams = {}
    if request.saves_method:
        told["allowed_payment_method_types"] = ["card"]
    if request.customer:
        told["customer"] = request.customer
        return told
    if request.customer_email:
        told["customer_email"] = request.customer_email
    if request.saves_method:
        told["customer_creation"] = "always"
    return told


def _event_of(event: object) -> Event:
    try:
        assert isinstance(event, dict)
        target = event["data"]["object"]
        return Event(
            id=_text(event["id"], 255),
            kind=_text(event["type"], 80),
            object_ref=_text(target.get("id") or "", 255),
            request_key=_text(request_key_of(target)[:64], 64),
            created_at=datetime.fromtimestamp(event["created"], UTC),
            is_known=event["type"] in KNOWN_KINDS,
        )
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadSignature from error  # signed, yet no event of the API we speak


def _text(value: object, length: int) -> str:
    if not isinstance(value, str) or len(value) > length or "\0" in value:  # PostgreSQL stores no NUL
        raise ValueError
    return value


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
        if error.code == "resource_missing" and error.http_status == HTTPStatus.NOT_FOUND:
            raise GatewayForgot(error.user_message or "") from error
        raise GatewayRefused(error.user_message or "") from error
    except stripe.AuthenticationError as error:
        raise GatewayNotSetUp("authentication error") from error
    except stripe.StripeError as error:
        raise GatewayUnavailable(error.user_message or "") from error
