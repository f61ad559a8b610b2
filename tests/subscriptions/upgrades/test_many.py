"""Upgrades and renewals of many items in one order, and one order of the same twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from communities import catalogue
from communities.models import Entitlement, Site
from payments.models import PaymentMethod
from smartplus.demo import INVENTED_PRICES
from subscriptions import periods
from subscriptions.actions import auto_renewals, extending, prices, settlement, transitions, variants
from subscriptions.models import Order, ServicePeriod, VariantChange
from subscriptions.periods import Cycles, Months, Rest, Term, Until
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE
from tests.subscriptions.upgrades.scenes import BOTH, DAY, SOON, Fill, Place, agree, fresh, only, pay

pytestmark = pytest.mark.django_db

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
