"""Access control of every request: builds the actor, checks the view's policy, and answers foreign and missing rows alike (R1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.errors import ActionError
from accounts.models import Membership, User
from smartplus import past_forms, sessions
from smartplus.access import (
    NEXT_PAGE,
    SIGN_IN_AT,
    PortalRequest,
    Stage,
    TimedRequest,
    current_membership,
    policy_of,
    stage_of,
)
from smartplus.portal.kit import errors
from smartplus.portal.sign_in import old_forms


class AccessMiddleware:
    """Builds the Actor, refuses wrong roles, answers foreign and absent rows alike."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: TimedRequest) -> HttpResponse:
        """Set the instant of the request, and activate the person's language and time zone."""
        request.now = timezone.now()
        if isinstance(request.user, User) and sessions.is_left_half(request, request.user):
            logout(request)
        user = request.user
        if isinstance(user, User):
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
            timezone.activate(user.time_zone)
        with sessions.followed(request, now=request.now):
            return _with_form(request, self.get_response(request))

    def process_view(
        self, request: PortalRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Pass the request to its view, or redirect to the sign-in page, or refuse the role."""
        policy = policy_of(view)
        if "%00" in request.META.get("QUERY_STRING", ""):
            return errors.not_found(request)  # PostgreSQL can't store this character, so no row matches
        if policy.is_api:
            return None
        stage = Stage.CODE
        if isinstance(request.user, User):
            membership = current_membership(request)
            if membership is None and not policy.is_public:
                return _send_away(request)
            stage = stage_of(request, membership)
            if membership is not None and stage > Stage.CODE:
                request.membership, request.actor = membership, membership.actor()
        if policy.is_public:
            return None
        if not isinstance(request.user, User):
            return _to_sign_in(request)
        if stage is not Stage.INSIDE and stage not in policy.also_at:
            return _to_next_page(request, stage)
        if hasattr(request, "actor") and request.actor.role not in policy.roles:
            return errors.not_permitted(request)
        return None

    def process_exception(self, request: PortalRequest, exception: Exception) -> HttpResponse | None:
        """Foreign and missing rows get the same page (R1); errors of actions get their message."""
        if isinstance(exception, ObjectDoesNotExist):
            return errors.not_found(request)
        if isinstance(exception, ActionError):
            return errors.action_error(request, exception)
        return None


def _with_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer. If a form waits for this page and the page did not fill it in, a message says so (the page may not exist under this
    membership, or accept no GET)."""
    if (
        not hasattr(request, "actor")
        or request.headers.get("HX-Request")
        or response.status_code not in {200, 403, 404, 405}
    ):
        return response
    return old_forms.left_over(request, response) or response


def _to_sign_in(request: PortalRequest) -> HttpResponse:
    _keep_form(request)
    return _as_told(request, redirect_to_login(_way_back(request)))


def _keep_form(request: PortalRequest) -> None:
    """The sent form can't be processed yet; it is stored, and shown again after sign-in."""
    if request.method == "POST":
        past_forms.keep_for_later(request, _way_back(request))


def _to_next_page(request: PortalRequest, stage: Stage) -> HttpResponse:
    _keep_form(request)
    return _as_told(request, redirect_to_login(_way_back(request), reverse(NEXT_PAGE[stage])))


def _way_back(request: PortalRequest) -> str:
    """The address to return to after signing in: the page the person was on. A request for a form or a fragment has another address, which
    accepts no GET."""
    named = request.headers.get("HX-Current-URL", "")
    if request.method not in {"GET", "HEAD"} and not named:
        named = request.headers.get("Referer", "")
    if not named or not url_has_allowed_host_and_scheme(named, {request.get_host()}, require_https=request.is_secure()):
        return request.get_full_path()
    parts = urlsplit(named)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


def _as_told(request: PortalRequest, response: HttpResponse) -> HttpResponse:
    """A fragment can't show another page: 401 with the address, where the script goes and keeps what was typed."""
    if not request.headers.get("HX-Request"):
        return response
    told = HttpResponse(status=401)
    told[SIGN_IN_AT] = response["Location"]
    return told


def _send_away(request: PortalRequest) -> HttpResponse:
    """End the session of a person who was removed from the organization it works for; with another membership it signs in again."""
    if Membership.objects.usable().filter(user=request.user).exists():
        logout(request)
        return _to_sign_in(request)
    page = errors.no_membership(request)  # it names the person, so before the session ends
    logout(request)
    return page
