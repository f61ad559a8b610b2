"""The terms and the privacy notice: to read, and to accept before anything else."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.actions import terms
from smartplus import access, sessions
from smartplus.access import PortalRequest, Stage
from smartplus.portal.answers import answer, posted
from smartplus.portal.forms.security import AcceptForm
from smartplus.portal.views.auth import next_page


@access.public
def privacy(request: HttpRequest) -> HttpResponse:
    """What happens to the data of people."""
    layout = "base.html" if hasattr(request, "actor") else "bare.html"
    return render(request, "help/privacy.html", {"layout": layout, "version": settings.PRIVACY_VERSION})


@access.roles(also_at={Stage.TERMS})
def accept_terms(request: PortalRequest) -> HttpResponse:
    """Accept both in their versions of today; who has done so is sent on."""
    if terms.has_accepted(request.user):
        return redirect(next_page(request))
    form = AcceptForm(posted(request))
    if form.is_bound and form.is_valid():
        terms.accept(request.user, now=request.now, address=sessions.address_of(request))
        return redirect(next_page(request))
    context = {
        "next": next_page(request, ""),
        "terms_version": settings.TERMS_VERSION,
        "privacy_version": settings.PRIVACY_VERSION,
        "is_again": bool(request.user.terms_version),
    }
    return answer(request, "security/accept.html", form, context)
