"""The pattern of test data, created by actions: the root, a distributor's tree, and an estate that is multiplied."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings

from accounts import actions as account_actions
from accounts.actions import seller, terms
from accounts.models import Document, Kind, Membership, Organization
from accounts.scope import Actor
from communities import catalogue
from communities.actions import assignments, residents, sites
from communities.models import Site
from devices import actions as device_actions
from devices.actions import LibraryRow, MonitorEntry
from payments import actions as payment_actions
from payments import events
from payments.models import Payment
from payments.sandbox import Sandbox
from payments.sandbox.webhook_sender import sign
from smartplus import demo
from subscriptions.actions import carts, orders, requests, settlement
from subscriptions.items import free_items
from subscriptions.models import Order
from subscriptions.selections import Filter

BUILDER = Actor.system("scale")
DOMAIN = "scale.smartplus.example"
MARK = 7_310_000  # the number in the names of the pattern's estate; copies count on from it, always seven digits
ESTATE_MACS, TREE_MACS = 0x0C1105000000, 0x0C1105F00000  # the vendor's block
IN_STOCK = 12  # MACs of an estate that are in its libraries only
FIRST_NAMES = (
    "Anneke",
    "Tomasz",
    "Ingrid",
    "Mehmet",
    "Claire",
    "Lukas",
    "Sofia",
    "Henrik",
    "Priya",
    "Noah",
    "Elif",
    "Marta",
    "José",
)
LAST_NAMES = (
    "Voss",
    "Lewandowski",
    "Solberg",
    "Aydın",
    "Dubois",
    "Brenner",
    "Marchetti",
    "Dahl",
    "Raman",
    "Petersen",
    "O’Neill",
)
PLACES = (
    {"street": "Kaistraße 14", "city": "Hamburg", "postal_code": "20457", "country": "DE", "time_zone": "Europe/Berlin"},
    {"street": "12 rue des Tilleuls", "city": "Lyon", "postal_code": "69003", "country": "FR", "time_zone": "Europe/Paris"},
    {"street": "Storgata 8", "city": "Oslo", "postal_code": "0155", "country": "NO", "time_zone": "Europe/Oslo"},
    {"street": "Nyhavn 3", "city": "København", "postal_code": "1051", "country": "DK", "time_zone": "Europe/Copenhagen"},
)  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """A distributor with its subtree, which all of its estates belong to."""

    distributor: Actor
    subdistributor: Actor
    installer: Actor  # directly below the distributor; may pay itself
    installer_below: Actor  # below the sub-distributor; may not pay
    technician: Actor
    manager: Actor


@dataclass(frozen=True)
class Estate:
    """The pattern: four sites of one tree, and the words that name it."""

    apartments: int
    macs: int
    words: Sequence[str]
    numbers_from: int  # from this word on they are order numbers


def root(now: datetime) -> Actor:
    """The operator with its texts, and the demo's prices."""
    firm = _organization(Kind.OPERATOR, "SmartPlus Vendor", None, now)
    seller.publish(BUILDER, values=demo.EXAMPLE_SELLER, valid_from=now - timedelta(days=1), now=now)
    for document in Document:
        terms.publish(
            BUILDER,
            document=document,
            texts={"en": "# For load\n\nOf no effect."},
            valid_from=now - timedelta(days=1),
            now=now,
        )
    demo.publish_prices(now)
    return _member(firm, "operator", "Olga Maas", now)


def tree(operator: Actor, number: int, now: datetime) -> Tree:
    """A distributor, a sub-distributor and an installer of each; a technician and a property manager; a library and billing information."""
    above = Organization.objects.get(pk=operator.organization_id)
    distributor = _organization(Kind.DISTRIBUTOR, f"Nordlys {number}", above, now, currency="USD", **_home(2))
    dora = _member(distributor, f"dora.{number}", f"Dora Lindqvist {number}", now)
    sub = _organization(Kind.SUBDISTRIBUTOR, f"Sund Partner {number}", distributor, now, **_home(3))
    sam = _member(sub, f"sam.{number}", f"Sam Okafor {number}", now)
    firm = _organization(Kind.INSTALLER, f"Hafen Intercom {number}", distributor, now, pays_regular=True, **_home(0))
    ivan = _member(firm, f"ivan.{number}", f"Ivan Brandt {number}", now)
    tess = _member(firm, f"tess.{number}", f"Tess Marin {number}", now, is_technician=True)
    below = _organization(Kind.INSTALLER, f"Norden Port {number}", sub, now, **_home(3))
    siri = _member(below, f"siri.{number}", f"Siri Vik {number}", now)
    managers = _organization(Kind.MANAGER, f"Holm Verwaltung {number}", firm, now, **_home(0))
    petra = _member(managers, f"petra.{number}", f"Petra Holm {number}", now)
    for payer in (dora, sam, ivan):
        _billing(payer, now)
    first = TREE_MACS + number * 64
    rows = [LibraryRow(mac=f"{first + at:012X}", model="S563", serial=f"N{number}-{at}") for at in range(60)]
    device_actions.add_to_library(dora, macs=rows[:30], installer_id=None, now=now)
    device_actions.add_to_library(dora, macs=rows[30:], installer_id=firm.pk, now=now)
    return Tree(dora, sam, ivan, siri, tess, petra)


def estate(home: Tree, sandbox: Sandbox, *, flats: int, now: datetime) -> Estate:
    """Four communities of `flats` apartments each.

    One has an auto-renewal; one was paid for a month nearly a month ago (so that earlier copies are due, in grace or lapsed); one was paid
    for a year by its installer; one below the sub-distributor is paid in part, and the rest is requested. One order was cancelled.
    """
    firm = Organization.objects.get(pk=home.installer.organization_id)
    weber = _organization(Kind.MANAGER, f"Weber {MARK}", firm, now, **_home(0))
    jonas = _member(weber, f"jonas.{MARK}", f"Jonas Weber {MARK}", now)
    macs = iter(range(ESTATE_MACS, ESTATE_MACS + 4 * flats + IN_STOCK))
    both = {home.manager.membership_id: True, jonas.membership_id: False}
    month_ago, season_ago = now - timedelta(days=25), now - timedelta(days=20)
    renewing = _community(home.installer, home.distributor, "Harbour View", 0, flats, macs, now)
    ended = _community(home.installer, home.distributor, "Les Tilleuls", 1, flats, macs, month_ago)
    yearly = _community(home.installer, home.distributor, "Fjord Park", 2, flats, macs, season_ago)
    partly = _community(home.installer_below, home.distributor, "Nyhavn Gaarden", 3, flats, macs, now)
    for site, at in ((renewing, now), (ended, month_ago)):
        assignments.set_managers(home.installer, site_id=site.pk, pm_app_by_membership=both, now=at)
        assignments.set_technicians(
            home.installer, site_id=site.pk, membership_ids=[home.technician.membership_id], now=at
        )
    stock = [LibraryRow(mac=f"{mac:012X}", model="C313", serial=f"E{MARK}-{mac & 0xFFFF}") for mac in macs]
    device_actions.add_to_library(home.distributor, macs=stock, installer_id=firm.pk, now=now)
    processor = Driver(sandbox)
    numbers = [
        processor.pay(home.distributor, renewing, months=1, renews=True, now=now),
        processor.pay(home.distributor, ended, months=1, renews=False, now=month_ago),
        processor.pay(home.installer, yearly, months=12, renews=False, now=season_ago),
        processor.give_up(home.subdistributor, partly, now=now),
        processor.pay(home.subdistributor, partly, months=1, renews=True, now=now, half=True),
    ]
    requests.request_activation(
        home.installer_below,
        site_kind=partly.kind,
        matching=Filter(partly.installer_id, partly.kind, site_id=partly.pk),
        months=12,
        now=now,
    )
    return Estate(4 * flats, 4 * flats + IN_STOCK, [str(MARK), *numbers], 1)


@dataclass(frozen=True)
class Driver:
    """Places and pays orders, each step by its action, at the sandbox's payment page."""

    sandbox: Sandbox

    def place(
        self,
        actor: Actor,
        site: Site,
        *,
        months: int,
        renews: bool,
        now: datetime,
        half: bool = False,
    ) -> Order:
        """An order of what can be activated at a site, or of the first half of it."""
        free = free_items(actor).filter(site=site).order_by("pk").values_list("pk", flat=True)
        last = free[free.count() // 2 - 1] if half else None
        chosen = Filter(site.installer_id, site.kind, site_id=site.pk, up_to=last)
        installer = Organization.objects.select_related("distributor").get(pk=site.installer_id)
        assert installer.distributor is not None
        cart = carts.fill_cart(
            actor, installer_id=installer.pk, site_kind=site.kind, matching=chosen, months=months, now=now
        )
        shown = carts.priced(carts.contents(cart), distributor=installer.distributor, months=months, now=now)
        text = terms.in_force(Document.TERMS, now=now)
        assert text is not None
        return orders.place_order(
            actor,
            cart_id=cart.pk,
            fingerprint=shown.fingerprint(),
            terms_version=text.version,
            return_base=settings.SITE_URL,
            auto_renew=renews,
            now=now,
        )

    def approve(self, actor: Actor, order: Order, *, now: datetime) -> Payment:
        """Pay at the payment page; the payment is not settled yet."""
        self.sandbox.clock.freeze(now)
        orders.start_payment(actor, number=order.number, return_base=settings.SITE_URL, now=now)
        payment: Payment = Payment.objects.of_order(order.number).get()
        status, _page, _way_back = self.sandbox.pay_page(payment.gateway_ref, "approve")
        assert status == HTTPStatus.SEE_OTHER
        return payment

    def pay(self, actor: Actor, site: Site, *, months: int, renews: bool, now: datetime, half: bool = False) -> str:
        """A paid and settled order; `half` as in `place`. Returns its number."""
        order = self.place(actor, site, months=months, renews=renews, now=now, half=half)
        payment = self.approve(actor, order, now=now)
        self._ring(payment, now=now)
        settlement.settle(payment.pk, now=now)
        return order.number

    def give_up(self, actor: Actor, site: Site, *, now: datetime) -> str:
        """An order that was cancelled before it was paid. Returns its number."""
        order = self.place(actor, site, months=1, renews=False, now=now, half=True)
        orders.cancel_order(actor, number=order.number, now=now)
        return order.number

    def _ring(self, payment: Payment, *, now: datetime) -> None:
        """Receive and process the gateway's message about it."""
        body = message(payment, event_id=f"evt_{payment.pk}")
        events.receive(payment.gateway, body, {"Stripe-Signature": signed(body, now)}, now=now)
        for event in events.due(now):
            events.finish(event, now=now)


def message(payment: Payment, *, event_id: str) -> bytes:
    """A gateway message that a payment page was completed."""
    told = {
        "id": payment.gateway_ref,
        "object": "checkout.session",
        "client_reference_id": payment.reference,
        "payment_status": "paid",
    }
    return json.dumps(
        {"id": event_id, "object": "event", "type": "checkout.session.completed", "data": {"object": told}}
    ).encode()


def signed(body: bytes, at: datetime) -> str:
    """The signature of a message."""
    return sign(body, settings.STRIPE_WEBHOOK_SECRET, int(at.timestamp()))


def _home(place: int) -> dict[str, str]:
    return PLACES[place]


def _organization(kind: str, name: str, parent: Organization | None, now: datetime, **fields: object) -> Organization:
    return account_actions.create_organization(BUILDER, kind=kind, name=name, parent=parent, now=now, **fields)


def _member(firm: Organization, local_part: str, name: str, now: datetime, *, is_technician: bool = False) -> Actor:
    """A member without a password who has accepted the terms."""
    membership: Membership = account_actions.add_member(
        BUILDER, organization=firm, email=f"{local_part}@{DOMAIN}", name=name, is_technician=is_technician, now=now
    )
    terms.accept(membership.user, now=now)
    return membership.actor()


def _billing(payer: Actor, now: datetime) -> None:
    firm = Organization.objects.get(pk=payer.organization_id)
    where: dict[str, Any] = {name: value for name, value in PLACES[2].items() if name != "time_zone"}
    payment_actions.save_billing(
        payer, organization=firm, now=now, company=firm.name, email=f"accounts.{firm.pk}@{DOMAIN}", **where
    )


def _community(
    installer: Actor, distributor: Actor, name: str, place: int, flats: int, macs: Iterator[int], now: datetime
) -> Site:
    """A community with so many apartments."""
    site = sites.create_community(
        installer,
        basics={"name": f"{name} {MARK}", "state": "", **PLACES[place]},
        free_members=4,
        switches={**catalogue.DEFAULTS, "booking": True, "landline": True, "pm_app": True},
        options=demo.OPTIONS,
        now=now,
    )
    furnish(installer, distributor, site, [next(macs) for _flat in range(flats)], now=now)
    return site


def furnish(installer: Actor, distributor: Actor, site: Site, macs: Sequence[int], *, now: datetime) -> None:
    """Two buildings with an apartment for each MAC: every one has a monitor and a family master, every second one another member."""
    houses = [
        sites.add_building(installer, site_id=site.pk, name=f"{house} {MARK}", now=now)
        for house in ("Quay House", "Pier House")
    ]
    rows = [LibraryRow(mac=f"{mac:012X}", model="C313", serial=f"S{MARK}-{mac & 0xFFFF}") for mac in macs]
    device_actions.add_to_library(distributor, macs=rows, installer_id=site.installer_id, now=now)
    for flat, mac in enumerate(macs):
        floor, door = divmod(flat // 2, 4)
        apartment = device_actions.add_apartment(
            installer,
            building_id=houses[flat % 2].pk,
            floor=str(floor + 1),
            number=f"{floor + 1}.{door + 1:02d}",
            monitors=[MonitorEntry(f"{mac:012X}", "Hallway")],
            now=now,
        )
        for who in range(1 + flat % 2):
            at = mac + who
            name = f"{FIRST_NAMES[at * 5 % len(FIRST_NAMES)]} {LAST_NAMES[at % len(LAST_NAMES)]}"
            email = f"flat{mac & 0xFFFF}.{who}.{MARK}@{DOMAIN}"
            residents.add_resident(installer, apartment_id=apartment.pk, name=name, email=email, now=now)
