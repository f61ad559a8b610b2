"""What is shown when something is absent, not permitted, refused or wrong: the one place that answers what actions raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import ActionError, NotPermitted
from accounts.models import User
from smartplus import access, logs
from smartplus.access import PortalRequest
from smartplus.statuses import CONFLICT, UNAVAILABLE, UNPROCESSABLE, status_of

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
TITLES: dict[int, Promise] = {
    CONFLICT: _("Somebody was faster"),
    UNPROCESSABLE: _("This was not done"),
    UNAVAILABLE: _("The payment service does not answer"),
}


def refused_at(
    back: str | Callable[[PortalRequest], str], *, also: type[NotPermitted] | None = None
) -> Callable[[View], View]:
    """Declare a view whose buttons are answered by the next page: what its action refuses is said there, in a message.

    `back` is the route of that page, which takes the same arguments as the view, or a function that gives its address. A role that may
    not is answered with 403 all the same, but for the kind named by `also`.
    """

    def declare(view: View) -> View:
        view.refused_at = back, also  # type: ignore[attr-defined]
        return view

    return declare


def action_error(request: PortalRequest, error: ActionError) -> HttpResponse:
    """What an action raised and its view left: on the page that the view declares, else a page of its own with the reason."""
    match = request.resolver_match
    assert match is not None  # an action ran, so a view did
    back, also = getattr(match.func, "refused_at", (None, None))
    is_forbidden = isinstance(error, NotPermitted) and not (also and isinstance(error, also))
    if back and request.method == "POST" and not is_forbidden:
        messages.error(request, str(error))
        return redirect(back(request)) if callable(back) else redirect(back, **match.kwargs)
    if isinstance(error, NotPermitted):
        return not_permitted(request, error)
    status = status_of(error)
    return page(request, "errors/not_done.html", status, title=TITLES[status], reason=error.message)


@access.public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the same bytes for what is absent and what is someone else's (R1)."""
    # No area, no forms, no messages: nothing on the page follows from the address or differs from one time to the next.
    return page(request, "errors/404.html", 404, bare=True, area="", section="")


@access.public
def not_permitted(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the own role may not; says why if the action said so."""
    reason = exception.message if isinstance(exception, NotPermitted) else NotPermitted.message
    return page(request, "errors/403.html", 403, reason=reason)


def no_membership(request: HttpRequest) -> HttpResponse:
    """403: signed in, but no organization is open to this person any more."""
    return render(request, "errors/no_membership.html", status=403)


@access.public
def server_error(request: HttpRequest) -> HttpResponse:
    """500: rendered without context processors, since anything may be broken."""
    return HttpResponse(_SERVER_ERROR.replace("{id}", logs.current_id()), status=500)


def page(request: HttpRequest, template: str, status: int, **context: Any) -> HttpResponse:
    """Inside the shell for a member, plain for everybody else."""
    is_member = knows_the_actor(request)
    return render(request, template, {"layout": "base.html" if is_member else "bare.html", **context}, status=status)


def knows_the_actor(request: Any) -> bool:
    """Set `request.actor` if it is missing: a request for an unknown address, or with a stale form, did not pass the
    access check that sets it. False if there is no member."""
    if hasattr(request, "actor"):
        return True
    if not isinstance(getattr(request, "user", None), User) or not hasattr(request, "now"):
        return False
    membership = access.current_membership(request)
    if membership is None or access.stage_of(request, membership) is access.Stage.CODE:
        return False
    request.membership, request.actor = membership, membership.actor()
    return True


_SERVER_ERROR = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SmartPlus</title>
<link rel="stylesheet" href="/static/sp/errors.css"><main><h1>Something went wrong on our side</h1><p>Nothing was charged or changed by this
click as far as we know. Please go back and look before you try again.</p>
<p>If you ask us about it, tell us this number: <code>{id}</code></p><p><a href="/">To the start page</a></p></main></html>"""
