"""What is ticked on Activate, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Count, QuerySet

from accounts.scope import Actor
from communities import catalogue
from communities.models import Entitlement
from smartplus import access
from smartplus.portal.kit import ticks
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.ticks import Ticks
from smartplus.portal.subscription.choice import Choice
from subscriptions import rights
from subscriptions.actions import carts, requests
from subscriptions.id_digests import Mark
from subscriptions.models import Cart
from subscriptions.prices import CantQuote, PriceTable
from subscriptions.selections import MOST_TICKED, Filter
from subscriptions.tables import table_for

GOES_ON = {"next", "request"}  # the buttons that make something; the others only price
Prices = PriceTable | CantQuote  # those of the installer's distributor, or why there are none


def offered(actor: Actor, choice: Choice) -> QuerySet[Entitlement]:
    """What can be ticked: what can be activated; for who may only request, less what is requested already."""
    assert choice.installer is not None
    if rights.may_pay_for(actor, choice.installer):
        return carts.activatable(actor, installer=choice.installer, site_kind=choice.kind)
    return requests.requestable(actor, installer=choice.installer, site_kind=choice.kind)


def read_ticks(request: access.PortalRequest, choice: Choice, matching: QuerySet[Entitlement]) -> Ticks:
    """What is ticked: as the form says; when the page opens nothing, or everything, as a to-do wants it, or what a cart has that one came
    back from. A list that changed since everything on it was ticked has its old items ticked one by one: what came in meanwhile is not
    ordered by somebody who never saw it."""
    if request.method == "POST":
        ticked = ticks.read(request.POST, most=MOST_TICKED)
        is_shown = request.POST.get("action") not in GOES_ON and not (request.htmx and request.htmx.target == "cart")
        if ticked.mark is None or not is_shown or Mark.of(matching) == ticked.mark:
            return ticked
        left = matching.filter(pk__lte=ticked.mark.newest).exclude(pk__in=ticked.out)
        ids = frozenset(left.values_list("pk", flat=True)[: MOST_TICKED + 1])
        return Ticks(ids if len(ids) <= MOST_TICKED else frozenset())
    if request.GET.get("select") == "all":
        return Ticks(mark=Mark.of(matching))
    if back := typed_id(request.GET.get("cart")):
        cart = Cart.objects.visible_to(request.actor).select_related("selection").get(pk=back)
        wanted = Filter.read(cart.selection.filter)
        if replace(wanted, up_to=None) == choice.filter:
            return Ticks(mark=Mark.of(wanted.narrow(matching)), out=frozenset(cart.selection.exceptions))
        items = carts.contents(cart, request.actor).values_list("pk", flat=True)
        return Ticks(frozenset(items[:MOST_TICKED]))
    return Ticks()


def chosen_of(ticked: Ticks, free: QuerySet[Entitlement], matching: QuerySet[Entitlement]) -> QuerySet[Entitlement]:
    """The items that are ticked and can be taken; of those that were ticked one by one also what the filter hides."""
    if ticked.mark is None:
        return free.filter(pk__in=ticked.ids)
    return matching.filter(pk__lte=ticked.mark.newest).exclude(pk__in=ticked.out)


def assessed(actor: Actor, choice: Choice, ticked: Ticks, free: QuerySet[Entitlement]) -> carts.Assessment:
    """What of the ticks can be taken now."""
    if ticked.mark is None:
        return carts.assessed(actor, ticked.ids, free, choice.filter)
    return carts.assessed_all(actor, ticked.mark, free, choice.filter, exceptions=ticked.out)


def price_list(request: access.PortalRequest, choice: Choice) -> Prices:
    """The prices of everything on the page."""
    assert choice.installer is not None and choice.installer.distributor is not None
    try:
        return table_for(choice.installer.distributor, at=request.now)
    except CantQuote as refused:
        return refused


def chosen_context(
    request: access.PortalRequest, choice: Choice, chosen: QuerySet[Entitlement], prices: Prices, months: int
) -> dict[str, Any]:
    """What is ticked: its price, or why there is none; for who sees no prices how many of what."""
    assert choice.installer is not None and choice.installer.distributor is not None
    counts = [] if rights.sees_prices(request.actor) else counted(chosen)
    if isinstance(prices, CantQuote):
        return {"counts": counts, "quote": None, "refused": prices}
    try:
        priced = carts.priced(
            chosen, distributor=choice.installer.distributor, months=months, now=request.now, with_keys=False,
            prices=prices,
        )  # fmt: skip
        return {"counts": counts, "quote": priced}
    except CantQuote as refused:
        return {"counts": counts, "quote": None, "refused": refused}


def counted(chosen: QuerySet[Entitlement]) -> list[tuple[str, str, int]]:
    """Service, variant and number of what is ticked, for who sees no prices."""
    found = chosen.order_by("service_type", "variant").values_list("service_type", "variant").annotate(n=Count("pk"))
    return [
        (str(catalogue.SERVICE_TYPE_LABELS[service]), catalogue.variant_label(service, variant), n)
        for service, variant, n in found
    ]
