"""The one lock order: whoever waits for a site holds no payer, and nobody who names a payer waits behind a settlement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import Organization
from communities.models import Site
from payments.models import BillingProfile, Payment, State
from payments.sandbox import Sandbox
from subscriptions.actions import auto_renewals, carts, orders, settlement
from subscriptions.models import AutoRenewal, Cart, Order
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.review.placing import place_renewing
from tests.subscriptions.lookups import BASE

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock for everything"),
]


@contextmanager
def somebody_else() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Somebody else, on a connection of their own. Leave it after your transaction: they may be waiting for it."""

    def go(task: Callable[[], Any]) -> Any:
        try:
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield lambda task: pool.submit(go, task)


def wait_until_somebody_waits() -> None:
    """Until another session of this database waits for a lock."""
    for _try in range(100):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND NOT granted"
            )
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_a_checkout_that_waits_for_a_site_does_not_hold_its_payer(
    people: People,
    new_cart: Callable[..., Cart],
    place: Callable[..., Order],
    sandbox: Sandbox,
    sign_in: Callable[..., Client],
    time_machine_at_noon: None,
) -> None:
    cart = new_cart("Harbour View")
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
    billing = BillingProfile.objects.get()
    form = billing.snapshot() | {
        "version": 1, "street": "Storgata 9", "fingerprint": shown.fingerprint(), "terms": "on", "terms_version": "1", "gateway": "stripe",
    }  # fmt: skip
    dora = sign_in(people.dora)
    with somebody_else() as does:
        with transaction.atomic():
            list(Site.objects.select_for_update())  # as every settlement begins
            answer = does(lambda: dora.post(f"/subscription/carts/{cart.pk}/", form))
            wait_until_somebody_waits()
            Organization.objects.select_for_update(nowait=True, no_key=True).get(pk=people.dora.firm.pk)
        assert answer.result(timeout=20).status_code == 302
    assert Order.objects.count() == 1


def test_pay_can_be_pressed_while_another_order_of_the_payer_is_settled(
    people: People, new_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> None:
    settled, pressed = place(new_cart("Harbour View")), place(new_cart("Quayside"))
    Payment.objects.filter(subject=pressed.number).update(state=State.EXPIRED)  # so that a new one is begun
    with somebody_else() as does, transaction.atomic():
        settlement.lock_order(settled.pk)
        pay = partial(orders.start_payment, people.dora.actor, number=pressed.number, return_base=BASE, now=NOW)
        assert does(pay).result(timeout=10)


def test_an_auto_renewal_can_be_stopped_while_another_order_of_the_payer_is_settled(
    people: People,
    new_cart: Callable[..., Cart],
    place: Callable[..., Order],
    sandbox: Sandbox,
) -> None:
    order = place_renewing(people, new_cart("Harbour View"))
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle_order(order.number, now=NOW)
    auto_renewal, settled = AutoRenewal.objects.get(order=order), place(new_cart("Quayside"))
    with somebody_else() as does, transaction.atomic():
        settlement.lock_order(settled.pk)
        does(
            partial(auto_renewals.stop_auto_renewal, people.dora.actor, auto_renewal_id=auto_renewal.pk, now=NOW)
        ).result(timeout=10)
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == AutoRenewal.State.ENDED
