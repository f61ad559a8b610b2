"""What is shown when something is absent, not permitted or wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import NotPermitted
from accounts.models import User
from accounts.scope import Actor
from smartplus import access, logs


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
    """Make sure of `request.actor`: an address without a view, or a stale form, never passed the door."""
    if hasattr(request, "actor"):
        return True
    if not isinstance(getattr(request, "user", None), User) or not hasattr(request, "now"):
        return False
    membership = access.current_membership(request)
    if membership is None or access.stage_of(request, membership) is access.Stage.CODE:
        return False
    request.membership, request.actor = membership, Actor.of(membership)
    return True


_SERVER_ERROR = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SmartPlus</title>
<link rel="stylesheet" href="/static/sp/errors.css"><main><h1>Something went wrong on our side</h1><p>Nothing was charged or changed by this
click as far as we know. Please go back and look before you try again.</p>
<p>If you ask us about it, tell us this number: <code>{id}</code></p><p><a href="/">To the start page</a></p></main></html>"""
