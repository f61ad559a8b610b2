"""The help pages about services."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from communities import catalogue
from smartplus import access
from smartplus.access import Stage


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All help pages, services in their two groups."""
    groups = [
        (group, [service for service in catalogue.SERVICES if service.group == group]) for group in catalogue.Group
    ]
    return render(request, "help/index.html", {"groups": groups})


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_safe
def service(request: HttpRequest, code: str) -> HttpResponse:
    """One service: what it does, when it is useful, how it is switched, billed and set up."""
    found = catalogue.BY_CODE.get(code)
    if found is None:
        raise Http404
    context = {"service": found, "needed": catalogue.BY_CODE.get(found.needs), "services": catalogue.SERVICES}
    return render(request, f"help/services/{found.code}.html", context)
