"""Help, and the texts people accept."""

from django.urls import path

from accounts.models import Document
from smartplus.portal.help import views as help
from smartplus.portal.texts import views as texts

urlpatterns = [
    path("help/", help.index, name="help"),
    path("help/services/<slug:code>/", help.service, name="help-service"),
    path("terms/", texts.text, {"document": Document.TERMS.value}, name="terms"),
    path("terms/<int:version>/", texts.text, {"document": Document.TERMS.value}, name="terms-version"),
    path("privacy/", texts.text, {"document": Document.PRIVACY.value}, name="privacy"),
    path("privacy/<int:version>/", texts.text, {"document": Document.PRIVACY.value}, name="privacy-version"),
]
