"""Signing in and out, passwords by mail, and for whom one works."""

from django.urls import path

from smartplus.portal.views import auth

urlpatterns = [
    path("", auth.home, name="home"),
    path("sign-in/", auth.sign_in, name="sign-in"),
    path("sign-out/", auth.sign_out, name="sign-out"),
    path("password-reset/", auth.password_reset, name="password-reset"),
    path("password-reset/sent/", auth.password_reset_sent, name="password-reset-sent"),
    path("password-reset/done/", auth.password_reset_done, name="password-reset-done"),
    path("password-reset/<uidb64>/<token>/", auth.password_reset_confirm, name="password-reset-confirm"),
    path("membership/", auth.switch_membership, name="switch-membership"),
    path("language/", auth.set_language, name="set-language"),
]
