"""Registration codes: their sheets for paper, which are shown once, and their end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from communities.actions import registrations
from communities.actions.registrations import Printed
from communities.models import Apartment, Building, RegistrationCode, Resident
from smartplus import access
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.qr_codes import qr_code
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.residents.views import home_context, homes
from smartplus.portal.sites.site_context import HOUSEKEEPERS, site_context

USED_SHOWN = 5


class SheetForm(forms.Form):
    """The language of a sheet."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)


class Leaf(NamedTuple):
    """A sheet of paper: the code, its QR code as SVG, and the address for who types."""

    code: Printed
    qr: SafeString
    typed_at: str


@never_cache
@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def apartment_code(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """The registration code of an apartment. Its sheet is in the answer that prints it only: the code is stored as a digest."""
    apartment = homes(request).get(pk=apartment_id)
    context = home_context(request, apartment)
    master = context["household"].master
    form = SheetForm(posted(request), initial={"language": master.language if master else ""}, label_suffix="")
    printed = submitted(
        form, lambda: registrations.make_code(request.actor, apartment_id=apartment_id, now=request.now)
    )
    context |= _known(request, apartment)
    if printed is None:
        return answer(request, "residents/code.html", form, context)
    with translation.override(form.cleaned_data["language"]):
        leaves = _leaves([printed])
        context["sheets"] = _written(request, leaves, apartment)
    context |= {"form": SheetForm(initial=form.cleaned_data, label_suffix=""), "is_new": True}
    return made(render(request, "residents/code.html", context), printed.row)


@access.roles(*HOUSEKEEPERS)
@require_POST
@refused_at("apartment-code")
def code_revoke(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """End the open code of an apartment."""
    registrations.revoke_code(request.actor, apartment_id=apartment_id, now=request.now)
    messages.success(request, _("The code is revoked: its sheet registers nobody any more."))
    return redirect("apartment-code", apartment_id)


@never_cache
@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def building_codes(request: access.PortalRequest, building_id: int) -> HttpResponse:
    """Sheets for all households of a building."""
    building = Building.objects.visible_to(request.actor).select_related("site__installer").get(pk=building_id)
    form = SheetForm(posted(request), label_suffix="")
    printed = submitted(form, lambda: registrations.make_codes(request.actor, building_id=building_id, now=request.now))
    living = Resident.objects.visible_to(request.actor).filter(apartment__building=building, is_master=True)
    context = {
        **site_context(request, building.site, "residents"),
        "building": building,
        "count": living.filter(apartment__archived_at=None).count(),
    }
    if printed is None:
        return answer(request, "residents/codes.html", form, context)
    with translation.override(form.cleaned_data["language"]):
        context["sheets"] = _written(request, _leaves(printed), printed[0].apartment)
    return made(render(request, "residents/codes.html", {**context, "form": form}), printed[0].row)


def _known(request: access.PortalRequest, apartment: Apartment) -> dict[str, Any]:
    """The present code and who used the ones before."""
    seen = RegistrationCode.objects.visible_to(request.actor).filter(apartment=apartment)
    last = seen.first()
    is_working = last is not None and seen.working(request.now).filter(pk=last.pk).exists()
    used = seen.filter(used_at__isnull=False).select_related("used_by").order_by("-used_at")
    return {"code": last, "is_working": is_working, "used": list(used[:USED_SHOWN])}


def _leaves(printed: Iterable[Printed]) -> list[Leaf]:
    typed_at = f"{settings.SITE_URL}{reverse('join-typed')}".split("//", maxsplit=1)[-1]
    return [Leaf(one, _qr(one.token), typed_at) for one in printed]


def _qr(token: str) -> SafeString:
    """The QR code of the public page."""
    return qr_code(f"{settings.SITE_URL}{reverse('join', args=[token])}")


def _written(request: access.PortalRequest, leaves: list[Leaf], apartment: Apartment) -> SafeString:
    """The sheets in the language of those who read them."""
    return render_to_string("residents/_sheets.html", {"leaves": leaves, "site": apartment.site}, request=request)
