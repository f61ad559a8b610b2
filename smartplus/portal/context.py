"""Template variables of every page: the signed-in person, and the menu of its role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.templatetags.static import static
from django.urls import get_urlconf
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.scope import Actor, Grant, Role
from smartplus.portal.kit import waiting_requests
from smartplus.portal.kit.roles import ROLE_LABELS
from smartplus.portal.kit.routes import address_of

PHONE_ENTRIES = 4
STYLESHEETS = ("tokens", "ground", "base", "shell", "components", "pages", "widths", "small")


@dataclass(frozen=True, slots=True)
class Entry:
    """One menu entry; `area` is compared with the area of the page."""

    area: str
    label: Promise
    url: str  # name of a route
    icon: str = ""
    sub: tuple[Entry, ...] = ()  # shown only while the page is in the area


@dataclass(frozen=True, slots=True)
class Shown:
    """A menu entry for templates, with its address."""

    area: str
    label: Promise
    url: str  # an address
    icon: str
    sub: tuple[Shown, ...]


PROFILE = Entry("profile", _("Profile"), "settings")
PASSWORD = Entry("password", _("Password"), "settings-password")
NOTIFICATIONS = Entry("notifications", _("Notifications"), "settings-notifications")
AUDIT = Entry("audit", _("Audit log"), "audit-list")
SECURITY = Entry("security", _("Security"), "settings-security")
TOKENS = Entry("tokens", _("API tokens"), "settings-tokens")
BILLING = Entry("billing", _("Billing information"), "settings-billing")
METHODS = Entry("methods", _("Payment methods"), "settings-methods")

DASHBOARD = Entry("dashboard", _("Dashboard"), "dashboard", "home")
DIFFERENCES = Entry("differences", _("Differences"), "differences")
SITES = Entry("sites", _("Sites"), "site-list", "sites", (Entry("all-sites", _("All sites"), "site-list"), DIFFERENCES))
OWNED_SITES = Entry(
    "sites",
    _("Sites"),
    "site-list",
    "sites",
    (*SITES.sub, Entry("handovers", _("Handovers"), "handover-list")),
)
USERS = Entry("users", _("Users"), "user-list", "users")
LIBRARY = Entry("library", _("MAC Library"), "library-list", "library")
ACTIVATE = Entry("activate", _("Activate"), "subscription")
AUTO_RENEW = Entry("auto-renew", _("Auto-renew"), "auto-renewal-list")
REQUESTS = Entry("requests", _("Requests"), "request-list")
SUBSCRIPTION = Entry(
    "subscription", _("Subscription"), "subscription", "subscription", (ACTIVATE, AUTO_RENEW, REQUESTS)
)
ORDERS = Entry("orders", _("Orders"), "order-list", "orders")
PAYMENTS = Entry(
    "payments",
    _("Payments"),
    "payment-list",
    "credit-card",
    (
        Entry("payments", _("Payments"), "payment-list"),
        Entry("webhooks", _("Webhook log"), "webhook-list"),
        Entry("work", _("Background work"), "failure-list"),
    ),
)
PRICES = Entry("prices", _("Price Book"), "price-list-list", "prices")
TERMS = Entry("terms", _("Terms"), "setup-terms")
PRIVACY = Entry("privacy", _("Privacy"), "setup-privacy")
SELLER = Entry("seller", _("Seller"), "setup-seller")
CHECK_LIST = Entry("setup", _("Check list"), "setup")
SETUP = Entry("setup", _("Set-up"), "setup", "list-check", (CHECK_LIST, TERMS, PRIVACY, SELLER))
SETTINGS = Entry(
    "settings", _("Settings"), "settings", "settings", (PROFILE, NOTIFICATIONS, PASSWORD, SECURITY, TOKENS)
)
OPERATOR_SETTINGS = Entry("settings", _("Settings"), "settings", "settings", (*SETTINGS.sub, AUDIT))
PAYER_SETTINGS = Entry(
    "settings",
    _("Settings"),
    "settings",
    "settings",
    (PROFILE, BILLING, METHODS, NOTIFICATIONS, PASSWORD, SECURITY, TOKENS, AUDIT),
)

MENU: dict[Role, tuple[Entry, ...]] = {
    Role.OPERATOR: (DASHBOARD, OWNED_SITES, USERS, LIBRARY, ORDERS, PAYMENTS, PRICES, SETUP, OPERATOR_SETTINGS),
    Role.DISTRIBUTOR: (DASHBOARD, OWNED_SITES, USERS, LIBRARY, SUBSCRIPTION, ORDERS, PAYER_SETTINGS),
    Role.SUBDISTRIBUTOR: (DASHBOARD, OWNED_SITES, USERS, SUBSCRIPTION, ORDERS, PAYER_SETTINGS),
    Role.INSTALLER: (DASHBOARD, OWNED_SITES, USERS, LIBRARY, SUBSCRIPTION, ORDERS, PAYER_SETTINGS),
    Role.TECHNICIAN: (SITES, LIBRARY, SETTINGS),
    Role.MANAGER: (DASHBOARD, SITES, ORDERS, SETTINGS),
}
GRANTS: dict[str, Grant] = {
    "orders": Grant.SEES_INVOICES,
    "subscription": Grant.MANAGES_SUBSCRIPTIONS,
    "methods": Grant.MANAGES_SUBSCRIPTIONS,
}


def portal(request: Any) -> dict[str, Any]:
    """The variables of the page frame: `actor`, `membership`, `other_memberships`, `role_label`, `menu`, `area`, `section`, `now`, `demo`;
    for phones `thumb` and `rest`, the two parts of the menu. `shows_orders`: whether this person may see order numbers. `way_back`: the
    link back on a page outside of every menu, unless the page sets its own. `requests_waiting`: the number of requests that wait for
    this person, read only if a menu shows it. `jobs_open`: how many long jobs of this person wait or run.

    `area` and `section` follow from the address; a view may set its own in its context.
    """
    common: dict[str, Any] = {"way_back": {"url": address_of("home", get_urlconf()), "label": "SmartPlus"}}
    common |= {"demo": settings.DEMO, "stylesheets": _stylesheets()}
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return common
    menu = menu_of(actor)
    thumb = _at_thumb(menu)
    area = _nearest(menu, request.path)
    return common | {
        "actor": actor,
        "membership": request.membership,
        "other_memberships": _others(request),
        "role_label": ROLE_LABELS[actor.role],
        "menu": menu,
        "way_back": None if request.path in _addresses(menu) else menu[0] if menu else common["way_back"],
        "thumb": thumb,
        "rest": [entry for entry in menu if entry not in thumb],
        "area": area.area if area else "",
        "section": section.area if area and (section := _nearest(area.sub, request.path)) else "",
        "help_url": address_of("help", get_urlconf()),
        "search_url": address_of("search", get_urlconf()),
        "now": request.now,
        "shows_orders": Grant.SEES_INVOICES in actor.grants,
        "requests_waiting": lambda: waiting_requests.number(request),
        "most_waiting": waiting_requests.MOST,
        "jobs_open": getattr(request.session, "open_jobs", 0),
    }


@cache  # cached: the files do not change while a process runs
def _stylesheets() -> tuple[str, ...]:
    return tuple(static(f"sp/{name}.css") for name in STYLESHEETS)


def _others(request: Any) -> QuerySet[Membership]:
    """The person's other memberships; no statement if the session's load has found none."""
    if not getattr(request.session, "has_others", True):
        return Membership.objects.none()
    usable = Membership.objects.usable().filter(user=request.user).exclude(pk=request.membership.pk)
    return usable.select_related("organization")


def menu_of(actor: Actor) -> tuple[Shown, ...]:
    """The entries of the role's menu whose pages exist, without those that the firm does not grant."""
    return _shown(MENU.get(actor.role, ()), actor)


def _addresses(menu: tuple[Shown, ...]) -> set[str]:
    """The addresses of the menu, whose pages need no link back."""
    return {address for entry in menu for address in (entry.url, *_addresses(entry.sub))}


def _at_thumb(menu: tuple[Shown, ...]) -> list[Shown]:
    """The four entries that fit on a phone; if there are more, the library is under More."""
    return [entry for entry in menu if len(menu) <= PHONE_ENTRIES or entry.area != LIBRARY.area][:PHONE_ENTRIES]


def _shown(entries: tuple[Entry, ...], actor: Actor) -> tuple[Shown, ...]:
    return tuple(
        Shown(entry.area, entry.label, address, entry.icon, _shown(entry.sub, actor))
        for entry in entries
        if GRANTS.get(entry.area) in {None, *actor.grants} and (address := address_of(entry.url, get_urlconf()))
    )


def _nearest(entries: tuple[Shown, ...], path: str) -> Shown | None:
    """The entry whose address the path begins with; the longest one if several do."""
    below = [entry for entry in entries if path.startswith(entry.url)]
    return max(below, key=lambda entry: len(entry.url), default=None)
