"""What is shown when something is absent, not permitted or wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import NotPermitted
from smartplus import access


@access.public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the same page for what is absent and what is someone else's (R1)."""
    return render(request, "errors/404.html", status=404)


@access.public
def not_permitted(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the own role may not; says why if the action said so."""
    reason = exception.message if isinstance(exception, NotPermitted) else NotPermitted.message
    return render(request, "errors/403.html", {"reason": reason}, status=403)


def no_membership(request: HttpRequest) -> HttpResponse:
    """403: signed in, but no organization is open to this person any more."""
    return render(request, "errors/no_membership.html", status=403)


@access.public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form was too old or came from elsewhere."""
    return render(request, "errors/csrf.html", status=403)


@access.public
def server_error(request: HttpRequest) -> HttpResponse:
    """500: rendered without context processors, since anything may be broken."""
    return HttpResponse(_SERVER_ERROR, status=500)


_SERVER_ERROR = """<!doctype html><html lang="en"><title>SmartPlus</title><link rel="stylesheet" href="/static/sp/errors.css">
<main><h1>Something went wrong on our side</h1><p>Nothing was charged or changed by this click as far as we know. Please go back and look
before you try again.</p><p><a href="/">To the start page</a></p></main></html>"""
