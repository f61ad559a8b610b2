"""The routes of the API: each one scoped read of what the pages show as well."""

from __future__ import annotations

from typing import Annotated, Any, cast

from django.db.models import Count, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_noop as _
from ninja import Field

from accounts.models import Scope
from accounts.models.tokens import scopes_open_to
from accounts.scope import Actor
from communities.models import Site
from smartplus.api import schemas
from smartplus.api.house import ApiRequest, api, need
from smartplus.portal.kit import keyset
from subscriptions import rights
from subscriptions.models import Order, OrderLine

MOST = 100  # of a page
Limit = Annotated[int, Field(ge=1, le=MOST)]


@api.get(
    "/me", response=schemas.Me, tags=["me"], summary=_("Whom the token stands for"), description=_("Needs no scope.")
)
def me(request: HttpRequest) -> dict[str, Any]:
    """Whom the token stands for."""
    asked = cast(ApiRequest, request)
    user, firm = asked.membership.user, asked.membership.organization
    open_scopes = scopes_open_to(asked.actor)
    return {
        "email": user.email,
        "name": user.name,
        "role": asked.actor.role.value,
        "organization_id": firm.pk,
        "organization": firm.name,
        "token": asked.token.name,
        "scopes": [scope for scope in asked.token.scopes if scope in open_scopes],
        "expires_at": asked.token.expires_at,
    }


@api.get(
    "/sites",
    response=schemas.Page[schemas.Site],
    tags=["sites"],
    summary=_("The sites you see"),
    description=_("Needs the scope read:sites."),
)
def sites(request: HttpRequest, after: str = "", limit: Limit = 50) -> dict[str, Any]:
    """The sites you see."""
    actor = need(request, Scope.READ_SITES)
    page = keyset.page(Site.objects.visible_to(actor), by=["pk"], query={"after": after}, size=limit)
    return {"items": page.rows, "next": page.next}


@api.get(
    "/sites/{int:site_id}",
    response=schemas.SiteDetail,
    tags=["sites"],
    summary=_("One site with its services"),
    description=_("Needs the scope read:sites. 404 for a site you do not see."),
)
def site(request: HttpRequest, site_id: int) -> Site:
    """One site with its services."""
    return Site.objects.visible_to(need(request, Scope.READ_SITES)).get(pk=site_id)


@api.get(
    "/orders",
    response=schemas.Page[schemas.Order],
    tags=["orders"],
    summary=_("Your orders, newest first"),
    description=_("Needs the scope read:orders. Those you pay, and those with items of your sites."),
)
def orders(request: HttpRequest, after: str = "", limit: Limit = 50) -> dict[str, Any]:
    """Your orders, newest first."""
    actor = need(request, Scope.READ_ORDERS)
    found = Order.objects.visible_to(actor).select_related("payer")
    page = keyset.page(found, by=["-pk"], query={"after": after}, size=limit)
    sums = _own_sums(actor, page.rows)
    return {"items": [_order(actor, order, sums.get(order.pk, 0)) for order in page.rows], "next": page.next}


@api.get(
    "/orders/{slug:number}",
    response=schemas.OrderDetail,
    tags=["orders"],
    summary=_("One order by site"),
    description=_(
        "Needs the scope read:orders. 404 for an order you do not see; of other people's sites nothing is told (R1)."
    ),
)
def order(request: HttpRequest, number: str) -> dict[str, Any]:
    """One order by site."""
    actor = need(request, Scope.READ_ORDERS)
    found = Order.objects.visible_to(actor).select_related("payer").get(number=number)
    lines = _lines_seen(actor, [found]).values("site_id", "site__name")
    by_site = lines.annotate(items=Count("pk"), amount=Sum("amount_minor")).order_by("site_id")
    shows_amounts = rights.sees_amounts(actor, found.payer_id)
    rows = [
        {
            "site_id": row["site_id"],
            "site": row["site__name"],
            "items": row["items"],
            "amount_minor": row["amount"] if shows_amounts else None,
        }
        for row in by_site
    ]
    return {**_order(actor, found, sum(row["amount"] for row in by_site)), "sites": rows}


def _order(actor: Actor, order: Order, own_minor: int) -> dict[str, Any]:
    is_payer = rights.is_paid_by(actor, order)
    amount_minor = order.total_minor if is_payer else own_minor
    return {
        "number": order.number,
        "type": order.type,
        "state": order.state,
        "currency": order.currency,
        "amount_minor": amount_minor if rights.sees_amounts(actor, order.payer_id) else None,
        "is_payer": is_payer,
        "created_at": order.created_at,
        "closed_at": order.closed_at,
    }


def _own_sums(actor: Actor, page: list[Order]) -> dict[int, int]:
    rows = _lines_seen(actor, page).values("order_id").annotate(amount=Sum("amount_minor")).order_by("order_id")
    return {row["order_id"]: row["amount"] for row in rows}


def _lines_seen(actor: Actor, page: list[Order]) -> Any:
    return OrderLine.objects.visible_to(actor).filter(order__in=page)
