"""A gateway that is one class and one line of the settings pays, tells, keeps, renews and gives back through the true actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEvent
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments import gateways
from payments.errors import GatewayCant, GatewayRefused, NotRenewable, NotRepresentable, UnknownGateway
from payments.gateways.base import RefundRequest, Refunds, RemoteState
from payments.models import BillingProfile, GatewayEvent, Payment, PaymentMethod
from payments.models import State as PaymentState
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import cards, carts, orders, prices, settlement
from subscriptions.models import AutoRenewal, Cart, Order
from tests.flows.ledger import assert_tenants_consistent
from tests.flows.webhook_queue import move_money
from tests.payments.memory import HOST, Accounts, MemoryGateway
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.checkout import BILLING, fingerprint, tick_all
from tests.subscriptions.lookups import BASE, payment_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory", "no_job_breaks")]

EXPIRY = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
DUE = EXPIRY - timedelta(days=3)
FIRST = 150 + 250 + 90 + 30 + 500  # what everything in Harbour View costs a month


@pytest.fixture
def order_at(people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None) -> Callable[..., Order]:
    """Place an order of Dora over everything in Harbour View, to be paid at this gateway."""

    def place(gateway: str, *, auto_renew: bool = False) -> Order:
        cart = fill_cart()
        shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
        return orders.place_order(
            people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW,
            auto_renew=auto_renew, gateway=gateway,
        )  # fmt: skip

    return place


def pay_page(people: People, order: Order) -> str:
    return orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW)


def deliver(message: tuple[bytes, dict[str, str]], *, at: str = "memory") -> int:
    body, headers = message
    with time_machine.travel(NOW, tick=False):
        return Client().post(f"/webhooks/{at}/", body, content_type="application/json", headers=headers).status_code


@pytest.fixture
def auto_renewal(people: People, memory: Accounts, order_at: Callable[..., Order]) -> AutoRenewal:
    """Everything is paid for a month at the memory gateway, and renews by itself."""
    order = order_at("memory", auto_renew=True)
    ref = memory.approve(pay_page(people, order))
    assert deliver(memory.message(ref)) == 200
    move_money(now=NOW)
    return AutoRenewal.objects.get(order=order)


def expiries() -> set[datetime | None]:
    return set(Entitlement.objects.exclude(variant="").values_list("expires_at", flat=True))


def nothing_is_written() -> None:
    assert not Order.objects.exists()
    assert not Payment.objects.exists()
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert not Cart.objects.exclude(order=None).exists()


@pytest.mark.rule("R38", "R50", "R51")
def test_an_order_is_paid_there_and_its_own_message_settles_it(
    people: People, memory: Accounts, order_at: Callable[..., Order]
) -> None:
    order = order_at("memory")
    page = pay_page(people, order)
    payment = payment_of(order)
    assert (payment.gateway, page) == ("memory", f"{HOST}/{payment.gateway_ref}")
    message = memory.message(memory.approve(page), key=payment.request_key)
    body, headers = message
    assert [deliver((body, {"Memory-Signature": "0" * 64})), deliver((body + b" ", headers))] == [400, 400]
    assert not GatewayEvent.objects.exists()
    assert [deliver(message), deliver(message)] == [200, 200]
    event = GatewayEvent.objects.get()
    assert (event.gateway, event.state, event.headers) == (
        "memory",
        "new",
        {"memory-signature": headers["Memory-Signature"]},
    )
    move_money(now=NOW)
    order.refresh_from_db()
    event.refresh_from_db()
    assert (order.state, event.state, expiries()) == ("succeed", "done", {EXPIRY})
    assert memory.moved == [(order.number, FIRST)]
    told = {step.kind: step.sentence for step in order.events.all()}
    assert told["sent"] == "Sent to Memory Pay"
    assert told["confirmed"] == "Memory Pay confirmed the payment"
    assert_tenants_consistent()


def test_what_is_kept_there_is_an_account_and_renews_on_an_object_whose_id_is_stored(
    people: People, memory: Accounts, auto_renewal: AutoRenewal
) -> None:
    account = PaymentMethod.objects.get()
    assert (account.label, account.kind, account.exp_year) == ("Memory pay dora@wallet.example", "account", None)
    assert (account.owner, account.consent_by) == (people.dora.firm, people.dora.membership.user)
    assert (auto_renewal.method, auto_renewal.next_due_at) == (account, DUE)
    for minutes in (0, 0, 1, 30):
        move_money(now=DUE + timedelta(minutes=minutes))
    renewed = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (renewed.state, expiries()) == ("succeed", {EXPIRY + timedelta(days=30)})
    assert memory.moved[1:] == [(renewed.number, renewed.total_minor)]
    assert "Charging Memory pay dora@wallet.example" in [step.sentence for step in renewed.events.all()]


def test_a_decline_there_waits_for_the_next_try_and_another_account_is_tried_at_once(
    people: People, memory: Accounts, auto_renewal: AutoRenewal
) -> None:
    memory.refuses = "insufficient_funds"
    move_money(now=DUE)
    renewed = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (renewed.state, payment_of(renewed).state, expiries()) == ("processing", PaymentState.DECLINED, {EXPIRY})
    memory.refuses = ""
    page = cards.start_card_setup(people.dora.actor, auto_renewal_id=auto_renewal.pk, return_base=BASE, now=DUE)
    setup = auto_renewal.setups.get()
    assert (setup.gateway, setup.reference, page) == (
        "memory",
        f"auto-renewal-{auto_renewal.pk}",
        f"{HOST}/{setup.gateway_ref}",
    )
    memory.approve(page, holder="accounts@wallet.example")
    assert settlement.settle_setups(auto_renewal.pk, now=DUE) == 1
    auto_renewal.refresh_from_db()
    assert auto_renewal.method.holder == "accounts@wallet.example"
    move_money(now=DUE)
    renewed.refresh_from_db()
    assert (renewed.state, expiries()) == ("succeed", {EXPIRY + timedelta(days=30)})
    assert memory.moved[1:] == [(renewed.number, renewed.total_minor)]


def test_a_message_about_an_account_is_read_by_its_topic(memory: Accounts, auto_renewal: AutoRenewal) -> None:
    memory.methods.clear()
    assert deliver(memory.message(auto_renewal.method.gateway_ref, kind="method")) == 200
    move_money(now=NOW)
    account = PaymentMethod.objects.get()
    assert (account.is_usable, account.failed_reason) == (False, "method_gone")
    assert AuditEvent.objects.filter(action="payment_method.changed", subject_id=account.pk).count() == 1


def test_a_removed_account_is_forgotten_there_too(people: People, memory: Accounts, auto_renewal: AutoRenewal) -> None:
    cards.remove_card(people.dora.actor, method_id=auto_renewal.method_id, stops=1, now=NOW)
    account = PaymentMethod.objects.get()
    assert (account.detached_at, memory.methods) == (NOW, {})


def test_it_gives_money_back_once_for_each_key(memory: Accounts, auto_renewal: AutoRenewal) -> None:
    payment = Payment.objects.get()
    gateway = gateways.get("memory")
    assert isinstance(gateway, Refunds)
    wanted = RefundRequest(payment.gateway_payment_ref, "back-1", payment.amount_minor, payment.currency)
    back = gateway.refund(wanted)
    assert (back.state, back.amount_minor, gateway.refund(wanted)) == (RemoteState.SUCCEEDED, FIRST, back)
    assert gateway.fetch_refund(back.ref) == back
    with pytest.raises(GatewayRefused):
        gateway.refund(RefundRequest(payment.gateway_payment_ref, "back-2", FIRST + 1, "USD"))


def test_a_gateway_that_keeps_nothing_refuses_auto_renew_and_takes_the_payment_without(
    people: People, memory: Accounts, order_at: Callable[..., Order]
) -> None:
    with pytest.raises(NotRenewable) as caught:
        order_at("till", auto_renew=True)
    assert caught.value.field == "auto_renew"
    assert str(caught.value) == "Memory Till can't be charged by itself later: pay without Auto Renew."
    nothing_is_written()
    order = order_at("till")
    assert deliver(memory.message(memory.approve(pay_page(people, order))), at="till") == 200
    move_money(now=NOW)
    order.refresh_from_db()
    assert (order.state, PaymentMethod.objects.count()) == ("succeed", 0)


@pytest.mark.parametrize(("gateway", "refusal"), [("ledger", GatewayCant), ("nobody", UnknownGateway)])
def test_what_has_no_pages_or_is_not_known_takes_no_order(
    order_at: Callable[..., Order], gateway: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        order_at(gateway)
    nothing_is_written()


@pytest.mark.parametrize("gateway", ["ledger", "nobody"])
def test_nobody_rings_where_no_gateway_tells_anything(
    memory: Accounts, gateway: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert deliver(memory.message("page-1"), at=gateway) == 404


def test_what_the_gateway_can_not_represent_is_its_own_rule_and_places_no_order(
    people: People, order_at: Callable[..., Order]
) -> None:
    people.dora.firm.currency = "HUF"
    people.dora.firm.save()
    dear = {key: amount * 10 + 1 for key, amount in INVENTED_PRICES.items()}
    prices.publish_price_list(SYSTEM, currency="HUF", amounts=dear, valid_from=NOW - timedelta(days=1), now=NOW)
    with pytest.raises(NotRepresentable) as caught:
        order_at("memory")
    assert str(caught.value) == "HUF102.06 can't be paid through Memory Pay: it takes no smaller unit than HUF1.00."
    nothing_is_written()
    payment_actions.refuse_unpayable(17_505, "HUF", "stripe")  # which charges it in hundredths


def test_the_checkout_offers_what_is_set_up_and_goes_where_was_chosen(
    people: People, harbour_view: Site, price_list: Any, sign_in: Callable[[Person], Client], settings: Any
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    with time_machine.travel(NOW, tick=False):
        dora = sign_in(people.dora)
        cart = tick_all(dora, people)
        page = dora.get(cart).content.decode()
        assert 'name="gateway" value="stripe" checked' in page
        assert "You sign in at Memory Pay and come back here." in page
        assert 'value="memory"' in page
        assert 'value="mute"' not in page
        assert 'value="ledger"' not in page
        told = {**BILLING, "fingerprint": fingerprint(page), "terms": "on", "gateway": "till"}
        refused = dora.post(cart, told | {"auto_renew": "on"})
        assert refused.status_code == 422
        assert "Memory Till can&#x27;t be charged by itself later" in refused.content.decode()
        assert 'value="till" checked' in refused.content.decode()
        assert not BillingProfile.objects.exists()
        assert dora.post(cart, told | {"gateway": "mute"}).status_code == 422
        assert dora.post(cart, told)["Location"].startswith(HOST)
        assert Payment.objects.get().gateway == "till"


def test_without_a_gateway_that_keeps_anything_no_auto_renew_is_offered(
    people: People, harbour_view: Site, price_list: Any, sign_in: Callable[[Person], Client], settings: Any
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.PAYMENT_GATEWAYS = {"till": settings.PAYMENT_GATEWAYS["till"]}
    with time_machine.travel(NOW, tick=False):
        dora = sign_in(people.dora)
        page = dora.get(tick_all(dora, people)).content.decode()
    assert 'name="auto_renew"' not in page
    assert 'value="till" checked' in page
    assert MemoryGateway.label not in page
