"""Subscription: choose items and see their price; what is chosen becomes a cart, or a request to whoever pays."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import Refused
from accounts.models import Organization
from accounts.scope import Actor, Grant, Role
from accounts.typed import finding
from accounts.typed.text import sought
from communities import catalogue
from communities.models import Entitlement, Kind, Site, targets
from smartplus import access
from smartplus.portal import answers, keyset
from smartplus.portal.forms.requests import RequestForm
from smartplus.portal.forms.subscription import MONTHS
from smartplus.portal.granted import granted
from smartplus.portal.numbers import as_ranges, from_ranges, typed_id
from smartplus.portal.once import made, once_where
from subscriptions import bills, payers
from subscriptions.actions import carts, requests
from subscriptions.models import Cart, RenewalRequest, Subscription
from subscriptions.pricing import CantQuote

PAYERS = (Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
PAGE = 200  # rows shown; "all matching" selects the others too
GOES_ON = {"next", "request"}  # the buttons that make something; the others only price
MOST = 20_000  # items chosen at once


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in the head and the filter bar of the page."""

    installer: Organization | None
    kind: str
    site_id: int | None
    service: str
    search: str

    def query(self, **changes: Any) -> str:
        """The same choice as a query string."""
        values = {
            "installer": self.installer.pk if self.installer else "",
            "kind": self.kind,
            "site": self.site_id or "",
            "service": self.service,
            "q": self.search,
        } | changes
        return urlencode({key: value for key, value in values.items() if value not in {"", None}})


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "POST"])
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
    matching = narrowed(free, choice)
    status, posted = 200, posted_ids(request)
    if request.method == "POST" and request.POST.get("action") in GOES_ON and term.is_valid():
        try:
            return go_on(request, choice, carts.judged(request.actor, posted, free), term)
        except Refused as refused:
            status = answers.UNPROCESSABLE
            messages.error(request, str(refused))
    chosen = free.filter(pk__in=posted) if request.method == "POST" else preticked(request, matching)
    context = {
        "choice": choice,
        "term": term,
        "months_offered": MONTHS,
        "months": months,
        "may_pay": carts.may_pay_for(request.actor, choice.installer),
        "shows_prices": bills.sees_prices(request.actor),
        "counts": counted(chosen),
        "payer": payers.above(choice.installer),
        **price_context(request, choice, chosen, months),
    }
    if request.htmx and request.htmx.target == "cart":
        return render(request, "subscription/_cart.html", context)
    context |= list_context(request, choice, matching, chosen, months)
    return render(request, "subscription/activate.html", context, status=status)


def go_on(request: access.PortalRequest, choice: Choice, found: carts.Selection, term: RequestForm) -> HttpResponse:
    """Keep what is left of the selection as a cart or a request; the next page says what fell out of it."""
    assert choice.installer is not None
    if not found.ids:
        found.refuse_left_out()
    months = term.cleaned_data["months"]
    if request.POST["action"] == "request":
        asked = requests.request_activation(
            request.actor, site_kind=choice.kind, entitlement_ids=found.ids, months=months, note=term.cleaned_data["note"],
            now=request.now,
        )  # fmt: skip
        messages.success(request, _("Requested. Whoever decides is told, and so are you when it is decided."))
        answer = made(redirect("request-detail", asked.pk), asked)
    else:
        cart = carts.fill_cart(
            request.actor, installer_id=choice.installer.pk, site_kind=choice.kind, entitlement_ids=found.ids, months=months,
            now=request.now,
        )  # fmt: skip
        answer = made(redirect("cart", cart.pk), cart)
    if found.left_out:
        messages.warning(request, found.sentence)
    return answer


def offered(actor: Actor, choice: Choice) -> QuerySet[Entitlement]:
    """What can be ticked: what can be activated; for who may only request, less what is requested already."""
    assert choice.installer is not None
    if carts.may_pay_for(actor, choice.installer):
        return carts.activatable(actor, installer=choice.installer, site_kind=choice.kind)
    return requests.requestable(actor, installer=choice.installer, site_kind=choice.kind)


def choosable(actor: Actor) -> QuerySet[Organization]:
    """The installers in the head of the page: those one pays for, or the own firm, for which one may ask."""
    payable = carts.payable_installers(actor)
    if actor.role is Role.INSTALLER and not payable.exists():
        own = Organization.objects.visible_to(actor).installers().filter(pk=actor.organization_id)
        return own if Grant.MANAGES_SUBSCRIPTIONS in actor.grants else own.none()
    return payable


def counted(chosen: QuerySet[Entitlement]) -> list[tuple[str, str, int]]:
    """Service, variant and number of what is ticked, for who sees no prices."""
    found = Counter(chosen.order_by().values_list("service_type", "variant"))
    return [
        (str(catalogue.SERVICE_TYPE_LABELS[service]), catalogue.variant_label(service, variant), n)
        for (service, variant), n in sorted(found.items())
    ]


def read_choice(request: access.PortalRequest) -> Choice:
    """Installer, project type and filters from the address, each within what the actor may see; the rest falls back."""
    installers = choosable(request.actor)
    wanted = request.GET.get("installer", "")
    if wanted:
        installer: Organization | None = installers.select_related("distributor").get(pk=typed_id(wanted))
    else:
        with_work = Q(
            pk__in=Entitlement.objects.visible_to(request.actor).wanted().never_activated().values("installer_id")
        )
        ordered = installers.select_related("distributor")
        installer = ordered.filter(with_work).first() or ordered.first()
    kind = request.GET.get("kind", Kind.COMMUNITY)
    site = request.GET.get("site", "")
    service = request.GET.get("service", "")
    return Choice(
        installer=installer,
        kind=kind if kind in Kind.values else Kind.COMMUNITY,
        site_id=typed_id(site) or None,
        service=service if service in {entry.code for entry in catalogue.AVAILABLE} else "",
        search=sought(request.GET.get("q", "")),
    )


def narrowed(items: QuerySet[Entitlement], choice: Choice) -> QuerySet[Entitlement]:
    """The items that match site, service and search."""
    if choice.site_id:
        items = items.filter(site_id=choice.site_id)
    if choice.service:
        items = items.filter(service_type=choice.service)
    return items.filter(finding.every_word(choice.search, _found)) if choice.search else items


def _found(word: str) -> Q:
    """By target and site."""
    return finding.holds(word, "site__search_key") | targets.found(word)


def posted_ids(request: access.PortalRequest) -> set[int]:
    """What was ticked on the page: its boxes, and where everything was, the items it was made from. Nothing is looked up anew, so what
    came into the list meanwhile is not ordered by somebody who never saw it."""
    everything = request.POST.get("all", "")
    boxes = {typed_id(pk) for pk in request.POST.getlist("item")}
    return boxes | (from_ranges(everything, most=MOST) if everything else set())


def preticked(request: access.PortalRequest, matching: QuerySet[Entitlement]) -> QuerySet[Entitlement]:
    """What is ticked when the page opens: everything, as a to-do wants it, or the items of a cart one came back from."""
    if is_preselected(request):
        return matching if matching.count() <= MOST else matching.none()
    if back := typed_id(request.GET.get("cart")):
        return matching.filter(pk__in=carts.contents(Cart.objects.visible_to(request.actor).get(pk=back)).values("pk"))
    return matching.none()


def is_preselected(request: access.PortalRequest) -> bool:
    """Whether one came from a to-do, which carries its items over ticked."""
    return request.method == "GET" and request.GET.get("select") == "all"


def price_context(
    request: access.PortalRequest, choice: Choice, chosen: QuerySet[Entitlement], months: int
) -> dict[str, Any]:
    """The price of what is ticked, or why there is none."""
    assert choice.installer is not None and choice.installer.distributor is not None
    try:
        return {"quote": carts.priced(chosen, distributor=choice.installer.distributor, months=months, now=request.now)}
    except CantQuote as refused:
        return {"quote": None, "refused": refused}


def list_context(
    request: access.PortalRequest,
    choice: Choice,
    matching: QuerySet[Entitlement],
    chosen: QuerySet[Entitlement],
    months: int,
) -> dict[str, Any]:
    """The rows of the page with their prices, and the counts and choices of the filter bar."""
    page = list(
        matching.select_related("site", *targets.named())
        .annotate(master=targets.master())
        .order_by("site__name_order", "site_id", "service_type", *targets.order(), "pk")[:PAGE]
    )
    amounts = _amounts(request, choice, matching.filter(pk__in=[row.pk for row in page]), months)
    counts = dict(offered(request.actor, choice).order_by().values_list("service_type").annotate(n=Count("pk")))
    sites = Site.objects.visible_to(request.actor).filter(installer=choice.installer, kind=choice.kind)
    waiting = carts.in_open_orders(request.actor).filter(installer=choice.installer, site__kind=choice.kind)
    asked = RenewalRequest.objects.visible_to(request.actor)
    ids, ticked = set(matching.values_list("pk", flat=True)), set(chosen.values_list("pk", flat=True))
    return {
        "rows": [(row, amounts.get(row.pk)) for row in page],
        "ticked_ids": ticked,
        "all_ticked": bool(request.POST.get("all") or is_preselected(request)) and ids <= ticked,
        "all_ids": as_ranges(ids) if len(ids) <= MOST else "",
        "most": MOST,
        "total": len(ids),
        "everything": sum(counts.values()),
        "services": [(entry.code, entry.label, counts.get(entry.code, 0)) for entry in catalogue.AVAILABLE],
        "sites": sites,
        "installers": choosable(request.actor),
        "kinds": Kind.choices,
        "currency": choice.installer.distributor.currency,  # type: ignore[union-attr]
        "held": waiting.count(),
        "requested": asked.filter(installer=choice.installer, site_kind=choice.kind, items__is_live=True).count(),
        "waiting": asked.waiting().count(),
        "agreements": keyset.count(
            Subscription.objects.visible_to(request.actor).filter(state=Subscription.State.ACTIVE)
        ),
        "page_size": PAGE,
    }


def _amounts(request: access.PortalRequest, choice: Choice, rows: QuerySet[Entitlement], months: int) -> dict[int, int]:
    found = price_context(request, choice, rows, months)["quote"]
    return {int(line.item.key): line.amount_minor for line in found.lines} if found else {}
