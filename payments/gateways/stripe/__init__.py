"""Stripe: hosted Checkout Sessions, stored cards and their charges, refunds, signed events."""

from payments.gateways.stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
