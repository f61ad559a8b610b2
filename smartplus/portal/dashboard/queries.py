"""What the dashboard of each role says: tiles that are links, a calendar, whose work it is, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date
from django.db.models import Count, Q
from django.urls import get_urlconf, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.models import Kind, Organization
from accounts.typed.days import end_date
from communities import reports
from communities.models import Site
from devices import reports as device_reports
from payments import money
from payments.models import GatewayEvent, Payment
from payments.models.events import EventState
from payments.models.payments import State as PaymentState
from smartplus import setup
from smartplus.access import PortalRequest
from smartplus.portal.audit import activity as events
from smartplus.portal.dashboard.calendar import calendar
from smartplus.portal.kit import keyset
from smartplus.portal.kit.list_tags import counted
from smartplus.portal.kit.routes import address_of
from smartplus.portal.requests import waiting as asking
from smartplus.portal.sites import todo
from subscriptions import dashboard as counts
from subscriptions import dashboard_lists, payers, rights, summary, waiting
from subscriptions.cycles import total_of
from subscriptions.dashboard import Firm, Standing
from subscriptions.models import Order, PriceList
from subscriptions.prices import PriceTable

FIRMS, SITES = 8, 8  # rows shown; the rest is behind a link or counted
COMMUNITIES = 25  # a page of a property manager
LOOKED_AT = 200  # sites among which those are chosen that need something
FULL_DAY = {"en": "EEEE d MMMM y", "de": "EEEE, d. MMMM y"}
PAYS: dict[tuple[bool, bool], Promise] = {
    (True, True): gettext_lazy("Both"),
    (True, False): gettext_lazy("Regular"),
    (False, True): gettext_lazy("Credits"),
    (False, False): gettext_lazy("Not allowed"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that is a link to its list, which has `count` items. `tone` colours the detail when it needs somebody."""

    label: str
    value: str
    detail: str
    url: str
    count: int
    small: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class FirmRow:
    """A firm in a table."""

    firm: Firm
    standing: Standing
    pays: Promise | str
    url: str


def prices_of(request: PortalRequest) -> PriceTable | None:
    """The prices of the tree one works in, if one sees prices at all; the operator has no tree and so no single currency."""
    if not rights.sees_prices(request.actor):
        return None
    firm = request.membership.organization
    return summary.prices_for(firm.pk if firm.kind == Kind.DISTRIBUTOR else firm.distributor_id, at=request.now)


def of_reseller(request: PortalRequest) -> dict[str, Any]:
    """Distributor and sub-distributor: what is due, what will fail, whose it is."""
    actor, now, zone = request.actor, request.now, timezone.get_current_timezone()
    prices = prices_of(request)
    firms = counts.installers(actor, now=now)
    by_firm = counts.standings(actor, now=now, prices=prices)
    dues = counts.forecast(actor, now=now, zone=zone, prices=prices)
    all_of_it = sum(by_firm.values(), Standing())
    agreed = counts.auto_renewals(actor, now=now)
    waiting = sum(firm.waiting for firm in firms)
    currency = prices.currency if prices else ""
    asked = asking.waiting_for(request, prices)
    ranked = sorted(firms, key=lambda firm: -_weight(by_firm.get(firm.organization.pk, Standing())))
    return {
        "today": _today(request),
        "firms": len(firms),
        "sites": sum(firm.sites for firm in firms),
        "apartments": sum(firm.apartments for firm in firms),
        "asked": asked,
        "tiles": [
            *([_asked_tile(asked, currency)] if asked else []),
            _due_tile(all_of_it, sum(firm.due_sites for firm in firms), currency),
            _agreed_tile(agreed),
            _new_tile(all_of_it),
            _differ_tile(all_of_it),
            _monitor_tile(waiting),
        ],
        "calendar": calendar(dues, today=timezone.localtime(now).date(), currency=currency),
        "rows": [_firm_row(firm, by_firm) for firm in ranked[:FIRMS]],
        "more": max(0, len(firms) - FIRMS),
        "currency": currency,
        "is_invented": prices is not None and prices.is_invented,
        "events": events.recent(request),
    }


def of_installer(request: PortalRequest) -> dict[str, Any]:
    """Installer: my sites with their progress, the first thing to do at each; three steps while there is none."""
    actor, now = request.actor, request.now
    prices = prices_of(request)
    [firm] = counts.installers(actor, now=now)
    standing = sum(counts.standings(actor, now=now, prices=prices).values(), Standing())
    sites = list(Site.objects.visible_to(actor).order_by("-created_at", "-pk")[:LOOKED_AT])
    ids = [site.pk for site in sites]
    progress, units = reports.paid_progress(ids, now), device_reports.unit_progress(ids)
    may_pay = rights.may_pay_for(actor, firm.organization)
    open_at = waiting.open_at(actor, ids)
    rows = [
        (
            site,
            paid,
            built,
            todo.next_step(site, paid, built, open_at.get(site.pk, waiting.Open()), may_pay=may_pay, now=now),
        )
        for site in sites
        for paid, built in [
            (progress.get(site.pk, reports.PaidProgress()), units.get(site.pk, device_reports.UnitProgress()))
        ]
    ]
    rows.sort(key=lambda row: row[3] is None)
    currency = prices.currency if prices else ""
    return {
        "today": _today(request),
        "firm": firm,
        "may_pay": may_pay,
        "payer": payers.payer_above(firm.organization),
        "tiles": [
            _due_tile(standing, firm.due_sites, currency),
            _new_tile(standing),
            _differ_tile(standing),
            _monitor_tile(firm.waiting),
        ],
        "rows": rows[:SITES],
        "events": events.recent(request, names={site.pk: site.name for site in sites}),
    }


def of_manager(request: PortalRequest) -> dict[str, Any]:
    """Property manager: the communities, what each pays for, until when and who pays."""
    actor, now = request.actor, request.now
    prices = prices_of(request)
    mine = Site.objects.visible_to(actor)
    page = keyset.page(payers.with_payers(mine), by=("name_order", "pk"), query=request.GET, size=COMMUNITIES)
    ids = [site.pk for site in page.rows]
    progress = reports.paid_progress(ids, now)
    found = counts.with_coverage(actor, now=now, prices=prices, by="site_id", sites=ids)
    agreed = payers.under_auto_renewal(actor, ids)
    rows = []
    for site in page.rows:
        standing, covered = found.get(site.pk, (Standing(), counts.Coverage()))
        rows.append(
            {
                "site": site,
                "progress": progress.get(site.pk, reports.PaidProgress()),
                "covered": covered,
                **who_pays(site, standing.items, agreed.get(site.pk, payers.AutoRenewed())),
            }
        )
    everything = counts.with_coverage(actor, now=now, prices=prices).values()
    all_of_it = sum((standing for standing, _covered in everything), Standing())
    paid_minor = total_of(covered.paid_minor for _standing, covered in everything)
    more_minor = total_of(covered.more_minor for _standing, covered in everything)
    currency = prices.currency if prices else ""
    return {
        "today": _today(request),
        "count": len(page.rows) if page.is_only else keyset.count(mine),
        "previous": page.previous and f"?before={page.previous}",
        "next": page.next and f"?after={page.next}",
        "rows": rows,
        "tiles": [
            _ends_tile(all_of_it, dashboard_lists.next_end(actor, now=now)),
            _paid_tile(all_of_it, paid_minor, more_minor, currency),
            _unpaid_tile(all_of_it, more_minor, currency),
            _differ_tile(all_of_it),
        ],
        "currency": currency,
        "is_invented": prices is not None and prices.is_invented,
    }


def who_pays(site: Site, items: int, agreed: payers.AutoRenewed) -> dict[str, str]:
    """Who pays for a site, and how much of it renews by itself."""
    names = list(agreed.names)
    if agreed.items < items or not names:
        names.append(payers.default_payer(site.installer, site_kind=site.kind).name)
    if not agreed.renewing:
        renewal = _("renewed by hand")
    elif agreed.renewing >= items:
        renewal = _("renews by itself")
    else:
        words = ngettext(
            "%(n)s of %(of)s items renews by itself", "%(n)s of %(of)s items renew by themselves", agreed.renewing
        )
        renewal = words % {"n": agreed.renewing, "of": items}
    return {"payer": ", ".join(dict.fromkeys(names)), "renewal": renewal}


def of_operator(request: PortalRequest) -> dict[str, Any]:
    """Operator: the trees, and what needs a person: money that does not fit, messages that could not be worked off."""
    actor, now = request.actor, request.now
    firms = counts.distributors(actor)
    by_firm = counts.standings(actor, now=now, prices=None, by="distributor_id")
    waiting_orders = [Order.State.REVIEW, Order.State.PROCESSING, Order.State.SYSTEM_PROCESSING]
    orders = (
        Order.objects.visible_to(actor)
        .filter(state__in=waiting_orders)
        .aggregate(
            review=Count("pk", filter=Q(state=Order.State.REVIEW)),
            open=Count("pk", filter=Q(state__in=[Order.State.PROCESSING, Order.State.SYSTEM_PROCESSING])),
        )
    )
    failed = GatewayEvent.objects.visible_to(actor).filter(state=EventState.FAILED)
    broken = failed.aggregate(all=Count("pk"), given_up=Count("pk", filter=Q(next_try_at=None)))
    unknown = Payment.objects.visible_to(actor).filter(state=PaymentState.UNKNOWN).count()
    all_of_it = sum(by_firm.values(), Standing())
    order_list = reverse("order-list")
    return {
        "today": _today(request),
        "firms": len(firms),
        "installers": sum(firm.installers for firm in firms),
        "sites": sum(firm.sites for firm in firms),
        "apartments": sum(firm.apartments for firm in firms),
        "tiles": [
            *_setup_tiles(request),
            Tile(
                _("Orders under review"),
                str(orders["review"]),
                _("money that does not fit its order") if orders["review"] else _("all money fits its order"),
                f"{order_list}?{urlencode({'state': Order.State.REVIEW})}",
                orders["review"],
                tone="lapsed" if orders["review"] else "",
            ),
            Tile(
                _("Orders being paid"),
                str(orders["open"]),
                _("open right now"),
                f"{order_list}?state=open",
                orders["open"],
            ),
            Tile(
                _("Payments being checked"),
                str(unknown),
                _("the gateway has not answered") if unknown else _("every gateway answered"),
                f"{reverse('payment-list')}?state={PaymentState.UNKNOWN}",
                unknown,
                tone="expiring" if unknown else "",
            ),
            Tile(
                _("Webhook events that failed"),
                str(broken["all"]),
                _("%(n)s given up") % {"n": broken["given_up"]} if broken["all"] else _("everything is worked off"),
                f"{reverse('webhook-list')}?state={EventState.FAILED}",
                broken["all"],
                tone="lapsed" if broken["given_up"] else "expiring" if broken["all"] else "",
            ),
            _due_tile(all_of_it, counts.due_sites(actor, now=now, most=keyset.COUNTED + 1), "", is_bounded=True),
        ],
        "rows": [FirmRow(firm, by_firm.get(firm.organization.pk, Standing()), "", "") for firm in firms],
        "price_lists": _lists_in_force(request),
        "events": events.recent(request),
    }


def _setup_tiles(request: PortalRequest) -> list[Tile]:
    """What a real installation lacks, as long as something is red."""
    red = [finding for finding in setup.look(request.now) if finding.state == setup.State.BLOCKS]
    if not red:
        return []
    return [Tile(_("Set-up"), str(len(red)), red[0].title, reverse("setup"), len(red), _("to do"), "lapsed")]


def _lists_in_force(request: PortalRequest) -> list[PriceList]:
    """The newest valid list of each owner and currency."""
    valid = PriceList.objects.visible_to(request.actor).filter(valid_from__lte=request.now)
    newest: dict[tuple[int | None, str], PriceList] = {}
    for row in valid.select_related("distributor").order_by("-valid_from", "-number"):
        newest.setdefault((row.distributor_id, row.currency), row)
    return sorted(
        newest.values(), key=lambda row: (row.distributor.name_order if row.distributor else "", row.currency)
    )


# --- tiles --------------------------------------------------------------------------------------------------------------


def _asked_tile(asked: asking.Waiting, currency: str) -> Tile:
    """Requests that wait for this person."""
    small = ""
    if currency and asked.amount_minor is not None:
        small = money.show(asked.amount_minor, currency, language=_language())
    return Tile(_("Requests waiting"), str(asked.count), asked.who, asked.url, asked.count, small, "pending")


def _due_tile(standing: Standing, sites: int, currency: str, *, is_bounded: bool = False) -> Tile:
    """What is due and at how many sites; `is_bounded` says that they were not counted beyond `keyset.COUNTED`."""
    items = ngettext("%(n)s item", "%(n)s items", standing.due) % {"n": standing.due}
    on_sites = ngettext("on %(n)s site", "on %(n)s sites", sites) % {"n": counted(sites) if is_bounded else sites}
    url = f"{reverse('dashboard-items')}?show=due"
    if not currency or standing.due_minor is None:
        return Tile(_("Due in 30 days"), str(standing.due), on_sites, url, standing.due)
    worth = money.show(standing.due_minor, currency, language=_language())
    detail = f"{items} {on_sites}" if standing.due else _("nothing ends")
    return Tile(_("Due in 30 days"), worth, detail, url, standing.due)


def _agreed_tile(agreed: counts.AutoRenewals) -> Tile:
    url = reverse("auto-renewal-list")
    if not agreed.at_risk:
        url += "?show=active"
        return Tile(_("Auto-renew"), str(agreed.active), _("none at risk"), url, agreed.active, _("active"))
    told = []
    if agreed.unchargeable:
        words = ngettext("%(n)s card can't be charged", "%(n)s cards can't be charged", agreed.unchargeable)
        told.append(words % {"n": agreed.unchargeable})
    if agreed.stopped:
        told.append(ngettext("%(n)s stopped", "%(n)s stopped", agreed.stopped) % {"n": agreed.stopped})
    small = _("of %(n)s") % {"n": agreed.active + agreed.stopped}
    url += "?show=risk"
    return Tile(_("Auto-renew at risk"), str(agreed.at_risk), ", ".join(told), url, agreed.at_risk, small, "lapsed")


def _new_tile(standing: Standing) -> Tile:
    url = f"{reverse('dashboard-items')}?show=new"
    detail = _("%(n)s more have lapsed") % {"n": standing.lapsed} if standing.lapsed else _("none has lapsed")
    small = ngettext("item", "items", standing.never)
    tone = "lapsed" if standing.lapsed else ""
    return Tile(_("Not activated"), str(standing.never), detail, url, standing.never, small, tone)


def _ends_tile(standing: Standing, next_end: tuple[datetime, str] | None) -> Tile:
    """The next day on which something ends, by the clock of its site; the list begins with it."""
    url, due = f"{reverse('dashboard-items')}?show=paid", standing.due
    if next_end is None:
        return Tile(_("Next expiry"), "–", _("nothing is activated yet"), url, standing.in_force)
    detail = ngettext("%(n)s item ends within 30 days", "%(n)s items end within 30 days", due) % {"n": due}
    return Tile(_("Next expiry"), end_date(*next_end), detail, url, standing.in_force)


def _paid_tile(standing: Standing, paid_minor: int | None, more_minor: int | None, currency: str) -> Tile:
    """What is paid of what is on, as money where prices are shown; what the rest would cost is not in it."""
    url = f"{reverse('dashboard-items')}?show=paid"
    if not currency or paid_minor is None:
        detail = _("%(n)s lapsed") % {"n": standing.lapsed} if standing.lapsed else _("none has lapsed")
        small = _("of %(n)s items") % {"n": standing.items}
        return Tile(_("Paid now"), str(standing.in_force), detail, url, standing.in_force, small)
    detail = _("everything that is on")
    if more_minor:
        more = money.show(more_minor, currency, language=_language())
        detail = _("%(amount)s more if all that is on were activated") % {"amount": more}
    worth = money.show(paid_minor, currency, language=_language())
    return Tile(_("Paid now"), worth, detail, url, standing.in_force, _("every 30 days"))


def _unpaid_tile(standing: Standing, more_minor: int | None, currency: str) -> Tile:
    """What is on and does not work, or not all of it, since it is not paid."""
    url, n = f"{reverse('dashboard-items')}?show=unpaid", standing.unpaid
    told = [_("%(n)s not activated") % {"n": standing.never}] if standing.never else []
    told += [_("%(n)s lapsed") % {"n": standing.lapsed}] if standing.lapsed else []
    if partly := n - standing.never - standing.lapsed:
        told.append(_("%(n)s partly") % {"n": partly})
    detail = ", ".join(told) or _("everything that is on is paid")
    small = ngettext("item", "items", n)
    if n and currency and more_minor is not None:
        small = money.show(more_minor, currency, language=_language())
    return Tile(_("On, not paid"), str(n), detail, url, n, small, "lapsed" if standing.lapsed else "")


def _differ_tile(standing: Standing) -> Tile:
    """Both directions: paid and not on, on and not paid."""
    n = standing.unpaid + standing.unused
    told = _("%(unused)s not used, %(unpaid)s not paid") % {"unused": standing.unused, "unpaid": standing.unpaid}
    detail = told if n else _("what is on is paid, what is paid is on")
    return Tile(_("Paid and used differ"), str(n), detail, f"{reverse('dashboard-items')}?show=differ", n)


def _monitor_tile(waiting: int) -> Tile:
    detail = _("without their indoor monitor") if waiting else _("every monitor is there")
    small = ngettext("apartment", "apartments", waiting) if waiting else ""
    url = f"{reverse('dashboard-items')}?show=monitors"
    return Tile(_("Devices to look at"), str(waiting), detail, url, waiting, small)


def _firm_row(firm: Firm, by_firm: dict[int, Standing]) -> FirmRow:
    organization: Organization = firm.organization
    page = address_of("subscription", get_urlconf())
    return FirmRow(
        firm,
        by_firm.get(organization.pk, Standing()),
        PAYS[organization.pays_regular, organization.pays_credits],
        f"{page}?{urlencode({'installer': organization.pk})}",
    )


def _weight(standing: Standing) -> int:
    """What makes a firm stand above another: what is due, in money where there are prices."""
    return standing.due if standing.due_minor is None else standing.due_minor


def _today(request: PortalRequest) -> str:
    language = _language()
    day = timezone.localtime(request.now).date()
    return str(format_date(day, FULL_DAY.get(language, "full"), locale=language))


def _language() -> str:
    return (get_language() or "en").split("-", maxsplit=1)[0]
