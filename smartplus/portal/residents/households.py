"""A household moves out, or the next one in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.typed.days import day_words, language, site_day
from communities.actions import moving
from communities.models import Apartment
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.residents.forms import EntryRows, LeaveForm, MoveInForm
from smartplus.portal.residents.queries import paid_in
from smartplus.portal.residents.views import home_context, homes
from smartplus.portal.sites.site_context import HOUSEKEEPERS


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def household_out(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Let a household move out, now or with a last day; the page says what stays paid and what is suspended (R33)."""
    apartment = homes(request).get(pk=apartment_id)
    form = LeaveForm(posted(request), label_suffix="")
    count = submitted(
        form,
        lambda: moving.move_out(request.actor, apartment_id=apartment_id, on=form.cleaned_data["on"], now=request.now),
    )
    if count is None:
        return answer(request, "residents/move_out.html", form, lambda: _leaving(request, apartment))
    messages.success(request, _gone(request, apartment, form, count))
    return redirect("apartment-detail", apartment_id)


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def household_in(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Enter the next household; its first person is the family master (R32)."""
    apartment = homes(request).get(pk=apartment_id)
    frame, data = home_context(request, apartment), posted(request)
    rows = EntryRows(data, country=apartment.site.country)
    return edits.add(
        request,
        "residents/move_in.html",
        form=MoveInForm(data, rows=rows, is_occupied=bool(frame["household"].present)),
        act=lambda form: moving.move_in(request.actor, apartment_id=apartment_id, now=request.now, **form.values),
        context=lambda form: {**frame, "rows": form.rows, "summary": form.summary()},
        said=lambda saved, form: _come(len(saved), form, apartment),
        to=lambda _saved: reverse("apartment-detail", args=[apartment_id]),
    )


def _leaving(request: access.PortalRequest, apartment: Apartment) -> dict[str, Any]:
    frame = home_context(request, apartment)
    kept = paid_in(request.actor, apartment, request.now)
    people = frame["household"]
    return {
        **frame,
        "leaving": [*people.present, *people.waiting],
        "kept": kept,
        "renewing": sum(one.renews for one in kept),
    }


def _gone(request: access.PortalRequest, apartment: Apartment, form: LeaveForm, count: int) -> str:
    last = form.cleaned_data["on"]
    if last is None or last < site_day(request.now, apartment.site.time_zone):
        said = ngettext(
            "%(n)s person moved out of %(apartment)s. Paid time stays with the apartment.",
            "%(n)s people moved out of %(apartment)s. Paid time stays with the apartment.",
            count,
        )
        return said % {"n": count, "apartment": apartment}
    said = ngettext(
        "%(n)s person leaves %(apartment)s after %(day)s.", "%(n)s people leave %(apartment)s after %(day)s.", count
    )
    return said % {"n": count, "apartment": apartment, "day": day_words(last, language())}


def _come(count: int, form: MoveInForm, apartment: Apartment) -> str:
    said = ngettext("%(n)s person is entered in %(apartment)s.", "%(n)s people are entered in %(apartment)s.", count)
    return said % {"n": count, "apartment": apartment}
