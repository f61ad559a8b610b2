"""Tables of subscriptions: price lists, selections, carts, orders, service periods, auto-renewals, requests, handovers."""

from subscriptions.models.auto_renewals import AutoRenewal, AutoRenewalItem
from subscriptions.models.carts import Cart
from subscriptions.models.handovers import Handover
from subscriptions.models.orders import LineKind, Order, OrderLine
from subscriptions.models.prices import Price, PriceList
from subscriptions.models.requests import RenewalRequest, RequestItem
from subscriptions.models.selections import Selection
from subscriptions.models.service_periods import ServicePeriod, VariantChange
from subscriptions.models.timeline import OrderEvent

__all__ = [
    "AutoRenewal",
    "AutoRenewalItem",
    "Cart",
    "Handover",
    "LineKind",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Price",
    "PriceList",
    "RenewalRequest",
    "RequestItem",
    "Selection",
    "ServicePeriod",
    "VariantChange",
]
