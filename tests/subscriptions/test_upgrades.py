"""What was switched on in the middle of a paid period is paid for the rest of it: an Upgrade, which moves no expiry (R26, R28, R36, R52)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Notice
from communities import catalogue
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.gateways.base import Remote, RemoteState
from payments.models import PaymentMethod
from smartplus.demo import INVENTED_PRICES
from subscriptions import ledger, periods, reports, words
from subscriptions.actions import auto_renewals, extending, orders, prices, requests, settlement, transitions, variants
from subscriptions.errors import NotBillable, PriceChanged
from subscriptions.models import (
    Cart,
    LineKind,
    Order,
    OrderLine,
    PriceList,
    RenewalRequest,
    ServicePeriod,
    VariantChange,
)
from subscriptions.periods import Cycles, Months, Rest, Term, Until, days_between
from subscriptions.pricing import TooFarAhead
from tests.frozen import unfrozen
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.conftest import BASE, entitlement, payment_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SOON = NOW + 10 * DAY + timedelta(hours=3)
BOTH = "landline+booking"
Place = Callable[..., Order]
Fill = Callable[..., Cart]


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


def fresh(item: Entitlement) -> Entitlement:
    return Entitlement.objects.get(pk=item.pk)


def only(item: Entitlement):
    return Entitlement.objects.filter(pk=item.pk)


def pay(order: Order, now: datetime) -> Order:
    """The gateway tells of the money of an order."""
    if order.total_minor:
        payment = payment_of(order)
        remote = Remote(
            ref=f"cs_{payment.pk}", payment_ref=f"pi_{payment.pk}", state=RemoteState.SUCCEEDED, amount_minor=order.total_minor,
            captured_minor=order.total_minor, currency=order.currency, reference=order.number,
            is_live_mode=payment.is_live_mode, request_key=payment.request_key,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(payment_actions, "look_up", lambda *_, **__: remote)
            settlement.settle(payment.pk, now=now)
    return Order.objects.get(pk=order.pk)


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


def agree() -> None:
    assert [str(fault) for fault in ledger.verify()] == []


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


STANDS = [None, SOON + 3 * DAY, SOON + timedelta(days=20, microseconds=5), SOON - 2 * DAY, SOON - 60 * DAY]


@pytest.mark.rule("R46", "R49")
def test_upgrades_and_renewals_of_many_are_what_each_alone_would_be(
    people: People, make_site, make_apartment, fill_cart: Fill, place: Place, extend
) -> None:
    """A model of one item at a time against both engines' statements, in at most 20 of them."""
    for name, zone in product(("North", "South"), ("Europe/Berlin", "Asia/Kolkata")):
        site = make_site(f"{name} {zone}", landline=True, booking=True)
        Site.objects.filter(pk=site.pk).update(time_zone=zone)
        with transaction.atomic():
            for number in range(4):
                make_apartment(site, f"1.{number}")
    items = list(Entitlement.objects.filter(service_type="premium").order_by("pk"))
    pay(place(fill_cart(items=items)), NOW)
    stands = [one for one in STANDS if one is not None]
    for at, item in enumerate(items):
        paid = (BOTH, "landline", "booking")[at % 3]
        only(item).pay_until(stands[at % len(stands)], paid_variant=paid)
    chosen = Entitlement.objects.filter(pk__in=[item.pk for item in items])
    before = {item.pk: item for item in chosen.select_related("site")}
    order = extend(*items, term=Months(3), now=SOON)
    with CaptureQueriesContext(connection) as asked:
        order = pay(order, SOON)
    assert order.state == "succeed"
    assert len([row for row in asked if "SAVEPOINT" not in row["sql"]]) <= 20 + 2  # which `pay` asks before and after
    for item in chosen:
        was = before[item.pk]
        runs = was.expires_at is not None and was.expires_at > SOON
        start, finish, anchor = periods.settled(
            Months(3), was.expires_at, was.works_until, SOON, was.site.time_zone, was.anchor_at
        )
        wanted = (finish, catalogue.works_until("premium", finish), anchor, BOTH, None, None, SOON)
        assert wanted == (
            item.expires_at, item.works_until, item.anchor_at, item.paid_variant, item.variant_until, item.reserved_by,
            item.last_charged_at,
        )  # fmt: skip
        made = ServicePeriod.objects.filter(entitlement=item, line__order=order).order_by("is_upgrade")
        spans: list[tuple[datetime, datetime | None, bool]] = [(start, finish, False)]
        if runs and was.paid_variant != BOTH:
            spans.append((SOON, was.expires_at, True))
        assert [(row.starts_at, row.ends_at, row.is_upgrade) for row in made] == spans


def test_an_order_shows_what_an_upgrade_is_made_of(plan: Entitlement, extend) -> None:
    order = extend(plan, term=Rest(), now=SOON)
    (group,) = reports.gathered_lines(order, order.lines.all())
    assert group.why is not None
    assert group.why.formula == "20 days × US$3.00 ÷ 30"
    assert group.why.amount_minor == order.total_minor
    assert orders.gateway_label(order)


# --- terms that people choose -------------------------------------------------------------------------------------------


def test_what_is_paid_beyond_the_date_already_is_refused_before_it_is_paid(
    harbour_view: Site, plan: Entitlement, extend
) -> None:
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    pay(extend(app, term=Months(5), now=SOON), SOON)
    only(plan).update(variant="landline")
    assert plan.expires_at is not None
    term = Until((plan.expires_at + 20 * DAY).date())
    with pytest.raises(NotBillable, match="1 item can't be ordered"):
        extend(plan, app, term=term, now=SOON)
    assert pay(extend(plan, term=term, now=SOON), SOON).state == "succeed"


@pytest.mark.rule("R52")
@pytest.mark.parametrize("stands", [timedelta(days=20), timedelta(days=-60)], ids=["running", "lapsed"])
def test_late_money_for_a_term_to_a_date_brings_as_many_days_as_were_paid(
    plan: Entitlement, extend, stands: timedelta
) -> None:
    only(plan).update(variant="landline")
    ends = SOON + stands
    only(plan).pay_until(ends)
    day, late = (max(ends, SOON) + 60 * DAY).date(), SOON + 3 * DAY
    order = extend(plan, term=Until(day), now=SOON)
    assert order.lines.get().amount_minor == 2 * order.lines.get().unit_minor
    transitions.close(order, Order.State.TIMEOUT, now=SOON, actor=SYSTEM)
    if stands > timedelta():
        assert pay(extend(plan, term=Cycles(1), now=SOON), SOON).state == "succeed"
    before = max(late, fresh(plan).expires_at or late)
    assert pay(order, late).state == "succeed"
    assert fresh(plan).expires_at == before + 60 * DAY


@pytest.mark.rule("R40", "R52")
@pytest.mark.parametrize("waits", [timedelta(minutes=40), DAY], ids=["while it is paid", "a day later"])
def test_a_day_that_begins_before_it_is_paid_costs_no_day(
    harbour_view: Site, plan: Entitlement, extend, waits: timedelta
) -> None:
    Site.objects.filter(pk=harbour_view.pk).update(time_zone="UTC")
    only(plan).update(variant="landline")
    only(plan).pay_until(NOW - 60 * DAY)
    night = SOON.replace(hour=23, minute=40)
    day = (night + 20 * DAY).date()
    order = extend(plan, term=Until(day), now=night)
    assert pay(order, night + waits).state == "succeed"
    ends = fresh(plan).expires_at
    assert order.lines.get().ends_at == night + 20 * DAY
    assert ends == (night + 20 * DAY if waits < DAY else night + waits + 20 * DAY)
    agree()


@pytest.mark.rule("R45")
def test_cycles_reach_no_further_ahead_than_months(plan: Entitlement, extend) -> None:
    only(plan).update(variant="landline")
    with pytest.raises(TooFarAhead):
        extend(plan, term=Cycles(61), now=SOON)
    only(plan).pay_until(NOW - 60 * DAY)
    with pytest.raises(TooFarAhead):
        extend(plan, term=Cycles(61), now=SOON)
    for count in (0, -1):
        with pytest.raises(ValueError, match="no term"):
            Cycles(count)


@pytest.mark.rule("R26")
def test_what_is_paid_for_may_have_left_the_price_list(plan: Entitlement, extend) -> None:
    kept = {key: 10 * amount for key, amount in INVENTED_PRICES.items() if key.part != "landline"}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=kept, valid_from=NOW + DAY, now=NOW)
    order = extend(plan, term=Rest(), now=SOON)
    assert order.total_minor == 200
    assert pay(order, SOON).state == "succeed"


def test_a_period_that_began_unnoticed_is_not_upgraded_to_its_own_beginning(plan: Entitlement, extend) -> None:
    ends = plan.expires_at
    assert ends is not None
    pay(extend(plan, term=Months(1), now=SOON), SOON)
    ServicePeriod.objects.filter(entitlement=plan, is_upgrade=True).update(is_revoked=True)
    VariantChange.objects.create(entitlement=plan, at=ends, variant=BOTH)
    only(plan).update(paid_variant="landline", variant_until=ends)
    agree()
    now = ends + timedelta(seconds=30)
    order = extend(plan, term=Months(1), now=now)
    assert [line.kind for line in order.lines.all()] == ["renewal"]
    assert pay(order, now).state == "succeed"
    assert variants.turn_due(now=now) == 1
    assert fresh(plan).paid_variant == BOTH


def test_auto_renewals_are_locked_before_the_items_also_where_nothing_is_to_be_paid(plan: Entitlement, extend) -> None:
    free = dict.fromkeys(INVENTED_PRICES, 0)
    prices.publish_price_list(SYSTEM, currency="USD", amounts=free, valid_from=NOW + DAY, now=NOW)
    only(plan).update(variant="landline")
    with CaptureQueriesContext(connection) as asked:
        assert extend(plan, term=Months(1), now=SOON).state == "succeed"
    said = [row["sql"] for row in asked]
    tables = ('FROM "subscriptions_autorenewal"', 'UPDATE "communities_entitlement"')
    first = [next(at for at, sql in enumerate(said) if table in sql) for table in tables]
    assert first == sorted(first)


def test_what_one_order_upgrades_and_renews_is_agreed_on_once(people: People, plan: Entitlement, extend) -> None:
    order = pay(extend(plan, term=Cycles(1), now=SOON), SOON)
    assert order.line_count == 2
    card = PaymentMethod.objects.create(
        owner=people.dora.firm, gateway="stripe", gateway_customer="cus_1", gateway_ref="pm_1", brand="visa", last4="4242",
        exp_month=12, exp_year=2030, consent_text_version="1", consent_at=SOON, created_at=SOON,
    )  # fmt: skip
    with transaction.atomic():
        auto_renewal = auto_renewals.create_auto_renewal(settlement.lock_order(order.pk), card, now=SOON)
    assert auto_renewal is not None
    assert list(auto_renewal.items.values_list("entitlement_id", flat=True)) == [plan.pk]
    agree()


@pytest.mark.rule("R48")
@pytest.mark.parametrize("term", [Rest(), Months(2), Cycles(3), Until((NOW + 99 * DAY).date())])
def test_the_same_once_more_is_the_same_order(plan: Entitlement, extend, people: People, term: Term) -> None:
    shown = extending.priced(only(plan), term, upgrades=True, distributor=people.dora.firm, now=SOON).fingerprint()

    def again(now: datetime) -> Order:
        return extending.place_extension(
            people.dora.actor, installer_id=people.ivan.firm.pk, site_kind="community", entitlement_ids=[plan.pk],
            term=term, fingerprint=shown, terms_version="1", return_base=BASE, now=now,
        )  # fmt: skip

    first = again(SOON)
    assert again(SOON + timedelta(minutes=1)) == first
    pay(first, SOON)
    assert again(SOON + timedelta(minutes=2)) == first
    assert Order.objects.filter(type=first.type).count() == 1


@pytest.mark.rule("R48")
def test_what_was_given_up_can_be_ordered_again(plan: Entitlement, extend) -> None:
    first = extend(plan, term=Rest(), now=SOON)
    transitions.close(first, Order.State.TIMEOUT, now=SOON, actor=SYSTEM)
    second = extend(plan, term=Rest(), now=SOON)
    assert (second.fingerprint, second.pk == first.pk) == (first.fingerprint, False)
