"""`verify_ledger` looks at the whole: whatever is written to the books by hand is named."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions import ledger
from subscriptions.actions import fulfilment, orders, settlement
from subscriptions.models import Cart, Order, OrderLine, ServicePeriod
from tests.factories import monitors
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.attacker import attacker
from tests.subscriptions.lookups import BASE, entitlement, payment_of


def found() -> list[str]:
    """What the books say."""
    return [str(fault) for fault in ledger.verify()]


@pytest.fixture
def paid(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> Order:
    """An order of 1.01 that was paid at the gateway."""
    chosen = Entitlement.objects.filter(target__number="1.01")
    order = place(fill_cart(items=chosen))
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    return Order.objects.get(pk=order.pk, state=Order.State.SUCCEED)


@pytest.fixture
def unpaid(paid: Order, fill_cart: Callable[..., Cart], place: Callable[..., Order]) -> Order:
    """An order of the rest that waits for its money."""
    return place(fill_cart())


def test_books_that_agree_have_no_fault(paid: Order, unpaid: Order) -> None:
    assert found() == []


def test_an_expiry_set_by_hand_is_named(paid: Order, unpaid: Order, settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_HEADS = tmp_path / "heads.jsonl"
    monitors(Site.objects.get())
    app = entitlement(Site.objects.get(), ServiceType.APP, "1.01")
    until = app.expires_at
    Entitlement.objects.filter(pk=app.pk).pay_until(datetime(2099, 1, 1, tzinfo=UTC))
    line = f"entitlement {app.pk}: expires_at is 2099-01-01 00:00:00+00:00, its periods end at {until}"
    assert found() == [line]
    problems = io.StringIO()
    with pytest.raises(CommandError, match=r"the ledger does not hold in 1 place$"):
        call_command("verify_ledger", seal=True, stdout=io.StringIO(), stderr=problems)
    assert problems.getvalue().splitlines() == [line]


def never_paid(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).pay_until(NOW + timedelta(days=30))


def works_longer(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(works_until=NOW + timedelta(days=400))


def works_no_more(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(works_until=None)


def works_unpaid(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(works_until=NOW)


def gone(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(expires_at=None, works_until=None)


def paid_for_more(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order, service_type="premium").update(paid_variant="everything")


def price_raised(order: Order) -> None:
    OrderLine.objects.filter(order=order).update(amount_minor=1)


def one_line_more(order: Order) -> None:
    line = order.lines.latest("pk")
    line.pk, line.amount_minor = None, 0
    line.entitlement = Entitlement.objects.exclude(lines__order=order).first()
    line.save()


def never_charged(order: Order) -> None:
    Payment.objects.filter(subject=order.number).update(state="expired", captured_minor=0)


def charged_less(order: Order) -> None:
    Payment.objects.filter(subject=order.number).update(captured_minor=order.total_minor - 1)


def forgotten_money(order: Order) -> None:
    Payment.objects.filter(subject=order.number).update(state="succeeded", captured_minor=order.total_minor)


def payment_for_nothing(order: Order) -> None:
    Payment.objects.filter(subject=order.number).update(subject="SP-000000-NOTHING")


def declared_paid(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(state="succeed", total_minor=0, subtotal_minor=0, closed_at=NOW)


def longer(order: Order) -> None:
    ServicePeriod.objects.filter(line__order=order).update(ends_at=NOW + timedelta(days=40))


def shorter(order: Order) -> None:
    ServicePeriod.objects.filter(line__order=order).update(ends_at=NOW + timedelta(days=20))


def called_an_upgrade(order: Order) -> None:
    ServicePeriod.objects.filter(line__order=order).update(is_upgrade=True)


def without_periods(order: Order) -> None:
    ServicePeriod.objects.filter(line__order=order)._raw_delete("default")


def other_item(order: Order) -> None:
    period = ServicePeriod.objects.filter(line__order=order).latest("pk")
    other = Entitlement.objects.exclude(lines__order=order).first()
    ServicePeriod.objects.filter(pk=period.pk).update(entitlement=other)


def given_away(order: Order) -> None:
    line = order.lines.latest("pk")
    ServicePeriod.objects.create(
        entitlement_id=line.entitlement_id or 0,
        line=line,
        variant=line.variant,
        starts_at=NOW,
        ends_at=NOW + timedelta(days=30),
    )


def unreserved(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(reserved_by=None)


def reserved_for_no_order(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(reserved_by=10**6)


def reserved_by_paid_order(order: Order) -> None:
    Entitlement.objects.filter(lines__order=order).update(reserved_by=order.pk)


@pytest.mark.parametrize(
    ("which", "action", "words"),
    [
        ("unpaid", never_paid, "its periods end at None"),
        ("paid", gone, "expires_at is None"),
        ("paid", works_longer, "with its grace it should until"),
        ("paid", works_no_more, "works until None, with its grace it should until"),
        ("unpaid", works_unpaid, "with its grace it should until None"),
        ("paid", paid_for_more, "paid_variant is 'everything', its last period paid 'landline+booking'"),
        ("paid", price_raised, "its 2 lines are 2 − 0 + 0"),
        ("paid", one_line_more, "its 3 lines are"),
        ("paid", never_charged, "0 payments brought 0"),
        ("paid", charged_less, "1 payments brought"),
        ("unpaid", forgotten_money, "there is no such paid order"),
        ("paid", payment_for_nothing, "there is no such paid order SP-000000-NOTHING"),
        ("unpaid", declared_paid, "the audit does not know of it"),
        ("unpaid", declared_paid, "of the paid order"),
        ("paid", longer, "bought less"),
        ("paid", shorter, "bought more"),
        ("paid", called_an_upgrade, "is no upgrade to"),
        ("paid", without_periods, "has no period"),
        ("paid", other_item, "of another one"),
        ("unpaid", given_away, "did not succeed"),
        ("unpaid", unreserved, "is not reserved by it"),
        ("unpaid", reserved_for_no_order, "is reserved by order 1000000, which is no open order of it"),
        ("paid", reserved_by_paid_order, "which is no open order of it"),
    ],
)
def test_whatever_is_written_by_hand_is_named(
    paid: Order, unpaid: Order, which: str, action: Callable[[Order], None], words: str
) -> None:
    with attacker():
        action({"paid": paid, "unpaid": unpaid}[which])
        assert any(words in line for line in found()), found()
    assert found() == []


def test_what_the_operator_judged_may_have_brought_another_amount(people: People, paid: Order) -> None:
    charged_less(paid)
    assert len(found()) == 1
    paid.events.create(at=NOW, kind="assessed")
    assert found() == []


def test_a_revoked_period_does_not_count(paid: Order) -> None:
    app = entitlement(Site.objects.get(), ServiceType.APP, "1.01")
    ServicePeriod.objects.filter(entitlement=app).update(is_revoked=True)
    assert [line.split(":")[0] for line in found()] == [f"entitlement {app.pk}"]
    Entitlement.objects.filter(pk=app.pk).update(expires_at=None, works_until=None)
    assert found() == []


def test_it_makes_the_same_statements_for_more_rows(
    paid: Order, people: People, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    with CaptureQueriesContext(connection) as few:
        assert found() == []
    fulfilment.fulfil(place(fill_cart()), now=NOW)
    with CaptureQueriesContext(connection) as more:
        assert len(found()) == 1  # nothing was charged for it
    assert len(more) == len(few)
    assert AuditEvent.objects.filter(action="order.succeeded").count() == 2
