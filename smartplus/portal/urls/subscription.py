"""Addresses of Subscription, Orders and their gateways' doorbell."""

from django.urls import path

from smartplus.portal.views import agreements, billing, checkout, methods, orders, prices, subscription

urlpatterns = [
    path("subscription/", subscription.subscription, name="subscription"),
    path("subscription/sites/", subscription.subscription_sites, name="subscription-sites"),
    path("subscription/carts/<int:pk>/", checkout.cart, name="cart"),
    path("subscription/carts/<int:pk>/term/", checkout.cart_term, name="cart-term"),
    path("subscription/auto-renew/", agreements.agreement_list, name="agreement-list"),
    path("subscription/auto-renew/<int:pk>/stop/", agreements.agreement_stop, name="agreement-stop"),
    path("subscription/auto-renew/<int:pk>/card/", agreements.agreement_card, name="agreement-card"),
    path("subscription/auto-renew/<int:pk>/card/new/", agreements.agreement_card_new, name="agreement-card-new"),
    path("settings/payment-methods/", methods.method_list, name="settings-methods"),
    path("settings/payment-methods/<int:pk>/remove/", methods.method_remove, name="settings-method-remove"),
    path("orders/", orders.order_list, name="order-list"),
    path("orders/<slug:number>/", orders.order_detail, name="order-detail"),
    path("orders/<slug:number>/returned/", orders.order_returned, name="order-returned"),
    path("orders/<slug:number>/left/", orders.order_left, name="order-left"),
    path("orders/<slug:number>/check/", orders.order_check, name="order-check"),
    path("orders/<slug:number>/pay/", orders.order_pay, name="order-pay"),
    path("orders/<slug:number>/cancel/", orders.order_cancel, name="order-cancel"),
    path("orders/<slug:number>/judge/", orders.order_judge, name="order-judge"),
    path("prices/", prices.price_list_list, name="price-list-list"),
    path("prices/new/", prices.price_list_new, name="price-list-new"),
    path("prices/<int:pk>/", prices.price_list_detail, name="price-list-detail"),
    path("settings/billing/", billing.billing, name="settings-billing"),
]
