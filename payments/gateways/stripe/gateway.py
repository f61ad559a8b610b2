"""Stripe through the official SDK, which is imported on first use and never leaves this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings

from accounts.typed.mail import in_ascii
from payments.errors import BadSignature, CardGone, GatewayForgot, GatewayRefused, OtherAccount
from payments.gateways.base import (
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    CheckoutStarted,
    Event,
    Events,
    Limits,
    OffSession,
    RefundRequest,
    Refunds,
    Remote,
    RemoteRefund,
    RemoteState,
    SavedMethod,
    Vault,
)
from payments.gateways.stripe import limits
from payments.gateways.stripe.client import client_of, keyed, translated
from payments.gateways.stripe.events import event_of
from payments.gateways.stripe.keys import account_of
from payments.gateways.stripe.limits import to_stripe
from payments.gateways.stripe.objects import charge_of, kept_card, refund_of, remote_of
from payments.kinds import MethodKind

if TYPE_CHECKING:
    from stripe import StripeClient
    from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams, RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

INSIDE = ["latest_charge", "payment_method"]
SIGNATURE_TOLERANCE_S = 300  # seconds, Stripe's own default; it checks the past only, we check the future as well


@dataclass(frozen=True)
class StripeGateway(Checkout, Vault, OffSession, Refunds, Events):
    """Stripe with one account's keys."""

    name: ClassVar[str] = "stripe"
    label: ClassVar[str] = "Stripe"
    method_kind: ClassVar[MethodKind] = MethodKind.CARD
    event_setting: ClassVar[str] = "STRIPE_WEBHOOK_SECRET"
    event_headers: ClassVar[frozenset[str]] = frozenset({"stripe-signature", "content-type"})

    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_base: str
    timeout_s: float

    @classmethod
    def from_settings(cls) -> StripeGateway:
        """The gateway with the present settings."""
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
    def key_settings(self) -> Mapping[str, bool]:
        """The secret key is required. The webhook's secret is not: without it a payment is only noticed later."""
        return {"STRIPE_SECRET_KEY": bool(self.api_key)}

    @property
    def can_verify(self) -> bool:
        """Whether the webhook's secret is set."""
        return bool(self.webhook_secret)

    @property
    def page_origins(self) -> frozenset[str]:
        """Stripe's origin, and the sandbox's if it is used."""
        return frozenset({"https://checkout.stripe.com", *([self.api_base] if self.api_base else [])})

    @property
    def address(self) -> str:
        """The sandbox's address if it is used, else Stripe's."""
        return self.api_base or "api.stripe.com"

    def ask_account(self) -> str:
        """One small request."""
        return account_of(self.api_key, self.api_base)

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a Checkout Session: for one line of the whole amount, or for a card alone."""
        params: SessionCreateParams = {
            **(_setup(request) if request.is_setup else _sale(request)),
            "client_reference_id": request.reference,
            "metadata": _ours(request),
            "success_url": request.return_url,
            "cancel_url": request.cancel_url,
            "expires_at": int(request.expires_at.timestamp()),
            **_whose(request),
        }
        create = self._client().v1.checkout.sessions.create
        with translated():
            session = keyed(request.request_key, lambda key: create(params, {"idempotency_key": key}))
            return CheckoutStarted(session.id, session.url or "")

    def expire_checkout(self, ref: str) -> None:
        """Close an open session."""
        with translated():
            self._client().v1.checkout.sessions.expire(ref)

    def fetch(self, ref: str) -> Remote:
        """Read a Checkout Session with its PaymentIntent and card, or a PaymentIntent by itself."""
        with translated():
            if ref.startswith("pi_"):
                return charge_of(self._client().v1.payment_intents.retrieve(ref, {"expand": INSIDE}).to_dict())
            if not ref.startswith("cs_"):
                raise GatewayRefused(f"{ref} is neither a page nor a charge")
            expand = [*(f"payment_intent.{name}" for name in INSIDE), "setup_intent.payment_method"]
            return remote_of(self._client().v1.checkout.sessions.retrieve(ref, {"expand": expand}).to_dict())

    def create_charge(self, request: ChargeRequest) -> Remote:
        """Make a PaymentIntent with its card and leave it unconfirmed: Stripe moves no money on it."""
        params: PaymentIntentCreateParams = {
            "amount": to_stripe(request.amount_minor, request.currency),
            "currency": request.currency.lower(),
            "customer": request.customer,
            "payment_method": request.method_ref,
            "allowed_payment_method_types": ["card"],
            "description": request.description,
            "metadata": {"reference": request.reference, "request_key": request.request_key},
        }
        create = self._client().v1.payment_intents.create
        try:
            with translated():
                intent = keyed(request.request_key, lambda key: create(params, {"idempotency_key": key}))
                return charge_of(intent.to_dict())
        except GatewayRefused as refused:
            self._look_at_card(request, refused.detail)
            raise

    def confirm_charge(self, ref: str, *, request_key: str) -> Remote:
        """Confirm off session. The request names no card, so an intent whose card was declined can't be charged by a late request."""
        confirm = self._client().v1.payment_intents.confirm
        params: PaymentIntentConfirmParams = {"off_session": True, "expand": INSIDE}
        try:
            with translated():
                intent = keyed(f"{request_key}-confirm", lambda key: confirm(ref, params, {"idempotency_key": key}))
                return charge_of(intent.to_dict())
        except GatewayForgot:
            raise
        except GatewayRefused:  # declined, or ended before: the intent says which
            found = self.fetch(ref)
            if found.state == RemoteState.OPEN:
                raise
            return found

    def cancel_charge(self, ref: str) -> Remote:
        """Cancel the intent. If it can't be cancelled, it has ended, and its state says how."""
        try:
            with translated():
                return charge_of(self._client().v1.payment_intents.cancel(ref, {"expand": INSIDE}).to_dict())
        except GatewayForgot:
            raise
        except GatewayRefused:
            return self.fetch(ref)

    def fetch_method(self, ref: str) -> SavedMethod | None:
        """Read the PaymentMethod; a detached one can still be read."""
        with translated():
            method = self._client().v1.payment_methods.retrieve(ref).to_dict()
            return kept_card(method, method.get("customer") or "")

    def remove_method(self, ref: str) -> None:
        """Detach the card from its customer, after which Stripe charges it no more."""
        with translated():
            self._client().v1.payment_methods.detach(ref)

    def refund(self, request: RefundRequest) -> RemoteRefund:
        """Refund a PaymentIntent."""
        params: RefundCreateParams = {
            "payment_intent": request.payment_ref,
            "amount": to_stripe(request.amount_minor, request.currency),
            "metadata": {"request_key": request.request_key},
        }
        create = self._client().v1.refunds.create
        with translated():
            return refund_of(create(params, {"idempotency_key": request.request_key}).to_dict())

    def fetch_refund(self, ref: str) -> RemoteRefund:
        """Read a Refund."""
        with translated():
            return refund_of(self._client().v1.refunds.retrieve(ref).to_dict())

    def limits(self, currency: str) -> Limits:
        """The limits that Stripe publishes."""
        return limits.limits(currency)

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Verify the signature and its time, then read where the event points."""
        import stripe

        signature = {name.lower(): value for name, value in headers.items()}.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(body, signature, self.webhook_secret)
            signed_at = int(next(part[2:] for part in signature.split(",") if part.startswith("t=")))
        # The SDK raises TypeError for a header outside ASCII and ValueError for a body that is no text; neither can have a valid
        # signature.
        except (stripe.SignatureVerificationError, TypeError, ValueError) as error:
            raise BadSignature from error
        if abs(signed_at - now.timestamp()) > SIGNATURE_TOLERANCE_S:
            raise BadSignature
        return event_of(body)

    def _look_at_card(self, request: ChargeRequest, detail: str) -> None:
        """Raise CardGone where the card itself was refused. The card is read for that, since the refusal says so in words only."""
        try:
            card = self.fetch_method(request.method_ref)
        except GatewayForgot as forgot:  # even a detached card can be read, so this account never had the card
            raise OtherAccount(forgot.detail) from forgot
        if card is None or card.customer != request.customer:
            raise CardGone(detail)

    def _client(self) -> StripeClient:
        return client_of(self.api_key, self.api_base, self.timeout_s)


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
    """The fields that name the customer. A method is stored only with a customer, and only cards are stored."""
    told: SessionCreateParams = {}
    if request.saves_method:
        told["allowed_payment_method_types"] = ["card"]
    if request.customer:
        told["customer"] = request.customer
        return told
    if request.customer_email:
        told["customer_email"] = in_ascii(request.customer_email)
    if request.saves_method:
        told["customer_creation"] = "always"
    return told
