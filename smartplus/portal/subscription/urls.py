"""Choosing items, and the cart."""

from django.urls import path

from smartplus.portal.subscription import checkout, suggestions
from smartplus.portal.subscription import views as subscription

urlpatterns = [
    path("subscription/", subscription.subscription, name="subscription"),
    path("subscription/sites/", suggestions.subscription_sites, name="subscription-sites"),
    path("subscription/installers/", suggestions.subscription_installers, name="subscription-installers"),
    path("subscription/carts/<int:pk>/", checkout.cart, name="cart"),
    path("subscription/carts/<int:pk>/term/", checkout.cart_term, name="cart-term"),
]
