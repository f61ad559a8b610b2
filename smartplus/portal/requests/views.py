"""Requests for activation: made by the installer, approved by the payer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.scope import RESELLERS, Grant, Role
from communities.models import targets
from smartplus import access
from smartplus.portal.kit import responses
from smartplus.portal.kit import support_view as support
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.requests import rows
from smartplus.portal.requests.forms import RefusalForm
from subscriptions import payers, reports, rights
from subscriptions.actions import carts, request_decisions
from subscriptions.models import RenewalRequest
from subscriptions.prices import CantQuote

PAGE = 50
S = RenewalRequest.State


@access.roles(*PAYERS, Role.OPERATOR)
@require_safe
def request_detail(request: access.PortalRequest, pk: int) -> HttpResponse:
    """One request: its items, their price, the possible actions, and who was mailed."""
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
    is_waiting = rights.awaits_decision(found)
    context = {
        "asked": found,
        "tone": rows.TONES[S(found.state)],
        "order": order,
        "payer": payers.payer_above(found.installer),
        "may_decide": is_waiting and rights.may_decide(request.actor, found),
        "may_withdraw": is_waiting and rights.may_withdraw(request.actor, found),
        "shows_prices": rights.sees_prices(request.actor),
        **_items(request, found, is_waiting=is_waiting),
    }
    return responses.answer(
        request, "requests/detail.html", form, context, action=reverse("request-refuse", args=[found.pk])
    )


def _items(request: access.PortalRequest, found: RenewalRequest, *, is_waiting: bool) -> dict[str, Any]:
    """The requested items. While the request waits: priced today, and separately those that can't be activated any more."""
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
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("request-detail")
def request_approve(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Approve, and continue at the checkout with a cart of what can be activated."""
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
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
def request_refuse(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Refuse, with a reason."""
    form = RefusalForm(request.POST)

    def act() -> RenewalRequest:
        return request_decisions.refuse(
            request.actor, request_id=pk, reason=form.cleaned_data["reason"], now=request.now
        )

    if responses.submitted(form, act) is None:
        return _show(request, pk, form)
    messages.success(request, _("Refused. The installer is told why."))
    return redirect("request-detail", pk)


@access.roles(Role.INSTALLER)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("request-detail")
def request_withdraw(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Withdraw a request."""
    request_decisions.withdraw(request.actor, request_id=pk, now=request.now)
    messages.success(request, _("Withdrawn. Its items can be requested again."))
    return redirect("request-detail", pk)
