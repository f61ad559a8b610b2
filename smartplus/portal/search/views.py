"""The search page behind the box of the top bar."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.typed.text import sought
from smartplus import access
from smartplus.portal.search import queries as finder


@access.roles()
@require_safe
def search(request: access.PortalRequest) -> HttpResponse:
    """Everything visible that matches `q`; a whole order number or MAC redirects to its object."""
    text = sought(request.GET.get("q", ""))
    is_asked = len(text) >= finder.SHORTEST
    if is_asked and (address := finder.exact(request.actor, text)):
        return redirect(address)
    is_too_wide = is_asked and finder.is_too_wide(request.actor, text)
    is_asked = is_asked and not is_too_wide
    context = {
        "query": text,
        "is_asked": is_asked,
        "is_too_wide": is_too_wide,
        "groups": finder.groups(request.actor, text, request.now) if is_asked else [],
        "kinds": list(finder.kinds_of(request.actor)),
        "shown": finder.SHOWN,
    }
    return render(request, "search/page.html", context)
