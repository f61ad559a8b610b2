"""What every page knows: who is signed in, and the menu of that role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.scope import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One menu entry: `area` is compared with what the page says it belongs to."""

    area: str
    label: Promise
    url: str  # name of a route
    icon: str


SITES = Entry("sites", _("Sites"), "site-list", "sites")
LIBRARY = Entry("library", _("MAC Library"), "library-list", "library")
SUBSCRIPTION = Entry("subscription", _("Subscription"), "subscription", "subscription")
ORDERS = Entry("orders", _("Orders"), "order-list", "orders")
PRICES = Entry("prices", _("Price Book"), "price-list-list", "prices")
SETTINGS = Entry("settings", _("Settings"), "settings", "settings")

MENU: dict[Role, tuple[Entry, ...]] = {
    Role.OPERATOR: (SITES, LIBRARY, ORDERS, PRICES, SETTINGS),
    Role.DISTRIBUTOR: (SITES, LIBRARY, SUBSCRIPTION, ORDERS, SETTINGS),
    Role.SUBDISTRIBUTOR: (SITES, SUBSCRIPTION, ORDERS, SETTINGS),
    Role.INSTALLER: (SITES, LIBRARY, SUBSCRIPTION, ORDERS, SETTINGS),
    Role.TECHNICIAN: (SITES, LIBRARY, SETTINGS),
    Role.MANAGER: (SITES, ORDERS, SETTINGS),
}


def portal(request: HttpRequest) -> dict[str, Any]:
    """`actor`, `membership`, `menu`, `other_memberships`, `demo` for every template."""
    actor = getattr(request, "actor", None)
    if actor is None:
        return {"demo": settings.DEMO}
    others = Membership.objects.usable().filter(user_id=actor.user_id).exclude(pk=actor.membership_id)
    return {
        "actor": actor,
        "membership": request.membership,  # type: ignore[attr-defined]
        "other_memberships": others.select_related("organization"),
        "menu": MENU.get(actor.role, ()),
        "demo": settings.DEMO,
        "now": request.now,  # type: ignore[attr-defined]
    }
