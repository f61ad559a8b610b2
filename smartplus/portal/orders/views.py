"""One order with its timeline, and what can be done now."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import sellers
from accounts.actions import terms
from accounts.models import Document, Notice
from accounts.scope import Grant, Role
from payments.models import Payment
from smartplus import access, jobs
from smartplus.portal.kit import mail_history, numbers
from smartplus.portal.kit import support_view as support
from smartplus.portal.kit.day_tags import moment
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.pay_page import to_gateway
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.orders import renewal as renewals
from smartplus.portal.orders.forms import AssessmentForm
from smartplus.portal.orders.rows import TONES
from smartplus.statuses import UNPROCESSABLE
from subscriptions import reports, rights
from subscriptions.actions import orders as actions
from subscriptions.actions import returns, reviews
from subscriptions.actions.scheduled import UNPAID_TIMEOUT
from subscriptions.errors import MayNotPay
from subscriptions.models import Order, OrderEvent
from subscriptions.order_choices import choices_of

READERS = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER, Role.MANAGER)


@access.roles(*READERS)
@requires_grant(Grant.SEES_INVOICES)
@require_safe
def order_detail(request: access.PortalRequest, number: str) -> HttpResponse:
    """One order: the present state, the timeline, and its lines."""
    return _show(request, number)


@access.roles(*READERS)
@requires_grant(Grant.SEES_INVOICES)
@require_safe
def order_returned(request: access.PortalRequest, number: str) -> HttpResponse:
    """The payer comes back from the gateway's page, which proves nothing (R51): a worker asks the gateway, and the page waits for the
    result."""
    order = Order.objects.visible_to(request.actor).get(number=number)
    returns.record_returned(request.actor, number=number, now=request.now)
    if order.is_open:
        jobs.hurry_order(order.number)
    return _show(request, number)


@access.roles(*READERS)
@requires_grant(Grant.SEES_INVOICES)
@require_safe
def order_left(request: access.PortalRequest, number: str) -> HttpResponse:
    """The payer comes back by the gateway's Cancel; shown once. A card may have been declined before, so a worker asks."""
    order = Order.objects.visible_to(request.actor).get(number=number)
    if returns.record_left(request.actor, number=number, now=request.now):
        jobs.hurry_order(order.number)
        messages.info(
            request,
            _("You left the payment page without paying. The items are kept for you until %(time)s; you can pay again.")
            % {"time": moment(order.created_at + UNPAID_TIMEOUT)},
        )
    return redirect("order-detail", number)


@access.roles(*PAYERS)
@require_POST
@refused_at("order-detail")
def order_check(request: access.PortalRequest, number: str) -> HttpResponse:
    """Ask the gateway now, and show its answer."""
    order = returns.check(request.actor, number=number, now=request.now)
    if order.state == Order.State.PROCESSING:
        messages.info(
            request,
            _("Asked just now: %(gateway)s has no payment for this order yet.")
            % {"gateway": actions.gateway_label(order)},
        )
    return redirect("order-detail", number)


def _gateway_of(order: Order, payment: Payment | None) -> str:
    """The gateway that is asked about an unpaid order, as people call it; "" where none is."""
    if not order.is_open:
        return ""
    return payment.gateway_label if payment is not None else actions.gateway_label(order)


def _terms_url(order: Order) -> str:
    """The address of the accepted text; "" where it was accepted before texts were stored here."""
    text = terms.kept(Document.TERMS, order.terms_version)
    return reverse("terms-version", args=[text.number]) if text else ""


def _show(request: access.PortalRequest, number: str, *, assessment: AssessmentForm | None = None) -> HttpResponse:
    """The order's page, or only its timeline for htmx; `assessment` is a form that was not accepted."""
    order = (
        Order.objects.visible_to(request.actor)
        .select_related("payer", "installer", "price_list", "created_by")
        .get(number=number)
    )
    # The installer is below the payer, so both may read it.
    support.record_view(request, order, tenant=order.installer)
    is_mine = rights.is_paid_by(request.actor, order)
    context = {
        "order": order,
        "seller": sellers.in_force(now=order.created_at),
        "terms_url": _terms_url(order),
        "tone": TONES[Order.State(order.state)],
        "is_mine": is_mine,
        "shows_amounts": rights.sees_amounts(request.actor, order.payer_id),
        "may_assess": request.actor.role is Role.OPERATOR and order.state == Order.State.REVIEW,
        "assessment": assessment or AssessmentForm(),
        "back_minor": _back_minor(request, order),
        **_lines_context(request, order, is_mine=is_mine),
        **_payment_context(request, order, is_mine=is_mine),
    }
    is_fragment = bool(request.htmx) and request.htmx.target == "timeline"
    response = render(request, "orders/_timeline.html" if is_fragment else "orders/detail.html", context)
    if assessment is not None:
        response.status_code = UNPROCESSABLE
    if is_fragment and not order.is_open:
        response["HX-Refresh"] = "true"  # the state is shown in the head and the side column too
    return response


def _lines_context(request: access.PortalRequest, order: Order, *, is_mine: bool) -> dict[str, Any]:
    """The lines: all for the payer, otherwise those of the actor's sites."""
    lines = order.lines.all() if is_mine else order.lines.visible_to(request.actor)
    groups = reports.gathered_lines(order, lines)
    until, until_zone = reports.applied_until(lines)
    return {
        "groups": groups,
        "shown_minor": sum(group.amount_minor for group in groups),
        "shown_count": sum(group.count for group in groups),
        "sites": list(dict.fromkeys((group.site_id, group.site_name) for group in groups)),
        "until": until,
        "until_zone": until_zone,
    }


def _payment_context(request: access.PortalRequest, order: Order, *, is_mine: bool) -> dict[str, Any]:
    """The payment, the possible actions, and the timeline."""
    payment = (
        Payment.objects.visible_to(request.actor).of_order(order.number).order_by("-pk").first() if is_mine else None
    )
    mail = mail_history.about(request.actor, request.GET, order)
    renewal = renewals.of_order(request, order, payment)
    is_charging = renewal is not None and renewal.step == "charging"
    events = list(order.events.all()) if is_mine else []
    choices = choices_of(request.actor, order, events=events, payment=payment, now=request.now)
    return {
        "choices": choices,
        "renewal": renewal,
        "payment": payment,
        "gateway": _gateway_of(order, payment),
        "pay_until": order.created_at + UNPAID_TIMEOUT,
        "mail_history": mail,
        "steps": _steps(events, mail.notices),
        "poll_every_s": 2 if is_charging or choices.is_awaited else 10 if choices.has_returned else 0,
    }


def _back_minor(request: access.PortalRequest, order: Order) -> int:
    """The amount that the operator records as paid back: for an order under review all that came in, otherwise what was paid twice. 0 for
    other people."""
    if request.actor.role is not Role.OPERATOR:
        return 0
    if order.state == Order.State.REVIEW:
        return reviews.paid_for(order)
    if order.state not in {Order.State.SUCCEED, Order.State.REFUNDED}:
        return 0
    return sum(duplicate.amount_minor for duplicate in reviews.duplicate_payments_of(order))


def _steps(events: list[OrderEvent], notices: list[Notice]) -> list[OrderEvent | Notice]:
    """Events and mails in the order of time; at the same instant events come first."""
    steps: list[OrderEvent | Notice] = [*events, *reversed(notices)]
    return sorted(steps, key=lambda step: step.happened_at if isinstance(step, Notice) else step.at)


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("order-detail", also=MayNotPay)
def order_pay(request: access.PortalRequest, number: str) -> HttpResponse:
    """Redirect (again) to the gateway's payment page of an unpaid order."""
    return to_gateway(request, Order.objects.visible_to(request.actor).get(number=number))


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("order-detail")
def order_cancel(request: access.PortalRequest, number: str) -> HttpResponse:
    """Cancel an unpaid order."""
    order = actions.cancel_order(request.actor, number=number, now=request.now)
    if order.state == Order.State.CANCELLED:
        messages.success(
            request,
            _("Order %(number)s is cancelled. Nothing was charged; its items are free again.") % {"number": number},
        )
    else:
        messages.warning(request, _("The payment had arrived already, so the order went through."))
    return redirect("order-detail", number)


@access.roles(Role.OPERATOR)
@require_POST
@refused_at("order-detail")
def order_assess(request: access.PortalRequest, number: str) -> HttpResponse:
    """Decide a review: apply the order, or record that its money was paid back; or record that money paid twice was paid back. A missing or
    invalid reason is answered with 422."""
    form = AssessmentForm(request.POST)
    if not form.is_valid():
        return _show(request, number, assessment=form)
    Order.objects.visible_to(request.actor).get(number=number)
    seen_minor = numbers.typed_id(request.POST["seen"]) if "seen" in request.POST else None
    if request.POST.get("verdict") == "duplicate_payment":
        return _duplicate_repaid(request, number, form.cleaned_data["reason"], seen_minor)
    order = reviews.resolve(
        request.actor,
        number=number,
        is_accepted=request.POST.get("verdict") == "apply",
        reason=form.cleaned_data["reason"],
        now=request.now,
        seen_minor=seen_minor,
    )
    messages.success(
        request, _("Order %(number)s is now “%(state)s”.") % {"number": number, "state": order.get_state_display()}
    )
    return redirect("order-detail", number)


def _duplicate_repaid(request: access.PortalRequest, number: str, reason: str, seen_minor: int | None) -> HttpResponse:
    reviews.record_duplicate_repaid(request.actor, number=number, reason=reason, now=request.now, seen_minor=seen_minor)
    messages.success(request, _("Noted: what was paid twice for order %(number)s was paid back.") % {"number": number})
    return redirect("order-detail", number)
