"""Subscription: choose items and see their price; what is chosen becomes a cart, or a request to whoever pays."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.errors import NotPermitted, Refused
from accounts.models import Organization, firm_of
from accounts.scope import Actor, Grant, Role
from accounts.typed import finding
from accounts.typed.keys import identity_key
from accounts.typed.text import sought
from communities import catalogue
from communities.models import Entitlement, ExpiryDay, Kind, Site
from smartplus import access
from smartplus.portal.kit import keyset, ticks
from smartplus.portal.kit.grants import granted
from smartplus.portal.kit.numbers import as_ranges, typed_id
from smartplus.portal.kit.once import made, once_where
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.kit.ticks import Ticks
from smartplus.portal.requests.forms import RequestForm
from smartplus.portal.subscription import rows, to_activate
from smartplus.portal.subscription.forms import MONTHS
from smartplus.statuses import UNPROCESSABLE
from subscriptions import payers, rights
from subscriptions.actions import carts, requests
from subscriptions.id_digests import Mark
from subscriptions.items import in_open_orders_of, never_activated_at
from subscriptions.models import AutoRenewal, Cart, RenewalRequest
from subscriptions.prices import CantQuote, PriceTable
from subscriptions.selections import MOST_TICKED, Filter
from subscriptions.tables import table_for

PAGE = 50
SUGGESTED = 20  # sites, or installers
OFFERED = 50  # installers in a drop-down; of more one is chosen by its name
GOES_ON = {"next", "request"}  # the buttons that make something; the others only price


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in the head and the filter bar of the page. A site is chosen by its name: `site` is the one of exactly that name,
    `site_name` what was typed where there is none."""

    installer: Organization | None
    kind: str
    site: Site | None = None
    site_name: str = ""
    service: str = ""
    search: str = ""

    @property
    def filter(self) -> Filter:
        """The same choice as what a selection keeps."""
        assert self.installer is not None
        return Filter(
            self.installer.pk, self.kind, site_id=self.site.pk if self.site else None, site_search=self.site_name,
            service_type=self.service, search=self.search,
        )  # fmt: skip

    @property
    def typed_site(self) -> str:
        """What stands in the field of the site."""
        return self.site.name if self.site else self.site_name

    @classmethod
    def back_to(cls, cart: Cart) -> str:
        """The query string of the list that a cart was chosen from, with its filter: "all that match" means no other list."""
        wanted = Filter.read(cart.selection.filter)
        choice = cls(
            cart.installer, cart.site_kind, site_name=wanted.site_search, service=wanted.service_type,
            search=wanted.search,
        )  # fmt: skip
        return choice.query(site=wanted.site_id, cart=cart.pk, months=cart.months)

    def query(self, **changes: Any) -> str:
        """The same choice as a query string."""
        values = {
            "installer": self.installer.pk if self.installer else "",
            "kind": self.kind,
            "site": self.site.pk if self.site else "",
            "site_name": self.site_name,
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
    status, ticked = 200, read_ticks(request, choice, matching)
    is_news = ticked.is_unseen
    if is_news:
        ticked = ticked.seen(Mark.of(matching))
    if request.method == "POST" and request.POST.get("action") in GOES_ON and term.is_valid():
        if is_news:  # who goes on has seen how many there are, and what they cost
            status = UNPROCESSABLE
            messages.warning(request, _("All that match are ticked. Look at their number and go on again."))
        else:
            try:
                return go_on(request, assessed(request.actor, choice, ticked, free), term)
            except (Refused, NotPermitted) as refused:
                status = UNPROCESSABLE
                messages.error(request, str(refused))
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
    context |= list_context(request, choice, free, matching, ticked)
    context["cells"] = cells_of(request, context["page"].rows, ticked, prices, months)
    return render(request, "subscription/activate.html", context, status=status)


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_GET
def subscription_sites(request: access.PortalRequest) -> HttpResponse:
    """Sites where something waits for its activation, by what is typed of their names, as options of a datalist."""
    installer = choosable(request.actor).get(pk=typed_id(request.GET.get("installer", "")))
    typed = sought(request.GET.get("site_name", ""))
    waiting = never_activated_at(installer.pk).filter(site_id=OuterRef("pk"))
    sites = Site.objects.visible_to(request.actor).filter(Exists(waiting), installer=installer, kind=_kind(request))
    if typed:
        sites = sites.filter(finding.matching(typed, "search_key"))
    names = sites.values_list("name", flat=True)[:SUGGESTED]
    return HttpResponse(format_html_join("", '<option value="{}"></option>', ((name,) for name in names)))


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_GET
def subscription_installers(request: access.PortalRequest) -> HttpResponse:
    """Installers that can be chosen, by what is typed of their names, as options of a datalist."""
    typed = sought(request.GET.get("installer_name", ""))
    found = choosable(request.actor).filter(finding.matching(typed, "search_key") if typed else Q())
    names = found.values_list("name", flat=True)[:SUGGESTED]
    return HttpResponse(format_html_join("", '<option value="{}"></option>', ((name,) for name in names)))


def go_on(request: access.PortalRequest, found: carts.Assessment, term: RequestForm) -> HttpResponse:
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


def assessed(actor: Actor, choice: Choice, ticked: Ticks, free: QuerySet[Entitlement]) -> carts.Assessment:
    """What of the ticks can be taken now."""
    if ticked.mark is None:
        return carts.assessed(actor, ticked.ids, free, choice.filter)
    return carts.assessed_all(actor, ticked.mark, free, choice.filter, exceptions=ticked.out)


def offered(actor: Actor, choice: Choice) -> QuerySet[Entitlement]:
    """What can be ticked: what can be activated; for who may only request, less what is requested already."""
    assert choice.installer is not None
    if rights.may_pay_for(actor, choice.installer):
        return carts.activatable(actor, installer=choice.installer, site_kind=choice.kind)
    return requests.requestable(actor, installer=choice.installer, site_kind=choice.kind)


def choosable(actor: Actor) -> QuerySet[Organization]:
    """The installers in the head of the page: those one pays for, or the own firm, for which one may ask."""
    payable, firm = rights.payable_installers(actor), firm_of(actor)
    if actor.role is Role.INSTALLER and not (firm is not None and firm.is_active and firm.pays_regular):
        own = Organization.objects.visible_to(actor).installers().filter(pk=actor.organization_id)
        return own if Grant.MANAGES_SUBSCRIPTIONS in actor.grants else own.none()
    return payable


def counted(chosen: QuerySet[Entitlement]) -> list[tuple[str, str, int]]:
    """Service, variant and number of what is ticked, for who sees no prices."""
    found = chosen.order_by("service_type", "variant").values_list("service_type", "variant").annotate(n=Count("pk"))
    return [
        (str(catalogue.SERVICE_TYPE_LABELS[service]), catalogue.variant_label(service, variant), n)
        for service, variant, n in found
    ]


def read_choice(request: access.PortalRequest) -> Choice:
    """Installer, project type and filters from the address, each within what the actor may see; the rest falls back."""
    installers = choosable(request.actor).select_related("distributor", "subdistributor")
    wanted = request.GET.get("installer", "")
    if typed := sought(request.GET.get("installer_name", "")):
        named = _named(installers, typed)
        if named is None:
            messages.warning(request, _("There is no one installer called %(name)s.") % {"name": typed})
        else:
            return Choice(named, _kind(request))
    if wanted:
        installer: Organization | None = installers.get(pk=typed_id(wanted))
    else:
        waiting = ExpiryDay.objects.visible_to(request.actor).filter(day=None).exclude(variant="")
        with_work = Q(pk__in=waiting.values("installer_id"))
        installer = installers.filter(with_work).first() or installers.first()
    kind, service = _kind(request), request.GET.get("service", "")
    site, site_name = _site(request, installer, kind)
    return Choice(
        installer=installer,
        kind=kind,
        site=site,
        site_name=site_name,
        service=service if service in {entry.code for entry in catalogue.AVAILABLE} else "",
        search=sought(request.GET.get("q", "")),
    )


def _named(installers: QuerySet[Organization], typed: str) -> Organization | None:
    """The installer of exactly this name, else the only one that has these words in it."""
    found = list(installers.filter(finding.matching(typed, "search_key"))[: SUGGESTED + 1])
    same = [row for row in found if identity_key(row.name) == identity_key(typed)]
    return same[0] if same else found[0] if len(found) == 1 else None


def _kind(request: access.PortalRequest) -> str:
    kind = request.GET.get("kind", Kind.COMMUNITY)
    return kind if kind in Kind.values else Kind.COMMUNITY


def _site(request: access.PortalRequest, installer: Organization | None, kind: str) -> tuple[Site | None, str]:
    """The site of the address, by id or by its whole name, or what was typed of names."""
    pk, typed = typed_id(request.GET.get("site")), sought(request.GET.get("site_name", ""))
    if installer is None or not (pk or typed):
        return None, ""
    sites = Site.objects.visible_to(request.actor).filter(installer=installer, kind=kind)
    if typed:
        site = sites.filter(name_key=identity_key(typed)).first()
        return (site, "") if site else (None, typed)
    return sites.get(pk=pk), ""


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


Prices = PriceTable | CantQuote  # those of the installer's distributor, or why there are none


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


def list_context(
    request: access.PortalRequest,
    choice: Choice,
    free: QuerySet[Entitlement],
    matching: QuerySet[Entitlement],
    ticked: Ticks,
) -> dict[str, Any]:
    """The rows of the page, and the counts and choices of the filter bar. Counting stops (`keyset.count`): how many there are exactly, a list
    that is longer says when it is ticked as a whole."""
    assert choice.installer is not None
    actor, installer, wanted = request.actor, choice.installer, choice.filter
    every = to_activate.find(free, installer.pk)
    found = every.narrowed(wanted) or to_activate.find(matching, installer.pk)
    sent = request.POST if request.method == "POST" else request.GET
    page = to_activate.page(actor, matching, found, wanted, query=sent, size=PAGE)
    ids = [row.pk for row in page.rows]
    mark = ticked.mark or found.mark
    asked = RenewalRequest.objects.visible_to(actor)
    held = in_open_orders_of(actor, installer.pk).filter(site__kind=choice.kind)
    requested = asked.filter(installer=installer, site_kind=choice.kind, items__is_live=True)
    may_pay = rights.may_pay_for(actor, installer)
    counts = every.by_service
    offered_installers = list(choosable(actor).only("name")[: OFFERED + 1])
    return {
        "row_ids": as_ranges(ids),
        "page": page,
        "mark": mark.text if mark else ticks.EVERY,
        "all_ticked": ticked.is_all,
        "elsewhere": ticked.elsewhere(ids),
        "total": mark.digest.count if mark else found.count,
        "is_exact": mark is not None,
        "everything": every.count,
        "services": [(entry.code, entry.label, counts and counts[entry.code]) for entry in catalogue.AVAILABLE],
        "installers": offered_installers if len(offered_installers) <= OFFERED else [],
        "kinds": Kind.choices,
        "held": keyset.count(held.values("pk").distinct()),
        "requested": 0 if may_pay else keyset.count(requested),
        "waiting": keyset.count(asked.waiting()),
        "auto_renewals": keyset.count(AutoRenewal.objects.visible_to(actor).filter(state=AutoRenewal.State.ACTIVE)),
    }


def cells_of(
    request: access.PortalRequest, found: list[Entitlement], ticked: Ticks, prices: Prices, months: int
) -> list[rows.ItemCells]:
    """The rows of the table, with prices for who sees them and where there are some."""
    each, currency = dict[int, int](), ""
    if rights.sees_prices(request.actor) and not isinstance(prices, CantQuote):
        currency = prices.currency
        with suppress(CantQuote):
            each = carts.each_priced(found, prices=prices, months=months, now=request.now)
    return rows.cells(found, ticked, each, currency=currency)
