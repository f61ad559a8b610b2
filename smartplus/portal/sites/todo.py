"""What needs doing at a site, in sentences with one action each, the most pressing first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlencode

from django.urls import get_urlconf, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.typed.days import end_date
from communities.models import Kind, Site
from communities.reports import Dues, PaidProgress, ServiceLine
from devices.reports import UnitProgress
from smartplus.portal.kit.day_tags import moment
from smartplus.portal.kit.routes import address_of
from subscriptions.models import RenewalRequest
from subscriptions.waiting import Counts, Open, in_words


@dataclass(frozen=True, slots=True)
class Todo:
    """A mark, a sentence with its reason, and the link that settles it ("" where the role has none)."""

    tone: str
    icon: str
    title: str
    reason: str
    url: str = ""
    action: str = ""
    is_primary: bool = False
    is_in_strip: bool = False  # the strip above the sheet says it, with its button


@dataclass(frozen=True, slots=True)
class Facts:
    """What the list is made of."""

    site: Site
    units: UnitProgress
    buildings: int
    without_master: int
    dues: list[Dues]
    lines: list[ServiceLine]
    may_work: bool  # build and register
    may_house: bool  # enter residents
    pay_url: str  # "" for who may not pay
    request_url: str = ""  # "" for who may not ask for it either
    payer: str = ""  # who pays, by name
    open: Open = field(default_factory=Open)
    requests: tuple[RenewalRequest, ...] = ()  # those that items of the site wait in
    in_orders: int = 0  # items that are being activated by an open order
    may_open_requests: bool = False
    waiting: int = 0  # members beyond the free number whom the installer has not accepted
    is_asking: bool = False  # the reader's firm is the one that asks


def pay_url(site: Site) -> str:
    """Where a site is activated, with everything that can be already ticked; "" while there is no such page."""
    page = address_of("subscription", get_urlconf())
    query = urlencode({"installer": site.installer_id, "kind": site.kind, "site": site.pk, "select": "all"})
    return f"{page}?{query}" if page else ""


def todo_of(facts: Facts, now: datetime) -> list[Todo]:
    """The list, its first action the primary one; empty when nothing is to do."""
    found = [*_building(facts), *_paying(facts, now), *_fitting(facts)]
    first = next((at for at, item in enumerate(found) if item.url), None)
    return [replace(item, is_primary=at == first) for at, item in enumerate(found)]


def above_sheet(facts: Facts, now: datetime) -> Todo | None:
    """The first thing to do, where the sheet and the strip above it do not say it themselves."""
    first = next(iter([*_paying(facts, now), *_fitting(facts)]), None)
    return None if first is None or first.is_in_strip or not facts.units.units else replace(first, is_primary=False)


def _building(facts: Facts) -> list[Todo]:
    site, work = facts.site, facts.may_work
    if site.kind != Kind.COMMUNITY:
        return []
    if not facts.buildings:
        url = reverse("building-new", args=[site.pk]) if work else ""
        return [
            Todo(
                "pending",
                "building",
                _("No building yet"),
                _("Apartments stand in buildings: add the first one."),
                url,
                _("Add building"),
            )
        ]
    if not facts.units.units:
        url = reverse("apartment-new", args=[site.pk]) if work else ""
        return [
            Todo(
                "pending",
                "home",
                _("No apartment yet"),
                _("Billing begins with the first apartment that is activated."),
                url,
                _("Add apartment"),
            )
        ]
    return []


def _paying(facts: Facts, now: datetime) -> list[Todo]:
    found = []
    for due in facts.dues:
        if due.lapsed:
            title = ngettext("%(n)s %(service)s has lapsed", "%(n)s × %(service)s have lapsed", due.lapsed)
            found.append(
                _due(
                    facts,
                    due,
                    "lapsed",
                    "alert-triangle",
                    title,
                    due.lapsed,
                    _("Configuration and doors go on; the services don't."),
                )
            )
        if due.in_grace and due.grace_until:
            title = ngettext("%(n)s %(service)s is in grace", "%(n)s × %(service)s are in grace", due.in_grace)
            reason = _("It works until %(date)s and then stops.") % {
                "date": end_date(due.grace_until, facts.site.time_zone)
            }
            found.append(_due(facts, due, "expiring", "hourglass", title, due.in_grace, reason))
    for line in facts.lines:
        if line.missing:
            title = ngettext(
                "%(service)s is on but not paid for in %(n)s place",
                "%(service)s is on but not paid for in %(n)s places",
                line.missing,
            ) % {"service": line.service.label, "n": line.missing}
            found.append(Todo("lapsed", "alert-triangle", title, _("It does not work there until it is paid.")))
    found += [*_to_activate(facts), *_requested(facts), *_in_orders(facts)]
    for due in facts.dues:
        if due.ending and due.first_end:
            title = ngettext("%(n)s %(service)s ends soon", "%(n)s × %(service)s end soon", due.ending)
            reason = _("The first on %(date)s.") % {"date": end_date(due.first_end, facts.site.time_zone)}
            found.append(_due(facts, due, "expiring", "calendar-event", title, due.ending, reason))
    return found


def _due(facts: Facts, due: Dues, tone: str, icon: str, title: str, n: int, reason: str) -> Todo:
    return Todo(
        tone, icon, title % {"n": n, "service": due.label}, reason
    )  # renewing is not on the Subscription page yet


def _to_activate(facts: Facts) -> list[Todo]:
    """What nobody has asked for or paid yet: one to-do for the site, which carries its items over."""
    n = facts.open.to_activate
    if not n:
        return []
    title = ngettext("%(n)s item is not activated", "%(n)s items are not activated", n) % {"n": n}
    if facts.site.pays_credits:
        way, url, action = _("They are paid with credits."), "", ""
    elif facts.pay_url:
        way, url, action = _("It starts when it is paid."), facts.pay_url, _("Activate")
    elif facts.request_url:
        way = _("%(firm)s pays it: ask for it.") % {"firm": facts.payer}
        url, action = facts.request_url, _("Request activation")
    else:
        way, url, action = _("%(firm)s activates and pays it.") % {"firm": facts.payer}, "", ""
    return [Todo("pending", "credit-card", title, f"{_listed(facts.open.free)}. {way}", url, action, is_in_strip=True)]


def _requested(facts: Facts) -> list[Todo]:
    """What waits in requests: for whom, since when."""
    found = []
    for request in facts.requests:
        counts = (facts.open.asked or {}).get(request.pk, ())
        n = sum(number for _kind, number in counts)
        since = _("Requested %(when)s") % {"when": moment(request.created_at)}
        title = ngettext("%(n)s item requested, waiting for %(firm)s", "%(n)s items requested, waiting for %(firm)s", n)
        url = reverse("request-detail", args=[request.pk]) if facts.may_open_requests else ""
        action = _("Show the request") if facts.is_asking else _("Review")
        reason = f"{_listed(counts)}. {since}."
        words = title % {"n": n, "firm": facts.payer}
        found.append(Todo("pending", "hourglass", words, reason, url, action, is_in_strip=True))
    return found


def _in_orders(facts: Facts) -> list[Todo]:
    if not (n := facts.in_orders):
        return []
    title = ngettext("%(n)s item is in an open order", "%(n)s items are in open orders", n) % {"n": n}
    return [Todo("pending", "credit-card", title, _("It starts when the payment is confirmed."))]


def _listed(counts: Counts) -> str:
    """ "6 × App, 1 × PM App"."""
    return ", ".join(f"{n} × {label}" for label, n in in_words(counts))


def _fitting(facts: Facts) -> list[Todo]:
    if facts.site.kind == Kind.HOUSE:
        return _fitting_house(facts)
    found, site = [], facts.site
    apartments = reverse("site-detail", args=[site.pk])
    if missing := facts.units.missing:
        title = ngettext(
            "%(n)s apartment waits for its indoor monitor", "%(n)s apartments wait for their indoor monitor", missing
        )
        found.append(
            Todo(
                "expiring",
                "device-ipad",
                title % {"n": missing},
                _("With Indoor Monitor is on there; it can't be activated without one."),
                f"{apartments}?show=no-monitor",
                _("Enter MACs") if facts.may_work else _("Show"),
            )
        )
    if n := facts.waiting:
        title = ngettext("%(n)s resident waits for your yes", "%(n)s residents wait for your yes", n) % {"n": n}
        url = f"{reverse('site-residents', args=[site.pk])}?show=waiting"
        reason = _("Beyond the free number a member needs an Additional App.")
        found.append(Todo("expiring", "user-plus", title, reason, url, _("Decide")))
    if facts.without_master:
        title = ngettext(
            "%(n)s apartment has no family master", "%(n)s apartments have no family master", facts.without_master
        )
        found.append(
            Todo(
                "pending",
                "user-off",
                title % {"n": facts.without_master},
                _("The App belongs to the family master, the Premium Plan and all paid time to the apartment."),
                f"{apartments}?show=no-master",
                _("Add resident") if facts.may_house else _("Show"),
            )
        )
    return found


def _fitting_house(facts: Facts) -> list[Todo]:
    found, house = [], reverse("site-detail", args=[facts.site.pk])
    if facts.units.missing:
        found.append(
            Todo(
                "expiring", "device-ipad", _("The house waits for its indoor monitor"),
                _("One is required; it can't be activated without."), house,
                _("Enter MACs") if facts.may_work else _("Show"),
            )
        )  # fmt: skip
    if facts.without_master:
        found.append(
            Todo(
                "pending", "user-off", _("Nobody lives in the house yet"),
                _("The App belongs to the family master, the Premium Plan and all paid time to the house."), house,
                _("Add resident") if facts.may_house else _("Show"),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing to do at a site, as the button that leads there."""

    action: str
    url: str


def next_step(
    site: Site, paid: PaidProgress, units: UnitProgress, open_: Open, *, may_pay: bool, now: datetime
) -> Step | None:
    """The next step at a site, from the counts that a list of sites has already; None if everything runs or waits for
    others."""
    apartments = reverse("site-detail", args=[site.pk])
    if site.kind == Kind.COMMERCIAL and not paid.items:
        return Step(_("Add doors and people"), apartments)
    if site.kind == Kind.COMMUNITY and not units.units:
        return Step(_("Add apartments"), apartments)
    if n := units.missing:
        return Step(ngettext("Enter %(n)s MAC", "Enter %(n)s MACs", n) % {"n": n}, f"{apartments}?show=no-monitor")
    if (n := units.units - paid.apps) > 0:
        words = ngettext("Add %(n)s resident", "Add %(n)s residents", n) % {"n": n}
        return Step(words, f"{apartments}?show=no-master")
    if (n := open_.to_activate) and not site.pays_credits:
        words = (
            ngettext("Activate %(n)s item", "Activate %(n)s items", n)
            if may_pay
            else ngettext("Request %(n)s item", "Request %(n)s items", n)
        )
        return Step(words % {"n": n}, pay_url(site))
    if n := open_.requested:
        words = ngettext("%(n)s item requested", "%(n)s items requested", n)
        return Step(words % {"n": n}, reverse("site-detail", args=[site.pk]))
    if paid.is_ending(now):
        return Step(_("Look at what ends"), reverse("site-detail", args=[site.pk]))
    return None
