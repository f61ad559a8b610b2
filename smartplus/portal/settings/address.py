"""Changing one's own address, which is used to sign in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.actions import addresses
from smartplus import access, jobs, throttle
from smartplus.access import PortalRequest
from smartplus.portal.kit.address_words import LINK_SENT
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.settings.forms import AddressForm


@sensitive_post_parameters()
@never_cache
@access.roles()
@require_http_methods(["GET", "HEAD", "POST"])
@refused_at("settings-address")
@once
def own_address(request: PortalRequest) -> HttpResponse:
    """Request another address with password and code, or withdraw the request (`do` is "withdraw")."""
    if request.method == "POST" and request.POST.get("do") == "withdraw":
        addresses.withdraw_address(request.actor, request.user, now=request.now)
        messages.success(request, _("The change is withdrawn: the link does nothing any more."))
        return redirect("settings-address")
    if request.method == "POST" and (refusal := throttle.refuses_codes(request, request.user)):
        return refusal
    form = AddressForm(posted(request), user=request.user)

    def ask() -> bool:
        email = form.cleaned_data["email"]
        addresses.ask_for_address(request.actor, request.user, email=email, now=request.now, **form.proof)
        return True

    if submitted(form, ask):
        jobs.hurry("mail")
        messages.success(request, LINK_SENT % {"email": form.cleaned_data["email"]})
        return made(redirect("settings-address"), addresses.pending_address(request.user, now=request.now))
    if form.is_bound and form.is_wrong():
        throttle.count_wrong_code(request, request.user)
    context = {"pending": addresses.pending_address(request.user, now=request.now)}
    return answer(request, "settings/address.html", form, context)
