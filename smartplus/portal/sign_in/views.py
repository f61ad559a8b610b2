"""Signing in and out, passwords by mail, and for whom one works."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import views as django_views
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language as django_set_language

from accounts import actions as account_actions
from accounts.actions import profile
from accounts.models import Membership
from accounts.scope import Role
from accounts.typed import mail, text
from smartplus import access, jobs, sessions, throttle
from smartplus.access import PortalRequest, Stage
from smartplus.portal.kit.routes import next_page
from smartplus.portal.sign_in.forms import NewPasswordForm, PasswordResetForm, SignInForm

# The logins of the demo installation, shown as help on its sign-in page.
DEMO_PASSWORD = "smartplus-demo"  # noqa: S105 (published on purpose)
DEMO_LOGINS = (
    (_("Operator"), "operator@demo.smartplus.test"),
    (_("Distributor"), "distributor@demo.smartplus.test"),
    (_("Sub-distributor"), "subdistributor@demo.smartplus.test"),
    (_("Installer"), "installer@demo.smartplus.test"),
    (_("Technician"), "technician@demo.smartplus.test"),
    (_("Property manager"), "pm@demo.smartplus.test"),
)


class SignIn(django_views.LoginView):
    """The sign-in page; without the tick the session ends with the browser."""

    form_class = SignInForm
    template_name = "sign_in/sign_in.html"
    redirect_authenticated_user = True

    def get_initial(self) -> dict[str, Any]:
        """Fill in the address where a link in a mail led here."""
        return {**super().get_initial(), "username": text.sought(self.request.GET.get("email", ""), most=mail.LONGEST)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Try to sign in, unless too many tries failed from this address of the network or for this account."""
        refusal = throttle.refuses_sign_in(request, now=timezone.now())
        return refusal or super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in and set how long the session lasts; a person with two-factor authentication has to give a code first."""
        user = form.get_user()
        is_first = user.last_login is None
        throttle.forgive(self.request)
        response = super().form_valid(form)
        account_actions.confirm_address(form.get_user(), now=timezone.now())
        self.request.session.set_expiry(settings.SESSION_COOKIE_AGE if form.cleaned_data["keep"] else 0)
        if user.two_factor_at is not None:
            sessions.owe_code(self.request)
        else:
            sessions.begin(self.request, response, user, is_first=is_first, now=timezone.now())
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the logins of the demo, in the demo only."""
        demo = {"demo_logins": DEMO_LOGINS, "demo_password": DEMO_PASSWORD} if settings.DEMO else {}
        return super().get_context_data(**kwargs) | demo


class PasswordReset(django_views.PasswordResetView):
    """The page that asks for the address; the link in the mail begins with SITE_URL, whatever host the request names."""

    form_class = PasswordResetForm
    template_name = "sign_in/password_reset.html"
    success_url = reverse_lazy("password-reset-sent")

    def form_valid(self, form: Any) -> HttpResponse:
        """Queue the mail, unless nobody has the address or it got several already.

        The answer is the same in all cases and does not wait for a mail server, so that its time does not reveal which addresses exist.
        """
        now, email = timezone.now(), form.cleaned_data["email"]
        if throttle.may_mail(throttle.RESET_PREFIX, email, now=now):
            for user in form.get_users(email):
                profile.send_reset_link(user, now=now)
            jobs.hurry("mail")
        return redirect(self.get_success_url())


class PasswordResetConfirm(django_views.PasswordResetConfirmView):
    """The page that sets a new password for the person to whom the link was sent."""

    form_class = NewPasswordForm
    template_name = "sign_in/password_reset_confirm.html"
    success_url = reverse_lazy("password-reset-done")

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password, and forget the wrong ones that were counted for the account."""
        response = super().form_valid(form)
        throttle.let_pass(self.request, form.user.email, now=timezone.now())
        return response


sign_in = access.public(SignIn.as_view())
sign_out = access.public(django_views.LogoutView.as_view())
password_reset = access.public(PasswordReset.as_view())
password_reset_confirm = access.public(PasswordResetConfirm.as_view())


@access.public
def password_reset_sent(request: HttpRequest) -> HttpResponse:
    """Show the same page whether or not the address is known."""
    return render(request, "sign_in/password_reset_sent.html")


@access.public
def password_reset_done(request: HttpRequest) -> HttpResponse:
    """Say that the password is set, and lead to the sign-in."""
    return render(request, "sign_in/password_reset_done.html")


@access.public
def change_password(request: HttpRequest) -> HttpResponse:
    """Lead password managers to the page that changes the password; a person who is not signed in signs in first."""
    return redirect("settings-password")


@access.public
def set_language(request: HttpRequest) -> HttpResponse:
    """Set the language of a person who is not signed in; others choose theirs in the settings."""
    return django_set_language(request)


@access.roles()
@require_safe
def home(request: PortalRequest) -> HttpResponse:
    """Lead to the first page after signing in: the sites for a technician, the dashboard for everybody else."""
    return redirect("site-list" if request.actor.role is Role.TECHNICIAN else "dashboard")


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_POST
def switch_membership(request: PortalRequest) -> HttpResponse:
    """Switch to another membership of the person; any other number is 404.

    `next` is the page of a form that was refused because the membership had been switched.
    """
    usable = Membership.objects.usable().filter(user=request.user).select_related("organization", "user")
    chosen = usable.get(pk=_number(request.POST.get("membership")))
    before = request.membership
    request.session[sessions.SESSION_KEY] = chosen.pk
    if chosen.pk != before.pk:
        rotate_token(request)  # a form still open in another tab must not be saved for this organization
    return redirect(next_page(request))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) <= 18 else 0
