"""Searching everything."""

from django.urls import path

from smartplus.portal.search import views as search

urlpatterns = [path("search/", search.search, name="search")]
