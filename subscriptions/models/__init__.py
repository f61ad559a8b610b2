"""Tables of subscriptions: price lists, selections, carts, orders, service periods, auto-renewals, requests."""

from subscriptions.models.auto_renewals import AutoRenewal, AutoRenewalItem
from subscriptions.models.orders import (
    Cart,
    LineKind,
    Order,
    OrderEvent,
    OrderLine,
    ServicePeriod,
    VariantChange,
)
from subscriptions.models.prices import Price, PriceList
from subscriptions.models.requests import RenewalRequest, RequestItem
from subscriptions.models.selections import Selection

__all__ = [
    "AutoRenewal",
    "AutoRenewalItem",
    "Cart",
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
