"""The dashboard of the operator: the trees, and what needs a person."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.scope import Actor
from payments.models import GatewayEvent, Payment
from payments.models.events import EventState
from payments.models.payments import State as PaymentState
from smartplus import setup
from smartplus.access import PortalRequest
from smartplus.portal.audit import activity
from smartplus.portal.dashboard.calendar import date_today
from smartplus.portal.dashboard.firms import FirmRow
from smartplus.portal.dashboard.tiles import Tile, due_tile
from smartplus.portal.kit import keyset
from subscriptions import dashboard as counts
from subscriptions.dashboard import Standing
from subscriptions.models import Order, PriceList


def of_operator(request: PortalRequest) -> dict[str, Any]:
    """The trees, and what needs a person: orders under review, messages that failed."""
    actor, now = request.actor, request.now
    firms = counts.distributors(actor)
    by_firm = counts.standings(actor, now=now, prices=None, by="distributor_id")
    all_of_it = sum(by_firm.values(), Standing())
    due_sites = counts.due_sites(actor, now=now, most=keyset.COUNTED + 1)
    return {
        "today": date_today(request),
        "firms": len(firms),
        "installers": sum(firm.installers for firm in firms),
        "sites": sum(firm.sites for firm in firms),
        "apartments": sum(firm.apartments for firm in firms),
        "tiles": [
            *_setup_tiles(request),
            *_order_tiles(actor),
            _checked_tile(actor),
            _webhook_tile(actor),
            due_tile(all_of_it, due_sites, "", is_bounded=True),
        ],
        "rows": [FirmRow(firm, by_firm.get(firm.organization.pk, Standing()), "", "") for firm in firms],
        "price_lists": _lists_in_force(request),
        "activity": activity.recent(request),
    }


def _order_tiles(actor: Actor) -> list[Tile]:
    """Orders under review, and orders that are being paid; one statement."""
    review, paid = Order.State.REVIEW, (Order.State.PROCESSING, Order.State.SYSTEM_PROCESSING)
    orders = (
        Order.objects.visible_to(actor)
        .filter(state__in=[review, *paid])
        .aggregate(review=Count("pk", filter=Q(state=review)), open=Count("pk", filter=Q(state__in=paid)))
    )
    url, n = reverse("order-list"), orders["review"]
    detail = _("money that does not fit its order") if n else _("all money fits its order")
    under_review = f"{url}?{urlencode({'state': review})}"
    return [
        Tile(_("Orders under review"), str(n), detail, under_review, n, tone="lapsed" if n else ""),
        Tile(_("Orders being paid"), str(orders["open"]), _("open right now"), f"{url}?state=open", orders["open"]),
    ]


def _checked_tile(actor: Actor) -> Tile:
    n = Payment.objects.visible_to(actor).filter(state=PaymentState.UNKNOWN).count()
    detail = _("the gateway has not answered") if n else _("every gateway answered")
    url = f"{reverse('payment-list')}?state={PaymentState.UNKNOWN}"
    return Tile(_("Payments being checked"), str(n), detail, url, n, tone="expiring" if n else "")


def _webhook_tile(actor: Actor) -> Tile:
    failed = GatewayEvent.objects.visible_to(actor).filter(state=EventState.FAILED)
    broken = failed.aggregate(all=Count("pk"), given_up=Count("pk", filter=Q(next_try_at=None)))
    n, given_up = broken["all"], broken["given_up"]
    detail = _("%(n)s given up") % {"n": given_up} if n else _("everything is worked off")
    tone = "lapsed" if given_up else "expiring" if n else ""
    url = f"{reverse('webhook-list')}?state={EventState.FAILED}"
    return Tile(_("Webhook events that failed"), str(n), detail, url, n, tone=tone)


def _setup_tiles(request: PortalRequest) -> list[Tile]:
    """Blocking findings of the set-up."""
    red = [finding for finding in setup.look(request.now) if finding.state == setup.State.BLOCKS]
    if not red:
        return []
    return [Tile(_("Set-up"), str(len(red)), red[0].title, reverse("setup"), len(red), _("to do"), "lapsed")]


def _lists_in_force(request: PortalRequest) -> list[PriceList]:
    """The newest valid list of each distributor and currency."""
    valid = PriceList.objects.visible_to(request.actor).filter(valid_from__lte=request.now)
    newest: dict[tuple[int | None, str], PriceList] = {}
    for row in valid.select_related("distributor").order_by("-valid_from", "-number"):
        newest.setdefault((row.distributor_id, row.currency), row)
    return sorted(
        newest.values(), key=lambda row: (row.distributor.name_order if row.distributor else "", row.currency)
    )
