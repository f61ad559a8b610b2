"""Handing sites over to another installer."""

from django.urls import path

from smartplus.portal.handovers import lists, printing, views

urlpatterns = [
    path("sites/<int:site_id>/handover/", views.site_handover, name="site-handover"),
    path("handovers/", lists.handover_list, name="handover-list"),
    path("handovers/<int:handover_id>/", views.handover_detail, name="handover-detail"),
    path("handovers/<int:handover_id>/accept/", views.handover_accept, name="handover-accept"),
    path("handovers/<int:handover_id>/refuse/", views.handover_refuse, name="handover-refuse"),
    path("handovers/<int:handover_id>/withdraw/", views.handover_withdraw, name="handover-withdraw"),
    path("handovers/<int:handover_id>/print/", printing.handover_print, name="handover-print"),
]
