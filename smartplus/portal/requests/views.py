"""Requests for activation: the installer's asking, the payer's approving."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.scope import RESELLERS, Grant, Role
from communities.models import targets
from smartplus import access
from smartplus.portal.dashboard import queries as dashboards
from smartplus.portal.kit import answers, keyset
from smartplus.portal.kit import support_view as support
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import granted
from smartplus.portal.requests import rows
from smartplus.portal.requests import waiting as asking
from smartplus.portal.requests.forms import RefusalForm
from smartplus.portal.subscription.views import PAYERS
from subscriptions import payers, reports, rights, waiting
from subscriptions.actions import carts, request_decisions
from subscriptions.models import RenewalRequest, RequestItem
from subscriptions.prices import CantQuote

PAGE = 50
COLUMNS: keyset.Columns = {
    "installer": ["installer__name_order"],
    "months": ["months"],
    "state": ["state"],
    "requested": ["pk"],
}
S = RenewalRequest.State
SHOWN = (
    "kind", "site_kind", "months", "state", "reason", "created_at", "installer__name", "installer__name_order", "requested_by__name",
)  # fmt: skip


@access.roles(*PAYERS, Role.OPERATOR)
@require_GET
def request_list(request: access.PortalRequest) -> HttpResponse:
    """Requests of one's subtree: those that wait first, then the newest."""
    found = RenewalRequest.objects.visible_to(request.actor)
    state = request.GET.get("state", "")
    if state == asking.WAITING:
        found = found.waiting()
    elif state in S.values:
        found = found.filter(state=state)
    sorting = keyset.sorting(request.GET, COLUMNS, own="-requested")
    page: keyset.Page[RenewalRequest] = keyset.page(
        found.select_related("installer", "requested_by").only(*SHOWN).annotate(n=_items_asked_for()),
        by=sorting.by,
        query=request.GET,
        size=PAGE,
    )
    prices = dashboards.prices_of(request)
    asked = waiting.asked_in(request.actor, [row for row in page.rows if row.is_live], prices=prices, now=request.now)
    currency = prices.currency if prices else ""
    context = {
        "cells": rows.cells(page.rows, asked, currency=currency, now=request.now),
        "currency": currency,
        "states": [(asking.WAITING, S.OPEN.label), *((S(one), S(one).label) for one in S if one != S.OPEN)],
        "state": state,
        "waiting": keyset.count(RenewalRequest.objects.visible_to(request.actor).waiting()),
        "page": page,
        "sorting": sorting,
    }
    return render(request, "requests/list.html", context)


def _items_asked_for() -> Coalesce:
    """How many items each request of the page asks for: counted of these, where a join would group whole rows with all that is shown."""
    items = RequestItem.objects.filter(request=OuterRef("pk")).order_by().values("request").annotate(n=Count("pk"))
    return Coalesce(Subquery(items.values("n")), 0)


@access.roles(*PAYERS, Role.OPERATOR)
@require_GET
def request_detail(request: access.PortalRequest, pk: int) -> HttpResponse:
    """One request: what is asked, what it costs and why, what can be done, who was told."""
    return _show(request, pk, RefusalForm())


def _show(request: access.PortalRequest, pk: int, form: RefusalForm) -> HttpResponse:
    found = (
        RenewalRequest.objects.visible_to(request.actor)
        .select_related(
            "installer__distributor", "installer__subdistributor", "requested_by", "decided_by", "cart__order", "cart__organization"
        )
        .get(pk=pk)
    )  # fmt: skip
    support.record_view(request, found, tenant=found.installer)
    order = found.cart.order if found.cart else None
    may_act = found.is_live and order is None
    context = {
        "asked": found,
        "tone": rows.TONES[S(found.state)],
        "order": order,
        "payer": payers.payer_above(found.installer),
        "may_decide": may_act and rights.may_decide(request.actor, found),
        "may_withdraw": may_act and rights.may_withdraw(request.actor, found),
        "shows_prices": rights.sees_prices(request.actor),
        **_items(request, found, is_waiting=may_act),
    }
    return answers.answer(
        request, "requests/detail.html", form, context, action=reverse("request-refuse", args=[found.pk])
    )


def _items(request: access.PortalRequest, found: RenewalRequest, *, is_waiting: bool) -> dict[str, Any]:
    """What is asked for. While it waits: priced today, and apart from that what can't be activated any more."""
    named = found.items.select_related("entitlement__site", *targets.named("entitlement__target__"))
    size = found.items.count()
    if not is_waiting:
        return {"size": size, "items": [item.entitlement for item in named[: 4 * PAGE]]}
    free = request_decisions.available(request.actor, found)
    gone = named.exclude(entitlement__in=free)
    context: dict[str, Any] = {"size": size, "gone": [item.entitlement for item in gone], "count": free.count()}
    distributor = found.installer.distributor
    assert distributor is not None
    try:
        quote = carts.priced(free, distributor=distributor, months=found.months, now=request.now)
    except CantQuote as missing:
        return context | {
            "missing": missing,
            "items": [item.entitlement for item in named.filter(entitlement__in=free)],
        }
    return context | {"quote": quote, "sites": reports.named(request.actor, reports.by_site(quote))}


@access.roles(*RESELLERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("request-detail")
def request_approve(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Approve, and go on to the checkout with a cart of what can be activated."""
    approval = request_decisions.approve(request.actor, request_id=pk, now=request.now)
    if n := len(approval.left_out):
        text = ngettext("%(n)s item is left out, since it can't be activated any more: %(names)s",
                        "%(n)s items are left out, since they can't be activated any more: %(names)s", n)  # fmt: skip
        names = "; ".join(approval.left_out[:10]) + ("; …" if n > 10 else "")
        messages.warning(request, text % {"n": n, "names": names})
    if approval.cart.order is not None:
        return redirect("order-detail", approval.cart.order.number)
    if approval.cart.organization_id != request.actor.organization_id:
        return redirect("request-detail", pk)
    return redirect("cart", approval.cart.pk)


@access.roles(*RESELLERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
def request_refuse(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Refuse, with a reason."""
    form = RefusalForm(request.POST)

    def act() -> RenewalRequest:
        return request_decisions.refuse(
            request.actor, request_id=pk, reason=form.cleaned_data["reason"], now=request.now
        )

    if answers.submitted(form, act) is None:
        return _show(request, pk, form)
    messages.success(request, _("Refused. The installer is told why."))
    return redirect("request-detail", pk)


@access.roles(Role.INSTALLER)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("request-detail")
def request_withdraw(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Take a request back."""
    request_decisions.withdraw(request.actor, request_id=pk, now=request.now)
    messages.success(request, _("Withdrawn. Its items can be requested again."))
    return redirect("request-detail", pk)
