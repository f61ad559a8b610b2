"""Whether an item renews by itself is right whatever befalls its card in the instant in which an auto-renewal gets it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from communities.models import Entitlement, Mode
from payments import actions as payment_actions
from payments.gateways.base import Remote, RemoteState, SavedMethod
from payments.kinds import MethodKind
from payments.models import PaymentMethod
from smartplus import jobs
from subscriptions import ledger
from subscriptions.actions import cards, carts, fulfilment, modes, orders, settlement, transitions
from subscriptions.models import AutoRenewal, Cart, Order
from tests.lock_waits import alone, wait_for_waiting
from tests.people import NOW, People
from tests.permissions.locking import leaks, locks
from tests.subscriptions.lookups import BASE, payment_of

LATER = NOW + timedelta(minutes=1)
needs_two_writers = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")


def another_card(auto_renewal: AutoRenewal) -> PaymentMethod:
    card = PaymentMethod.objects.get(pk=auto_renewal.method_id)
    card.pk, card.gateway_ref, card.last4 = None, "pm_another", "4444"
    card._state.adding = True
    card.save()
    return card


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: Any, action: Callable[[], object]) -> list[threading.Thread]:
    """Have somebody else do a deed after `follow` has written, before this transaction commits: it ends, or waits for us."""
    follow = modes.refresh
    threads: list[threading.Thread] = []

    def and_then(ids: Any) -> int:
        found = follow(ids)
        if not threads:
            thread = threading.Thread(target=partial(alone, action))
            threads.append(thread)
            thread.start()
            thread.join(timeout=0.3)
            if thread.is_alive():
                wait_for_waiting(1)
        return found

    monkeypatch.setattr(module, "refresh", and_then)
    return threads


def refuse(card: PaymentMethod) -> None:
    """The bank refuses a card for good, and what it renews is followed."""
    PaymentMethod.objects.filter(pk=card.pk).update(failed_at=LATER, failed_reason="lost_card")
    modes.refresh_for_card(card.pk)


def assert_will_fail() -> None:
    assert set(Entitlement.objects.exclude(variant="").values_list("mode", flat=True)) == {Mode.FAIL}
    assert list(ledger.modes()) == []


@needs_two_writers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", ["refused", "removed"])
def test_a_card_that_ends_while_an_auto_renewal_gets_it_is_followed(
    people: People, agree: Callable[..., AutoRenewal], monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    auto_renewal = agree()
    card = another_card(auto_renewal)
    ends = partial(refuse, card)
    if action == "removed":
        ends = partial(cards.remove_card, people.dora.actor, method_id=card.pk, now=LATER)
    threads = meanwhile(monkeypatch, modes, ends)
    cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=card.pk, now=LATER)
    threads[0].join()
    assert_will_fail()


@pytest.fixture
def paid_with_known_card(
    people: People,
    agree: Callable[..., AutoRenewal],
    new_cart: Callable[..., Cart],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Order, PaymentMethod]:
    """An order that is to be renewed by itself, and that was paid with a card which renews something already."""
    card = agree().method
    cart = new_cart("Quay West")
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
    order = orders.place_order(
        people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW,
        auto_renew=True,
    )  # fmt: skip
    payment = payment_of(order)
    saved = SavedMethod(
        MethodKind(card.kind), ref=card.gateway_ref, customer=card.gateway_customer, brand=card.brand, last4=card.last4
    )
    remote = Remote(
        ref=f"cs_{payment.pk}", payment_ref=f"pi_{payment.pk}", state=RemoteState.SUCCEEDED, amount_minor=order.total_minor,
        captured_minor=order.total_minor, currency=order.currency, reference=order.number,
        is_live_mode=payment.is_live_mode, request_key=payment.request_key, method=saved,
    )  # fmt: skip
    monkeypatch.setattr(payment_actions, "look_up", lambda *_, **__: remote)
    return order, card


@needs_two_writers
@pytest.mark.django_db(transaction=True)
def test_a_known_card_that_ends_while_its_next_auto_renewal_is_made_is_followed(
    paid_with_known_card: tuple[Order, PaymentMethod], monkeypatch: pytest.MonkeyPatch
) -> None:
    order, card = paid_with_known_card
    threads = meanwhile(monkeypatch, modes, partial(refuse, card))
    settlement.settle(payment_of(order).pk, now=LATER)
    threads[0].join()
    assert AutoRenewal.objects.filter(method=card).count() == 2
    assert_will_fail()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
@pytest.mark.django_db
def test_late_money_locks_its_card_before_its_items(paid_with_known_card: tuple[Order, PaymentMethod]) -> None:
    order, card = paid_with_known_card
    with transaction.atomic():
        transitions.close(settlement.lock_order(order.pk), Order.State.TIMEOUT, now=LATER, actor=fulfilment.SETTLEMENT)
    with locks() as seen:
        settlement.settle(payment_of(order).pk, now=LATER)
    assert AutoRenewal.objects.filter(method=card).count() == 2
    assert [wrong for one in seen.transactions for wrong in leaks(one)] == []


@pytest.mark.django_db
def test_what_nobody_followed_is_found_by_the_job_however_late(agree: Callable[..., AutoRenewal]) -> None:
    auto_renewal = agree()
    PaymentMethod.objects.update(failed_at=NOW, failed_reason="lost_card")
    assert len(list(ledger.modes())) == auto_renewal.items.count()
    jobs.run("expiry_days", now=NOW + timedelta(days=2))
    assert_will_fail()
