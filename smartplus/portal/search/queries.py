"""The search over everything: a few hits of each kind that the actor may open, in one statement for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization
from accounts.models.people import known_order
from accounts.scope import Actor, Grant
from accounts.typed import finding, phones, postal
from accounts.typed.keys import compact_key
from communities.models import Apartment, Building, Resident, Site
from devices import mac, reports
from devices.models import Device, LibraryEntry
from smartplus import access
from smartplus.portal.kit.routes import view_of
from smartplus.portal.library import queries as library
from smartplus.portal.orders import queries as orders
from smartplus.portal.users import queries as user_lists
from subscriptions.models import Order

SHOWN = 10  # of each kind
OF_MACS = {"devices", "library"}  # kinds that are searched by MAC
SHORTEST = 2
# Apartments; an actor who sees more must search with three letters or digits in a row, which the index supports
WIDE = 10_000


@dataclass(frozen=True, slots=True)
class Hit:
    """One found object; `mono` marks a title of digits that people compare one by one."""

    title: str
    detail: str
    url: str
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The first hits of one kind; `more_url` leads to the list of all hits, if there is one."""

    name: str
    label: Promise
    icon: str
    hits: list[Hit] = field(default_factory=list)
    has_more: bool = False
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of objects: who may open its pages, and how it is searched."""

    name: str
    label: Promise
    icon: str
    page: str  # the route whose policy decides which roles see this kind
    find: Callable[[Actor, str, datetime], list[Hit]]
    more: str = ""  # the route of the list
    grant: Grant | None = None


def groups(actor: Actor, text: str, now: datetime) -> list[Group]:
    """The hits, kind by kind; kinds without hits are left out."""
    found = []
    is_mac = reports.is_mac_like(text)
    for kind in kinds_of(actor):
        if is_mac and kind.name not in OF_MACS:
            continue
        hits = kind.find(actor, text, now)
        if hits:
            more = f"{reverse(kind.more)}?{urlencode({'q': text})}" if kind.more else ""
            found.append(Group(kind.name, kind.label, kind.icon, hits[:SHOWN], len(hits) > SHOWN, more))
    return found


def is_too_wide(actor: Actor, text: str) -> bool:
    """Whether a search for `text` would read everything that the actor sees, and that is much: no index supports a text such as "1.01".
    Telephone numbers and beginnings of a MAC are found by their digits, however they are divided."""
    if any(map(finding.TRIGRAM.search, finding.words(text))) or phones.digits(text) or reports.mac_range(text):
        return False
    return Apartment.objects.visible_to(actor).order_by()[: WIDE + 1].count() > WIDE


def kinds_of(actor: Actor) -> Iterator[Kind]:
    """The kinds whose pages the actor may open."""
    for kind in KINDS:
        if actor.role in access.policy_of(view_of(kind.page)).roles and kind.grant in {None, *actor.grants}:
            yield kind


def exact(actor: Actor, text: str) -> str:
    """The address of the only object that a whole order number or MAC names in the actor's view; "" otherwise."""
    kinds = {kind.name for kind in kinds_of(actor)}
    if "orders" in kinds and (key := compact_key(text)):
        order = Order.objects.visible_to(actor).filter(number_key=key).first()
        if order:
            return reverse("order-detail", args=[order.number])
    address = mac.read(text).mac
    if address is None:
        return ""
    places = list(Device.objects.visible_to(actor).active().filter(mac=address.value)[:2])
    if len(places) == 1:
        return _place(places[0])
    if not places and "library" in kinds:
        kept = LibraryEntry.objects.visible_to(actor).filter(mac=address.value)[:2]
        if len(kept) == 1:
            return f"{reverse('library-list')}?{urlencode({'q': str(address)})}"
    return ""


def _place(device: Device) -> str:
    if device.equipment_id:
        return reverse("equipment-detail", args=[device.equipment_id])
    if device.apartment_id:
        return reverse("apartment-detail", args=[device.apartment_id])
    return reverse("site-detail", args=[device.site_id])


# --- the kinds ----------------------------------------------------------------------------------------------------------


def _first(rows: QuerySet[Any]) -> list[Any]:
    """One more than is shown, which tells whether there are more."""
    return list(rows[: SHOWN + 1])


def _sites(actor: Actor, text: str, now: datetime) -> list[Hit]:
    found = reports.searched_sites(Site.objects.visible_to(actor), text).order_by("name_order", "pk")
    return [Hit(site.name, postal.short(site), reverse("site-detail", args=[site.pk])) for site in _first(found)]


def _apartments(actor: Actor, text: str, now: datetime) -> list[Hit]:
    """By building, number, name and residents (name, address or telephone); every word must match something of the apartment."""
    found, words = Apartment.objects.visible_to(actor), finding.words(text)
    lives = Q(pk=None)
    for word in words:
        here = finding.holds(word, "search_key")
        lives |= here
        found = found.filter(pk__in=_apartments_with(actor, here))
    if number := phones.digits(text):
        theirs = finding.holds(number, "search_key")
        lives |= theirs
        either = _ids(found, "pk").union(
            _ids(Resident.objects.visible_to(actor).current().filter(theirs), "apartment_id"), all=True
        )
        found = Apartment.objects.visible_to(actor).filter(pk__in=either)
    # Residents of a visible apartment are visible; checking that again for every hit would cost a lookup each.
    living = Resident.objects.filter(apartment=OuterRef("pk")).current().filter(lives)
    rows = (
        found.select_related("building", "site")
        .annotate(resident=Subquery(living.order_by("-is_master", "pk").values("name")[:1]))
        .order_by("site__name_order", "building__name_order", "number_order", "pk")
    )
    return [
        Hit(
            str(apartment),
            ", ".join(part for part in (apartment.site.name, apartment.resident or apartment.name) if part),
            reverse("apartment-detail", args=[apartment.pk]),
        )
        for apartment in (_first(rows) if words else [])
    ]


def _apartments_with(actor: Actor, here: Q) -> QuerySet[Any, Any]:
    """The ids of apartments that match themselves, by their building or by a resident. A union whose parts each use their own index; an OR
    over three tables would read all of them."""
    mine = Apartment.objects.visible_to(actor)
    inside = mine.filter(building__in=Building.objects.visible_to(actor).filter(here).order_by().values("pk"))
    living = Resident.objects.visible_to(actor).current().filter(here)
    return _ids(mine.filter(here), "pk").union(_ids(inside, "pk"), _ids(living, "apartment_id"), all=True)


def _ids(rows: QuerySet[Any, Any], column: str) -> QuerySet[Any, Any]:
    return rows.order_by().values_list(column, flat=True)


def _devices(actor: Actor, text: str, now: datetime) -> list[Hit]:
    found = reports.searched_devices(Device.objects.visible_to(actor), text)
    rows = found.select_related("site", "building", "apartment__building").order_by("mac", "pk")
    return [
        Hit(
            str(device.address),
            ", ".join(dict.fromkeys([device.name, device.place, device.site.name])),
            _place(device),
            mono=True,
        )
        for device in _first(rows)
    ]


def _library(actor: Actor, text: str, now: datetime) -> list[Hit]:
    found = LibraryEntry.objects.visible_to(actor).select_related("installer").order_by("-pk")
    address = reverse("library-list")
    return [
        Hit(
            str(entry.address),
            ", ".join(
                str(part)
                for part in (entry.model, entry.serial, entry.get_status_display(), entry.installer or "")
                if part
            ),
            f"{address}?{urlencode({'q': str(entry.address)})}",
            mono=True,
        )
        for entry in _first(reports.searched_library(found, text, reads_notes=library.reads_notes(actor)))
    ]


def _firms(actor: Actor, text: str, now: datetime) -> list[Hit]:
    found = Organization.objects.visible_to(actor).exclude(pk=actor.organization_id)
    found = found.filter(finding.matching(text, "search_key")).order_by("name_order", "pk")
    return [
        Hit(
            firm.name,
            ", ".join(str(part) for part in (firm.get_kind_display(), postal.place(firm)) if part),
            reverse("firm-detail", args=[firm.pk]),
        )
        for firm in _first(found)
    ]


def _people(actor: Actor, text: str, now: datetime) -> list[Hit]:
    found = user_lists.with_invitation(
        Membership.objects.visible_to(actor).filter(user_lists.person_matches(text)), now
    ).order_by(known_order(), "pk")
    return [
        Hit(name, f"{email}, {person.organization.name}", reverse("user-detail", args=[person.pk]))
        for person, name, email, *_rest in user_lists.people_of(_first(found), now)
    ]


def _orders(actor: Actor, text: str, now: datetime) -> list[Hit]:
    found = orders.searched(Order.objects.visible_to(actor), text, actor).select_related("installer").order_by("-pk")
    return [
        Hit(
            order.number,
            f"{order.installer.name}, {order.get_state_display()}",
            reverse("order-detail", args=[order.number]),
            mono=True,
        )
        for order in _first(found)
    ]


KINDS = (
    Kind("sites", _("Sites"), "sites", "site-detail", _sites, "site-list"),
    Kind("apartments", _("Apartments and residents"), "building", "apartment-detail", _apartments),
    Kind("devices", _("Devices"), "intercom", "site-detail", _devices),
    Kind("library", _("MAC Library"), "library", "library-list", _library, "library-list"),
    Kind("firms", _("Firms"), "users", "user-list", _firms),
    Kind("people", _("People"), "user", "user-detail", _people),
    Kind("orders", _("Orders"), "orders", "order-detail", _orders, "order-list", Grant.SEES_INVOICES),
)
