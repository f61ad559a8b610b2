"""What the tests of subscriptions may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest

from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.models import Payment
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import carts, orders, prices
from subscriptions.models import Cart, Order, PriceList
from tests.payments.fixtures import sandbox
from tests.people import NOW, SYSTEM, People, Person

__all__ = ["sandbox"]
BASE = "https://portal.example"


@pytest.fixture
def price_list(people: People) -> PriceList:
    """The default list in US dollars, valid since yesterday."""
    return prices.publish_price_list(
        SYSTEM, currency="USD", amounts=INVENTED_PRICES, valid_from=NOW - timedelta(days=1), now=NOW
    )


@pytest.fixture
def billing(people: People) -> None:
    """Dora's billing information."""
    payment_actions.save_billing(
        people.dora.actor,
        organization=people.dora.firm,
        now=NOW,
        company="Nordlys Distribution AS",
        email="accounts@nordlys.example",
        street="Storgata 8",
        postal_code="0155",
        city="Oslo",
        country="NO",
    )


@pytest.fixture
def fill_cart(people: People, price_list: PriceList) -> Callable[..., Cart]:
    """Put items of Ivan's sites into a cart as Dora: all that can be activated, or those given."""

    def fill(
        *, by: Person | None = None, items: Iterable[Entitlement] | None = None, months: int = 1, now: datetime = NOW
    ) -> Cart:
        actor = (by or people.dora).actor
        chosen = (
            items if items is not None else carts.activatable(actor, installer=people.ivan.firm, site_kind="community")
        )
        return carts.fill_cart(
            actor,
            installer_id=people.ivan.firm.pk,
            site_kind="community",
            entitlement_ids=[item.pk for item in chosen],
            months=months,
            now=now,
        )

    return fill


@pytest.fixture
def place(people: People, billing: None) -> Callable[..., Order]:
    """Place the order of a cart at the price it has now."""

    def place(cart: Cart, *, by: Person | None = None, now: datetime = NOW) -> Order:
        distributor = cart.installer.distributor
        assert distributor is not None
        shown = carts.priced(carts.contents(cart), distributor=distributor, months=cart.months, now=now)
        return orders.place_order(
            (by or people.dora).actor,
            cart_id=cart.pk,
            fingerprint=shown.fingerprint(),
            terms_version="1",
            return_base=BASE,
            now=now,
        )

    return place


@pytest.fixture
def harbour_view(make_site, make_apartment, people: People) -> Site:
    """A community with two apartments (one without monitor), booking and landline, and Petra with the PM App."""
    from communities.actions import assignments

    site: Site = make_site(booking=True, landline=True)
    make_apartment(site, "1.01")
    make_apartment(site, "1.02", indoor_monitor=False, landline=False)
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
    )
    return site


def entitlement(site: Site, service_type: ServiceType, number: str | None = None) -> Entitlement:
    """The entitlement of an apartment (by number) or of the only manager."""
    found = Entitlement.objects.filter(site=site, service_type=service_type)
    return found.get(target__number=number) if number else found.get()


def payment_of(order: Order) -> Payment:
    """The newest payment of an order."""
    return Payment.objects.filter(subject=order.number).latest("pk")
