"""The API application: authentication, errors, and every route with its policy."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.utils.cache import patch_cache_control
from ninja import NinjaAPI
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from accounts.actions import tokens
from accounts.errors import ActionError, NotPermitted
from accounts.models import ApiToken, Membership, Scope
from accounts.models.tokens import scopes_open_to
from accounts.scope import Actor
from smartplus import access
from smartplus.statuses import status_of


class ApiRequest(access.PortalRequest):
    """A request with a valid token: `actor` is the member who created it."""

    token: ApiToken


class Bearer(HttpBearer):
    """`Authorization: Bearer sp_…`. Sessions are ignored, so no foreign page can use a person's session for a request."""

    def authenticate(self, request: HttpRequest, token: str) -> Membership | None:
        """The membership of the token; None if it is revoked, expired, or its member may not work any more."""
        asked = cast(ApiRequest, request)
        found = tokens.find_token(token, now=asked.now)
        if found is None:
            return None
        asked.token, asked.membership, asked.actor = found, found.membership, found.membership.actor()
        return found.membership


api = NinjaAPI(
    title="SmartPlus",
    version="1",
    description="Read what you see in the portal. Amounts are integers in the smallest unit of their currency.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,  # smartplus.api.docs serves both, under our policies and without external scripts
    auth=Bearer(),
)


def need(request: HttpRequest, scope: Scope) -> Actor:
    """The actor of a request whose token has `scope`; NotPermitted otherwise, also when the member has lost the right since."""
    asked = cast(ApiRequest, request)
    if scope not in asked.token.scopes or scope not in scopes_open_to(asked.actor):
        raise NotPermitted(f"The token lacks the scope {scope.value}.")
    return asked.actor


@api.exception_handler(AuthenticationError)
def no_token(request: HttpRequest, refusal: Exception) -> HttpResponse:
    """401: no valid token; the answer does not tell why."""
    response = api.create_response(request, {"detail": "A valid token is needed."}, status=401)
    response["WWW-Authenticate"] = 'Bearer realm="SmartPlus"'
    return response


@api.exception_handler(ActionError)
def not_done(request: HttpRequest, error: ActionError) -> HttpResponse:
    """The same status as pages: 403 where the token may not, 409, 422 and 503."""
    return api.create_response(request, {"detail": str(error.message)}, status=status_of(error))


@api.exception_handler(ObjectDoesNotExist)
@api.exception_handler(Http404)
def not_there(request: HttpRequest, refusal: Exception) -> HttpResponse:
    """404: the same bytes for missing and foreign rows (R1)."""
    return api.create_response(request, {"detail": "Not found."}, status=404)


def urlpatterns() -> list[URLPattern | URLResolver]:
    """The routes of the API, each with the policy of the API."""
    found = []
    for pattern in api.urls[0]:
        if isinstance(pattern, URLPattern) and pattern.name != "api-root":
            pattern.callback = _guarded(pattern.callback)
            found.append(pattern)
    return cast(list[URLPattern | URLResolver], found)


def _guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Forbid caching of answers, which contain tenant data."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        patch_cache_control(response, no_store=True, private=True)
        return response

    return access.api(guarded)
