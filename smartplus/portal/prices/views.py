"""The price book: lists in versions; the operator publishes, a distributor reads what it is charged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Max, Q, TextField, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.scope import Actor, Role
from communities import catalogue
from payments import money
from smartplus import access
from smartplus.portal.kit import conflicts, edits, keyset
from smartplus.portal.kit.lists import Column, List
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.prices.forms import PriceListForm, field_name, sections
from subscriptions.actions import prices as actions
from subscriptions.models import PriceList
from subscriptions.prices import PriceKey


def _owner_order(_actor: Actor) -> Mapping[str, Any]:
    """The order of owners: default lists come first."""
    return {"owner_order": Coalesce("distributor__name_order", Value(""), output_field=TextField())}


NEWEST_FIRST = ("-valid_from", "-number")
PRICE_LISTS = List(
    title=gettext_lazy("Price Book"),
    columns=(
        Column("list", gettext_lazy("List"), keys=["number"]),
        Column("for", gettext_lazy("For"), keys=["owner_order", "currency", *NEWEST_FIRST], annotations=_owner_order),
        Column(
            "currency",
            gettext_lazy("Currency"),
            keys=["currency", "owner_order", *NEWEST_FIRST],
            annotations=_owner_order,
        ),
        Column("from", gettext_lazy("Valid from"), keys=["valid_from", "number"]),
        Column("state", gettext_lazy("Status")),
        Column("note", gettext_lazy("Note")),
    ),
    own="for",
    table="cards price-lists",
)


@access.roles(Role.OPERATOR)
@require_safe
def price_list_list(request: access.PortalRequest) -> HttpResponse:
    """Show every version of every list on one page, the newest first within its owner, or sorted by a column."""
    listing = PRICE_LISTS.asked(request)
    rows = list(listing.sorted(PriceList.objects.visible_to(request.actor).select_related("distributor")))
    published = sorted(
        (row for row in rows if row.valid_from <= request.now), key=lambda row: (row.valid_from, row.number)
    )
    in_force = {(row.distributor_id, row.currency): row for row in published}

    def state(row: PriceList) -> str:
        if row.valid_from > request.now:
            return "upcoming"
        return "current" if in_force[row.distributor_id, row.currency] == row else "past"

    context = listing.context(keyset.Page(rows, "", ""), [(row, state(row)) for row in rows])
    return render(request, "prices/list.html", {**context, "count": str(len(rows))})


@access.roles(Role.OPERATOR)
@require_safe
def price_list_detail(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Show one version with its amounts."""
    price_list = PriceList.objects.visible_to(request.actor).select_related("distributor", "created_by").get(pk=pk)
    amounts = {row.key: row.amount_minor for row in price_list.prices.all()}

    def row(key: PriceKey) -> tuple[str, int | None]:
        return catalogue.price_label(key.service_type, key.part), amounts.get(key)

    def has_price(shown: tuple[str, int | None]) -> bool:
        return shown[1] is not None

    return render(request, "prices/detail.html", {"price_list": price_list, "sections": list(sections(row, has_price))})


@access.roles(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def price_list_new(request: access.PortalRequest) -> HttpResponse:
    """Publish a version; the form is filled with the version that it follows."""

    def publish(form: PriceListForm) -> PriceList:
        distributor = form.cleaned_data["distributor"]
        return actions.publish_price_list(
            request.actor,
            currency=form.cleaned_data["currency"],
            amounts=form.cleaned_data["amounts"],
            valid_from=form.valid_from_instant(request.now),
            distributor_id=distributor.pk if distributor else None,
            note=form.cleaned_data["note"],
            includes_tax=form.cleaned_data["includes_tax"],
            newest_id=form.cleaned_data["version"],
            now=request.now,
        )

    return edits.follow(
        request,
        "prices/new.html",
        form=PriceListForm(posted(request), actor=request.actor, initial=_initial(request)),
        act=publish,
        overtaken=lambda form: _overtaken(request, form),
        said=lambda saved, _form: _("%(list)s is published. Orders that exist keep their prices.") % {"list": saved},
        to=lambda saved: reverse("price-list-detail", args=[saved.pk]),
    )


def _overtaken(request: access.PortalRequest, form: PriceListForm) -> tuple[PriceListForm, Q]:
    """Answer a conflict: a form with the list that somebody published for the same tree in the meantime, and who did."""
    owner, currency = form.cleaned_data["distributor"], form.cleaned_data["currency"]
    seen = PriceList.objects.visible_to(request.actor)
    theirs = seen.filter(distributor=owner, currency=currency).order_by("-number")[0]
    values = {**_values_of(theirs), "valid_from": form.cleaned_data["valid_from"], "version": _newest_id(request)}
    return PriceListForm(actor=request.actor, initial=values), conflicts.about(theirs)


def _newest_id(request: access.PortalRequest) -> int:
    return PriceList.objects.visible_to(request.actor).aggregate(newest=Max("pk"))["newest"] or 0


def _initial(request: access.PortalRequest) -> dict[str, Any]:
    follows = typed_id(request.GET.get("follows"))
    begun: dict[str, Any] = {"valid_from": request.now.date(), "version": _newest_id(request)}
    if money.is_currency(currency := request.GET.get("currency", "")):  # the set-up's list leads here
        begun["currency"] = currency
    values = _values_of(PriceList.objects.visible_to(request.actor).get(pk=follows)) if follows else {}
    if values and begun.get("currency", values["currency"]) != values["currency"]:  # its amounts are other money
        values = {"distributor": values["distributor"]}
    return {**values, **begun}


def _values_of(price_list: PriceList) -> dict[str, Any]:
    """The values of a list for the fields of the form."""
    return {
        "distributor": price_list.distributor_id,
        "currency": price_list.currency,
        "includes_tax": price_list.includes_tax,
        **{field_name(row.key): row.amount_minor for row in price_list.prices.all()},
    }
