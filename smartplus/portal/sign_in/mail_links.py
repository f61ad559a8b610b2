"""The pages behind links in mails: one leads past the throttle to the sign-in, one confirms a new address."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions import addresses, links
from accounts.actions.invitations import LinkUsedUp
from accounts.models import User
from smartplus import access, jobs, throttle
from smartplus.access import TimedRequest
from smartplus.portal.sign_in.forms import PasswordResetForm


@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: TimedRequest) -> HttpResponse:
    """Mail a link past the throttle. The answer is the same for every address, and does not wait for a mail server."""
    now = request.now
    form = PasswordResetForm(request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return render(request, "sign_in/sign_in_link.html", {"form": form}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    if throttle.may_mail(throttle.LINK_PREFIX, email, now=now):
        for user in form.get_users(email):
            links.send_sign_in_link(user, now=now)
        jobs.hurry("mail")
    return redirect("sign-in-link-sent")


@access.public
@require_safe
def sign_in_link_sent(request: TimedRequest) -> HttpResponse:
    """Show the same page whether or not the address is known."""
    return render(request, "sign_in/sign_in_link_sent.html")


@never_cache
@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_pass(request: TimedRequest, token: str) -> HttpResponse:
    """Let a person pass the throttle, once. Opening the page changes nothing, since mail scanners open it too; the button leads to the sign-in."""
    now = request.now
    try:
        if request.method != "POST":
            links.find_link(token, purpose=links.PURPOSE.SIGN_IN, now=now)
            return render(request, "sign_in/sign_in_pass.html")
        user = links.use_sign_in_link(token, now=now)
    except LinkUsedUp:
        return _used_up(request)
    throttle.let_pass(request, user.email, now=now)
    return redirect(f"{reverse('sign-in')}?{urlencode({'email': user.email})}")


@never_cache
@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def address_confirm(request: TimedRequest, token: str) -> HttpResponse:
    """Confirm a new address, once, whoever is signed in here. Opening the page changes nothing; the button does."""
    now = request.now
    try:
        if request.method != "POST":
            link = links.find_link(token, purpose=links.PURPOSE.ADDRESS, now=now)
            with translation.override(link.user.language):
                return render(request, "sign_in/address_confirm.html", {"link": link})
        person = addresses.confirm_new_address(token, now=now)
    except LinkUsedUp:
        return _used_up(request)
    jobs.hurry("mail")
    messages.success(request, _("From now on you sign in with %(email)s.") % {"email": person.email})
    is_own = isinstance(request.user, User) and request.user.pk == person.pk
    return redirect("settings" if is_own else "sign-in")


def _used_up(request: TimedRequest) -> HttpResponse:
    return render(request, "sign_in/link_over.html", status=410)
