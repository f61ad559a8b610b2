"""Searching everything."""

from django.urls import path

from smartplus.portal.views import search

urlpatterns = [path("search/", search.search, name="search")]
