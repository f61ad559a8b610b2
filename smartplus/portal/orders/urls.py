"""Orders."""

from django.urls import path

from smartplus.portal.orders import lists
from smartplus.portal.orders import views as orders

urlpatterns = [
    path("orders/", lists.order_list, name="order-list"),
    path("orders/<slug:number>/", orders.order_detail, name="order-detail"),
    path("orders/<slug:number>/returned/", orders.order_returned, name="order-returned"),
    path("orders/<slug:number>/left/", orders.order_left, name="order-left"),
    path("orders/<slug:number>/check/", orders.order_check, name="order-check"),
    path("orders/<slug:number>/pay/", orders.order_pay, name="order-pay"),
    path("orders/<slug:number>/cancel/", orders.order_cancel, name="order-cancel"),
    path("orders/<slug:number>/assess/", orders.order_assess, name="order-assess"),
]
