"""Help and terms."""

from django.urls import path

from smartplus.portal.views import help

urlpatterns = [
    path("help/", help.index, name="help"),
    path("help/services/<slug:code>/", help.service, name="help-service"),
    path("terms/", help.terms, name="terms"),
]
