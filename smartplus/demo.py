"""The demo tenants: two trees, a MAC library, invented prices, a community. Created by the same actions that people use."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import actions as account_actions
from accounts.actions import seller, terms
from accounts.errors import ActionError, Refused
from accounts.models import Document, Kind, Membership, Organization, User
from accounts.scope import Actor
from accounts.typed.days import site_day
from communities import catalogue
from communities.actions import assignments, residents, sites
from communities.models import Building, Lease, Resident, Site
from communities.models import Kind as SiteKind
from devices import actions as device_actions
from devices.actions import LibraryRow, MonitorEntry
from payments import actions as payment_actions
from payments import money
from smartplus import demo_sites
from subscriptions.actions import carts, orders, prices, settlement
from subscriptions.models import Order
from subscriptions.prices import PriceKey

PASSWORD = "smartplus-demo"  # noqa: S105  (good for the demo on loopback only)
SEED = Actor.system("demo")
DOMAIN = "demo.smartplus.test"
LOGINS: tuple[tuple[str, str], ...] = (
    (f"operator@{DOMAIN}", "Operator: the vendor, price book"),
    (f"distributor@{DOMAIN}", "Distributor: pays, MAC library"),
    (f"subdistributor@{DOMAIN}", "Sub-distributor of that distributor"),
    (f"installer@{DOMAIN}", "Installer: creates communities"),
    (f"technician@{DOMAIN}", "Technician of that installer"),
    (f"pm@{DOMAIN}", "Property manager of Harbour View"),
    (f"distributor.other@{DOMAIN}", "another distributor, a foreign tree"),
    (f"installer.other@{DOMAIN}", "its installer"),
    (f"pm.other@{DOMAIN}", "its property manager"),
)

# All of them, also those that the sign-in page does not offer.
ADDRESSES = (*(email for email, _role in LOGINS), f"installer.north@{DOMAIN}", f"pm.weber@{DOMAIN}")

# Minor units per 30 days; the amounts are invented.
INVENTED_PRICES: dict[PriceKey, int] = {
    PriceKey(catalogue.ServiceType.APP, catalogue.WITH_MONITOR): 150,
    PriceKey(catalogue.ServiceType.APP, catalogue.WITHOUT_MONITOR): 250,
    PriceKey(catalogue.ServiceType.PM_APP, catalogue.PM_PLAIN): 500,
    PriceKey(catalogue.ServiceType.PM_APP, catalogue.PM_LANDLINE): 100,
    PriceKey(catalogue.ServiceType.ADDITIONAL_APP, catalogue.EACH): 50,
    PriceKey(catalogue.ServiceType.THIRD_PARTY_LOCK, catalogue.EACH): 100,
    PriceKey(catalogue.ServiceType.SENSOR_ALERT, catalogue.EACH): 200,
    PriceKey(catalogue.ServiceType.PREMIUM, "landline"): 60,
    PriceKey(catalogue.ServiceType.PREMIUM, "third_party_camera"): 40,
    PriceKey(catalogue.ServiceType.PREMIUM, "booking"): 30,
    PriceKey(catalogue.ServiceType.PREMIUM, "video_storage_7"): 60,
    PriceKey(catalogue.ServiceType.PREMIUM, "video_storage_30"): 80,
    PriceKey(catalogue.ServiceType.PREMIUM, "video_storage_90"): 100,
    PriceKey(catalogue.ServiceType.PREMIUM, "package_room"): 30,
    PriceKey(catalogue.ServiceType.PREMIUM, "dynamic_qr"): 50,
    PriceKey(catalogue.ServiceType.PREMIUM, "elevator_control"): 80,
    PriceKey(catalogue.ServiceType.PREMIUM, "smart_parking"): 50,
}
INVENTED_CREDITS: dict[PriceKey, int] = {
    PriceKey(service, part, SiteKind.COMMERCIAL): 1 for service, part in catalogue.priced_in(SiteKind.COMMERCIAL)
}
OPTIONS: dict[str, Any] = {"camera_residents": True, "camera_administrators": True, "retention_days": 30}
MASTERS = (
    "Anneke Voss", "Tomasz Lewandowski", "Ingrid Solberg", "Mehmet Aydın", "Claire Dubois", "Lukas Brenner",
    "Sofia Marchetti", "Henrik Dahl", "Priya Raman", "Noah Petersen", "Elif Kaya", "Marta Kowalska",
)  # fmt: skip
TEXTS = Path(__file__).parent / "demo_texts"
EXAMPLE_SELLER = {
    "name": "SmartPlus Vendor GmbH (example)", "street": "Beispielweg 1", "postal_code": "10115", "city": "Berlin", "country": "DE",
    "tax_number": "DE000000000", "email": f"sales@{DOMAIN}",
}  # fmt: skip
FIRST_MAC = 0x0C11052A1000  # the vendor's block; the last three bytes are invented


def is_seeded() -> bool:
    """Whether the demo tenants exist already."""
    return User.objects.filter(email_key=LOGINS[0][0]).exists()


def active_logins() -> QuerySet[User]:
    """The demo's logins that could sign in here. Outside the demo there must be none, since their password is public."""
    working = Membership.objects.usable().filter(user__email_key__in=ADDRESSES)
    return User.objects.filter(pk__in=working.values("user_id")).order_by("pk")


@transaction.atomic
def seed(now: datetime | None = None) -> None:
    """Create everything once, in one transaction; a second call changes nothing. Refuses any installation but the demo."""
    if not settings.DEMO:
        raise Refused("The demo's people and prices are for the demo only.")
    if is_seeded():
        return
    now = now or timezone.now()
    operator = _organization(Kind.OPERATOR, "SmartPlus Vendor", None, now)
    _texts(now)
    _member(operator, "operator", "Olga Maas", now)
    publish_prices(now)
    _nordlys(operator, now)
    _zephyr(operator, now)


def _nordlys(operator: Organization, now: datetime) -> None:
    """The main distributor of the demo, with its subtree."""
    nordlys = _organization(
        Kind.DISTRIBUTOR, "Nordlys Distribution", operator, now, currency="USD", country="NO", time_zone="Europe/Oslo"
    )
    dora = _member(nordlys, "distributor", "Dora Lindqvist", now)
    sund = _organization(Kind.SUBDISTRIBUTOR, "Sund Partner", nordlys, now, country="DK", time_zone="Europe/Copenhagen")
    _member(sund, "subdistributor", "Sam Okafor", now)
    norden = _organization(Kind.INSTALLER, "Norden Port AS", sund, now, country="NO", time_zone="Europe/Oslo")
    _member(norden, "installer.north", "Siri Vik", now)
    hafen = _organization(Kind.INSTALLER, "Hafen Intercom GmbH", nordlys, now, country="DE", time_zone="Europe/Berlin")
    ivan = _member(hafen, "installer", "Ivan Brandt", now)
    tess = _member(hafen, "technician", "Tess Marin", now, is_technician=True)
    holm = _organization(Kind.MANAGER, "Holm Verwaltung", hafen, now, country="DE", time_zone="Europe/Berlin")
    petra = _member(holm, "pm", "Petra Holm", now)
    weber = _organization(Kind.MANAGER, "Weber Hausverwaltung", hafen, now, country="DE", time_zone="Europe/Berlin")
    _member(weber, "pm.weber", "Jonas Weber", now)
    _library(dora, hafen, FIRST_MAC, now)
    payment_actions.save_billing(
        dora,
        organization=nordlys,
        now=now,
        company="Nordlys Distribution AS",
        tax_number="NO 923 456 789",
        email=f"accounts@{DOMAIN}",
        street="Storgata 8",
        postal_code="0155",
        city="Oslo",
        state="",
        country="NO",
    )
    demo_sites.stock(dora, hafen, now)
    demo_sites.equip(ivan, _harbour_view(ivan, tess, petra, now), now)
    demo_sites.office(ivan, tess, petra, now)
    demo_sites.villa(ivan, tess, petra, FIRST_MAC + 29, now)


def _zephyr(operator: Organization, now: datetime) -> None:
    """Another distributor, whose rows nobody of the first tree may see."""
    zephyr = _organization(
        Kind.DISTRIBUTOR, "Zephyr Trading", operator, now, currency="EUR", country="FR", time_zone="Europe/Paris"
    )
    mallory = _member(zephyr, "distributor.other", "Mallory Blanc", now)
    install = _organization(Kind.INSTALLER, "Zephyr Install", zephyr, now, country="FR", time_zone="Europe/Paris")
    igor = _member(install, "installer.other", "Igor Gris", now)
    management = _organization(Kind.MANAGER, "Zephyr Syndic", install, now, country="FR", time_zone="Europe/Paris")
    paul = _member(management, "pm.other", "Paul Noir", now)
    _library(mallory, install, FIRST_MAC + 0x10000, now)
    foreign = _community(
        igor, ("Les Tilleuls", "12 rue des Tilleuls", "Lyon", "69003", "FR", "Europe/Paris"), {"booking": True}, now
    )
    building = sites.add_building(igor, site_id=foreign.pk, name="Bâtiment A", now=now)
    _apartment(igor, building, "1", "101", FIRST_MAC + 0x10000, "Agnès Morel", now)
    assignments.set_managers(igor, site_id=foreign.pk, pm_app_by_membership={paul.membership_id: True}, now=now)


def publish_prices(now: datetime) -> None:
    """The invented prices, in every currency, valid since the day before."""
    for currency in ("USD", "EUR", "GBP", money.CREDITS):
        prices.publish_price_list(
            SEED,
            currency=currency,
            amounts=INVENTED_CREDITS if currency == money.CREDITS else INVENTED_PRICES,
            valid_from=now - timedelta(days=1),
            now=now,
            is_invented=True,
            note="Demo prices",
        )


def _texts(now: datetime) -> None:
    """The seller, the terms and the privacy notice, all of them examples that are valid in the demo only."""
    since = now - timedelta(days=1)
    seller.publish(SEED, values=EXAMPLE_SELLER, valid_from=since, now=now, is_example=True)
    for document in Document:
        found = {code: TEXTS / f"{document.value}.{code}.md" for code, _name in settings.LANGUAGES}
        texts = {code: path.read_text(encoding="utf-8") for code, path in found.items() if path.exists()}
        terms.publish(SEED, document=document.value, texts=texts, valid_from=since, now=now)


def _organization(kind: str, name: str, parent: Organization | None, now: datetime, **fields: Any) -> Organization:
    return account_actions.create_organization(SEED, kind=kind, name=name, parent=parent, now=now, **fields)


def _member(
    organization: Organization, local_part: str, name: str, now: datetime, *, is_technician: bool = False
) -> Actor:
    membership = account_actions.add_member(
        SEED,
        organization=organization,
        email=f"{local_part}@{DOMAIN}",
        name=name,
        now=now,
        is_technician=is_technician,
        password=PASSWORD,
    )
    terms.accept(membership.user, now=now)
    return membership.actor()


def _library(distributor: Actor, installer: Organization, first: int, now: datetime) -> None:
    rows = [LibraryRow(mac=f"{first + number:012X}", model="C313" if number % 3 else "S563") for number in range(40)]
    device_actions.add_to_library(distributor, macs=rows[:30], installer_id=installer.pk, now=now)
    device_actions.add_to_library(distributor, macs=rows[30:], installer_id=None, now=now)


def _community(actor: Actor, where: tuple[str, ...], switches: dict[str, bool], now: datetime) -> Site:
    """A community; `where` has its name, street, city, postal code, country and time zone."""
    return sites.create_community(
        actor,
        basics=dict(zip(("name", "street", "city", "postal_code", "country", "time_zone"), where, strict=True)),
        free_members=4,
        switches={**catalogue.DEFAULTS, **switches},
        options=OPTIONS,
        now=now,
    )


def _apartment(actor: Actor, building: Building, floor: str, number: str, mac: int, master: str, now: datetime) -> None:
    apartment = device_actions.add_apartment(
        actor,
        building_id=building.pk,
        floor=floor,
        number=number,
        monitors=[MonitorEntry(f"{mac:012X}", "Hallway")],
        now=now,
    )
    if master:
        residents.add_resident(
            actor, apartment_id=apartment.pk, name=master, email=f"resident{mac & 0xFFF}@{DOMAIN}", now=now
        )


def _harbour_view(ivan: Actor, tess: Actor, petra: Actor, now: datetime) -> Site:
    services = {"pm_app": True, "booking": True, "dynamic_qr": True, "third_party_camera": True}
    site = _community(ivan, ("Harbour View", "Kaistraße 14", "Hamburg", "20457", "DE", "Europe/Berlin"), services, now)
    assignments.set_managers(ivan, site_id=site.pk, pm_app_by_membership={petra.membership_id: True}, now=now)
    assignments.set_technicians(ivan, site_id=site.pk, membership_ids=[tess.membership_id], now=now)
    for index, name in enumerate(("Quay House", "Pier House")):
        building = sites.add_building(ivan, site_id=site.pk, name=name, now=now)
        for number in range(6):
            unit = index * 6 + number
            floor = str(number // 3 + 1)
            _apartment(ivan, building, floor, f"{floor}.{number % 3 + 1:02d}", FIRST_MAC + unit, MASTERS[unit], now)
    _household(ivan, petra, site, now)
    return site


def _household(ivan: Actor, petra: Actor, site: Site, now: datetime) -> None:
    """Ingrid Solberg has as many members as are free, and one more who waits; Henrik Dahl leaves soon."""
    people = Resident.objects.visible_to(ivan).filter(site=site)
    home = people.get(name="Ingrid Solberg").apartment_id
    for name in ("Nils Solberg", "Astrid Solberg", "Lars Solberg", "Maja Solberg", "Erik Solberg"):
        residents.add_resident(petra, apartment_id=home, name=name, email=f"{name[:4].lower()}@{DOMAIN}", now=now)
    henrik = people.get(name="Henrik Dahl")
    kept = {field: getattr(henrik, field) for field in residents.RESIDENT_FIELDS}
    last = site_day(now, site.time_zone) + timedelta(days=9)
    residents.edit_resident(
        ivan, resident_id=henrik.pk, version=henrik.version, lease=Lease(ends=last), now=now, **kept
    )


def buy_something(now: datetime) -> None:
    """Let the distributor pay for one building through the running sandbox, with auto-renewal, so that the demo shows paid items.

    Uses real HTTP. Does nothing if there is an order, and gives up silently without a sandbox.
    """
    dora = (
        Membership.objects.select_related("user", "organization").get(user__email_key=f"distributor@{DOMAIN}").actor()
    )
    if Order.objects.visible_to(dora).exists():
        return
    hafen = (
        Organization.objects.visible_to(dora).installers().select_related("distributor").get(name="Hafen Intercom GmbH")
    )
    assert hafen.distributor is not None
    chosen = carts.activatable(dora, installer=hafen, site_kind="community").filter(target__building="Quay House")
    cart = carts.fill_cart(
        dora,
        installer_id=hafen.pk,
        site_kind="community",
        entitlement_ids=chosen.values_list("pk", flat=True),
        months=1,
        now=now,
    )
    shown = carts.priced(carts.contents(cart), distributor=hafen.distributor, months=1, now=now)
    text = terms.in_force(Document.TERMS, now=now)
    assert text is not None
    order = orders.place_order(
        dora,
        cart_id=cart.pk,
        fingerprint=shown.fingerprint(),
        terms_version=text.version,
        return_base=settings.SITE_URL,
        auto_renew=True,
        now=now,
    )
    try:
        page = orders.start_payment(dora, number=order.number, return_base=settings.SITE_URL, now=now)
        approve = urllib.request.Request(page, data=b"action=approve", method="POST")  # noqa: S310  (our own sandbox on loopback)
        urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere()).open(approve, timeout=10)
    except urllib.error.HTTPError as answer:
        if answer.code != HTTPStatus.SEE_OTHER:  # the redirect back to the portal means approved
            return
    except (ActionError, OSError):
        return  # the worker settles it later, or the order is paid by hand
    settlement.settle_order(order.number, now=now)


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Do not follow the redirect to the portal, which is not running yet."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def ids() -> dict[str, Any]:
    """Logins and their ids, for scripts (`demo --json`)."""
    memberships = Membership.objects.filter(user__email_key__in=[email for email, _role in LOGINS]).select_related(
        "user", "organization"
    )
    return {
        "password": PASSWORD,
        "logins": {
            row.user.email: {
                "user": row.user_id,
                "membership": row.pk,
                "organization": row.organization_id,
                "name": row.organization.name,
            }
            for row in memberships
        },
        "sites": dict(Site.objects.order_by("pk").values_list("name", "pk")),
    }
