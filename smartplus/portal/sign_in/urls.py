"""Signing in and out, passwords by mail, and for whom one works."""

from django.urls import path

from smartplus.portal.sign_in import mail_links
from smartplus.portal.sign_in import views as auth

urlpatterns = [
    path("", auth.home, name="home"),
    path("sign-in/", auth.sign_in, name="sign-in"),
    path("sign-out/", auth.sign_out, name="sign-out"),
    path("sign-in/link/", mail_links.sign_in_link, name="sign-in-link"),
    path("sign-in/link/sent/", mail_links.sign_in_link_sent, name="sign-in-link-sent"),
    path("sign-in/link/<token>/", mail_links.sign_in_pass, name="sign-in-pass"),
    path("address/<token>/", mail_links.address_confirm, name="address-confirm"),
    path("password-reset/", auth.password_reset, name="password-reset"),
    path("password-reset/sent/", auth.password_reset_sent, name="password-reset-sent"),
    path("password-reset/done/", auth.password_reset_done, name="password-reset-done"),
    path("password-reset/<uidb64>/<token>/", auth.password_reset_confirm, name="password-reset-confirm"),
    path("membership/", auth.switch_membership, name="switch-membership"),
    path(".well-known/change-password", auth.change_password, name="change-password"),
    path("language/", auth.set_language, name="set-language"),
]
