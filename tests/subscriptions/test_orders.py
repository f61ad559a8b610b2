"""From the cart to the order: what is offered, what is refused, what is frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Organization
from communities import catalogue
from communities.actions import sites
from communities.actions.entitlements import mark_blocked
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Site
from payments.models import BillingProfile, Payment
from smartplus.demo import INVENTED_PRICES
from subscriptions import rights, tables
from subscriptions.actions import carts, fulfilment, orders, prices, transitions
from subscriptions.errors import BillingIncomplete, ItemHeld, MayNotPay, NotBillable, PriceChanged, TermsNotAccepted
from subscriptions.lines import target_names
from subscriptions.models import Cart, Order, OrderLine, Price, PriceList, ServicePeriod
from subscriptions.prices import PriceKey, Product
from subscriptions.pricing import TooFarAhead
from tests.people import NOW, SYSTEM, People
from tests.sites import ADDRESS, OPTIONS
from tests.subscriptions.lookups import BASE, entitlement
from tests.subscriptions.unchanged import nothing_happened


def test_activate_offers_what_is_configured_and_nothing_else(people: People, harbour_view: Site) -> None:
    offered = carts.activatable(people.dora.actor, installer=people.ivan.firm, site_kind="community")
    assert {(str(row.target), row.service_type, row.variant) for row in offered} == {
        ("Quay House 1.01", "app", "monitor"),
        ("Quay House 1.01", "premium", "landline+booking"),
        ("Quay House 1.02", "app", "no_monitor"),
        ("Quay House 1.02", "premium", "booking"),
        ("Petra Holm", "pm_app", "plain"),
    }


@pytest.mark.rule("R13")
def test_a_manager_ticked_for_the_pm_app_is_offered_while_the_switch_is_off(people: People, harbour_view: Site) -> None:
    assert harbour_view.pm_app is False
    assert entitlement(harbour_view, ServiceType.PM_APP).variant == "plain"


@pytest.mark.rule("R25")
def test_what_is_switched_off_is_neither_offered_nor_ordered(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    cart = fill_cart()
    harbour_view.refresh_from_db()
    switched = {**harbour_view.switches, "booking": False, "landline": False}
    sites.edit_site(
        people.ivan.actor,
        site_id=harbour_view.pk,
        version=harbour_view.version,
        basics={"name": harbour_view.name, **ADDRESS},
        free_members=None,
        switches=switched,
        options=OPTIONS,
        now=NOW,
        ceiling_confirmed=True,
    )
    offered = carts.activatable(people.dora.actor, installer=people.ivan.firm, site_kind="community")
    assert not offered.filter(service_type=ServiceType.PREMIUM).exists()
    with pytest.raises(NotBillable, match="2 items can't be activated any more"):
        place(cart)
    nothing_happened()


def test_an_apartment_that_waits_for_its_monitor_can_not_be_activated(people: People, harbour_view: Site) -> None:
    Apartment.objects.filter(number="1.01").update(monitor_pending=True)
    mark_blocked(harbour_view.pk, None)
    offered = carts.activatable(people.dora.actor, installer=people.ivan.firm, site_kind="community")
    assert {str(row.target) for row in offered} == {"Quay House 1.02", "Petra Holm"}


@pytest.mark.rule("R40")
@pytest.mark.rule("R27")
def test_the_order_keeps_items_prices_billing_and_terms_as_they_were(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    order = place(fill_cart(months=3))
    assert (order.state, order.currency, order.total_minor) == ("processing", "USD", 3 * (150 + 250 + 90 + 30 + 500))
    assert order.line_count == order.lines.count() == 5
    lines = order.lines.annotate(called=target_names()).values_list("called", "variant", "amount_minor")
    assert set(lines) == {
        ("Quay House 1.01", "monitor", 450),
        ("Quay House 1.01", "landline+booking", 270),
        ("Quay House 1.02", "no_monitor", 750),
        ("Quay House 1.02", "booking", 90),
        ("Petra Holm", "plain", 1500),
    }
    assert order.billing["company"] == "Nordlys Distribution AS"
    assert (order.terms_version, order.terms_accepted_at) == ("1", NOW)
    doubled = {key: 2 * amount for key, amount in INVENTED_PRICES.items()}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=doubled, valid_from=NOW, now=NOW)
    BillingProfile.objects.update(company="Renamed AS")
    Apartment.objects.filter(number="1.01").update(indoor_monitor=False)
    again = Order.objects.get(pk=order.pk)
    assert (again.total_minor, again.billing["company"]) == (3060, "Nordlys Distribution AS")
    assert again.lines.get(service_type="app", target_label="Quay House 1.01").amount_minor == 450


@pytest.mark.rule("R40")
def test_a_price_that_changed_since_it_was_shown_is_refused(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None
) -> None:
    cart = fill_cart()
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
    dearer = INVENTED_PRICES | {PriceKey(ServiceType.PM_APP, catalogue.PM_PLAIN): 501}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=dearer, valid_from=NOW, now=NOW)
    with pytest.raises(PriceChanged):
        orders.place_order(
            people.dora.actor,
            cart_id=cart.pk,
            fingerprint=shown.fingerprint(),
            terms_version="1",
            return_base=BASE,
            now=NOW,
        )
    nothing_happened()


@pytest.mark.rule("R39")
def test_an_order_needs_billing_information_and_accepted_terms(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart]
) -> None:
    cart = fill_cart()
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW).fingerprint()
    for terms, refusal in (("1", BillingIncomplete), (None, TermsNotAccepted)):
        with pytest.raises(refusal):
            orders.place_order(
                people.dora.actor, cart_id=cart.pk, fingerprint=shown, terms_version=terms, return_base=BASE, now=NOW
            )
    nothing_happened()


@pytest.mark.rule("R48")
def test_an_item_is_in_one_open_order_and_a_second_submit_returns_the_same(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    first, second = fill_cart(), fill_cart(items=[app])
    order = place(first)
    assert place(first).pk == order.pk
    assert Payment.objects.count() == 1
    with pytest.raises(ItemHeld, match=rf"App, Quay House 1.01 is already in order {order.number}"):
        place(second)
    assert Order.objects.count() == 1
    app.refresh_from_db()
    assert app.reserved_by == order.pk


@pytest.mark.rule("R48")
def test_an_order_takes_all_of_its_items_or_none(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    order = place(fill_cart())
    transitions.close(order, Order.State.CANCELLED, now=NOW, actor=SYSTEM)
    rival = place(fill_cart(items=[entitlement(harbour_view, ServiceType.PM_APP)]))
    assert transitions.reserve(order) is False
    assert set(Entitlement.objects.values_list("reserved_by", flat=True)) == {None, rival.pk}
    transitions.release(order)  # of an order that has nothing takes nothing from others
    assert entitlement(harbour_view, ServiceType.PM_APP).reserved_by == rival.pk
    with pytest.raises(ItemHeld), transaction.atomic():
        fulfilment.fulfil(rival_of(order), now=NOW)
    assert not ServicePeriod.objects.exists()


def rival_of(order: Order) -> Order:
    """The order as if money had just come for it, though its items are gone."""
    order.state = Order.State.PROCESSING
    return order


@pytest.mark.rule("R5")
def test_who_may_not_pay_gets_neither_cart_nor_order(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    for person in (people.ivan, people.sam, people.tess, people.petra, people.olga):
        with pytest.raises((NotPermitted, Organization.DoesNotExist)):
            fill_cart(by=person, items=[entitlement(harbour_view, ServiceType.APP, "1.01")])
    with pytest.raises(Organization.DoesNotExist):
        fill_cart(by=people.mallory, items=[entitlement(harbour_view, ServiceType.APP, "1.01")])
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=True)
    ivan = replace(
        people.ivan,
        membership=type(people.ivan.membership)
        .objects.select_related("organization", "user")
        .get(pk=people.ivan.membership.pk),
    )
    cart = fill_cart(by=ivan)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=False)
    with pytest.raises(MayNotPay):
        place(cart, by=ivan)
    nothing_happened()


def test_an_empty_or_foreign_selection_is_refused(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], make_site, make_apartment
) -> None:
    with pytest.raises(Refused, match="at least one"):
        fill_cart(items=[])
    foreign = make_site("Elsewhere", by=people.igor)
    make_apartment(foreign, by=people.igor)
    with pytest.raises(Refused, match="1 of the ticked items is not there any more"):
        fill_cart(items=[entitlement(foreign, ServiceType.APP, "1.01")])
    assert not Cart.objects.exists()


@pytest.mark.rule("R1")
def test_who_does_not_pay_sees_the_lines_of_the_own_sites_only(
    people: People,
    harbour_view: Site,
    make_site,
    make_apartment,
    fill_cart: Callable[..., Cart],
    place: Callable[..., Order],
) -> None:
    other = make_site("Pier Court")
    make_apartment(other, "9.01")
    order = place(fill_cart())
    assert Order.objects.visible_to(people.dora.actor).get() == order
    assert rights.is_paid_by(people.dora.actor, order)
    assert not rights.is_paid_by(people.petra.actor, order)
    seen = set(OrderLine.objects.visible_to(people.petra.actor).values_list("site__name", flat=True))
    assert seen == {"Harbour View"}
    assert OrderLine.objects.visible_to(people.ivan.actor).count() == order.line_count
    for stranger in (people.sam, people.ines, people.mallory, people.igor, people.paul, people.tess):
        assert not Order.objects.visible_to(stranger.actor).exists()
        assert not OrderLine.objects.visible_to(stranger.actor).exists()


def test_a_published_price_is_never_edited(people: People, price_list: PriceList) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Price.objects.filter(price_list=price_list).update(amount_minor=0)
    with pytest.raises(NotPermitted):
        prices.publish_price_list(people.dora.actor, currency="USD", amounts=INVENTED_PRICES, valid_from=NOW, now=NOW)
    with pytest.raises(Refused, match="past"):
        prices.publish_price_list(
            people.olga.actor, currency="USD", amounts=INVENTED_PRICES, valid_from=NOW - timedelta(days=1), now=NOW
        )
    assert PriceList.objects.count() == 1


def test_the_distributors_own_list_goes_before_the_default_and_from_its_day_on(
    people: People, price_list: PriceList
) -> None:
    cheaper = {key: amount // 2 for key, amount in INVENTED_PRICES.items()}
    own = prices.publish_price_list(
        people.olga.actor,
        currency="USD",
        amounts=cheaper,
        valid_from=NOW + timedelta(days=2),
        now=NOW,
        distributor_id=people.dora.firm.pk,
    )
    assert tables.table_for(people.dora.firm, at=NOW).list_id == price_list.pk
    assert tables.table_for(people.dora.firm, at=NOW + timedelta(days=2)).list_id == own.pk
    assert AuditEvent.objects.filter(action="price_list.published", subject_id=own.pk).exists()


def test_the_last_price_of_what_left_the_list_is_read_for_upgrades(people: People, price_list: PriceList) -> None:
    landline, booking = PriceKey(ServiceType.PREMIUM, "landline"), PriceKey(ServiceType.PREMIUM, "booking")
    later, last = NOW + timedelta(days=1), NOW + timedelta(days=2)
    for since, changes in ((later, {landline: 65}), (last, {landline: None, booking: 35})):
        amounts = {key: minor for key, minor in (INVENTED_PRICES | changes).items() if minor is not None}
        prices.publish_price_list(SYSTEM, currency="USD", amounts=amounts, valid_from=since, now=NOW)
    table = tables.table_for(people.dora.firm, at=last, with_former=True)
    assert (table.former, table.amounts[booking], landline in table.amounts) == ({landline: 65}, 35, False)
    assert table.as_paid().parts(Product(ServiceType.PREMIUM, "landline")) == (("landline", 65),)
    assert tables.table_for(people.dora.firm, at=NOW, with_former=True).former == {}
    assert tables.table_for(people.dora.firm, at=last).former == {}


@pytest.mark.rule("R45")
def test_an_order_that_would_reach_too_far_ahead_is_refused_and_so_is_its_term(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    cart = fill_cart(months=59)
    carts.change_term(people.dora.actor, cart_id=cart.pk, months=60, now=NOW)
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    Entitlement.objects.filter(pk=app.pk).pay_until(NOW + timedelta(days=40))
    for months in (59, 60):
        with pytest.raises(TooFarAhead, match="1 item would be paid until"):
            carts.change_term(people.dora.actor, cart_id=cart.pk, months=months, now=NOW)
    cart.refresh_from_db()
    assert cart.months == 60
    assert carts.change_term(people.dora.actor, cart_id=cart.pk, months=58, now=NOW).months == 58
    nothing_happened()


@pytest.mark.rule("R5")
def test_the_term_of_a_cart_is_changed_by_who_may_pay_until_its_order_is_placed(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    cart = fill_cart()
    for stranger in (people.mallory, people.ivan):
        with pytest.raises(Cart.DoesNotExist):
            carts.change_term(stranger.actor, cart_id=cart.pk, months=2, now=NOW)
    for months in (0, 61):
        with pytest.raises(Refused, match="between 1 and 60"):
            carts.change_term(people.dora.actor, cart_id=cart.pk, months=months, now=NOW)
    place(cart)
    with pytest.raises(Refused, match="placed already"):
        carts.change_term(people.dora.actor, cart_id=cart.pk, months=2, now=NOW)
    cart.refresh_from_db()
    assert cart.months == 1
