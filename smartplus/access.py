"""The door: who is asking, how far in they are, and may that role ask this route at all. Every view declares a policy."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django_htmx.middleware import HtmxDetails

from accounts.actions import terms
from accounts.errors import NotPermitted
from accounts.models import Document, Membership, User
from accounts.scope import Actor, Role
from smartplus import past_forms, sessions

SESSION_KEY = "membership"
EVERYONE = frozenset(Role) - {Role.SYSTEM}


class PortalRequest(HttpRequest):
    """A request that passed the door: its actor and the one instant it happens at."""

    user: User
    actor: Actor
    membership: Membership
    now: datetime
    htmx: HtmxDetails


class Stage(enum.IntEnum):
    """How far somebody with the right password has come in."""

    CODE = 1  # two-factor is on, and this session has not shown a code yet
    SET_UP = 2  # the organization demands two-factor, and the person has none yet (R7)
    TERMS = 3  # the terms or the privacy notice of today are not accepted yet
    INSIDE = 4


# Where each stage is left behind. Until then no page opens but those that declare it.
NEXT_PAGE = {Stage.CODE: "sign-in-code", Stage.SET_UP: "settings-security", Stage.TERMS: "accept-terms"}


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may ask a route: anybody (`is_public`), programs with a token (`is_api`), or signed-in people of these roles, once
    they are inside or while they are at one of the stages `also_at`."""

    is_public: bool = False
    is_api: bool = False
    roles: frozenset[Role] = frozenset()
    also_at: frozenset[Stage] = frozenset()


SIGN_IN_AT = "X-Sign-In"  # of a 401: where to

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def public(view: View) -> View:
    """Declare a view that needs no sign-in."""
    view.policy = Policy(is_public=True)  # type: ignore[attr-defined]
    return view


def api(view: View) -> View:
    """Declare a view of the API: it asks for a token itself and is deaf to sessions."""
    view.policy = Policy(is_api=True)  # type: ignore[attr-defined]
    return view


def roles(*allowed: Role, also_at: Collection[Stage] = ()) -> Callable[[View], View]:
    """Declare a view for these roles; without arguments for every signed-in person."""

    def declare(view: View) -> View:
        view.policy = Policy(roles=frozenset(allowed) or EVERYONE, also_at=frozenset(also_at))  # type: ignore[attr-defined]
        return view

    return declare


def policy_of(view: Callable[..., Any]) -> Policy:
    """The policy a view declares; a view without one is a mistake, not an open door."""
    policy = getattr(view, "policy", None)
    if not isinstance(policy, Policy):
        raise ImproperlyConfigured(
            f"The view {view.__module__}.{getattr(view, '__qualname__', view)} declares no policy."
        )
    return policy


class AccessMiddleware:
    """Builds the Actor, refuses wrong roles, answers foreign and absent rows alike."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Fix the instant of the request, and speak the person's language at the person's time."""
        request.now = timezone.now()  # type: ignore[attr-defined]
        if isinstance(request.user, User) and sessions.is_left_half(request, request.user):
            logout(request)
        user = request.user
        if isinstance(user, User):
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
            timezone.activate(user.time_zone)
        with sessions.followed(request, now=request.now):  # type: ignore[attr-defined]
            return _with_form(request, self.get_response(request))

    def process_view(
        self, request: PortalRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Let the request through to its view, send it to the sign-in page, or say that the role may not."""
        from smartplus.portal.kit import errors

        policy = policy_of(view)
        if "%00" in request.META.get("QUERY_STRING", ""):
            return errors.not_found(request)  # PostgreSQL has no such character: nothing is called like that
        if policy.is_api:
            return None
        stage = Stage.CODE
        if isinstance(request.user, User):
            membership = current_membership(request)
            if membership is None and not policy.is_public:
                return _send_away(request)
            stage = stage_of(request, membership)
            if membership is not None and stage > Stage.CODE:
                request.membership, request.actor = membership, Actor.of(membership)
        if policy.is_public:
            return None
        if not isinstance(request.user, User):
            return _to_sign_in(request)
        if stage is not Stage.INSIDE and stage not in policy.also_at:
            return _to_next_page(request, stage)
        if hasattr(request, "actor") and request.actor.role not in policy.roles:
            return errors.not_permitted(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Rows outside the actor's view and rows that never were get the same page (R1)."""
        from smartplus.portal.kit import errors

        if isinstance(exception, ObjectDoesNotExist):
            return errors.not_found(request)
        if isinstance(exception, NotPermitted):
            return errors.not_permitted(request, exception)
        return None


def current_membership(request: PortalRequest) -> Membership | None:
    """The membership the session works under, None once it is not usable any more; the first that is, where none was chosen."""
    chosen = request.session.get(SESSION_KEY)
    loaded = getattr(request.session, "membership", None)  # a test may bring another store
    if loaded is not None and (known := loaded(chosen)) is not None and known.user_id == request.user.pk:
        return known  # type: ignore[no-any-return]
    usable = Membership.objects.usable().filter(user=request.user).select_related("organization", "user")
    usable = usable.annotate(
        **terms.columns_in_force(request.now)
    )  # what is to be accepted costs no statement of its own
    return usable.filter(pk=chosen).first() if chosen else usable.order_by("pk").first()


def stage_of(request: PortalRequest, membership: Membership | None) -> Stage:
    """How far in a signed-in person is, by the person's own row and the organization worked for: no further query
    for a membership of `current_membership`."""
    user = request.user
    if user.two_factor_at is not None and not sessions.is_verified(request, user):
        return Stage.CODE
    if user.two_factor_at is None and membership is not None and membership.organization.require_2fa:
        return Stage.SET_UP
    if membership is None or not hasattr(membership, "terms_in_force"):
        numbers = terms.numbers_in_force(request.now)
    else:
        numbers = {document: getattr(membership, f"{document}_in_force") for document in Document}
    return Stage.INSIDE if terms.has_accepted(user, numbers) else Stage.TERMS


def _with_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer; or where a form waits for this page that the page did not fill, a word about it (the address may answer no GET, and
    there may be no such page under another membership)."""
    from smartplus.portal.sign_in import old_forms

    if (
        not hasattr(request, "actor")
        or request.headers.get("HX-Request")
        or response.status_code not in {200, 403, 404, 405}
    ):
        return response
    return old_forms.left_over(request, response) or response


def _to_sign_in(request: PortalRequest) -> HttpResponse:
    from django.contrib.auth.views import redirect_to_login

    _keep_form(request)
    return _as_told(request, redirect_to_login(_way_back(request)))


def _keep_form(request: PortalRequest) -> None:
    """What was sent can't be done yet; it is shown again after what comes first."""
    if request.method == "POST":
        past_forms.keep_for_later(request, _way_back(request))


def _to_next_page(request: PortalRequest, stage: Stage) -> HttpResponse:
    from django.contrib.auth.views import redirect_to_login
    from django.urls import reverse

    _keep_form(request)
    return _as_told(request, redirect_to_login(_way_back(request), reverse(NEXT_PAGE[stage])))


def _way_back(request: PortalRequest) -> str:
    """Where one is sent on to after signing in: the page one was at. What is sent from a page, a form or a request for a fragment,
    names another address, which answers no GET."""
    from django.utils.http import url_has_allowed_host_and_scheme

    named = request.headers.get("HX-Current-URL", "")
    if request.method not in {"GET", "HEAD"} and not named:
        named = request.headers.get("Referer", "")
    if not named or not url_has_allowed_host_and_scheme(named, {request.get_host()}, require_https=request.is_secure()):
        return request.get_full_path()
    parts = urlsplit(named)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


def _as_told(request: PortalRequest, response: HttpResponse) -> HttpResponse:
    """A fragment can't show another page: 401 with its address, to which the script leads, keeping what was typed."""
    if not request.headers.get("HX-Request"):
        return response
    told = HttpResponse(status=401)
    told[SIGN_IN_AT] = response["Location"]
    return told


def _send_away(request: PortalRequest) -> HttpResponse:
    """End the session of who was removed from the organization it works for; with another one, sign in again."""
    from smartplus.portal.kit import errors

    if Membership.objects.usable().filter(user=request.user).exists():
        logout(request)
        return _to_sign_in(request)
    page = errors.no_membership(request)  # names the person, so before the session ends
    logout(request)
    return page
