"""Placing many lines at once: each line is what it would be alone, with as many statements for many as for one (R40, R41, R48)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.typed.keys import search_key
from communities.models import Building, Entitlement, Site, Target
from payments.models import BillingProfile
from subscriptions import placing
from subscriptions.actions import carts, orders
from subscriptions.actions.opening import Purchase, open_order
from subscriptions.discounts import Amount, Discount, FreePeriods, Percent, Scope
from subscriptions.models import Cart, LineKind, Order, OrderLine, PriceList
from subscriptions.models.terms import columns_of
from subscriptions.periods import Months
from subscriptions.prices import PriceKey, PriceTable
from subscriptions.pricing import quote
from subscriptions.quotes import Item
from subscriptions.selections import Filter, alike
from subscriptions.taxes import UNTAXED, Buyer, Tax, TaxRule, TaxRules
from tests.guards.crowd import FIRST, multiply, written_at_once
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE

pytestmark = pytest.mark.django_db
TAXED = Tax(TaxRules((TaxRule("NO", 2500, frozenset({"app"})), TaxRule("NO", 1190))), Buyer("NO"))
ONLY_APP = Scope(service_types=frozenset({"app"}))
DEALS: list[Sequence[Discount]] = [
    (),
    (Percent(1250),),
    (FreePeriods(1, ONLY_APP), Percent(333), Amount(101, "USD")),
    (Amount(7, "USD", ONLY_APP), Percent(10_000)),
]


@pytest.fixture
def mixed(people: People, make_site, make_apartment) -> list[Site]:
    """Three sites in as many zones, with names that people write otherwise when they search; some items are paid to different days."""
    made = []
    for at, (name, zone) in enumerate((("A", "Europe/Berlin"), ("B", "Asia/Kolkata"), ("C", "America/New_York"))):
        site: Site = make_site(name, landline=True)
        Site.objects.filter(pk=site.pk).update(time_zone=zone)
        with transaction.atomic():
            for number in range(7):
                make_apartment(site, f"{at}.0{number}", landline=bool(number % 2), indoor_monitor=number != 3)
        made.append(site)
    with transaction.atomic():
        for item in Entitlement.objects.filter(site=made[1])[::3]:
            Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=item.pk % 2))
    return made


def table(price_list: PriceList, *, includes_tax: bool) -> PriceTable:
    amounts = {PriceKey("app", "monitor"): 151, PriceKey("app", "no_monitor"): 249, PriceKey("premium", "landline"): 61}
    return PriceTable(price_list.pk, "any", "USD", amounts, includes_tax=includes_tax)


def one_by_one(items: list[Item]) -> list[Item]:
    return [replace(item, key=key, keys=(), count=1) for item in items for key in item.keys]


@pytest.mark.rule("R41")
@pytest.mark.parametrize("deal", DEALS, ids=["nothing off", "a share", "all kinds", "everything off"])
@pytest.mark.parametrize(
    ("is_gross", "tax"), [(False, UNTAXED), (False, TAXED), (True, TAXED)], ids=["none", "net", "gross"]
)
def test_lines_that_are_written_together_are_those_of_each_item_alone(
    people: People, mixed: list[Site], price_list: PriceList, billing: None,
    deal: Sequence[Discount], is_gross: bool, tax: Tax,
) -> None:  # fmt: skip
    Building.objects.filter(site=mixed[2]).update(name="Zoë’s Müller-Haus")
    from communities.actions import targets

    for site in mixed:
        targets.relabel(site)
    prices = table(price_list, includes_tax=is_gross)
    items = alike(Entitlement.objects.filter(site__in=mixed).wanted())
    alone = quote(one_by_one(items), Months(2), NOW, prices, deal, tax)
    found = quote(items, Months(2), NOW, prices, deal, tax)
    assert found.fingerprint() == alone.fingerprint()
    order = open_order(
        people.dora.actor, found, Purchase(type=Order.Type.ACTIVATION, term=Months(2), payer=people.dora.firm,
        installer=people.ivan.firm, site_kind="community", billing=BillingProfile.objects.get(), terms_version="1",
        terms_accepted_at=NOW), now=NOW)  # fmt: skip
    written = list(OrderLine.objects.filter(order=order).order_by("pk"))
    assert [line.entitlement_id for line in written] == [line.item.key for line in alone.lines]
    targets_of = {item.pk: item for item in Entitlement.objects.select_related("target")}
    for line, plain in zip(written, alone.lines, strict=True):
        item = targets_of[int(plain.item.key)]
        names = (
            "unit_minor",
            "amount_minor",
            "discount_minor",
            "tax_minor",
            "included_tax_minor",
            "starts_at",
            "ends_at",
        )
        assert {name: getattr(line, name) for name in names} == {name: getattr(plain, name) for name in names}
        assert (line.kind, line.tax_rate_bp, line.tax_reason) == (
            LineKind.RENEWAL if item.expires_at else LineKind.ACTIVATION,
            plain.treatment.rate_bp,
            plain.treatment.reason or "",
        )
        assert (line.target_label, line.search_key) == (item.target.label, search_key(item.target.label))
        for name in (*placing.TENANTS, "service_type", "variant"):
            assert getattr(line, name) == getattr(item, name)
        assert {name: getattr(line, name) for name in columns_of(Months(2))} == columns_of(Months(2))
    assert set(Entitlement.objects.filter(site__in=mixed).wanted().values_list("reserved_by", flat=True)) == {order.pk}


def test_every_column_of_a_line_is_written() -> None:
    own = {"id", "order_id", "entitlement_id", *placing.TENANTS, "target_label", "search_key"}
    assert {field.attname for field in OrderLine._meta.concrete_fields} == own | set(placing.SHARED)


@pytest.mark.rule("R48")
def test_many_lines_are_placed_by_as_many_statements_as_one(
    people: People, make_site, make_apartment, fill_cart: Callable[..., Cart], billing: None
) -> None:
    counts = []
    for name, apartments in (("Warm", 1), ("One", 1), ("Many", 20)):
        site = make_site(name)
        with transaction.atomic():
            for number in range(apartments):
                make_apartment(site, f"1.{number}")
        chosen = Filter(people.ivan.firm.pk, "community", site_id=site.pk, service_type="app")
        cart = carts.fill_cart(
            people.dora.actor,
            installer_id=people.ivan.firm.pk,
            site_kind="community",
            months=1,
            now=NOW,
            matching=chosen,
        )
        with CaptureQueriesContext(
            connection,
        ) as asked:
            order = orders.place_order(
                people.dora.actor, cart_id=cart.pk, fingerprint=cart.selection.digest, terms_version="1", return_base=BASE, now=NOW,
            )  # fmt: skip
        assert order.line_count == order.lines.count() == apartments
        told = [query["sql"] for query in asked if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        counts.append(len(told))
    assert counts[1] == counts[2] <= 20, "\n".join(told)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="what is read is measured on PostgreSQL")
def test_an_order_reads_its_own_items_and_no_others(
    people: People, mixed: list[Site], price_list: PriceList, billing: None
) -> None:
    """From a JSON text PostgreSQL can't tell how many items there are: it read all of the installation for an order of one."""
    item = Entitlement.objects.filter(site=mixed[0]).wanted().earliest("pk")
    with written_at_once():
        multiply(Target, item.target_id, 20_000, first=FIRST)
        multiply(Entitlement, item.pk, 20_000, first=FIRST, target_id="{id}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE communities_entitlement, communities_target")
    plans = []

    def spy(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "AS MATERIALIZED" in sql:
            with connection.connection.cursor() as looking:
                looking.execute("EXPLAIN " + sql, params)
                plans.append("\n".join(line for (line,) in looking.fetchall()))
        return execute(sql, params, many, context)

    found = quote(
        alike(Entitlement.objects.filter(pk=item.pk)),
        Months(1),
        NOW,
        table(price_list, includes_tax=False),
        (),
        UNTAXED,
    )
    with connection.execute_wrapper(spy):
        open_order(
            people.dora.actor, found, Purchase(type=Order.Type.ACTIVATION, term=Months(1), payer=people.dora.firm,
            installer=people.ivan.firm, site_kind="community", billing=BillingProfile.objects.get(), terms_version="1",
            terms_accepted_at=NOW), now=NOW)  # fmt: skip
    assert len(plans) == 2
    assert not [
        plan for plan in plans if "Seq Scan on communities_entitlement" in plan or "on communities_target" not in plan
    ]
    assert not [plan for plan in plans if "Seq Scan on communities_target" in plan]
