"""What was switched on in the middle of a paid period is paid for the rest of it: an Upgrade, which moves no expiry (R26, R28, R36, R52)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Notice
from communities.models import Entitlement
from subscriptions import reports, words
from subscriptions.actions import extending, orders, requests, transitions, variants
from subscriptions.errors import NotBillable, PriceChanged
from subscriptions.models import LineKind, Order, OrderLine, RenewalRequest, ServicePeriod, VariantChange
from subscriptions.periods import Cycles, Months, Rest, days_between
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, payment_of
from tests.subscriptions.upgrades.scenes import BOTH, DAY, SOON, agree, fresh, only, pay

pytestmark = pytest.mark.django_db


@pytest.mark.rule("R26", "R28", "R36", "R49", "R52")
def test_an_upgrade_is_paid_by_the_day_to_the_expiry_and_moves_nothing_else(plan: Entitlement, extend) -> None:
    ends = plan.expires_at
    assert ends is not None and not plan.is_usable(SOON, "booking")
    order = extend(plan, term=Rest(), now=SOON)
    (line,) = order.lines.all()
    assert (order.type, line.kind, line.term, line.paid_variant, line.variant) == (
        "upgrade", "upgrade", Rest(), "landline", BOTH,
    )  # fmt: skip
    assert days_between(SOON, ends) == 20
    assert line.amount_minor == order.total_minor == 200
    assert words.of_term(order.term) == "the rest of the paid time"
    later = SOON + timedelta(hours=1)
    for _ in range(2):
        assert pay(order, later).state == "succeed"
    item = fresh(plan)
    assert (item.expires_at, item.works_until, item.anchor_at) == (plan.expires_at, plan.works_until, plan.anchor_at)
    assert (item.paid_variant, item.variant_until, item.reserved_by, item.last_charged_at) == (BOTH, None, None, later)
    assert item.is_usable(later, "booking")
    period = ServicePeriod.objects.get(line=line)
    assert (period.starts_at, period.ends_at, period.is_upgrade, period.variant) == (later, ends, True, BOTH)
    agree()


@pytest.mark.rule("R46")
def test_at_least_a_day_is_charged_and_none_in_grace(plan: Entitlement, extend, people: People) -> None:
    ends = plan.expires_at
    assert ends is not None

    def quoted(now: datetime) -> list[int]:
        shown = extending.priced(only(plan), Rest(), upgrades=True, distributor=people.dora.firm, now=now)
        return [line.amount_minor for line in shown.lines]

    assert quoted(ends - timedelta(seconds=1)) == [10]
    for now in (ends, ends + 3 * DAY):
        assert quoted(now) == []
        with pytest.raises(NotBillable):
            extend(plan, term=Rest(), now=now)


@pytest.mark.rule("R52")
@pytest.mark.parametrize("change", ["passed", "taken back", "upgraded by another"])
def test_what_can_not_be_applied_any_more_goes_under_review(plan: Entitlement, extend, change: str) -> None:
    order = extend(plan, term=Rest(), now=SOON)
    ends, now = plan.expires_at, SOON
    assert ends is not None
    if change == "passed":
        now = ends
    elif change == "taken back":
        only(plan).pay_until(ends - DAY)
    else:
        only(plan).update(paid_variant=BOTH)
    before = Entitlement.objects.filter(pk=plan.pk).values().get()
    for _ in range(2):
        order = pay(order, now)
    assert order.state == "review"
    assert [event.kind for event in order.events.all()] == ["created", "unapplied"]
    assert Notice.objects.filter(key__startswith=f"order-review:{order.pk}.unapplied").count() == 1
    assert payment_of(order).state == "succeeded"
    assert Entitlement.objects.filter(pk=plan.pk).values().get() == before
    assert not ServicePeriod.objects.filter(line__order=order).exists()


@pytest.mark.rule("R52", "R36")
def test_a_late_upgrade_is_honoured_to_its_quoted_end_and_what_was_paid_beyond_comes_back(
    plan: Entitlement, extend
) -> None:
    order = extend(plan, term=Rest(), now=SOON)
    transitions.close(order, Order.State.TIMEOUT, now=SOON, actor=SYSTEM)
    only(plan).update(variant="landline")
    ends = plan.expires_at
    assert ends is not None
    assert pay(extend(plan, term=Months(1), now=SOON), SOON).state == "succeed"
    only(plan).update(variant=BOTH)
    assert pay(order, SOON + DAY).state == "succeed"
    item = fresh(plan)
    assert (item.paid_variant, item.variant_until) == (BOTH, ends)
    agree()
    assert variants.turn_due(now=ends) == 1
    item = fresh(plan)
    assert (item.paid_variant, item.variant_until) == ("landline", None)
    assert item.expires_at is not None and item.expires_at > ends
    assert not item.is_usable(ends, "booking")


@pytest.mark.rule("R36")
def test_what_a_later_period_pays_for_already_is_not_paid_twice(plan: Entitlement, extend, people: People) -> None:
    ends = plan.expires_at
    assert ends is not None
    only(plan).update(variant="landline+booking+dynamic_qr")
    assert pay(extend(plan, term=Months(1), now=NOW + DAY, upgrades=True), NOW + DAY).state == "succeed"
    only(plan).update(paid_variant="landline")  # as if it had not been upgraded beside
    ServicePeriod.objects.filter(entitlement=plan, is_upgrade=True).update(is_revoked=True)
    VariantChange.objects.create(entitlement=plan, at=ends, variant="landline+booking+dynamic_qr")
    only(plan).update(variant_until=ends)
    agree()
    shown = extending.priced(only(plan), Rest(), upgrades=True, distributor=people.dora.firm, now=SOON)
    assert [line.ends_at for line in shown.lines] == [ends]
    assert pay(extend(plan, term=Rest(), now=SOON), SOON).state == "succeed"
    item = fresh(plan)
    assert (item.paid_variant, item.variant_until) == ("landline+booking+dynamic_qr", ends)
    agree()


@pytest.mark.rule("R27", "R36", "R46")
def test_a_renewal_with_more_upgrades_the_running_period_in_the_same_order(plan: Entitlement, extend) -> None:
    ends = plan.expires_at
    order = extend(plan, term=Months(2), now=SOON)
    assert order.type == "renewal"
    assert sorted(order.lines.values_list("kind", "term_kind", "term_count", "variant")) == [
        ("renewal", "months", 2, BOTH), ("upgrade", "rest", 0, BOTH),
    ]  # fmt: skip
    assert pay(order, SOON).state == "succeed"
    item = fresh(plan)
    assert item.expires_at is not None and ends is not None and item.expires_at > ends + 55 * DAY
    assert (item.paid_variant, item.variant_until, item.reserved_by) == (BOTH, None, None)
    assert not VariantChange.objects.exists()
    agree()


@pytest.mark.rule("R27")
def test_a_renewal_without_the_upgrade_goes_on_at_what_is_paid(plan: Entitlement, extend) -> None:
    order = extend(plan, term=Cycles(1), now=SOON, upgrades=False)
    assert list(order.lines.values_list("kind", "variant")) == [("renewal", "landline")]
    assert pay(order, SOON).state == "succeed"
    assert fresh(plan).paid_variant == "landline"
    assert not fresh(plan).is_usable(SOON, "booking")
    agree()


@pytest.mark.rule("R40")
def test_another_price_than_the_one_shown_is_refused(plan: Entitlement, people: People, billing: None) -> None:
    with pytest.raises(PriceChanged):
        extending.place_extension(
            people.dora.actor, installer_id=people.ivan.firm.pk, site_kind="community", entitlement_ids=[plan.pk],
            term=Rest(), fingerprint="another", terms_version="1", return_base=BASE, now=SOON,
        )  # fmt: skip
    assert fresh(plan).reserved_by is None


def test_whoever_may_not_pay_asks_for_the_upgrade_and_paying_it_answers(
    people: People, plan: Entitlement, extend
) -> None:
    asked = requests.request_upgrade(people.ivan.actor, site_kind="community", entitlement_ids=[plan.pk], now=SOON)
    assert (asked.kind, asked.months) == ("upgrade", 0)
    pay(extend(plan, term=Months(1), upgrades=False, now=SOON), SOON)
    asked.refresh_from_db()
    assert asked.state == RenewalRequest.State.OPEN  # time is not what was asked for
    pay(extend(plan, term=Rest(), now=SOON), SOON)
    asked.refresh_from_db()
    assert asked.state == RenewalRequest.State.DONE


def test_a_line_is_of_an_item_or_of_none_and_once_of_a_kind(plan: Entitlement, extend) -> None:
    line = extend(plan, term=Rest(), now=SOON).lines.get()
    for change in (
        {"kind": LineKind.CREDITS},
        {"entitlement_id": None, "kind": LineKind.UPGRADE},
        {"term_kind": "months", "term_count": 1},
        {"term_day": NOW.date()},
        {"kind": LineKind.RENEWAL},
        {},
    ):
        row = OrderLine.objects.get(pk=line.pk)
        row.pk, row._state.adding = None, True
        for name, value in change.items():
            setattr(row, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
    bare = dict.fromkeys(("entitlement_id", "site_id", "distributor_id", "installer_id", "starts_at", "ends_at"))
    empty = dict.fromkeys(("service_type", "variant", "term_kind", "paid_variant", "target_label"), "")
    row = OrderLine.objects.get(pk=line.pk)
    row.pk, row._state.adding = None, True
    for name, value in {**bare, **empty, "kind": LineKind.CREDITS}.items():
        setattr(row, name, value)
    row.save()


def test_an_order_shows_what_an_upgrade_is_made_of(plan: Entitlement, extend) -> None:
    order = extend(plan, term=Rest(), now=SOON)
    (group,) = reports.gathered_lines(order, order.lines.all())
    assert group.why is not None
    assert group.why.formula == "20 days × US$3.00 ÷ 30"
    assert group.why.amount_minor == order.total_minor
    assert orders.gateway_label(order)
