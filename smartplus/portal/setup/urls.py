"""Set-up: what a real installation needs."""

from django.urls import path

from smartplus.portal.setup import views as setup

urlpatterns = [
    path("setup/", setup.setup_list, name="setup"),
    path("setup/again/", setup.again, name="setup-again"),
    path("setup/demo-logins/", setup.deactivate, name="setup-demo-logins"),
    path("setup/test-mail/", setup.test_mail, name="setup-test-mail"),
]
