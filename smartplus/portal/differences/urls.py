"""Where what is on, what is paid and what is installed don't agree."""

from django.urls import path

from smartplus.portal.differences import lists, views

urlpatterns = [
    path("sites/differences/", lists.differences, name="differences"),
    path("sites/<int:site_id>/differences/", lists.site_differences, name="site-differences"),
    path("apartments/<int:apartment_id>/no-renewal/", views.no_renewal, name="no-renewal"),
    path("sites/differences/renew-again/", views.renew_again, name="renew-again"),
]
