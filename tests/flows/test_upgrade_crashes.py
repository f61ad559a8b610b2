"""Orders with upgrades, the process killed at every point of their journey: what runs is paid for more once, and no expiry moves by it (R52)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from communities.models import Entitlement, Site
from payments.models import BillingProfile
from payments.sandbox import Sandbox
from smartplus.demo import INVENTED_PRICES
from subscriptions import ledger
from subscriptions.actions import extending, orders, prices, scheduled, settlement, transitions
from subscriptions.actions.opening import Purchase, open_order
from subscriptions.models import Cart, LineKind, Order, PriceList, ServicePeriod
from subscriptions.periods import Months, Rest, Term, days_between
from subscriptions.pricing import quote
from subscriptions.quotes import Quote
from subscriptions.selections import alike
from subscriptions.tables import table_for
from subscriptions.taxes import tax_for
from tests.flows import crash_points
from tests.flows.crashing import LATER, SOON, World, at_point, deliver
from tests.flows.ledger import assert_ledger_agrees
from tests.flows.webhook_queue import SignedMessage, WebhookQueue
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, payment_of

pytestmark = [
    pytest.mark.crash,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("tenants_stay_apart", "no_job_breaks"),
]
BOTH = "landline+booking"
DAYS = timedelta(days=10, hours=3)  # after the activation, which was for a month


@pytest.fixture
def price_list(people: People) -> PriceList:
    """Ten times the usual prices, so that a few days are worth a payment."""
    amounts = {key: 10 * amount for key, amount in INVENTED_PRICES.items()}
    return prices.publish_price_list(SYSTEM, currency="USD", amounts=amounts, valid_from=NOW - DAYS, now=NOW)


@dataclass
class Scenario:
    """What Dora orders at one site: the items, and the order's line for each. `shown` is the fingerprint of the page that she looked at."""

    site: Site
    at: datetime
    items: list[Entitlement]
    kinds: list[str]
    ends: dict[int, datetime | None] = field(default_factory=dict)
    shown: str = ""

    @property
    def plan(self) -> Entitlement:
        """The Premium Plan that is paid for booking only, as it stands."""
        return Entitlement.objects.get(site=self.site, service_type="premium", target__number="1.01")


class Upgrades(World):
    """The same people, with a community that is paid, and landline switched on since."""

    make_apartment: Callable[..., object]

    def of(self, kinds: str, number: int) -> Scenario:
        """A fresh community, activated and paid on the true journey, and what is to be ordered ten days later."""
        cart, at = self.begin(number)
        order = self.submit(cart, at)
        press(self.pay_page(order.number, at), "approve")
        for message in self.webhooks.take(at=at):
            deliver(message, at)
        scheduled.process_events(now=at)
        site = Site.objects.get(entitlements__in=order.lines.values("entitlement_id")[:1])
        plan = Entitlement.objects.filter(site=site, service_type="premium")
        assert plan.update(variant=BOTH) == 1
        at += DAYS
        self.it_is(at)
        items = list(plan)
        if kinds == "upgrade, renewal":
            items.append(Entitlement.objects.get(site=site, service_type="app"))
        if kinds == "activation, upgrade":
            with transaction.atomic():
                self.make_apartment(site, "1.02")
            items += Entitlement.objects.filter(site=site, expires_at=None).order_by("pk")
        timeline = Scenario(site, at, items, sorted(kinds.split(", ")), {item.pk: item.expires_at for item in items})
        timeline.shown = self.quoted(timeline, at).fingerprint()
        return timeline

    def quoted(self, timeline: Scenario, now: datetime) -> Quote:
        """What she is shown."""
        chosen = Entitlement.objects.filter(pk__in=[item.pk for item in timeline.items])
        if "activation" not in timeline.kinds:
            return extending.priced(
                chosen, term_of(timeline), upgrades=True, distributor=self.people.dora.firm, now=now
            )
        upgraded = extending.items_of(chosen.exclude(expires_at=None), Rest(), upgrades=True, now=now)
        new = [replace(item, term=Months(1)) for item in alike(chosen.filter(expires_at=None))]
        table = table_for(self.people.dora.firm, at=now)
        return quote([*upgraded, *new], Months(1), now, table, (), tax_for(BillingProfile.objects.get()))

    def order(self, timeline: Scenario, now: datetime) -> Order:
        """Press Pay, once or again; what activates and upgrades at once has no action yet, and is opened here as any other is."""
        if "activation" not in timeline.kinds:
            return extending.place_extension(
                self.people.dora.actor, installer_id=self.people.ivan.firm.pk, site_kind="community",
                entitlement_ids=[item.pk for item in timeline.items], term=term_of(timeline), fingerprint=timeline.shown,
                terms_version="1", return_base=BASE, now=now,
            )  # fmt: skip
        with transaction.atomic():
            list(Site.objects.filter(pk=timeline.site.pk).select_for_update(no_key=True))
            placed = Order.objects.filter(lines__entitlement=timeline.items[0], fingerprint=timeline.shown).first()
            if placed is not None:
                return placed
            billing = BillingProfile.objects.get()
            order = open_order(
                self.people.dora.actor, self.quoted(timeline, timeline.at), Purchase(type=Order.Type.ACTIVATION, term=Months(1),
                payer=self.people.dora.firm, installer=self.people.ivan.firm, site_kind="community", billing=billing,
                terms_version="1", terms_accepted_at=now), now=now)  # fmt: skip
            orders.begin_payment(order, billing.email, gateway="stripe", return_base=BASE, now=now)
            return order

    def walked(self, timeline: Scenario) -> crash_points.Journey:
        """From the order to paid time."""

        def walk(crash_points: Any) -> None:
            crash_points.phase = "place"
            order = self.order(timeline, timeline.at)
            crash_points.phase = "start"
            url = self.pay_page(order.number, timeline.at)
            crash_points.phase = "approve"
            press(url, "approve")
            crash_points.phase = "hear"
            for message in crash_points.ask():
                deliver(message, timeline.at)
            crash_points.phase = "settle"
            scheduled.process_events(now=timeline.at)

        return walk

    def return_to(self, timeline: Scenario, now: datetime) -> None:
        """Dora looks what became of it: presses Pay again, and pays if it still waits."""
        self.it_is(now)
        order = self.order(timeline, timeline.at)
        if order.state == Order.State.PROCESSING and (url := self.pay_page(order.number, now)):
            press(url, "approve")


def term_of(timeline: Scenario) -> Term:
    return Months(2) if "renewal" in timeline.kinds else Rest()


def ends_of(points: list[str]) -> list[int]:
    """The points around the end of each transaction and each call, by number."""
    return [index for index, label in enumerate(points) if label.endswith("COMMIT") or "/" in label]


@pytest.fixture
def world(
    people: People,
    billing: None,
    sandbox: Sandbox,
    webhooks: WebhookQueue,
    new_cart: Callable[..., Cart],
    make_apartment: Callable[..., object],
) -> Upgrades:
    found = Upgrades(people, sandbox, webhooks, new_cart)
    found.make_apartment = make_apartment
    return found


def assert_had_once(world: Upgrades, timeline: Scenario) -> None:
    """One order took its total once; the plan is paid for more, each item is paid as long as was bought, and all are free."""
    (order,) = Order.objects.filter(lines__entitlement=timeline.plan, created_at__gte=timeline.at).distinct()
    assert order.state == Order.State.SUCCEED
    assert sorted(set(order.lines.values_list("kind", flat=True))) == timeline.kinds
    assert world.sandbox.state()["moved"][order.number] == {"amount": order.total_minor, "charges": 1}
    assert ServicePeriod.objects.filter(line__order=order).count() == order.line_count
    line = order.lines.get(kind=LineKind.UPGRADE)
    assert line.starts_at is not None and line.ends_at is not None and line.ends_at == timeline.ends[timeline.plan.pk]
    assert line.amount_minor == 20 * days_between(line.starts_at, line.ends_at)  # 600 for 30 days
    for item in Entitlement.objects.filter(pk__in=timeline.ends):
        is_same = item.expires_at == timeline.ends[item.pk]
        assert is_same == (not order.lines.filter(entitlement=item).exclude(kind=LineKind.UPGRADE).exists())
        assert item.reserved_by is None
    assert timeline.plan.paid_variant == BOTH
    assert_ledger_agrees(world.sandbox)
    assert list(ledger.verify()) == []


@pytest.mark.rule("R48", "R49", "R52")
@pytest.mark.parametrize(
    "kinds",
    [
        "upgrade, renewal",  # settles by the statements of both, on both databases
        pytest.param("upgrade", marks=pytest.mark.walk),
        pytest.param("activation, upgrade", marks=pytest.mark.walk),
    ],
)
def test_wherever_the_process_dies_the_upgrade_is_paid_once_and_moves_nothing(world: Upgrades, kinds: str) -> None:
    timeline = world.of(kinds, 0)
    world.walked(timeline)(SimpleNamespace(ask=lambda: world.webhooks.take(at=timeline.at)))
    assert_had_once(world, timeline)
    timeline = world.of(kinds, 1)
    points = crash_points.walk(world.walked(timeline), answer=lambda: world.webhooks.take(at=timeline.at))
    assert_had_once(world, timeline)
    # placing and settling have one way, whatever is in the order: of the others only the ends of what they do
    mine = crash_points.telling(points) if kinds == "upgrade" else ends_of(points)
    mine = [index for index in mine if points[index].startswith(("place:", "settle:"))]
    for number, index in enumerate(mine, start=2):
        with at_point(points[index]):
            timeline = world.of(kinds, number)
            messages: list[SignedMessage] = []

            def answer(timeline: Scenario = timeline, messages: list[SignedMessage] = messages) -> list[SignedMessage]:
                messages.extend(world.webhooks.take(at=timeline.at))
                return messages

            assert crash_points.kill(world.walked(timeline), at=index, answer=answer) == points[index]
            world.return_to(timeline, timeline.at + timedelta(minutes=1))
            messages += world.webhooks.take(at=timeline.at)
            if index % 2 == 0:  # otherwise they are lost
                world.webhooks.deliver(messages, now=timeline.at + timedelta(minutes=2))
            world.let_time_pass(timeline.at, SOON)
            assert_had_once(world, timeline)
            world.let_time_pass(timeline.at, LATER)
            assert_had_once(world, timeline)


@pytest.mark.rule("R52")
@pytest.mark.parametrize("is_over", [False, True])
def test_wherever_it_dies_late_money_for_an_upgrade_is_honoured_or_looked_at(world: Upgrades, is_over: bool) -> None:
    """The order was given up while its money was on the way; with `is_over` what it was for has passed before anybody asked."""

    def late(number: int) -> tuple[Scenario, Order, datetime]:
        timeline = world.of("upgrade", number)
        order = world.order(timeline, timeline.at)
        press(world.pay_page(order.number, timeline.at), "approve")
        world.webhooks.take(at=timeline.at)
        with transaction.atomic():
            transitions.close(settlement.lock_order(order.pk), Order.State.TIMEOUT, now=timeline.at, actor=SYSTEM)
        ends = timeline.ends[timeline.plan.pk]
        assert ends is not None
        at = ends + timedelta(hours=1) if is_over else timeline.at + timedelta(hours=2)
        world.it_is(at)
        return timeline, order, at

    def journey(order: Order, at: datetime) -> crash_points.Journey:
        def walk(crash_points: Any) -> None:
            crash_points.phase = "late"
            settlement.settle(payment_of(order).pk, now=at)

        return walk

    def assert_right(timeline: Scenario, order: Order) -> None:
        order.refresh_from_db()
        assert order.state == (Order.State.REVIEW if is_over else Order.State.SUCCEED)
        assert timeline.plan.expires_at == timeline.ends[timeline.plan.pk]
        assert timeline.plan.paid_variant == ("booking" if is_over else BOTH)
        assert ServicePeriod.objects.filter(line__order=order).count() == (0 if is_over else 1)
        assert order.events.filter(kind="unapplied" if is_over else "applied").count() == 1
        assert_ledger_agrees(world.sandbox)
        assert list(ledger.verify()) == []

    timeline, order, at = late(0)
    points = crash_points.walk(journey(order, at), answer=list)
    assert_right(timeline, order)
    for number, index in enumerate(ends_of(points), start=1):
        with at_point(points[index]):
            timeline, order, at = late(number)
            assert crash_points.kill(journey(order, at), at=index, answer=list) == points[index]
            for _again in range(2):
                settlement.settle(payment_of(order).pk, now=at + timedelta(minutes=1))
                assert_right(timeline, order)
