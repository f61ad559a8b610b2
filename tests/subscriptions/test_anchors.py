"""An item keeps the day of the month it was first paid to: what is quoted, what is settled and what the books say agree about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from subscriptions import ledger, numbers
from subscriptions.actions import fulfilment, transitions
from subscriptions.models import Cart, Order, OrderLine, ServicePeriod
from subscriptions.models.terms import columns_of
from subscriptions.periods import Cycles, Months
from subscriptions.prices import PriceKey, PriceTable
from subscriptions.pricing import quote
from subscriptions.selections import alike
from tests.frozen import unfrozen
from tests.people import NOW
from tests.subscriptions.lookups import entitlement

LAST_OF_JANUARY = datetime(2027, 1, 31, 9, tzinfo=UTC)


@pytest.fixture
def app(harbour_view: Site) -> Entitlement:
    """The App of 1.01."""
    return entitlement(harbour_view, ServiceType.APP, "1.01")


@pytest.fixture
def pay(app: Entitlement, fill_cart: Callable[..., Cart], place: Callable[..., Order]) -> Callable[..., Entitlement]:
    """Pay the App for a term and settle it; what was quoted before has to come true."""
    first = place(fill_cart(items=[app]))
    waiting = [first]

    def pay(term: Months | Cycles, *, at: datetime | None = None) -> Entitlement:
        app.refresh_from_db()
        at = at or app.expires_at or LAST_OF_JANUARY.replace(month=1, day=1)
        rows = Entitlement.objects.filter(pk=app.pk)
        table = PriceTable(1, "any", "USD", {PriceKey("app", part): 150 for part in PriceKey("monitor", "no_monitor")})
        (quoted,) = quote(alike(rows), term, at, table).lines
        order = waiting.pop() if waiting else again(first)
        with unfrozen("subscriptions_orderline"):
            OrderLine.objects.filter(order=order).update(**columns_of(term))
        fulfilment.fulfil(Order.objects.select_related("payer").get(pk=order.pk), now=at)
        app.refresh_from_db()
        assert app.expires_at == quoted.ends_at
        return app

    return pay


def again(first: Order) -> Order:
    """Another order of the same item."""
    line = first.lines.get()
    copy = Order.objects.get(pk=first.pk)
    copy.pk, copy.number, copy.state, copy.closed_at = None, numbers.new(NOW), Order.State.PROCESSING, None
    copy._state.adding = True
    copy.save()
    row = OrderLine.objects.get(pk=line.pk)
    row.pk, row.order = None, copy
    row._state.adding = True
    row.save()
    transitions.reserve(copy)
    return copy


def end(app: Entitlement) -> str:
    assert app.expires_at is not None
    return f"{app.expires_at:%d %b}"


@pytest.mark.django_db
def test_four_renewals_of_one_month_end_where_one_of_four_ends(pay: Callable[..., Entitlement]) -> None:
    pay(Months(1), at=datetime(2026, 12, 31, 9, tzinfo=UTC))
    assert [end(pay(Months(1))) for _ in range(4)] == ["28 Feb", "31 Mar", "30 Apr", "31 May"]
    assert [period.anchor_at for period in ServicePeriod.objects.order_by("pk")] == [
        None, LAST_OF_JANUARY, None, datetime(2027, 3, 31, 8, tzinfo=UTC), None,
    ]  # fmt: skip


@pytest.mark.django_db
def test_one_renewal_of_four_months_ends_there_too(pay: Callable[..., Entitlement]) -> None:
    pay(Months(1), at=datetime(2026, 12, 31, 9, tzinfo=UTC))
    assert end(pay(Months(4))) == "31 May"


@pytest.mark.django_db
def test_thirty_days_begin_anew(pay: Callable[..., Entitlement]) -> None:
    assert end(pay(Months(1), at=LAST_OF_JANUARY)) == "28 Feb"
    assert end(pay(Cycles(1))) == "30 Mar"
    assert end(pay(Months(1))) == "30 Apr"
    assert end(pay(Months(1))) == "30 May"


@pytest.mark.rule("R46")
@pytest.mark.django_db
def test_in_grace_the_day_is_kept_and_after_it_begins_anew(pay: Callable[..., Entitlement]) -> None:
    app = pay(Months(1), at=LAST_OF_JANUARY)
    assert app.expires_at is not None
    assert end(pay(Months(1), at=app.expires_at + timedelta(days=3))) == "31 Mar"
    app = pay(Months(1))  # 30 Apr
    assert app.works_until is not None
    app = pay(Months(1), at=app.works_until + timedelta(days=1))  # paid on 8 May
    assert (end(app), app.anchor_at) == ("08 Jun", None)


@pytest.mark.django_db
def test_the_day_is_the_one_at_the_site(pay: Callable[..., Entitlement], app: Entitlement) -> None:
    Site.objects.filter(pk=app.site_id).update(time_zone="Pacific/Auckland")
    pay(Months(1), at=datetime(2026, 12, 30, 11, 30, tzinfo=UTC))  # the 31st there
    for day in ("28 Feb", "31 Mar", "30 Apr"):
        found = pay(Months(1))
        assert found.expires_at is not None
        assert f"{found.expires_at.astimezone(ZoneInfo('Pacific/Auckland')):%d %b}" == day


@pytest.mark.django_db
def test_the_books_agree_about_it_and_tell_when_somebody_changed_it(pay: Callable[..., Entitlement]) -> None:
    app = pay(Months(1), at=LAST_OF_JANUARY)
    pay(Months(1))
    app = pay(Months(1))
    assert app.anchor_at is not None
    about = [fault for fault in map(str, ledger.verify()) if fault.startswith("entitlement")]
    assert about == []
    for other in (None, LAST_OF_JANUARY):
        Entitlement.objects.filter(pk=app.pk).update(anchor_at=other)
        (line,) = [fault for fault in map(str, ledger.verify()) if fault.startswith("entitlement")]
        assert line == f"entitlement {app.pk}: anchor_at is {other}, its last period says {app.anchor_at}"


@pytest.mark.django_db
def test_what_a_revoked_period_goes_back_to_is_kept_with_the_period_before(pay: Callable[..., Entitlement]) -> None:
    pay(Months(1), at=LAST_OF_JANUARY)
    kept = pay(Months(1), at=None)
    before, last = ServicePeriod.objects.order_by("pk")
    last.is_revoked = True
    last.save(update_fields=["is_revoked"])
    Entitlement.objects.filter(pk=kept.pk).pay_until(before.ends_at, anchor_at=before.anchor_at)
    assert [fault for fault in map(str, ledger.verify()) if fault.startswith("entitlement")] == []
