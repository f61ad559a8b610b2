"""The billing review of a site: what is paid for, until when, by whom, and the orders behind it (DOMAIN §1)."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.errors import NotPermitted
from accounts.scope import Grant, Role
from accounts.typed.days import site_day
from communities import site_status
from communities.models import Entitlement, Site
from payments.money import Money
from smartplus import access
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from smartplus.portal.kit.mail_history import Subject
from smartplus.portal.orders.rows import TONES
from smartplus.portal.sites.site_context import site_context, visible_site
from subscriptions import reviews, rights
from subscriptions.cycles import total_of
from subscriptions.holdings import Holding
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order, RenewalRequest
from subscriptions.reports import is_agreed
from subscriptions.reviews import Review

SEERS = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER, Role.MANAGER)
ORDERS = 20
ROWS = 300  # more are better read in the exported table


@access.roles(*SEERS)
@require_safe
def site_billing(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The page, or its table as a file."""
    site = visible_site(request, site_id, n_units=site_status.units(), is_agreed=is_agreed())
    if not rights.sees_prices(request.actor):
        raise NotPermitted
    units = site_status.Places(site.n_units)  # type: ignore[attr-defined]
    has_auto_renewals: bool = site.is_agreed  # type: ignore[attr-defined]
    review = reviews.review_of(
        site, apartments=units.units, now=request.now, reader=request.actor, is_agreed=has_auto_renewals
    )
    show = request.GET.get("show", "")
    shown = [row for row in review.holdings if _is_shown(row, show, request)]
    if file := tables.asked(request):
        return _table(file, request, site, review, shown)
    shows_orders = Grant.SEES_INVOICES in request.actor.grants
    orders = reviews.orders_of(request.actor, site, limit=ORDERS + 1) if shows_orders else []
    context = {
        "review": review,
        "groups": _groups(request, shown),
        "hidden_rows": max(0, len(shown) - ROWS),
        "show": show if show in {"differs", "ending"} else "",
        "differing": sum(row.differs for row in review.holdings),
        "ending": sum(row.is_ending(request.now) for row in review.holdings),
        "orders": [(share, TONES.get(Order.State(share.order.state), "inactive")) for share in orders[:ORDERS]],
        "has_more_orders": len(orders) > ORDERS,
        "told_of": _told_of(request, site, [share.order for share in orders[:ORDERS]]),
        "you_pay": any(payer.organization_id == request.actor.organization_id for payer in review.payers),
    }
    frame = site_context(request, site, "billing", progress=review.progress, units=units)
    return render(request, "billing/site_review.html", {**frame, **context})


def _groups(request: access.PortalRequest, shown: list[Holding]) -> list[dict[str, Any]]:
    """The rows under their heads, each with the sum of what its rows say: what is paid, else what activating them would add."""
    heads = {
        "paid": _("Paid"),
        "new": _("Not activated"),
        "lapsed": _("Lapsed"),
        "off": _("Paid, switched off"),
    }
    found, room = list[dict[str, Any]](), ROWS
    for group, head in heads.items():
        rows = [row for row in shown if row.group == group]
        amounts = [row.paid_minor if group == "paid" else row.more_minor for row in rows]
        if rows:
            found.append(
                {
                    "group": group,
                    "head": head,
                    "count": sum(row.count for row in rows),
                    "amount_minor": None if group == "off" else total_of(amounts),
                    "rows": [(row, row.status(request.now)) for row in rows[:room]],
                }
            )
            room = max(0, room - len(rows))
    return found


def _told_of(request: access.PortalRequest, site: Site, orders: list[Order]) -> list[Subject]:
    """What mail is about that concerns the site: the orders shown, and the newest auto-renewals and requests with items of it."""
    actor = request.actor
    renewals = AutoRenewalItem.objects.visible_to(actor).filter(auto_renewal=OuterRef("pk"), site=site)
    renewed = AutoRenewal.objects.visible_to(actor).filter(Exists(renewals))
    items = Entitlement.objects.visible_to(actor).filter(site=site, requests__request=OuterRef("pk"))
    # who else can't ask for it
    asked = RenewalRequest.objects.visible_to(actor).filter(Exists(items), installer=site.installer_id)
    return [*orders, renewed.order_by("-pk")[:ORDERS], asked.order_by("-pk")[:ORDERS]]


def _is_shown(row: Holding, show: str, request: access.PortalRequest) -> bool:
    if show == "differs":
        return row.differs
    return row.is_ending(request.now) if show == "ending" else True


def _table(
    file: str, request: access.PortalRequest, site: Site, review: Review, shown: list[Holding]
) -> HttpResponseBase:
    columns = [
        Column(_("Item")), Column(_("For")), Column(_("Count"), tables.Kind.NUMBER), Column(_("Status")), Column(_("Switched on")),
        Column(_("Paid for")), Column(_("Paid, not used")), Column(_("Does not work yet")), Column(_("Expires"), tables.Kind.DAY),
        Column(_("Who pays")), Column(_("How")), Column(_("Paid, every 30 days"), tables.Kind.MONEY),
        Column(_("Not paid, every 30 days"), tables.Kind.MONEY), Column(_("Next 30 days"), tables.Kind.MONEY), Column(_("Currency")),
    ]  # fmt: skip
    name = slugify(site.name) or f"site-{site.pk}"
    cells = (_cells(request, site, review, row) for row in shown)
    return tables.answer(file, f"{name}-billing-{request.now:%Y-%m-%d}", columns, cells)


def _cells(request: access.PortalRequest, site: Site, review: Review, row: Holding) -> list[Any]:
    return [
        row.service_label,
        row.targets,
        row.count,
        row.status(request.now)[1],
        row.variant_label,
        row.paid_label if row.expires_at else "",
        row.unused,
        row.missing,
        site_day(row.expires_at, site.time_zone) if row.expires_at else None,
        row.payer.name,
        row.payer.mode,
        *(
            None if amount is None else Money(amount, review.currency)
            for amount in (row.paid_minor, row.more_minor, row.amount_minor)
        ),
        review.currency,
    ]
