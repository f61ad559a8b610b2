"""Access control of routes: who asks, whether sign-in is complete, and whether the role may open the route. Every view declares a policy."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django_htmx.middleware import HtmxDetails

from accounts.actions import terms
from accounts.long_jobs import Running
from accounts.models import Document, Membership, User
from accounts.scope import Actor, Role
from smartplus import sessions

EVERYONE = frozenset(Role) - {Role.SYSTEM}


class TimedRequest(HttpRequest):
    """A request with its `now`, one instant for everything it does."""

    now: datetime


class PortalRequest(TimedRequest):
    """A request that passed access control: it has an actor."""

    user: User
    actor: Actor
    membership: Membership
    htmx: HtmxDetails


class JobRequest(PortalRequest):
    """A request that a long job makes of a view, for its file: nobody waits for the answer, and `running` is told how far it is."""

    running: Running


class Stage(enum.IntEnum):
    """How far the sign-in of a person with the right password has come."""

    CODE = 1  # two-factor is on, and this session has not given a code yet
    SET_UP = 2  # the organization demands two-factor, and the person has not set it up (R7)
    TERMS = 3  # the terms or privacy notice in force are not accepted yet
    INSIDE = 4


# The page that completes each stage. Until then only pages that declare the stage can be opened.
NEXT_PAGE = {Stage.CODE: "sign-in-code", Stage.SET_UP: "settings-security", Stage.TERMS: "accept-terms"}


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may open a route: anybody (`is_public`), programs with a token (`is_api`), or signed-in people of these roles, once sign-in is
    complete or while it is at one of the stages `also_at`."""

    is_public: bool = False
    is_api: bool = False
    roles: frozenset[Role] = frozenset()
    also_at: frozenset[Stage] = frozenset()


SIGN_IN_AT = "X-Sign-In"  # header of a 401: where the script goes

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def public(view: View) -> View:
    """Declare a view that needs no sign-in."""
    return _declared(view, Policy(is_public=True))


def api(view: View) -> View:
    """Declare a view of the API: it checks a token itself and ignores sessions."""
    return _declared(view, Policy(is_api=True))


def roles(*allowed: Role, also_at: Collection[Stage] = ()) -> Callable[[View], View]:
    """Declare a view for these roles; without arguments for every signed-in person."""

    def declare(view: View) -> View:
        return _declared(view, Policy(roles=frozenset(allowed) or EVERYONE, also_at=frozenset(also_at)))

    return declare


def _declared(view: View, policy: Policy) -> View:
    vars(view)["policy"] = policy  # copied where a decorator wraps the view
    return view


def policy_of(view: Callable[..., Any]) -> Policy:
    """The policy that a view declares. A view without one raises: it is a mistake, and must not be open to everybody."""
    policy = getattr(view, "policy", None)
    if not isinstance(policy, Policy):
        raise ImproperlyConfigured(
            f"The view {view.__module__}.{getattr(view, '__qualname__', view)} declares no policy."
        )
    return policy


def current_membership(request: PortalRequest) -> Membership | None:
    """The membership that the session works under; None if it is no longer usable. Where none was chosen, the first usable one."""
    chosen = request.session.get(sessions.SESSION_KEY)
    loaded = getattr(request.session, "membership", None)  # tests may use another session store
    if loaded is not None and (known := loaded(chosen)) is not None and known.user_id == request.user.pk:
        return known  # type: ignore[no-any-return]
    usable = Membership.objects.usable().filter(user=request.user).select_related("organization", "user")
    usable = usable.annotate(
        **terms.columns_in_force(request.now)
    )  # the documents in force come with the same statement
    return usable.filter(pk=chosen).first() if chosen else usable.order_by("pk").first()


def stage_of(request: PortalRequest, membership: Membership | None) -> Stage:
    """How far the sign-in of a person has come, by its own row and the organization. No further statement for a membership from
    `current_membership`."""
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
