"""Help."""

from django.urls import path

from smartplus.portal.help import views as help

urlpatterns = [
    path("help/", help.index, name="help"),
    path("help/services/<slug:code>/", help.service, name="help-service"),
]
