"""Tables of payments: who is billed, what was asked of a gateway, what a gateway told us."""

from payments.models.billing import BillingProfile
from payments.models.events import EventState, GatewayEvent
from payments.models.payments import LIVE, Payment, State

__all__ = ["LIVE", "BillingProfile", "EventState", "GatewayEvent", "Payment", "State"]
