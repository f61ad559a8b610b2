"""Tables of subscriptions: price lists, carts, orders, service periods, auto-renewal agreements, requests."""

from subscriptions.models.agreements import Subscription, SubscriptionItem
from subscriptions.models.orders import (
    Cart,
    CartItem,
    LineKind,
    Order,
    OrderEvent,
    OrderLine,
    ServicePeriod,
    VariantChange,
)
from subscriptions.models.prices import Price, PriceList
from subscriptions.models.requests import RenewalRequest, RequestItem

__all__ = [
    "Cart",
    "CartItem",
    "LineKind",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Price",
    "PriceList",
    "RenewalRequest",
    "RequestItem",
    "ServicePeriod",
    "Subscription",
    "SubscriptionItem",
    "VariantChange",
]
