"""Auto-renewals: what renews, when, with which card, and stopping it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.scope import Grant
from payments import actions as payment_actions
from payments import consent
from payments.models import Payment, PaymentMethod
from payments.models import State as PaymentState
from smartplus import access, jobs
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.renewals import rows
from subscriptions import rights
from subscriptions.actions import auto_renewals as actions
from subscriptions.actions import cards
from subscriptions.errors import MayNotPay
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
def auto_renewal_stop(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Stop renewing; paid time stays."""
    actions.stop_auto_renewal(request.actor, auto_renewal_id=pk, now=request.now)
    messages.success(request, _("It is not renewed any more. What is paid stays paid to its end."))
    return redirect("auto-renewal-list")


def _sites_of(request: access.PortalRequest, rows: list[AutoRenewal]) -> dict[int, list[str]]:
    """The names of the visible sites that each auto-renewal renews or renewed; one statement."""
    found: dict[int, list[str]] = {}
    items = AutoRenewalItem.objects.visible_to(request.actor).filter(auto_renewal__in=rows)
    for pk, name in (
        items.order_by("site__name_order", "site__name").values_list("auto_renewal_id", "site__name").distinct()
    ):
        found.setdefault(pk, []).append(name)
    return found


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "HEAD", "POST"])
@refused_at("auto-renewal-card", also=MayNotPay)
def auto_renewal_card(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Choose the card: a stored one here, or a new one at the gateway. Coming back from the gateway proves nothing (R51)."""
    auto_renewal = _own(request, pk)
    if request.method == "POST":
        chosen = request.POST.get("method")
        cards.change_card(
            request.actor, auto_renewal_id=pk, method_id=typed_id(chosen) if chosen else None, now=request.now
        )
        return _done(request, _own(request, pk))
    setups = auto_renewal.setups.visible_to(request.actor)
    setup = setups.order_by("-pk").first() if request.GET.get("back") else None
    if setup is not None and setup.state == PaymentState.SUCCEEDED:
        if cards.is_used(auto_renewal, setup):
            return _done(request, auto_renewal)
        messages.warning(
            request, _("The card is stored, but this auto-renewal could not take it: look below how it stands.")
        )
        return redirect("auto-renewal-card", pk)
    if setup is not None and setup.is_live:
        jobs.hurry_setups(auto_renewal.pk)
    return render(request, "renewals/card.html", _card_context(request, auto_renewal, setup))


def _own(request: access.PortalRequest, pk: int) -> AutoRenewal:
    seen = AutoRenewal.objects.visible_to(request.actor)
    auto_renewal = seen.select_related("payer", "installer", "method", "order", "renewal").get(pk=pk)
    rights.refuse_others_card(request.actor, auto_renewal)
    return auto_renewal


def _card_context(request: access.PortalRequest, auto_renewal: AutoRenewal, setup: Payment | None) -> dict[str, Any]:
    stored = PaymentMethod.objects.visible_to(request.actor).filter(owner_id=auto_renewal.payer_id)
    order = auto_renewal.renewal
    return {
        "auto_renewal": auto_renewal,
        "tone": rows.TONES[AutoRenewal.State(auto_renewal.state)],
        "order": order if order is not None and order.state in {Order.State.PROCESSING, Order.State.FAILED} else None,
        "is_recoverable": cards.is_recoverable(auto_renewal, now=request.now),
        "is_urgent": auto_renewal.state == AutoRenewal.State.SUSPENDED or auto_renewal.tries > 0,
        # the card that just failed comes last, so that it is not proposed
        "stored": sorted(stored.usable(), key=lambda card: card.pk == auto_renewal.method_id),
        "others": len(actions.sharing_orders([auto_renewal.pk])) - 1,
        "sites": _sites_of(request, [auto_renewal]).get(auto_renewal.pk, []),
        "is_waiting": setup is not None and setup.is_live,
        "gateway": payment_actions.label(_gateway_of(auto_renewal, setup)),
        "consent": consent.TEXT,
    }


def _gateway_of(auto_renewal: AutoRenewal, setup: Payment | None) -> str:
    """The gateway that is asked about a card, or that would store a new one."""
    return setup.gateway if setup is not None else payment_actions.proposed_to_renew(auto_renewal.method.gateway)


def _done(request: access.PortalRequest, auto_renewal: AutoRenewal) -> HttpResponse:
    """The card is chosen; if it is tried at once, the order's page shows the result."""
    jobs.hurry("renewals")
    card = {"card": auto_renewal.method.label}
    if auto_renewal.next_due_at and auto_renewal.next_due_at <= request.now:
        messages.success(request, _("%(card)s is chosen and is tried now.") % card)
    else:
        messages.success(request, _("%(card)s renews from now on.") % card)
    order = auto_renewal.renewal
    return (
        redirect("order-detail", order.number) if order is not None and order.is_open else redirect("auto-renewal-list")
    )


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("auto-renewal-card", also=MayNotPay)
def auto_renewal_card_new(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Redirect to the gateway's page that stores a new card."""
    _own(request, pk)
    address = cards.start_card_setup(request.actor, auto_renewal_id=pk, return_base=settings.SITE_URL, now=request.now)
    return redirect(address)
