"""Subscription: choose items and see their price; what is chosen becomes a cart, or a request to whoever pays."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import NotPermitted
from accounts.models import Organization
from accounts.scope import Actor, Grant
from communities import catalogue
from communities.models import Entitlement, Kind, targets
from smartplus import access
from smartplus.portal.kit import keyset, ticks
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.numbers import as_ranges
from smartplus.portal.kit.once import made, once_where
from smartplus.portal.kit.responses import submitted
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.kit.ticks import Ticks
from smartplus.portal.subscription import rows, to_activate
from smartplus.portal.subscription.choice import Choice, choosable, read_choice
from smartplus.portal.subscription.chosen import (
    GOES_ON,
    Prices,
    assessed,
    chosen_context,
    chosen_of,
    offered,
    price_list,
    read_ticks,
)
from smartplus.portal.subscription.forms import MONTHS, RequestForm
from smartplus.portal.subscription.lists import PRICE, SERVICES, to_activate_for
from smartplus.statuses import UNPROCESSABLE
from subscriptions import payers, rights
from subscriptions.actions import carts, requests
from subscriptions.id_digests import Mark
from subscriptions.items import in_open_orders_of, with_credits
from subscriptions.models import AutoRenewal, RenewalRequest
from subscriptions.prices import CantQuote

CREDIT_ROWS = 50  # items paid with credits that are shown
OFFERED = 50  # installers in a drop-down; of more one is chosen by its name


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "HEAD", "POST"])
@once_where(lambda request: request.POST.get("action") in GOES_ON)
def subscription(request: access.PortalRequest) -> HttpResponse:
    """The page itself; a POST prices the ticks, or keeps them as a cart or a request and goes on."""
    choice = read_choice(request)
    if choice.installer is None:
        return render(request, "subscription/nothing.html", {"choice": choice})
    # an address rarely says how many months; what is not asked must not be answered "required"
    term = RequestForm(request.POST or (request.GET if "months" in request.GET else {"months": 1}))
    months = term.cleaned_data["months"] if term.is_valid() else 1
    free = offered(request.actor, choice)
    matching = choice.filter.narrow(free)
    status, ticked = 200, read_ticks(request, choice, matching)
    is_news = ticked.is_unseen
    if is_news:
        ticked = ticked.seen(Mark.of(matching))
    if request.method == "POST" and request.POST.get("action") in GOES_ON and term.is_valid():
        if is_news:  # who goes on has seen how many there are, and what they cost
            status = UNPROCESSABLE
            messages.warning(request, _("All that match are ticked. Look at their number and go on again."))
        else:
            found = assessed(request.actor, choice, ticked, free)
            gone_on = submitted(term, lambda: go_on(request, found, term), also=(NotPermitted,))
            if gone_on is not None:
                return gone_on
            status = UNPROCESSABLE
    may_pay = rights.may_pay_for(request.actor, choice.installer)
    prices = price_list(request, choice)
    context = {
        "choice": choice,
        "term": term,
        "months_offered": MONTHS,
        "months": months,
        "may_pay": may_pay,
        "shows_prices": rights.sees_prices(request.actor),
        "payer": None if may_pay else payers.payer_above(choice.installer),
        "seen_mark": ticked.mark.text if ticked.mark and request.POST.get("all") == ticks.EVERY else "",
        **chosen_context(request, choice, chosen_of(ticked, free, matching), prices, months),
    }
    if request.htmx and request.htmx.target == "cart":
        return render(request, "subscription/_cart.html", context)
    context |= list_context(request, choice, free, matching, ticked, prices, months)
    return render(request, "subscription/activate.html", context, status=status)


def go_on(request: access.PortalRequest, found: carts.Assessment, term: RequestForm) -> HttpResponse:
    """Keep the remaining selection as a cart or a request; the next page says which items were removed from it."""
    found.refuse_nothing()
    months, wanted = term.cleaned_data["months"], found.matching
    if request.POST["action"] == "request":
        asked = requests.request_activation(
            request.actor, site_kind=wanted.project_type, matching=wanted, exceptions=found.exceptions, months=months,
            note=term.cleaned_data["note"], now=request.now,
        )  # fmt: skip
        messages.success(request, _("Requested. Whoever decides is told, and so are you when it is decided."))
        answer = made(redirect("request-detail", asked.pk), asked)
    else:
        cart = carts.fill_cart(
            request.actor, installer_id=wanted.installer_id, site_kind=wanted.project_type, matching=wanted,
            exceptions=found.exceptions, months=months, now=request.now,
        )  # fmt: skip
        answer = made(redirect("cart", cart.pk), cart)
    if found.left_out:
        messages.warning(request, found.sentence)
    return answer


def list_context(
    request: access.PortalRequest,
    choice: Choice,
    free: QuerySet[Entitlement],
    matching: QuerySet[Entitlement],
    ticked: Ticks,
    prices: Prices,
    months: int,
) -> dict[str, Any]:
    """The rows of the page, and the counts and choices of the filter bar. Counting stops (`keyset.count`): how many there are exactly, a list
    that is longer says when it is ticked as a whole."""
    assert choice.installer is not None
    actor, installer, wanted = request.actor, choice.installer, choice.filter
    every = to_activate.find(free, installer.pk)
    found = every.narrowed(wanted) or to_activate.find(matching, installer.pk)
    sent = request.POST if request.method == "POST" else request.GET
    listing = to_activate_for(months).asked(
        request,
        hidden=() if rights.sees_prices(actor) else [PRICE.name],
        kept={"installer": str(installer.pk), "kind": choice.kind},
    )
    page = to_activate.page(actor, matching, found, wanted, query=sent, size=listing.list.size)
    ids = [row.pk for row in page.rows]
    mark = ticked.mark or found.mark
    counts = every.by_service
    numbers = {SERVICES.name: _numbers(counts)} if counts is not None else None
    offered_installers = list(choosable(actor).only("name")[: OFFERED + 1])
    return {
        **listing.context(page, cells_of(request, page.rows, ticked, prices, months), numbers=numbers),
        "row_ids": as_ranges(ids),
        "mark": mark.text if mark else ticks.EVERY,
        "all_ticked": ticked.is_all,
        "elsewhere": ticked.elsewhere(ids),
        "total": mark.digest.count if mark else found.count,
        "is_exact": mark is not None,
        "tabs": {"everything": every.count, **_under_tabs(actor)},
        "with_credits": credit_rows(actor, installer, choice.kind),
        "installers": offered_installers if len(offered_installers) <= OFFERED else [],
        "kinds": Kind.choices,
        **_elsewhere(actor, installer, choice.kind),
    }


def _numbers(counts: Mapping[str, int]) -> dict[str, int]:
    """How many there are of each service type, and of each group of S2."""
    return {code: sum(counts.get(one, 0) for one in catalogue.types_of(code)) for code in SERVICES.options}


def credit_rows(actor: Actor, installer: Organization, kind: str) -> list[tuple[str, str, str]]:
    """What is paid with credits: the first of them, each with its service and its site; one statement, for commercial sites only."""
    if kind != Kind.COMMERCIAL:
        return []
    found = with_credits(actor, installer=installer, site_kind=kind).select_related("site", *targets.named())
    found = found.order_by("site__name_order", "site_id", *targets.order(), "pk")
    return [(str(row.target), row.service_label, row.site.name) for row in found[:CREDIT_ROWS]]


def _elsewhere(actor: Actor, installer: Organization, kind: str) -> dict[str, int]:
    """How much is in open orders, and requested."""
    asked = RenewalRequest.objects.visible_to(actor)
    held = in_open_orders_of(actor, installer.pk).filter(site__kind=kind)
    requested = asked.filter(installer=installer, site_kind=kind, items__is_live=True)
    return {
        "held": keyset.count(held.values("pk").distinct()),
        "requested": 0 if rights.may_pay_for(actor, installer) else keyset.count(requested),
    }


def _under_tabs(actor: Actor) -> dict[str, int]:
    """The numbers of the other tabs."""
    agreed = AutoRenewal.objects.visible_to(actor).filter(state=AutoRenewal.State.ACTIVE)
    return {
        "waiting": keyset.count(RenewalRequest.objects.visible_to(actor).waiting()),
        "auto_renewals": keyset.count(agreed),
    }


def cells_of(
    request: access.PortalRequest, found: list[to_activate.Item], ticked: Ticks, prices: Prices, months: int
) -> list[rows.ItemCells]:
    """The rows of the table, with prices for who sees them and where there are some."""
    each, currency = dict[int, int](), ""
    if rights.sees_prices(request.actor) and not isinstance(prices, CantQuote):
        currency = prices.currency
        with suppress(CantQuote):
            each = carts.each_priced(found, prices=prices, months=months, now=request.now)
    return rows.cells(found, ticked, each, currency=currency)
