"""Ten times the usual prices, a plan of which a part is not paid for, and how it is extended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import extending, prices
from subscriptions.models import Order, OrderLine, PriceList, ServicePeriod
from subscriptions.periods import Term
from tests.frozen import unfrozen
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, entitlement
from tests.subscriptions.upgrades.scenes import BOTH, DAY, Fill, Place, fresh, pay


@pytest.fixture
def price_list(people: People) -> PriceList:
    """Ten times the usual prices, so that a few days are worth a payment."""
    amounts = {key: 10 * amount for key, amount in INVENTED_PRICES.items()}
    return prices.publish_price_list(SYSTEM, currency="USD", amounts=amounts, valid_from=NOW - DAY, now=NOW)


@pytest.fixture
def plan(harbour_view: Site, fill_cart: Fill, place: Place) -> Entitlement:
    """A Premium Plan that is paid for a month with landline only; booking was switched on since. All else of the site is paid too."""
    order = place(fill_cart())
    pay(order, NOW)
    found = entitlement(harbour_view, ServiceType.PREMIUM, "1.01")
    line = order.lines.get(entitlement=found)
    assert line.variant == BOTH
    period = ServicePeriod.objects.get(line=line)
    # it was paid before booking was switched on: the line says so, and a line never changes
    with unfrozen("subscriptions_orderline"):
        OrderLine.objects.filter(pk=line.pk).update(variant="landline")
    with unfrozen("subscriptions_serviceperiod"):
        ServicePeriod.objects.filter(pk=period.pk).update(variant="landline")
    Entitlement.objects.filter(pk=found.pk).update(paid_variant="landline")
    return fresh(found)


@pytest.fixture
def extend(people: People, billing: None, price_list: object) -> Callable[..., Order]:
    """Order more for items, at the price it has."""

    def extend(*items: Entitlement, term: Term, now: datetime, upgrades: bool = True) -> Order:
        chosen = Entitlement.objects.filter(pk__in=[item.pk for item in items])
        shown = extending.priced(chosen, term, upgrades=upgrades, distributor=people.dora.firm, now=now)
        return extending.place_extension(
            people.dora.actor, installer_id=people.ivan.firm.pk, site_kind="community",
            entitlement_ids=[item.pk for item in items], term=term, upgrades=upgrades, fingerprint=shown.fingerprint(),
            terms_version="1", return_base=BASE, now=now,
        )  # fmt: skip

    return extend
