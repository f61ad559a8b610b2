"""Where what is on, what is paid and what is installed don't agree."""

from django.urls import path

from smartplus.portal.differences import lists

urlpatterns = [
    path("sites/differences/", lists.differences, name="differences"),
    path("sites/<int:site_id>/differences/", lists.site_differences, name="site-differences"),
]
