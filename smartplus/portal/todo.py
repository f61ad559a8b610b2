"""What needs doing at a site, in sentences with one action each, the most pressing first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.urls import get_urlconf, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities.models import GRACE, Site
from communities.reports import Dues, PaidProgress, ServiceLine
from devices.reports import UnitProgress
from smartplus.portal.context import address_of
from smartplus.portal.templatetags.portal import day


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


def pay_url(site: Site) -> str:
    """Where a site is activated; "" while there is no such page."""
    page = address_of("subscription", get_urlconf())
    query = urlencode({"installer": site.installer_id, "kind": site.kind, "site": site.pk})
    return f"{page}?{query}" if page else ""


def todo_of(facts: Facts, now: datetime) -> list[Todo]:
    """The list, its first action the primary one; empty when nothing is to do."""
    found = [*_building(facts), *_paying(facts, now), *_fitting(facts)]
    first = next((at for at, item in enumerate(found) if item.url), None)
    return [replace(item, is_primary=at == first) for at, item in enumerate(found)]


def _building(facts: Facts) -> list[Todo]:
    site, work = facts.site, facts.may_work
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
                _("The bill begins with the first apartment that is activated."),
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
        if due.in_grace and due.grace_from:
            title = ngettext("%(n)s %(service)s is in grace", "%(n)s × %(service)s are in grace", due.in_grace)
            reason = _("It works until %(date)s and then stops.") % {"date": day(due.grace_from + GRACE)}
            found.append(_due(facts, due, "expiring", "hourglass", title, due.in_grace, reason))
    for line in facts.lines:
        if line.missing:
            title = ngettext(
                "%(service)s is on but not paid for in %(n)s place",
                "%(service)s is on but not paid for in %(n)s places",
                line.missing,
            ) % {"service": line.service.label, "n": line.missing}
            found.append(Todo("lapsed", "alert-triangle", title, _("It does not work there until it is paid.")))
    for due in facts.dues:
        if due.never:
            title = ngettext("%(n)s %(service)s is not activated", "%(n)s × %(service)s are not activated", due.never)
            found.append(_due(facts, due, "pending", "credit-card", title, due.never, *_way_to_pay(facts)))
        if due.ending and due.first_end:
            title = ngettext("%(n)s %(service)s ends soon", "%(n)s × %(service)s end soon", due.ending)
            reason = _("The first on %(date)s.") % {"date": day(due.first_end)}
            found.append(_due(facts, due, "expiring", "calendar-event", title, due.ending, reason))
    return found


def _due(facts: Facts, due: Dues, tone: str, icon: str, title: str, n: int, reason: str, action: str = "") -> Todo:
    url = facts.pay_url or facts.request_url if action else ""  # renewing is not on the Subscription page yet
    return Todo(tone, icon, title % {"n": n, "service": due.label}, reason, url, action)


def _way_to_pay(facts: Facts) -> tuple[str, str]:
    """Why it does not run yet, and what this person can do about it."""
    if facts.pay_url:
        return _("It starts when it is paid."), _("Activate")
    if facts.request_url:
        return _("%(firm)s activates and pays it: ask for it.") % {"firm": facts.payer}, _("Request activation")
    return _("%(firm)s activates and pays it.") % {"firm": facts.payer}, ""


def _fitting(facts: Facts) -> list[Todo]:
    found, site = [], facts.site
    apartments = reverse("apartment-list", args=[site.pk])
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
    if facts.without_master:
        title = ngettext(
            "%(n)s apartment has no family master", "%(n)s apartments have no family master", facts.without_master
        )
        found.append(
            Todo(
                "pending",
                "user-off",
                title % {"n": facts.without_master},
                _("The App belongs to the family master. Paid time stays with the apartment."),
                f"{apartments}?show=no-master",
                _("Add resident") if facts.may_house else _("Show"),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing to do at a site, as the button that leads there."""

    action: str
    url: str


def next_step(site: Site, paid: PaidProgress, units: UnitProgress, *, may_pay: bool, now: datetime) -> Step | None:
    """What goes on next at a site, from the counts that a list of sites has anyway; None when everything runs."""
    apartments = reverse("apartment-list", args=[site.pk])
    if not units.units:
        return Step(_("Add apartments"), apartments)
    if n := units.missing:
        return Step(ngettext("Enter %(n)s MAC", "Enter %(n)s MACs", n) % {"n": n}, f"{apartments}?show=no-monitor")
    if (n := units.units - paid.apps) > 0:
        words = ngettext("Add %(n)s resident", "Add %(n)s residents", n) % {"n": n}
        return Step(words, f"{apartments}?show=no-master")
    if n := paid.apps - paid.apps_in_force:
        words = ngettext("Activate %(n)s App", "Activate %(n)s Apps", n) if may_pay else _("%(n)s to activate")
        return Step(words % {"n": n}, pay_url(site) if may_pay else f"{apartments}?show=not-paid")
    if paid.is_ending(now):
        return Step(_("Look at what ends"), reverse("site-detail", args=[site.pk]))
    return None
