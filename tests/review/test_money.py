"""Money and time: what a thief, a clumsy person and an odd calendar get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.errors import Conflict
from accounts.models import AuditEvent, Organization
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.errors import TooSmall
from payments.models import BillingProfile, Payment
from payments.sandbox import Sandbox
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import orders, prices, renewals, scheduled, settlement
from subscriptions.errors import MayNotPay
from subscriptions.models import AutoRenewal, Cart, Order
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.review.placing import place_renewing
from tests.subscriptions.lookups import BASE, payment_of
from tests.subscriptions.renewing import DUE, EXPIRY, at, expiries
from tests.subscriptions.unchanged import nothing_happened

ADDRESS = {
    "company": "Nordlys AS", "email": "a@nordlys.example", "street": "Storgata 8", "postal_code": "0155", "city": "Oslo", "country": "NO",
}  # fmt: skip


def ends() -> list[datetime]:
    return sorted(when for when in Entitlement.objects.values_list("expires_at", flat=True) if when)


@pytest.mark.rule("R43")
def test_items_of_two_time_zones_get_all_the_cycles_they_were_promised(
    people: People, make_site, make_apartment, fill_cart: Callable[..., Cart], billing: None, sandbox: Sandbox
) -> None:
    for name, zone in (("Berlin", "Europe/Berlin"), ("New York", "America/New_York")):
        site: Site = make_site(name)
        make_apartment(site)
        Site.objects.filter(pk=site.pk).update(time_zone=zone)
    start = at(sandbox, datetime(2027, 2, 20, 9, 0, tzinfo=UTC))  # New York puts its clocks forward first
    order = place_renewing(people, fill_cart(now=start), renewals=2, now=start)
    page = orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=start)
    press(page, "approve", card="works")
    settlement.settle(payment_of(order).pk, now=start)
    first, second = ends()
    assert second - first == timedelta(hours=1)
    for day in (0, 30, 60):
        for hour in (0, 1):
            renewals.renew_due(now=at(sandbox, first + timedelta(days=day - 3, hours=hour)))
    assert ends() == [first + timedelta(days=60), second + timedelta(days=60)]
    auto_renewal = AutoRenewal.objects.get()
    assert (auto_renewal.state, auto_renewal.renewals_left) == ("ended", 0)


def test_an_auto_renewal_whose_cycle_is_below_the_cards_minimum_is_not_promised(
    people: People, make_site, make_apartment, fill_cart: Callable[..., Cart], billing: None
) -> None:
    make_apartment(make_site(booking=True))
    booking = Entitlement.objects.filter(service_type=ServiceType.PREMIUM)  # 3 × 0.30 can be paid, 0.30 can't
    with pytest.raises(TooSmall, match=r"US\$0\.30"):
        place_renewing(people, fill_cart(items=booking, months=3))
    nothing_happened()


def test_what_became_free_renews_without_a_charge(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    free = dict.fromkeys(INVENTED_PRICES, 0)
    prices.publish_price_list(SYSTEM, currency="USD", amounts=free, valid_from=DUE, now=DUE)
    assert renewals.renew_due(now=at(sandbox, DUE)) == 0
    assert expiries() == {EXPIRY + timedelta(days=30)}
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.next_due_at) == ("active", DUE + timedelta(days=30))
    assert Payment.objects.count() == 1  # the activation's


def test_who_ticks_auto_renew_on_a_free_order_is_told_that_nothing_renews(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None
) -> None:
    free = dict.fromkeys(INVENTED_PRICES, 0)
    prices.publish_price_list(SYSTEM, currency="USD", amounts=free, valid_from=NOW, now=NOW)
    order = place_renewing(people, fill_cart())
    assert list(order.events.values_list("kind", flat=True)) == ["created", "applied", "no_auto_renewal"]
    assert not AutoRenewal.objects.exists()


def test_a_gateway_that_falls_silent_after_charging_stops_neither_the_run_nor_the_renewal(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree()
    charge = payment_actions.charge

    def then_silence(payment_id: int, *, now: datetime) -> Payment:
        charged = charge(payment_id, now=now)
        sandbox.faults.arm("unavailable", 3)  # one question and its two retries
        return charged

    monkeypatch.setattr(payment_actions, "charge", then_silence)
    assert renewals.renew_due(now=at(sandbox, DUE)) == 1
    assert expiries() == {EXPIRY}
    sandbox.faults.clear()
    later = at(sandbox, DUE + timedelta(minutes=6))
    scheduled.reconcile_stale_payments(now=later)
    assert expiries() == {EXPIRY + timedelta(days=30)}
    assert Payment.objects.filter(kind="off_session").count() == 1


def test_the_same_billing_form_twice_is_one_change_and_no_conflict(people: People) -> None:
    for _click in range(2):
        payment_actions.save_billing(people.dora.actor, organization=people.dora.firm, now=NOW, version=None, **ADDRESS)
    assert BillingProfile.objects.get().version == 1
    assert AuditEvent.objects.filter(action="billing.created").count() == 1
    with pytest.raises(Conflict):
        payment_actions.save_billing(
            people.dora.actor, organization=people.dora.firm, now=NOW, version=None, **{**ADDRESS, "city": "Bergen"}
        )
    assert BillingProfile.objects.get().city == "Oslo"


def test_an_order_is_not_placed_for_an_installer_that_was_deactivated(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    cart = fill_cart()
    Organization.objects.filter(pk=people.ivan.firm.pk).update(is_active=False)
    with pytest.raises(MayNotPay):
        place(cart)
    nothing_happened()
