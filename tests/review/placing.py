"""An order that renews by itself."""

from __future__ import annotations

from datetime import datetime

from subscriptions.actions import carts, orders
from subscriptions.models import Cart, Order
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE


def place_renewing(people: People, cart: Cart, *, renewals: int | None = None, now: datetime = NOW) -> Order:
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=cart.months, now=now)
    return orders.place_order(
        people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=now,
        auto_renew=True, renewals=renewals,
    )  # fmt: skip
