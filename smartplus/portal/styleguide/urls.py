"""The components of pages; `smartplus.urls` has this in DEBUG only."""

from django.urls import path

from smartplus.portal.styleguide import views

urlpatterns = [path("styleguide/", views.index, name="styleguide")]
