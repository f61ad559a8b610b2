"""Several true processes that renew at once: one charge, one period, exactly thirty days for each item and cycle (R42)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Organization
from communities.models import Entitlement
from payments import actions as payment_actions
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions.actions import carts, orders, settlement
from subscriptions.models import AutoRenewal, Cart, Order, ServicePeriod
from tests.flows.ledger import assert_ledger_agrees
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.subscriptions.lookups import BASE, payment_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tenants_stay_apart")]
ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 3
EXPIRY = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
DUE = EXPIRY - timedelta(days=3)


@pytest.fixture
def agree(
    people: People, new_cart: Callable[..., Cart], fill_cart: Callable[..., Cart], sandbox: Sandbox
) -> Callable[..., AutoRenewal]:
    """Somebody pays everything of a fresh community of Ivan, with Auto Renew."""

    def agree(payer: Person, name: str, card: str = "works") -> AutoRenewal:
        payment_actions.save_billing(
            payer.actor, organization=payer.firm, now=NOW, version=None, company=payer.firm.name, email=payer.email,
            street="Kaistraße 1", postal_code="20457", city="Hamburg", country="DE",
        )  # fmt: skip
        cart = fill_cart(by=payer, items=carts.contents(new_cart(name)))
        shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
        order = orders.place_order(
            payer.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW,
            auto_renew=True,
        )  # fmt: skip
        press(orders.start_payment(payer.actor, number=order.number, return_base=BASE, now=NOW), "approve", card=card)
        settlement.settle(payment_of(order).pk, now=NOW)
        return AutoRenewal.objects.get(order=order)

    return agree


def tick_at_once(sandbox: Sandbox, now: datetime) -> None:
    """`manage.py tick --now …` in several processes on this run's database, all waiting at the same line."""
    sandbox.clock.freeze(now)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.flows.this_database",
        "SMARTPLUS_TEST_VAR": os.environ["SMARTPLUS_VAR"],
        "AUDIT_HEADS": str(settings.AUDIT_HEADS),
        "SMARTPLUS_TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "STRIPE_API_BASE": str(settings.STRIPE_API_BASE),
    }
    start = "import sys; sys.stdin.readline(); from django.core.management import execute_from_command_line as go; go(sys.argv)"
    warm = "import django; django.setup(); import smartplus.jobs, stripe, requests; print('ready', flush=True); "
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", warm + start, "tick", "--now", now.isoformat()],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        out, problems = process.communicate(timeout=120)
        assert process.returncode == 0, out + problems


def charges(sandbox: Sandbox, order: Order) -> dict[str, int]:
    """What the gateway says that it took for an order."""
    found: dict[str, int] = sandbox.state()["moved"].get(order.number, {"amount": 0, "charges": 0})
    return found


@pytest.mark.rule("R42")
def test_several_processes_at_once_charge_each_payer_once_and_extend_each_item_once(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=True)
    payers = [people.dora, people.ivan, people.dora]
    made = [agree(payer, f"Harbour {number}") for number, payer in enumerate(payers)]
    items = Entitlement.objects.exclude(expires_at=None)
    assert set(items.values_list("expires_at", flat=True)) == {EXPIRY}
    for cycle in (1, 2):
        at = DUE + timedelta(days=30 * (cycle - 1))
        tick_at_once(sandbox, at)
        if cycle == 1:
            tick_at_once(sandbox, at + timedelta(minutes=1))
        until = EXPIRY + timedelta(days=30 * cycle)
        assert set(items.values_list("expires_at", flat=True)) == {until}
        renewals = Order.objects.filter(type=Order.Type.AUTO_RENEWAL, created_at__gte=at)
        assert {order.state for order in renewals} == {"succeed"}
        assert sum(order.line_count for order in renewals) == items.count() == 9
        for order in renewals:
            assert charges(sandbox, order) == {"amount": order.total_minor, "charges": 1}
            assert Payment.objects.filter(subject=order.number).count() == 1
        periods = ServicePeriod.objects.filter(starts_at=until - timedelta(days=30), ends_at=until)
        assert periods.count() == periods.values("entitlement").distinct().count() == 9
        for auto_renewal in made:
            auto_renewal.refresh_from_db()
            assert (auto_renewal.state, auto_renewal.next_due_at, auto_renewal.claimed_until) == (
                "active", until - timedelta(days=3), None,
            )  # fmt: skip
    assert_ledger_agrees(sandbox)


@pytest.mark.rule("R42")
@pytest.mark.rule("R44")
def test_several_processes_at_once_try_a_failing_card_once_for_each_rung(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(people.dora, "Harbour", card="no-funds-later")
    for tries, days in enumerate((3, 2), start=1):
        tick_at_once(sandbox, EXPIRY - timedelta(days=days))
        order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
        auto_renewal.refresh_from_db()
        assert Payment.objects.filter(subject=order.number).count() == auto_renewal.tries == tries
        assert (order.state, order.next_try_at) == ("processing", EXPIRY - timedelta(days=days - 1))
        declined = [row for row in sandbox.state()["intents"] if row["metadata"].get("reference") == order.number]
        assert len(declined) == tries
