"""The billing review of a site: what is paid for, until when, by whom, and the orders behind it (DOMAIN §1)."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Grant, Role
from communities import site_status
from communities.models import Entitlement, Site
from smartplus import access
from smartplus.portal.billing import exports
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Column, Filter, List, Option
from smartplus.portal.kit.mail_history import Subject
from smartplus.portal.orders.rows import TONES
from smartplus.portal.sites.site_context import site_context, visible_sites, with_distributor
from subscriptions import reviews, rights
from subscriptions.cycles import total_of
from subscriptions.holdings import Holding
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order, RenewalRequest
from subscriptions.reports import is_agreed

SEERS = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER, Role.MANAGER)
HOLDINGS = List(
    title=gettext_lazy("What is paid for"),
    columns=(
        Column("item", gettext_lazy("Item")),
        Column("count", gettext_lazy("Count"), css="r", further=gettext_lazy("every 30 days")),
        Column("state", gettext_lazy("Status")),
        Column("on", gettext_lazy("Switched on")),
        Column("paid", gettext_lazy("Paid for")),
        Column("expires", gettext_lazy("Expires")),
        Column("payer", gettext_lazy("Who pays"), css="col-760"),
    ),
    filters=(
        Filter(
            "show",
            {"differs": Option(gettext_lazy("Differs")), "ending": Option(gettext_lazy("Ends within 60 days"))},
            label=gettext_lazy("Filter"),
        ),
    ),
    size=300,  # more are better read in the exported table
    table="two-line cards holdings",
    has_file=True,
)
ORDERS = 20


@access.roles(*SEERS)
@require_safe
def site_billing(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The page, or its table as a file."""
    found = visible_sites(request).annotate(n_units=site_status.units(), is_agreed=is_agreed()).get(pk=site_id)
    site = with_distributor(found)
    rights.refuse_hidden_prices(request.actor)
    units = site_status.Places(found.n_units)
    review = reviews.review_of(
        site, apartments=units.units, now=request.now, reader=request.actor, is_agreed=found.is_agreed
    )
    listing = HOLDINGS.asked(request)
    shown = [row for row in review.holdings if _is_shown(row, listing.chosen.get("show", ""), request)]
    if listing.file:
        name = f"{slugify(site.name) or f'site-{site.pk}'}-billing-{request.now:%Y-%m-%d}"
        return listing.answer(name, exports.columns(), exports.lines(site, review, shown, request.now))
    numbers = {
        "differs": sum(row.differs for row in review.holdings),
        "ending": sum(row.is_ending(request.now) for row in review.holdings),
    }
    page: keyset.Page[Any] = keyset.Page(shown[: listing.list.size], "", "")
    shows_orders = Grant.SEES_INVOICES in request.actor.grants
    orders = reviews.orders_of(request.actor, site, limit=ORDERS + 1) if shows_orders else []
    context = {
        **listing.context(page, _groups(request, shown), numbers={"show": numbers}),
        "review": review,
        "hidden_rows": len(shown) - len(page.rows),
        "orders": [(share, TONES.get(Order.State(share.order.state), "inactive")) for share in orders[:ORDERS]],
        "has_more_orders": len(orders) > ORDERS,
        "mail_subjects": _mail_subjects(request, site, [share.order for share in orders[:ORDERS]]),
        "you_pay": any(payer.organization_id == request.actor.organization_id for payer in review.payers),
    }
    frame = site_context(request, site, "billing", progress=review.progress, units=units)
    return render(request, "billing/site_review.html", {**frame, **context})


def _groups(request: access.PortalRequest, shown: list[Holding]) -> list[dict[str, Any]]:
    """The rows under their group heads, each with the sum of its rows: what was paid, or what activating them would
    cost."""
    heads = {
        "paid": _("Paid"),
        "new": _("Not activated"),
        "lapsed": _("Lapsed"),
        "off": _("Paid, switched off"),
    }
    found, room = list[dict[str, Any]](), HOLDINGS.size
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


def _mail_subjects(request: access.PortalRequest, site: Site, orders: list[Order]) -> list[Subject]:
    """The rows whose mails concern the site: the orders shown, and the newest auto-renewals and requests with items
    of it."""
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
