"""Two whole trees, built by the actions people use; everything of an estate carries its mark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from django.db import connection

from accounts.actions import invitations, tokens
from accounts.actions.long_jobs import start_job
from accounts.models import (
    AuditEvent,
    FailedRow,
    ItemFailure,
    JobFilePart,
    Kind,
    LongJob,
    Membership,
    Notice,
    Organization,
    UserSession,
)
from accounts.models.tokens import scopes_open_to
from accounts.scope import Actor
from communities import catalogue
from communities.actions import assignments, commercial, commercial_accounts, drafts, residents, sites
from communities.actions.commercial_accounts import Holder
from communities.actions.equipment import Piece, Place
from communities.models import (
    Apartment,
    Building,
    Entitlement,
    Resident,
    ServiceChange,
    ServiceChangeRow,
    Site,
    keys_of,
)
from devices import actions as device_actions
from devices import imported
from devices.actions import LibraryRow, MonitorEntry
from devices.models import Device, LibraryEntry
from payments import actions as payment_actions
from payments.models import GatewayEvent, Payment, PaymentMethod
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import carts, orders, prices, request_decisions, requests, settlement
from subscriptions.models import AutoRenewal, Order
from tests.flows.tenants import project_models
from tests.guards import offered
from tests.payments.pay_page import press
from tests.people import NOW, PASSWORD, SYSTEM, People, Person, create_people
from tests.sites import ADDRESS, OPTIONS
from tests.subscriptions.lookups import BASE, payment_of

Key: TypeAlias = int | str
MARKS = {  # estate or payer: the word in everything it has
    "hafen": "HAFENMARK",
    "pine": "PINEMARK",
    "norden": "NORDENMARK",
    "zephyr": "ZEPHYRMARK",
    "nordlys": "NORDLYSMARK",
}
MARK_OF = {
    "dora": "nordlys", "sam": "norden", "ines": "norden", "ivan": "hafen", "tess": "hafen", "petra": "hafen",
    "mallory": "zephyr", "igor": "zephyr", "paul": "zephyr",
}  # fmt: skip
PAYERS = {"hafen": "dora", "norden": "sam", "zephyr": "mallory"}  # who decides what is asked there
MACS = {"hafen": "0C1105A1", "pine": "0C1105A2", "norden": "0C1105A3", "zephyr": "0C1105A4"}
MACS_BY_MARK = {MARKS[estate]: prefix for estate, prefix in MACS.items()}
GAP = 100_000  # between the ids of one table and those of the next: a number names one row of the whole database


@dataclass
class Holding:
    """What belongs together: kind of thing → its keys, the one to be looked at first in front."""

    keys: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, *keys: Key) -> None:
        """Note keys of a kind."""
        self.keys[kind] += keys


@dataclass(frozen=True)
class World:
    """The cast, and by name what each estate and each payer has."""

    cast: People
    holdings: dict[str, Holding]
    sites: dict[str, Site]
    api_tokens: dict[str, str] = field(default_factory=dict)  # of each of the cast, as programs send them

    def sites_of(self, estates: Iterable[str]) -> set[int]:
        """The ids of all sites of these estates, of each project type."""
        kinds = ("site", "commercial", "house")
        return {int(key) for name in estates for kind in kinds for key in self.holdings[name].keys.get(kind, ())}

    def person(self, name: str) -> Person:
        """One of the cast."""
        found: Person = getattr(self.cast, name)
        return found


def build() -> World:
    """Insert everything: four estates in two trees, and five organizations that pay."""
    spread_ids()
    _mark_people(create_people())
    cast = People(**{name: Person(_member(name)) for name in People.__annotations__})
    world = World(cast, defaultdict(Holding), {})
    _price_lists(world)
    weber = _pine_manager(cast)
    _estate(world, "hafen", cast.ivan, cast.dora, managers=[cast.petra], technicians=[cast.tess])
    _estate(world, "pine", cast.ivan, cast.dora, managers=[weber])
    _estate(world, "norden", cast.ines, cast.dora)
    _estate(world, "zephyr", cast.igor, cast.mallory, managers=[cast.paul])
    world.holdings["zephyr"].add("technician", _technician(cast.igor, "zephyr"))
    world.holdings["pine"].add("membership", weber.membership.pk)
    for payer, mark in (
        ("dora", "nordlys"),
        ("sam", "norden"),
        ("ivan", "hafen"),
        ("mallory", "zephyr"),
        ("igor", "zephyr"),
    ):
        _billing(world, payer, MARKS[mark])
    _buy(world, "dora", paid=[("hafen", "1"), ("pine", "1")], unpaid=[("hafen", "2")], kept=[("hafen", "5")])
    _buy(world, "ivan", paid=[("hafen", "3")], unpaid=[("hafen", "4")], kept=[("hafen", "5")])
    _buy(world, "sam", paid=[("norden", "1")], unpaid=[("norden", "2")], kept=[("norden", "5")])
    _buy(world, "mallory", paid=[("zephyr", "1")], unpaid=[("zephyr", "2")], kept=[("zephyr", "5")])
    _buy(world, "igor", paid=[("zephyr", "3")], unpaid=[("zephyr", "4")], kept=[("zephyr", "5")])
    alone = _order(world, "ivan", [("pine", "2")], renew=False)
    world.holdings["pine"].add("order", alone.number)
    world.holdings["pine"].add("order_id", alone.pk)
    for estate, name in (("hafen", "ivan"), ("norden", "ines"), ("zephyr", "igor")):
        _request(world, estate, getattr(cast, name))
    offered.offers(cast, world.holdings, MARKS)
    for name in People.__annotations__:
        _of_person(world, name)
    for name, firm in (("dora", cast.dora.firm), ("sam", cast.sam.firm), ("mallory", cast.mallory.firm)):
        _told(world, name, organization=firm, installer=None)
    for estate, site in world.sites.items():
        _told(world, estate, site_id=site.pk)
    return world


def spread_ids() -> None:
    """Let the ids of each table begin somewhere else: a foreign id is never by chance an own one of another kind."""
    with connection.cursor() as cursor:
        for number, model in enumerate(project_models(), start=1):
            table = model._meta.db_table
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, number * GAP])
            else:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f'"{table}"', number * GAP])


def absent(key: Key) -> Key:
    """A key as long as this one that no row has."""
    if isinstance(key, int):
        return key // GAP * GAP + GAP - 1
    return key[:-4] + ("QQQQ" if not key.endswith("QQQQ") else "WWWW")


def _member(name: str) -> Membership:
    rows = Membership.objects.select_related("user", "organization__distributor")
    return rows.get(user__email_key__startswith=f"{name}@")


def _mark_people(cast: People) -> None:
    """Put the marks into the names and addresses of people and firms."""
    for name, estate in MARK_OF.items():
        person: Person = getattr(cast, name)
        mark = MARKS[estate]
        user, firm = person.membership.user, person.firm
        user.name, user.email = f"{name.title()} {mark}", f"{name}@{mark.lower()}.example"
        user.save()
        firm.name = f"{mark} {firm.get_kind_display()} {firm.pk}"
        firm.save()
    Organization.objects.filter(pk__in=[cast.ivan.firm.pk, cast.igor.firm.pk]).update(pays_regular=True)


def _price_lists(world: World) -> None:
    since = NOW - timedelta(days=1)
    for currency in ("USD", "EUR"):
        prices.publish_price_list(SYSTEM, currency=currency, amounts=INVENTED_PRICES, valid_from=since, now=NOW)
    for name, mark in (("dora", "nordlys"), ("mallory", "zephyr")):
        firm = world.person(name).firm
        made = prices.publish_price_list(
            SYSTEM,
            currency=firm.currency,
            amounts=INVENTED_PRICES,
            valid_from=since,
            distributor_id=firm.pk,
            note=MARKS[mark],
            now=NOW,
        )
        world.holdings[name].add("price_list", made.pk)


def _pine_manager(cast: People) -> Person:
    from accounts import actions

    mark = MARKS["pine"]
    firm = actions.create_organization(
        SYSTEM, kind=Kind.MANAGER, name=f"Weber {mark}", parent=cast.ivan.firm, now=NOW
    )  # fmt: skip
    email = f"weber@{mark.lower()}.example"
    return Person(actions.add_member(SYSTEM, organization=firm, email=email, name=f"Weber {mark}", now=NOW))


def _technician(installer: Person, estate: str) -> int:
    from accounts import actions

    mark = MARKS[estate]
    email = f"technician@{mark.lower()}.example"
    return actions.add_member(
        SYSTEM, organization=installer.firm, email=email, name=f"Technician {mark}", is_technician=True, now=NOW
    ).pk


def _estate(
    world: World,
    name: str,
    installer: Person,
    distributor: Person,
    *,
    managers: Iterable[Person] = (),
    technicians: Iterable[Person] = (),
) -> None:
    mark, actor, held = MARKS[name], installer.actor, world.holdings[name]
    basics = {"name": f"{mark} View", **ADDRESS, "street": f"{mark} Street 1", "city": f"{mark} City"}
    site = sites.create_community(
        actor,
        basics=basics,
        free_members=4,
        switches={**catalogue.DEFAULTS, "booking": True, "landline": True},
        options=OPTIONS,
        now=NOW,
    )
    world.sites[name] = site
    assignments.set_managers(
        actor, site_id=site.pk, pm_app_by_membership={one.membership.pk: True for one in managers}, now=NOW
    )
    assignments.set_technicians(
        actor, site_id=site.pk, membership_ids=[one.membership.pk for one in technicians], now=NOW
    )
    macs = [f"{MACS[name]}{number:04X}" for number in range(10)]
    firm = MARKS["hafen"] if name == "pine" else mark  # the library is the firm's, whichever site a MAC goes to
    rows = [LibraryRow(mac=mac, model="C313", serial=f"{firm}-{mac[-6:]}", note=firm) for mac in macs]
    device_actions.add_to_library(distributor.actor, macs=rows, installer_id=installer.firm.pk, now=NOW)
    building = sites.add_building(actor, site_id=site.pk, name=f"{mark} House", now=NOW)
    lock = device_actions.add_equipment(
        actor, site_id=site.pk, kind="lock", piece=Piece(f"{mark} lock", maker="iTec", serial=mark), place=Place(building.pk), now=NOW,
    )  # fmt: skip
    held.add("equipment", lock.pk)
    for number in range(1, 8):
        apartment = device_actions.add_apartment(
            actor,
            building_id=building.pk,
            floor="1",
            number=str(number),
            name=f"{mark} flat",
            monitors=[MonitorEntry(macs[number], f"{mark} hall")],
            now=NOW,
        )
        for who in ("master", "member"):
            email = f"{who}{number}@{mark.lower()}.example"
            residents.add_resident(
                actor, apartment_id=apartment.pk, name=f"{who} {mark}", email=email, remark=mark, now=NOW
            )
    of_site: dict[str, Any] = {"site": site}
    held.add("site", site.pk)
    held.add("installer", installer.firm.pk)
    held.add("distributor", distributor.firm.pk)
    held.add("mac", macs[8], macs[1])
    for kind, model in (
        ("building", Building), ("apartment", Apartment), ("resident", Resident), ("device", Device), ("entitlement", Entitlement),
    ):  # fmt: skip
        held.add(kind, *model._default_manager.filter(**of_site).order_by("-pk").values_list("pk", flat=True))
    held.add("change", _change(site).pk)
    held.add("import", *(_import(installer, site, mark) for _n in range(2)))
    basics = {"name": f"{mark} Draft", **ADDRESS}
    held.add("draft", drafts.start_draft(actor, parts={"basics": basics}, now=NOW).pk)
    _other_types(actor, held, mark, managers=managers, technicians=technicians)
    entries = LibraryEntry.objects.filter(serial__contains=f"-{MACS[name][-2:]}")
    held.add("entry", *entries.filter(devices=None).order_by("-pk").values_list("pk", flat=True))
    held.add("entry", *entries.order_by("pk").values_list("pk", flat=True)[:1])
    held.add("membership", *(one.membership.pk for one in managers), installer.membership.pk)
    held.add("technician", *(one.membership.pk for one in technicians))
    invited = invitations.invite(
        actor,
        organization_id=installer.firm.pk,
        email=f"invited.{name}@{mark.lower()}.example",
        name=f"Invited {mark}",
        language="en",
        is_technician=True,
        now=NOW,
    )
    held.add("invited", invited.pk)
    members = [*managers, *technicians]
    held.add("member", *(one.membership.pk for one in members), installer.membership.pk, invited.pk)
    held.add("firm", *(one.firm.pk for one in managers), installer.firm.pk)
    held.add("firm_below", next((one.firm.pk for one in managers), installer.firm.pk))


def _other_types(
    actor: Actor, held: Holding, mark: str, *, managers: Iterable[Person], technicians: Iterable[Person]
) -> None:
    """A commercial site with two doors and an account, and a house, with the people of the estate."""
    basics = {**ADDRESS, "street": f"{mark} Street 2", "city": f"{mark} City"}
    works = commercial.create_commercial(
        actor, basics={**basics, "name": f"{mark} Works"}, elevator_control=True, time_attendance=True, now=NOW
    )
    for name in ("Gate", "Yard"):
        device_actions.add_equipment(
            actor, site_id=works.pk, kind="door", piece=Piece(f"{mark} {name}", model="A08"), now=NOW
        )
    holder = Holder("personnel", f"Porter {mark}", f"porter@{mark.lower()}.example", "+49 40 1234567")
    account = commercial_accounts.add_account(actor, site_id=works.pk, holder=holder, now=NOW)
    unit = device_actions.add_house(
        actor, basics={**basics, "name": f"{mark} Villa"}, free_members=4,
        switches=dict.fromkeys(catalogue.SWITCHES, False), options=OPTIONS, now=NOW,
    )  # fmt: skip
    for site in (works, unit.site):
        apps = {one.membership.pk: False for one in managers}
        assignments.set_managers(actor, site_id=site.pk, pm_app_by_membership=apps, now=NOW)
        ids = [one.membership.pk for one in technicians]
        assignments.set_technicians(actor, site_id=site.pk, membership_ids=ids, now=NOW)
    held.add("account", account.pk)
    held.add("commercial", works.pk)
    held.add("house", unit.site_id)


def _import(installer: Person, site: Site, mark: str) -> int:
    """A file that is checked and not imported yet: one good row, and one without a monitor."""
    table = [["building", "number", "floor", "master", "email", "mac", "monitor"]]
    for number, mac in (("91", f"{MACS_BY_MARK[mark]}0009"), ("92", "")):
        table.append([f"{mark} House", number, "9", f"Guest {mark}", f"guest@{mark.lower()}.example", mac, "Hall"])
    columns, begin = imported.columns_of(table)
    made = device_actions.start_import(
        installer.actor, site_id=site.pk, name=f"{mark}.csv", size=1, columns=columns,
        lines=imported.lines_of(table, columns, begin), language="en", now=NOW,
    )  # fmt: skip
    return int(made.pk)


def _change(site: Site) -> ServiceChange:
    """A bulk change of one building that switched landline on in an apartment that nobody has paid for."""
    flat = Apartment.objects.select_related("building").get(site=site, number="7")
    change = ServiceChange.objects.create(
        **keys_of(site), building=flat.building, created_at=NOW, landline=True, count=1, looked_at=7
    )
    ServiceChangeRow.objects.create(
        change=change, apartment=flat, indoor_monitor_before=True, indoor_monitor_after=True,
        landline_before=False, landline_after=True, monitor_pending_before=False, monitor_pending_after=False,
    )  # fmt: skip
    return change


def _billing(world: World, payer: str, mark: str) -> None:
    person = world.person(payer)
    payment_actions.save_billing(
        person.actor,
        organization=person.firm,
        now=NOW,
        company=f"{mark} Billing",
        tax_number=mark,
        email=f"billing@{mark.lower()}.example",
        street=f"{mark} Street 8",
        postal_code="0155",
        city=f"{mark} City",
        country="NO",
    )


Where: TypeAlias = list[tuple[str, str]]  # estate and apartment number


def _buy(world: World, payer: str, *, paid: Where, unpaid: Where, kept: Where) -> None:
    """One order paid, with an auto-renewal and a stored card; one that waits at the gateway; one cart."""
    held = world.holdings[payer]
    person = world.person(payer)
    first = _order(world, payer, paid, renew=True)
    press(orders.start_payment(person.actor, number=first.number, return_base=BASE, now=NOW), "approve", card="works")
    settlement.settle(payment_of(first).pk, now=NOW)
    held.add("webhook", _webhook(payment_of(first)))
    held.add("failure", _failure(payment_of(first)))
    second = _order(world, payer, unpaid, renew=False)
    orders.start_payment(person.actor, number=second.number, return_base=BASE, now=NOW)
    held.add("order", second.number, first.number)
    held.add("order_id", second.pk, first.pk)
    held.add("cart", _cart(world, payer, kept))
    held.add("auto_renewal", AutoRenewal.objects.get(order=first).pk)
    cards = PaymentMethod.objects.filter(owner=person.firm)
    cards.update(brand=person.membership.user.name.split()[-1].lower())
    held.add("method", cards.get().pk)
    for kind, key in (("membership", person.membership.pk), ("member", person.membership.pk)):
        held.add(kind, key)
    for kind in ("installer", "firm"):
        held.add(kind, person.firm.pk)


def _webhook(payment: Payment) -> int:
    """A message of the gateway about a payment; the log is the operator's, whoever paid."""
    event: GatewayEvent = GatewayEvent.objects.create(
        gateway=payment.gateway, event_id=f"evt_{payment.pk}", kind="checkout.session.completed",
        object_ref=payment.gateway_ref, raw_body=b"{}", received_at=NOW,
    )  # fmt: skip
    return int(event.pk)


def _failure(payment: Payment) -> int:
    """Background work about it that failed; the list is the operator's, whoever paid."""
    failure = ItemFailure.objects.create(
        job="stale_payments", item_id=payment.pk, tries=1, error="RuntimeError: no", failed_at=NOW, tried_at=NOW, next_try_at=NOW,
    )  # fmt: skip
    return int(failure.pk)


def _request(world: World, estate: str, installer: Person) -> None:
    """What an installer asked for while it might not pay: refused once, and asked again."""
    Organization.objects.filter(pk=installer.firm.pk).update(pays_regular=False)
    site = world.sites[estate]
    for number, is_refused in (("7", True), ("6", False), ("7", False)):
        wanted = Entitlement.objects.filter(site=site, target__number=number).wanted().values_list("pk", flat=True)
        made = requests.request_activation(
            installer.actor, site_kind=site.kind, entitlement_ids=wanted, months=1, note=MARKS[estate], now=NOW
        )
        if is_refused:
            request_decisions.refuse(
                world.person(PAYERS[estate]).actor, request_id=made.pk, reason=f"Too early {MARKS[estate]}", now=NOW
            )
        else:
            world.holdings[estate].add("request", made.pk)
    Organization.objects.filter(pk=installer.firm.pk).update(pays_regular=installer.firm.pays_regular)


def _of_person(world: World, name: str) -> None:
    """A second device and a token for programs."""
    person, held = world.person(name), world.holdings[name]
    token, text = tokens.create_token(
        person.actor,
        name=f"{name} token",
        scopes=scopes_open_to(person.actor),
        expires_at=None,
        password=PASSWORD,
        now=NOW,
    )
    world.api_tokens[name] = text
    device = UserSession.objects.create(
        user=person.membership.user, membership=person.membership, session_key=f"elsewhere-{name}", created_at=NOW, last_seen_at=NOW
    )  # fmt: skip
    held.add("token", token.pk)
    held.add("session", device.pk)
    world.holdings[f"jobs of {name}"].add("job", *(_job(person, name, is_done=is_done) for is_done in (True, False)))


def _job(person: Person, name: str, *, is_done: bool) -> int:
    """A long job of a person: one with a file and a row that failed, or one that waits."""
    mark = MARKS.get(MARK_OF.get(name, ""), "olga")
    job = start_job(
        person.actor, kind="export", subject=f"{mark} list", parameters={"address": "/jobs/?format=csv"}, now=NOW
    )
    if is_done:
        FailedRow.objects.create(job=job, number=7, label=f"{mark} row", reason="taken")
        JobFilePart.objects.create(job=job, number=0, content=f"{mark} file".encode())
        LongJob.objects.filter(pk=job.pk).update(
            state="done", started_at=NOW, finished_at=NOW, done=9, total=10, failures=1,
            file_name="list.csv", file_type="text/csv", file_size=len(f"{mark} file"),
        )  # fmt: skip
    return int(job.pk)


def _told(world: World, name: str, **whose: Any) -> None:
    """What the audit says of it, and a mail about it that failed."""
    held = world.holdings[name]
    held.add("event", AuditEvent.objects.filter(**whose).latest("pk").pk)
    site = world.sites.get(name)
    firms = {"installer_id": site.installer_id} if site else {"organization": whose["organization"]}
    if mail := Notice.objects.filter(organization__isnull=False, has_secret=False, **firms).order_by("-pk").first():
        Notice.objects.filter(pk=mail.pk).update(state=Notice.State.FAILED, tries=9, last_error="refused")
        held.add("notice", mail.pk)


def _cart(world: World, payer: str, where: Where) -> int:
    items = [
        pk
        for estate, number in where
        for pk in Entitlement.objects.filter(site=world.sites[estate], target__number=number)
        .wanted()
        .values_list("pk", flat=True)
    ]
    actor, site = world.person(payer).actor, world.sites[where[0][0]]
    return carts.fill_cart(
        actor, installer_id=site.installer_id, site_kind=site.kind, entitlement_ids=items, months=1, now=NOW
    ).pk


def _order(world: World, payer: str, where: Where, *, renew: bool) -> Order:
    from subscriptions.models import Cart

    cart = Cart.objects.select_related("installer__distributor").get(pk=_cart(world, payer, where))
    assert cart.installer.distributor is not None
    shown = carts.priced(carts.contents(cart), distributor=cart.installer.distributor, months=1, now=NOW)
    return orders.place_order(
        world.person(payer).actor,
        cart_id=cart.pk,
        fingerprint=shown.fingerprint(),
        terms_version="1",
        return_base=BASE,
        auto_renew=renew,
        now=NOW,
    )
