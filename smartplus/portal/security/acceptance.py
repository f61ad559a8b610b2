"""Accepting the terms and the privacy notice, which comes before every other page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.actions import terms
from smartplus import access, sessions
from smartplus.access import PortalRequest, Stage
from smartplus.portal.kit.responses import answer, posted
from smartplus.portal.kit.routes import next_page
from smartplus.portal.security.forms import AcceptForm


@access.roles(also_at={Stage.TERMS})
def accept_terms(request: PortalRequest) -> HttpResponse:
    """Accept the documents in force that are not accepted yet; a person without any is redirected. A version that changed since the page
    was opened is shown again and not accepted unread."""
    numbers = terms.numbers_in_force(request.now)
    asked = terms.pending(request.user, numbers)
    if not asked:
        return redirect(next_page(request))
    form = AcceptForm(posted(request), asked={document: numbers[document] for document in asked})
    if form.is_bound and form.is_valid():
        if form.was_shown_all():
            terms.accept(request.user, now=request.now, address=sessions.address_of(request))
            return redirect(next_page(request))
        messages.warning(
            request, _("There is a newer version since this page was opened. Please read it and accept it again.")
        )
        form = AcceptForm(None, asked=form.asked)
    context = {
        "next": next_page(request, ""),
        "is_again": any(getattr(request.user, terms.LATEST[document]) for document in asked),
    }
    return answer(request, "security/accept.html", form, context)
