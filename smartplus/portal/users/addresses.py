"""Changing the address that another person signs in with, by those who manage people."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actions import addresses
from smartplus import access, jobs
from smartplus.access import PortalRequest
from smartplus.portal.kit.address_words import LINK_SENT
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.users.forms import NewAddressForm
from smartplus.portal.users.views import MANAGERS_OF_PEOPLE, visible_person


@never_cache
@access.roles(*MANAGERS_OF_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
@refused_at("user-detail")
@once
def user_address(request: PortalRequest, membership_id: int) -> HttpResponse:
    """Ask for another address of a person who can't reach the old mailbox, or give it up: `do` is "withdraw"."""
    known = visible_person(request, membership_id)
    person = known.membership
    if request.method == "POST" and request.POST.get("do") == "withdraw":
        addresses.withdraw_address_of(request.actor, membership_id=membership_id, now=request.now)
        messages.success(request, _("The change is withdrawn: the link does nothing any more."))
        return redirect("user-detail", membership_id)
    form = NewAddressForm(posted(request))

    def ask() -> bool:
        email = form.cleaned_data["email"]
        addresses.ask_for_address_of(request.actor, membership_id=membership_id, email=email, now=request.now)
        return True

    if submitted(form, ask):
        jobs.hurry("mail")
        messages.success(request, LINK_SENT % {"email": form.cleaned_data["email"]})
        return made(redirect("user-detail", membership_id), addresses.pending_address(person.user, now=request.now))
    context = {
        "person": person,
        "known": known,
        "firm": person.organization,
        "is_own": person.organization_id == request.actor.organization_id,
        "why_not": addresses.why_not(request.actor, person),
    }
    return answer(request, "users/address.html", form, context)
