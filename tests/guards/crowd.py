"""Many rows after the pattern of one: what other tenants hold, or what one tenant holds when it has grown; written by one statement a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import psycopg2
from django.db import connection, models

from accounts.models import ApiToken, AuditEvent, Invitation, Membership, Notice, Organization, User, UserSession
from communities.models import (
    Apartment,
    Building,
    CommercialAccount,
    Entitlement,
    Equipment,
    ManagerAssignment,
    Resident,
    Site,
    SiteDraft,
    Target,
    TechnicianAssignment,
)
from devices.models import Device, LibraryEntry
from payments.models import GatewayEvent, Payment, PaymentMethod
from subscriptions.models import (
    AutoRenewal,
    AutoRenewalItem,
    Cart,
    Order,
    OrderEvent,
    OrderLine,
    PriceList,
    RenewalRequest,
    RequestItem,
    Selection,
    ServicePeriod,
)
from tests.guards.world import World

FIRST = 10_000_000  # ids of the first crowd: above all others, so that "newest first" meets strangers first
PEOPLE = 50_000_000  # before the ids of what people are billed for
Expressions = Mapping[str, str]


def multiply(model: type[models.Model], pattern: int, count: int, *, first: int, **differing: str) -> None:
    """Write `count` rows like the one with the key `pattern`, with the keys from `first` + 1 on.

    `differing` holds SQL for the columns that differ, in terms of `g` (1 … count) and `id` (first + g).
    """
    quoted = connection.ops.quote_name
    names = [str(field.column) for field in model._meta.concrete_fields if not field.primary_key]
    table = quoted(model._meta.db_table)
    values = [_expression(differing[name], first) if name in differing else f"t.{quoted(name)}" for name in names]
    unknown = set(differing) - set(names)
    assert not unknown, f"{model.__name__} has no {sorted(unknown)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, {', '.join(map(quoted, names))}) "
            f"WITH RECURSIVE numbers(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM numbers WHERE g < {int(count)}) "
            f"SELECT {int(first)} + g, {', '.join(values)} FROM {table} t CROSS JOIN numbers WHERE t.id = {int(pattern)}"
        )


def _expression(sql: str, first: int) -> str:
    return sql.replace("{id}", f"({int(first)} + g)").replace("{name}", f"CAST(({int(first)} + g) AS text)")


@contextmanager
def written_at_once() -> Iterator[None]:
    """On PostgreSQL: no foreign key is looked at row by row (the rows are copies), and the indexes of searches are built at the end."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE '%\\_trgm'")
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def vacuum() -> None:
    """Clear away what earlier tests took back, by a connection of its own: whoever reads a table reads its dead rows too, and so a page
    would cost what the tests before it left. PostgreSQL only."""
    given = connection.settings_dict
    server = psycopg2.connect(
        dbname=given["NAME"], user=given["USER"], password=given["PASSWORD"] or None,
        host=given["HOST"] or None, port=given["PORT"] or None,
    )  # fmt: skip
    server.autocommit = True
    with closing(server), server.cursor() as cursor:
        cursor.execute("VACUUM (TRUNCATE FALSE)")  # to shorten a table it would wait for the test that asked


def crowd(world: World, *, estate: str, payer: str, count: int, first: int = FIRST) -> None:
    """`count` of everything that lists show, in the tree of this estate, paid for by this one of the cast."""
    paying = world.holdings[payer]
    site = world.sites[estate]
    ident, name = "{id}", "{name}"

    def many(model: type[models.Model], pattern: int, **differing: str) -> None:
        multiply(model, pattern, count, first=first, **differing)

    draft = SiteDraft.objects.filter(installer=site.installer_id).earliest("pk")
    many(SiteDraft, draft.pk, name=name, name_order=name, apartments="g")
    person = world.person(payer)
    firm = person.firm
    installer = Organization.objects.get(pk=site.installer_id)
    apartment = Apartment.objects.filter(site=site).earliest("pk")
    item = Entitlement.objects.filter(target=apartment.target_id, service_type="app").get()
    order = Order.objects.filter(payer=firm, state=Order.State.SUCCEED).earliest("pk")
    line = OrderLine.objects.filter(order=order, site=site).earliest("pk")
    auto_renewal = AutoRenewal.objects.get(order=order)
    request = RenewalRequest.objects.filter(installer=installer, state=RenewalRequest.State.OPEN).earliest("pk")
    device = Device.objects.filter(site=site).earliest("pk")
    entry = LibraryEntry.objects.filter(installer=installer).earliest("pk")

    firm_below = Organization.objects.filter(parent=installer).first()
    if firm_below is not None:
        many(Organization, firm_below.pk, name=name, path=f"'{installer.path}' || {name} || '/'")
    user = Membership.objects.filter(organization=installer).earliest("pk").user_id
    many(User, user, email=f"{name} || '@many.example'", email_key=f"{name} || '@many.example'", name=name)
    membership = Membership.objects.filter(organization=installer, is_technician=False).earliest("pk")
    theirs = {"organization_id": ident} if firm_below is not None else {}  # one in each of the firms
    many(Membership, membership.pk, user_id=ident, **theirs)
    many(Invitation, Invitation.objects.filter(membership__organization=installer).earliest("pk").pk,
         digest=name, membership_id=ident)  # fmt: skip
    many(Site, site.pk, name=name, name_key=name, name_order=name)
    building = Building.objects.filter(site=site).earliest("pk")
    many(Building, building.pk, name=name, name_key=name, name_order=name)
    many(Target, apartment.target_id, number=name, sort_key=name)
    many(Apartment, apartment.pk, number=name, number_key=name, number_order=name, target_id=ident)
    many(Resident, Resident.objects.filter(apartment=apartment, is_master=True).get().pk, apartment_id=ident)
    mac = f"{0x0C1105000000} + {ident}"
    many(LibraryEntry, entry.pk, mac=mac)
    many(Device, device.pk, mac=mac, name_key=name, name_order=name, library_entry_id=ident)
    many(Entitlement, item.pk, target_id=ident)
    piece = Equipment.objects.filter(site=site).earliest("pk")
    many(Equipment, piece.pk, name=name, name_key=name, name_order=name, target_id=ident)
    account = CommercialAccount.objects.filter(installer=site.installer_id).earliest("pk")
    many(CommercialAccount, account.pk, name=name, name_order=name, target_id=ident)
    many(Order, order.pk, number=name)
    many(OrderLine, line.pk, order_id=ident, entitlement_id=ident)
    many(OrderEvent, OrderEvent.objects.filter(order=order).earliest("pk").pk, order_id=ident)
    many(ServicePeriod, ServicePeriod.objects.filter(line=line).get().pk, entitlement_id=ident, line_id=ident)
    many(PaymentMethod, int(paying.keys["method"][0]), gateway_ref=name)
    many(Payment, Payment.objects.filter(subject=order.number).latest("pk").pk, subject=name, request_key=name)
    many(AutoRenewal, auto_renewal.pk, order_id=ident, method_id=ident)
    many(AutoRenewalItem, AutoRenewalItem.objects.filter(auto_renewal=auto_renewal).earliest("pk").pk,
         auto_renewal_id=ident, entitlement_id=ident)  # fmt: skip
    cart = Cart.objects.get(pk=int(paying.keys["cart"][0]))
    many(Selection, cart.selection_id)
    many(Cart, cart.pk, selection_id=ident)
    many(RenewalRequest, request.pk, cart_id="NULL")
    many(RequestItem, RequestItem.objects.filter(request=request).earliest("pk").pk,
         request_id=ident, entitlement_id=ident)  # fmt: skip
    many(AuditEvent, AuditEvent.objects.filter(site_id=site.pk).latest("pk").pk)
    many(Notice, Notice.objects.filter(organization=firm).latest("pk").pk, key=name)
    many(GatewayEvent, int(paying.keys["webhook"][0]), event_id=name)
    many(UserSession, UserSession.objects.filter(membership__organization=firm).earliest("pk").pk, session_key=name)
    many(
        ApiToken,
        ApiToken.objects.filter(membership__organization=firm).earliest("pk").pk,
        digest=name,
        membership_id=ident,
    )
    if paying.keys["price_list"] and count < 30_000:  # their numbers are small
        many(PriceList, int(paying.keys["price_list"][0]), number=f"{ident} % 30000")
    if (manager := ManagerAssignment.objects.filter(site=site).first()) is not None:
        multiply(Target, manager.target_id, count, first=PEOPLE + first, site_id=f"{ident} - {PEOPLE}")
        many(ManagerAssignment, manager.pk, site_id=ident, target_id=f"{PEOPLE} + {ident}")
    if (technician := TechnicianAssignment.objects.filter(site=site).first()) is not None:
        many(TechnicianAssignment, technician.pk, site_id=ident)
