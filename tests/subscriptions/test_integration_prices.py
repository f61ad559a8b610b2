"""The price class of a site counts from its next order on (R26, R29)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from communities.actions import pms
from communities.models import Entitlement, PmsConnection, Site
from smartplus.demo import INVENTED_PRICES
from subscriptions import price_preview
from subscriptions.actions import carts, orders, prices
from subscriptions.errors import PriceChanged
from subscriptions.models import Cart, Order, OrderLine, PriceList
from subscriptions.periods import Months
from subscriptions.prices import PriceKey
from subscriptions.pricing import quote
from subscriptions.selections import alike
from subscriptions.tables import table_for
from tests.communities.connected import connected, sent, synced
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE


@pytest.fixture
def price_list(people: People) -> PriceList:
    """An App costs 1.50, and 1.20 at a site of the class Integration."""
    amounts = {**INVENTED_PRICES, PriceKey("app", "no_monitor", "community", "integration"): 120}
    amounts[PriceKey("app", "no_monitor")] = 150
    since = NOW - timedelta(days=1)
    return prices.publish_price_list(SYSTEM, currency="USD", amounts=amounts, valid_from=since, now=NOW)


def placed(people: People, cart: Cart) -> Order:
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=cart.months, now=NOW)
    return orders.place_order(
        people.dora.actor,
        cart_id=cart.pk,
        fingerprint=shown.fingerprint(),
        terms_version="1",
        return_base=BASE,
        now=NOW,
    )


def price_of(people: People, site: Site) -> int:
    items = alike(Entitlement.objects.filter(site=site, service_type="app"))
    return quote(items, Months(1), NOW, table_for(people.dora.firm, at=NOW)).total_minor


@pytest.mark.rule("R26")
@pytest.mark.rule("R29")
def test_the_next_order_has_the_price_of_the_class_and_an_older_one_keeps_its_own(
    people: People, billing, sandbox, make_site, make_apartment, fill_cart
) -> None:
    site = make_site(indoor_monitor=False)
    flat = make_apartment(site, indoor_monitor=False)
    apps = Entitlement.objects.filter(site=site, service_type="app")
    order = placed(people, fill_cart(items=apps))
    total = order.total_minor
    assert price_of(people, site) == 150
    token = connected(people, site)
    synced(token, sent("kim", flat))
    here = Site.objects.get(pk=site.pk)
    assert price_of(people, here) == 120
    table = table_for(people.dora.firm, at=NOW)
    assert price_preview.site_total_minor(here, table, as_of=NOW) == 120
    order.refresh_from_db()
    assert order.total_minor == total
    assert OrderLine.objects.get(order=order).price_class == "normal"
    orders.cancel_order(people.dora.actor, number=order.number, now=NOW)
    assert OrderLine.objects.get(order=placed(people, fill_cart(items=apps))).price_class == "integration"
    pms.revoke(people.ivan.actor, connection_id=PmsConnection.objects.get().pk, now=NOW)
    assert price_of(people, Site.objects.get(pk=site.pk)) == 150


def test_a_cart_that_was_shown_with_the_other_price_has_to_be_looked_at_again(
    people: People, billing, sandbox, make_site, make_apartment, fill_cart
) -> None:
    site = make_site(indoor_monitor=False)
    flat = make_apartment(site, indoor_monitor=False)
    cart = fill_cart(items=Entitlement.objects.filter(site=site, service_type="app"))
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=cart.months, now=NOW)
    synced(connected(people, site), sent("kim", flat))
    with pytest.raises(PriceChanged):
        orders.place_order(
            people.dora.actor,
            cart_id=cart.pk,
            fingerprint=shown.fingerprint(),
            terms_version="1",
            return_base=BASE,
            now=NOW,
        )
    assert not Order.objects.exists()
