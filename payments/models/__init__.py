"""Tables of payments: billing information, payments, stored methods, refunds, events and keys of gateways."""

from payments.models.billing import BillingProfile
from payments.models.events import EventState, GatewayEvent
from payments.models.keys import GatewayKey
from payments.models.methods import GatewayCustomer, PaymentMethod, usable_method
from payments.models.payments import LIVE, Kind, Payment, PaymentQuerySet, Purpose, State
from payments.models.refunds import Refund, RefundState

__all__ = [
    "LIVE",
    "BillingProfile",
    "EventState",
    "GatewayCustomer",
    "GatewayEvent",
    "GatewayKey",
    "Kind",
    "Payment",
    "PaymentMethod",
    "PaymentQuerySet",
    "Purpose",
    "Refund",
    "RefundState",
    "State",
    "usable_method",
]
