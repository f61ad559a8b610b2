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
from accounts.typed.text import sought
from communities import catalogue
from communities.models import Entitlement, Kind, Site, targets
from smartplus import access
from smartplus.portal import answers, keyset, ticks
from smartplus.portal.forms.requests import RequestForm
from smartplus.portal.forms.subscription import MONTHS
from smartplus.portal.granted import granted
from smartplus.portal.numbers import as_ranges, typed_id
from smartplus.portal.once import made, once_where
from smartplus.portal.ticks import Ticks
from subscriptions import payers, rights
from subscriptions.actions import carts, requests
from subscriptions.items import in_open_orders
from subscriptions.models import Cart, RenewalRequest, Subscription
from subscriptions.pricing import CantQuote
from subscriptions.selections import MOST_TICKED, Filter
from subscriptions.sketches import Mark

PAYERS = (Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
PAGE = 50
GOES_ON = {"next", "request"}  # the buttons that make something; the others only price


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in the head and the filter bar of the page."""

    installer: Organization | None
    kind: str
    site_id: int | None
    service: str
    search: str

    @property
    def filter(self) -> Filter:
        """The same choice as what a selection keeps."""
        assert self.installer is not None
        return Filter(self.installer.pk, self.kind, site_id=self.site_id, service_type=self.service, search=self.search)

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
    matching = choice.filter.narrow(free)
    status, ticked = 200, read_ticks(request, matching)
    if request.method == "POST" and request.POST.get("action") in GOES_ON and term.is_valid():
        try:
            return go_on(request, judged(request.actor, choice, ticked, free), term)
        except Refused as refused:
            status = answers.UNPROCESSABLE
            messages.error(request, str(refused))
    chosen = chosen_of(ticked, free, matching)
    context = {
        "choice": choice,
        "term": term,
        "months_offered": MONTHS,
        "months": months,
        "may_pay": rights.may_pay_for(request.actor, choice.installer),
        "shows_prices": rights.sees_prices(request.actor),
        "counts": counted(chosen),
        "payer": payers.above(choice.installer),
        **price_context(request, choice, chosen, months),
    }
    if request.htmx and request.htmx.target == "cart":
        return render(request, "subscription/_cart.html", context)
    context |= list_context(request, choice, matching, ticked, months)
    return render(request, "subscription/activate.html", context, status=status)


def go_on(request: access.PortalRequest, found: carts.Judged, term: RequestForm) -> HttpResponse:
    """Keep what is left of the selection as a cart or a request; the next page says what fell out of it."""
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


def judged(actor: Actor, choice: Choice, ticked: Ticks, free: QuerySet[Entitlement]) -> carts.Judged:
    """What of the ticks can be taken now."""
    if ticked.mark is None:
        return carts.judged(actor, ticked.ids, free, choice.filter)
    return carts.judged_all(actor, ticked.mark, free, choice.filter, exceptions=ticked.out)


def offered(actor: Actor, choice: Choice) -> QuerySet[Entitlement]:
    """What can be ticked: what can be activated; for who may only request, less what is requested already."""
    assert choice.installer is not None
    if rights.may_pay_for(actor, choice.installer):
        return carts.activatable(actor, installer=choice.installer, site_kind=choice.kind)
    return requests.requestable(actor, installer=choice.installer, site_kind=choice.kind)


def choosable(actor: Actor) -> QuerySet[Organization]:
    """The installers in the head of the page: those one pays for, or the own firm, for which one may ask."""
    payable = rights.payable_installers(actor)
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


def read_ticks(request: access.PortalRequest, matching: QuerySet[Entitlement]) -> Ticks:
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
        if wanted.ids is None and wanted.request_id is None:
            return Ticks(mark=Mark.of(wanted.narrow(matching)), out=frozenset(cart.selection.exceptions))
        items = carts.contents(cart, request.actor).values_list("pk", flat=True)
        return Ticks(frozenset(items[:MOST_TICKED]))
    return Ticks()


def chosen_of(ticked: Ticks, free: QuerySet[Entitlement], matching: QuerySet[Entitlement]) -> QuerySet[Entitlement]:
    """The items that are ticked and can be taken; of those that were ticked one by one also what the filter hides."""
    if ticked.mark is None:
        return free.filter(pk__in=ticked.ids)
    return matching.filter(pk__lte=ticked.mark.newest).exclude(pk__in=ticked.out)


def price_context(
    request: access.PortalRequest,
    choice: Choice,
    chosen: QuerySet[Entitlement],
    months: int,
    *,
    with_keys: bool = False,
) -> dict[str, Any]:
    """The price of what is ticked, or why there is none."""
    assert choice.installer is not None and choice.installer.distributor is not None
    try:
        priced = carts.priced(
            chosen, distributor=choice.installer.distributor, months=months, now=request.now, with_keys=with_keys
        )
        return {"quote": priced}
    except CantQuote as refused:
        return {"quote": None, "refused": refused}


def list_context(
    request: access.PortalRequest, choice: Choice, matching: QuerySet[Entitlement], ticked: Ticks, months: int
) -> dict[str, Any]:
    """The rows of the page with their prices, and the counts and choices of the filter bar."""
    page: keyset.Page[Entitlement] = keyset.page(
        matching.select_related("site", *targets.named()).annotate(
            master=targets.master(), person=targets.person_order()
        ),
        by=("site__name_order", "site_id", "service_type", "target__sort_key", "person", "pk"),
        query=request.POST if request.method == "POST" else request.GET,
        size=PAGE,
    )
    ids = [row.pk for row in page.rows]
    amounts = _amounts(request, choice, matching.filter(pk__in=ids), months)
    counts = dict(offered(request.actor, choice).order_by().values_list("service_type").annotate(n=Count("pk")))
    sites = Site.objects.visible_to(request.actor).filter(installer=choice.installer, kind=choice.kind)
    waiting = in_open_orders(request.actor).filter(installer=choice.installer, site__kind=choice.kind)
    asked = RenewalRequest.objects.visible_to(request.actor)
    mark = ticked.mark or Mark.of(matching)
    return {
        "rows": [(row, amounts.get(row.pk), ticked.has(row.pk)) for row in page.rows],
        "row_ids": as_ranges(ids),
        "page": page,
        "mark": mark.text,
        "all_ticked": ticked.is_all,
        "elsewhere": ticked.elsewhere(ids),
        "total": mark.sketch.count,
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
    }


def _amounts(request: access.PortalRequest, choice: Choice, rows: QuerySet[Entitlement], months: int) -> dict[int, int]:
    found = price_context(request, choice, rows, months, with_keys=True)["quote"]
    return {key: line.each_minor for line in found.lines for key in line.item.keys} if found else {}
