"""The door: who is asking, and may this route be asked by that role at all. Every view declares a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django_htmx.middleware import HtmxDetails

from accounts.errors import NotPermitted
from accounts.models import Membership, User
from accounts.scope import Actor, Role

SESSION_KEY = "membership"
EVERYONE = frozenset(Role) - {Role.SYSTEM}


class PortalRequest(HttpRequest):
    """A request that passed the door: its actor and the one instant it happens at."""

    user: User
    actor: Actor
    membership: Membership
    now: datetime
    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may ask a route: anybody (`is_public`), or signed-in people of these roles."""

    is_public: bool = False
    roles: frozenset[Role] = frozenset()


View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def public(view: View) -> View:
    """Declare a view that needs no sign-in."""
    view.policy = Policy(is_public=True)  # type: ignore[attr-defined]
    return view


def roles(*allowed: Role) -> Callable[[View], View]:
    """Declare a view for these roles; without arguments for every signed-in person."""

    def declare(view: View) -> View:
        view.policy = Policy(roles=frozenset(allowed) or EVERYONE)  # type: ignore[attr-defined]
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
        user = request.user
        if isinstance(user, User):
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
            timezone.activate(user.time_zone)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: PortalRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Let the request through to its view, send it to the sign-in page, or say that the role may not."""
        from django.contrib.auth.views import redirect_to_login

        from smartplus.portal.views import errors

        policy = policy_of(view)
        if isinstance(request.user, User):
            membership = current_membership(request)
            if membership is not None:
                request.membership, request.actor = membership, Actor.of(membership)
        if policy.is_public:
            return None
        if not isinstance(request.user, User):
            if request.headers.get("HX-Request"):  # a fragment can't show the sign-in page: the browser goes there
                response = HttpResponse(status=204)
                response["HX-Refresh"] = "true"
                return response
            return redirect_to_login(request.get_full_path())
        if not hasattr(request, "actor"):
            return errors.no_membership(request)
        if request.actor.role not in policy.roles:
            return errors.not_permitted(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Rows outside the actor's view and rows that never were get the same page (R1)."""
        from smartplus.portal.views import errors

        if isinstance(exception, ObjectDoesNotExist):
            return errors.not_found(request)
        if isinstance(exception, NotPermitted):
            return errors.not_permitted(request, exception)
        return None


def current_membership(request: PortalRequest) -> Membership | None:
    """The membership the person works under: the chosen one if still usable, else the first that is."""
    usable = Membership.objects.usable().filter(user=request.user).select_related("organization", "user")
    chosen = request.session.get(SESSION_KEY)
    found = usable.filter(pk=chosen).first() if chosen else None
    return found or usable.order_by("pk").first()
