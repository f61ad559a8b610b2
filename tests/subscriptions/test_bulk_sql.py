"""Applying a paid order to all its lines at once: the same as one by one, with as many statements for many as for few (R46, R49)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from communities import catalogue
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.gateways.base import Remote, RemoteState
from subscriptions import bulk_sql, periods
from subscriptions.actions import fulfilment, settlement
from subscriptions.errors import ItemHeld
from subscriptions.models import Order, OrderLine, ServicePeriod
from subscriptions.models.terms import columns_of
from subscriptions.periods import Cycles, Months, Term
from tests.frozen import unfrozen
from tests.people import NOW, People
from tests.subscriptions.lookups import payment_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
JANUARY_31 = datetime.fromisoformat("2026-01-31T08:00:00+00:00")
# (paid to, what months are counted from): never, running, at the end of a month that was too short, in grace, lapsed, this very instant
STANDS: list[tuple[datetime | None, datetime | None]] = [
    (None, None),
    (NOW + 12 * DAY, None),
    (NOW + timedelta(days=12, microseconds=123456), None),
    (datetime.fromisoformat("2027-02-28T08:00:00+00:00"), JANUARY_31),
    (NOW - 3 * DAY, None),
    (NOW - 3 * DAY, NOW - 34 * DAY),
    (NOW - 40 * DAY, JANUARY_31),
    (NOW, None),
]
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
Paid = Callable[..., Order]
Columns = tuple[object, ...]
FIELDS = ("expires_at", "works_until", "anchor_at", "paid_variant", "reserved_by", "last_charged_at")


@pytest.fixture
def paid(people: People, make_site, make_apartment, fill_cart, place) -> Callable[..., Order]:
    """An order over sites in several zones, whose items stand differently."""

    def make(name: str, *, sites: int, apartments: int, stands=STANDS, zones=ZONES) -> Order:
        items: list[Entitlement] = []
        for at in range(sites):
            site: Site = make_site(f"{name} {at}", landline=True)
            Site.objects.filter(pk=site.pk).update(time_zone=zones[at % len(zones)])
            with transaction.atomic():
                for number in range(apartments):
                    make_apartment(site, f"1.{number}", landline=bool(number % 2))
            items += Entitlement.objects.filter(site=site).order_by("pk")
        order: Order = place(fill_cart(items=items))
        for item, (expires_at, anchor_at) in zip(items, (one for _ in items for one in stands), strict=False):
            works_until = catalogue.works_until(item.service_type, expires_at)
            Entitlement.objects.filter(pk=item.pk).update(
                expires_at=expires_at, works_until=works_until, anchor_at=anchor_at
            )
        return order

    return make


def one_by_one(order: Order, term: Term) -> dict[int, tuple[Columns, Columns]]:
    """What each item and its period should be, worked out for it alone."""
    found: dict[int, tuple[Columns, Columns]] = {}
    for line in order.lines.select_related("entitlement__site"):
        item = line.entitlement
        assert item is not None
        start, finish, anchor = periods.settled(
            term, item.expires_at, item.works_until, NOW, item.site.time_zone, item.anchor_at
        )
        works_until = catalogue.works_until(item.service_type, finish)
        variant = line.variant if start <= NOW else item.paid_variant
        found[item.pk] = (finish, works_until, anchor, variant, None, NOW), (line.pk, start, finish, anchor, False)
    return found


def as_it_is(order: Order) -> dict[int, tuple[Columns, Columns]]:
    items = {pk: tuple(rest) for pk, *rest in Entitlement.objects.filter(lines__order=order).values_list("pk", *FIELDS)}
    spans = ServicePeriod.objects.filter(line__order=order).values_list(
        "entitlement_id", "line_id", "starts_at", "ends_at", "anchor_at", "is_revoked"
    )
    return {pk: (items[pk], tuple(rest)) for pk, *rest in spans}


def apply(order: Order) -> int:
    """Fulfil it as the money does; how many statements that took."""
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        fulfilment.fulfil(settlement.lock_order(order.pk), now=NOW)
    return len(asked)


@pytest.mark.rule("R46", "R49")
@pytest.mark.parametrize("term", [Months(1), Months(4), Cycles(1)], ids=str)
def test_many_are_extended_as_each_alone_would_be(paid: Paid, term: Months | Cycles) -> None:
    order = paid("Harbour", sites=3, apartments=6)
    with unfrozen("subscriptions_orderline"):
        OrderLine.objects.filter(order=order).update(**columns_of(term))
    wanted = one_by_one(order, term)
    assert len(wanted) == order.line_count >= 3 * 6
    apply(order)
    assert as_it_is(order) == wanted


def test_as_many_statements_for_many_sites_lines_and_ends_as_for_one(paid: Paid, people: People) -> None:
    few = apply(paid("One", sites=1, apartments=1, stands=STANDS[:1]))
    many = [(NOW + (at % 50) * DAY, None) for at in range(200)]
    order = paid("Many", sites=4, apartments=12, stands=many)
    assert Entitlement.objects.filter(lines__order=order).values("expires_at").distinct().count() > 40
    assert few <= 13  # with a savepoint, which stands for the transaction, of which two
    assert apply(order) <= few + 2  # for what is paid for from a later period on, and for what is over


def settle(order: Order, monkeypatch: pytest.MonkeyPatch) -> int:
    """Settle its payment as if the gateway had told of the money; how many statements that took, without savepoints."""
    payment = payment_of(order)
    remote = Remote(
        ref="cs_1", payment_ref="pi_1", state=RemoteState.SUCCEEDED, amount_minor=order.total_minor, captured_minor=order.total_minor,
        currency=order.currency, reference=order.number, is_live_mode=payment.is_live_mode, request_key=payment.request_key,
    )  # fmt: skip
    monkeypatch.setattr(payment_actions, "look_up", lambda *_, **__: remote)
    with CaptureQueriesContext(connection) as asked:
        settlement.settle(payment.pk, now=NOW)
    return len([row for row in asked if "SAVEPOINT" not in row["sql"]])


def test_settling_takes_at_most_twenty_statements_with_everything_that_can_be(
    paid: Paid, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [(NOW + (at % 50 - 20) * DAY, None) for at in range(200)]
    order = paid("Many", sites=4, apartments=12, stands=many)
    for at, site in enumerate(Site.objects.order_by("pk")):
        if at % 2:
            Entitlement.objects.filter(site=site, service_type="premium").update(paid_variant="booking")
    assert 8 < settle(paid("One", sites=1, apartments=1, stands=STANDS[:1]), monkeypatch) <= 16
    assert settle(order, monkeypatch) <= 18  # and two where a PM App switches itself on
    order.refresh_from_db()
    assert order.state == "succeed"


@pytest.mark.parametrize("change", ["reserved_by", "gone"])
def test_an_item_that_the_order_has_not_any_more_stops_everything(paid: Paid, change: str) -> None:
    order = paid("Harbour", sites=1, apartments=3)
    item = Entitlement.objects.filter(lines__order=order).first()
    assert item is not None
    Entitlement.objects.filter(pk=item.pk).update(reserved_by=10**6 if change == "reserved_by" else None)
    before = list(Entitlement.objects.order_by("pk").values())
    with pytest.raises(ItemHeld):
        apply(order)
    assert list(Entitlement.objects.order_by("pk").values()) == before
    assert not ServicePeriod.objects.exists()


def test_an_item_that_moved_since_it_was_read_is_not_extended(paid: Paid, monkeypatch: pytest.MonkeyPatch) -> None:
    order = paid("Harbour", sites=1, apartments=3)
    real = bulk_sql.extensions

    def late(found, *, now):
        made = real(found, now=now)
        Entitlement.objects.filter(lines__order=order, expires_at=NOW).update(expires_at=NOW + DAY)
        Entitlement.objects.filter(lines__order=order, expires_at=None).update(expires_at=NOW + DAY)
        return made

    monkeypatch.setattr(bulk_sql, "extensions", late)
    with pytest.raises(ItemHeld, match="changed while it was applied"):
        apply(order)
    assert not ServicePeriod.objects.exists()


def test_a_base_is_sent_once_however_many_items_stand_there(paid: Paid) -> None:
    order = paid("Harbour", sites=2, apartments=8, zones=ZONES[:1])
    with transaction.atomic():
        held = bulk_sql.hold(order)
    found = [group.base for group in held]
    assert sum(group.count for group in held) == order.line_count
    assert len(found) == len(set(found)) < order.line_count
    stands = {(base.service_type, base.expires_at, base.anchor_at) for base in found}
    assert stands <= {(kind, *stand) for kind, stand in product(("app", "premium"), STANDS)}
