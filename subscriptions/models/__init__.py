"""Tables of subscriptions: price lists, carts, orders, service periods, auto-renewal agreements."""

from subscriptions.models.agreements import Subscription, SubscriptionItem
from subscriptions.models.orders import Cart, CartItem, Order, OrderEvent, OrderLine, ServicePeriod
from subscriptions.models.prices import Price, PriceList

__all__ = [
    "Cart",
    "CartItem",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Price",
    "PriceList",
    "ServicePeriod",
    "Subscription",
    "SubscriptionItem",
]
