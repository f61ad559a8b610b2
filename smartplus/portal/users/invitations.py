"""The page behind an invitation's link."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import actions
from accounts.actions.invitations import LinkUsedUp
from accounts.errors import NotPermitted
from accounts.models import Invitation, Membership, User
from smartplus import access, sessions
from smartplus.access import TimedRequest
from smartplus.portal.kit.responses import submitted
from smartplus.portal.users.forms import JoinForm

BACKEND = "accounts.backends.EmailBackend"


@sensitive_post_parameters()
@never_cache
@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: TimedRequest, token: str) -> HttpResponse:
    """Join a firm. Looking changes nothing, since mail scanners look too; only the button joins, and once."""
    now = request.now
    try:
        found = actions.find_invitation(token, now=now)
        invited = found.membership.user
        if invited.has_usable_password():
            return _with_login(request, found, token)
        if isinstance(request.user, User):  # a new login would take the place of this session without a word
            return render(request, "users/join.html", {"invitation": found, "other": request.user})
        with translation.override(invited.language):
            return _without_login(request, found, token)
    except LinkUsedUp:
        return render(request, "users/link_used.html", status=410)


def _with_login(request: TimedRequest, found: Invitation, token: str) -> HttpResponse:
    """The person has a login: it signs in and joins with a click."""
    invited = found.membership.user
    user = request.user if isinstance(request.user, User) else None
    is_invited = user is not None and user.pk == invited.pk
    if is_invited and user is not None and user.two_factor_at is not None and not sessions.is_verified(request, user):
        return redirect(
            f"{reverse('sign-in-code')}?{urlencode({'next': request.path})}"
        )  # half a sign-in joins nothing
    if request.method == "POST" and is_invited:
        membership = actions.accept_invitation(token=token, user=user, now=request.now)
        return _welcome(request, membership)
    context = {"invitation": found, "is_invited": is_invited, "other": user if user and not is_invited else None}
    return render(request, "users/join.html", context)


def _without_login(request: TimedRequest, found: Invitation, token: str) -> HttpResponse:
    """The person has none: it sets name and password and is signed in."""
    now = request.now
    invited = found.membership.user
    form = JoinForm(request.POST if request.method == "POST" else None, user=invited, name=found.name)
    membership = submitted(
        form,
        lambda: actions.accept_invitation(
            token=token,
            user=None,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["password1"],
            now=now,
        ),
        also=(NotPermitted,),
    )
    if membership is not None:
        login(request, membership.user, backend=BACKEND)
        request.session.set_expiry(0)
        response = _welcome(request, membership)
        sessions.begin(request, response, membership.user, is_first=True, now=now)
        return response
    context: dict[str, Any] = {"invitation": found, "form": form}
    return render(request, "users/join.html", context, status=422 if form.errors else 200)


def _welcome(request: TimedRequest, membership: Membership) -> HttpResponse:
    request.session[sessions.SESSION_KEY] = membership.pk
    messages.success(request, _("Welcome: you now work for %(firm)s.") % {"firm": membership.organization})
    return redirect("home")
