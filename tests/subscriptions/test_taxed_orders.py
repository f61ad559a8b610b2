"""Orders freeze what their lines are taxed by; nothing is taxed until there are rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from communities.models import Site
from payments.models import BillingProfile, Payment
from smartplus.demo import INVENTED_PRICES
from subscriptions import ledger, price_preview, reports, tables, taxes
from subscriptions.actions import carts, orders, prices, renewals, settlement
from subscriptions.errors import PriceChanged
from subscriptions.models import AutoRenewal, Cart, Order, PriceList
from subscriptions.prices import PriceKey
from subscriptions.taxes import TaxRule, TaxRules
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People, Person
from tests.subscriptions.lookups import BASE, payment_of

MONTHLY = 150 + 90 + 250 + 30 + 500  # of Harbour View
RULES = TaxRules((TaxRule("NO", 1200, frozenset({"premium"})), TaxRule("NO", 2500), TaxRule("SE", 2500)))


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invented rates of tax; Dora is billed in Norway."""
    monkeypatch.setattr(taxes, "IN_FORCE", RULES)


def buy(people: People, cart: Cart, billing: BillingProfile | None, *, auto_renew: bool = False) -> Order:
    """Place the order at the price that was shown to who is billed so."""
    shown = carts.priced(
        carts.contents(cart), distributor=people.dora.firm, months=cart.months, now=NOW, billing=billing
    )
    return orders.place_order(
        people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW,
        auto_renew=auto_renew,
    )  # fmt: skip


def taxed(order: Order) -> dict[str, tuple[str, str, int, str, int, int]]:
    """What each line of an App or a Premium Plan in 1.01 says about tax."""
    return {
        line.service_type: (
            line.project_type,
            line.price_class,
            line.tax_rate_bp,
            line.tax_reason,
            line.tax_minor,
            line.included_tax_minor,
        )
        for line in order.lines.filter(target_label="Quay House 1.01")
    }


@pytest.mark.rule("R40")
@pytest.mark.rule("R41")
def test_tax_of_a_net_list_is_added_frozen_and_charged(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, rules: None
) -> None:
    order = buy(people, fill_cart(), BillingProfile.objects.get())
    # 25 % of 150 + 250 + 500 = 225: 37.5, 62.5, 125 → 38, 62, 125, or the other way; 12 % of 90 + 30 = 14.4, so 14: 10.5, 3.5
    assert (order.subtotal_minor, order.tax_minor, order.included_tax_minor) == (MONTHLY, 239, 0)
    assert order.total_minor == Payment.objects.get().amount_minor == MONTHLY + 239
    premium = taxed(order)["premium"]
    assert premium[:4] == ("community", "normal", 1200, "")
    assert premium[4] in {10, 11}
    assert sum(line.tax_minor for line in order.lines.filter(tax_rate_bp=2500)) == 225
    assert list(ledger.sums()) == []


@pytest.mark.rule("R41")
def test_a_gross_list_is_not_raised_and_says_what_it_contains(
    people: People,
    harbour_view: Site,
    price_list: PriceList,
    fill_cart: Callable[..., Cart],
    billing: None,
    rules: None,
) -> None:
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts=INVENTED_PRICES, valid_from=NOW, now=NOW, includes_tax=True
    )
    order = buy(people, fill_cart(), BillingProfile.objects.get())
    # in 900 are 900 × 25 / 125 = 180; in 120 are 120 × 12 / 112 = 12.86, so 13
    assert (order.total_minor, order.tax_minor, order.included_tax_minor) == (MONTHLY, 0, 193)
    assert taxed(order)["app"] == ("community", "normal", 2500, "", 0, 30)
    assert list(ledger.sums()) == []


def test_without_rules_nothing_is_taxed_and_the_line_says_why(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None
) -> None:
    order = buy(people, fill_cart(), None)
    assert (order.total_minor, order.tax_minor) == (MONTHLY, 0)
    assert taxed(order)["app"] == ("community", "normal", 0, "no_rule", 0, 0)


@pytest.mark.rule("R40")
def test_who_is_billed_in_another_country_than_was_shown_looks_again(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, rules: None
) -> None:
    cart = fill_cart()
    for shown_to in (None, BillingProfile(country="DE"), BillingProfile(country="SE")):
        with pytest.raises(PriceChanged):
            buy(people, cart, shown_to)
    assert not Order.objects.exists()


def test_what_renews_by_itself_is_taxed_too(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, rules: None, sandbox
) -> None:
    order = buy(people, fill_cart(), BillingProfile.objects.get(), auto_renew=True)
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    auto_renewal = AutoRenewal.objects.select_related("installer__distributor").get()
    due = auto_renewal.next_due_at
    assert due is not None
    taken = reports.renewed_by(people.dora.actor, [auto_renewal])
    assert reports.next_charges([auto_renewal], taken, now=NOW) == {auto_renewal.pk: MONTHLY + 239}
    sandbox.clock.freeze(due + timedelta(minutes=1))
    renewals.renew_due(now=due + timedelta(minutes=1))
    renewed = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (renewed.tax_minor, renewed.total_minor) == (239, MONTHLY + 239)
    assert payment_of(renewed).amount_minor == MONTHLY + 239


@pytest.mark.parametrize(("country", "amount"), [("NO", MONTHLY + 239), ("SE", MONTHLY + 255), ("DE", MONTHLY)])
def test_the_checkout_says_what_renewing_will_charge(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, rules: None,
    sign_in: Callable[[Person], Client], country: str, amount: int,
) -> None:  # fmt: skip
    BillingProfile.objects.update(country=country)
    cart = fill_cart(months=12)
    page = sign_in(people.dora).get(f"/subscription/carts/{cart.pk}/")
    assert page.context["each_cycle_minor"] == amount
    assert page.context["quote"].total_minor > amount


def test_a_site_costs_by_the_prices_of_its_project_type(people: People, harbour_view: Site) -> None:
    dear = {PriceKey("app", "monitor", "house"): 300, PriceKey("app", "no_monitor", "house"): 500}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=INVENTED_PRICES | dear, valid_from=NOW, now=NOW)
    table = tables.table_for(people.dora.firm, at=NOW)
    assert price_preview.site_total_minor(harbour_view, table, as_of=NOW) == MONTHLY
    Site.objects.update(kind="house")
    assert (
        price_preview.site_total_minor(Site.objects.get(), table, as_of=NOW) == 300 + 500 + 60
    )  # two Apps and a landline: a house books nothing and has no manager


@pytest.mark.parametrize(
    ("of_order", "constraint"),
    [
        ({"included_tax_minor": 10, "tax_minor": 10, "total_minor": MONTHLY + 10}, "order_net_or_gross"),
        ({"included_tax_minor": -10}, "order_net_or_gross"),
        ({"tax_minor": 10}, "order_adds_up"),
        ({"discount_minor": MONTHLY + 1, "total_minor": -1}, "order_adds_up"),
    ],
)
@pytest.mark.rule("R41")
def test_the_database_refuses_an_order_that_does_not_add_up(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, of_order: dict[str, int],
    constraint: str,
) -> None:  # fmt: skip
    order = buy(people, fill_cart(), None)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**of_order)


@pytest.mark.parametrize(
    ("of_line", "constraint"),
    [
        ({"tax_reason": ""}, "order_line_tax_or_reason"),
        ({"tax_minor": 1}, "order_line_tax_or_reason"),
        ({"tax_rate_bp": 2500}, "order_line_tax_or_reason"),
        ({"discount_minor": 10_000}, "order_line_not_negative"),
        ({"discount_minor": -1}, "order_line_not_negative"),
    ],
)
def test_the_database_refuses_a_line_without_rate_or_reason_and_one_that_gives_money(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, of_line: dict[str, object],
    constraint: str,
) -> None:  # fmt: skip
    line = buy(people, fill_cart(), None).lines.all()[0]
    line.pk = None
    for name, value in of_line.items():
        setattr(line, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        line.save(force_insert=True)
