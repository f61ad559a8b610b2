"""The shapes of Stripe's objects, as far as the sandbox returns them; the contract tests compare them with Stripe's own examples."""

from __future__ import annotations

from payments.sandbox.cards import Card
from payments.sandbox.store import Json, new_id


def checkout_session(params: Json, *, amount: int, now: int, base_url: str) -> Json:
    """An open session, in payment or in setup mode."""
    is_setup = params["mode"] == "setup"
    ref = new_id("cs_test_a1", 56)
    return {
        "id": ref,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None if is_setup else amount,
        "amount_total": None if is_setup else amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": params["currency"] if is_setup else params["line_items"][0]["price_data"]["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "customer": params.get("customer"),
        "customer_creation": None if params.get("customer") else params.get("customer_creation", "if_required"),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": int(params.get("expires_at", now + 86_400)),
        "invoice": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always" if is_setup else "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if is_setup else "unpaid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": None,
        "url": f"{base_url}/pay/{ref}",
    }


def payment_intent(params: Json, *, amount: int, currency: str, now: int) -> Json:
    """An intent as it is before the first card."""
    ref = new_id("pi_3")
    return {
        "id": ref,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{ref}_secret_{new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": currency,
        "customer": params.get("customer"),
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": params.get("setup_future_usage"),
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def setup_intent(params: Json, *, customer: str | None, now: int) -> Json:
    """A SetupIntent, which stores a card without taking money, before it has a card."""
    ref = new_id("seti_1")
    return {
        "id": ref,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{ref}_secret_{new_id('', 25)}",
        "created": now,
        "customer": customer,
        "description": params.get("description"),
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": params.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }


def account(ref: str) -> Json:
    """The account of the key."""
    return {
        "id": ref,
        "object": "account",
        "business_type": None,
        "charges_enabled": True,
        "country": "NO",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "type": "standard",
    }


def customer(*, email: str | None, now: int) -> Json:
    """Whose cards they are."""
    return {
        "id": new_id("cus_", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "invoice_prefix": new_id("", 8).upper(),
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }  # fmt: skip


def payment_method(card: Card, *, now: int) -> Json:
    """A card that is stored and has no customer yet."""
    return {
        "id": new_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": new_id("", 16),
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": now,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def charge(intent: Json, *, amount: int, now: int, failure: Json | None = None) -> Json:
    """One attempt to charge a card: successful, or `failure` is the bank's answer."""
    return {
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if failure else amount,
        "amount_refunded": 0,
        "captured": failure is None,
        "created": now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": failure["code"] if failure else None,
        "failure_message": failure["message"] if failure else None,
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": {
            "advice_code": failure.get("advice_code") if failure else None,
            "network_decline_code": None,
            "network_status": "declined_by_network" if failure else "approved_by_network",
            "reason": failure.get("decline_code") if failure else None,
            "seller_message": "The bank did not return any further details with this decline."
            if failure
            else "Payment complete.",
            "type": "issuer_declined" if failure else "authorized",
        },
        "paid": failure is None,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": False,
        "status": "failed" if failure else "succeeded",
    }


def refund(charge: Json, params: Json, *, amount: int, now: int) -> Json:
    """A refund of a charge, which is paid at once."""
    return {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn_3"),
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def event(kind: str, target: Json, *, now: int, request_key: str | None = None) -> Json:
    """An event about `target` in its present state."""
    return {
        "id": new_id("evt_1"),
        "object": "event",
        "api_version": "2026-08-21.sandbox",
        "created": now,
        "data": {"object": target},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": request_key},
        "type": kind,
    }


def error(kind: str, message: str, *, code: str | None = None, param: str | None = None) -> Json:
    """The body of a refusal."""
    told = {"type": kind, "message": message, "code": code, "param": param}
    return {"error": {name: value for name, value in told.items() if value is not None}}
