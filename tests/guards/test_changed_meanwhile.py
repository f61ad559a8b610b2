"""What changed between a page and its button: nothing is charged and nothing is written, and the answer shows how it stands now."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable

import pytest
from django.db import transaction
from django.db.models import QuerySet

from accounts.actions import terms
from accounts.models import Membership, Organization
from communities.models import Entitlement
from payments import actions as payment_actions
from payments.models import BillingProfile, PaymentMethod
from payments.sandbox import Sandbox
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import auto_renewals, carts, prices, request_decisions
from subscriptions.models import Cart, Order
from tests.guards import routes as addresses
from tests.guards.browser import Browser
from tests.guards.form_walker import FormWalker
from tests.guards.pages import read
from tests.guards.walker import WALKERS, Walker
from tests.guards.watch import Ledger
from tests.guards.world import World
from tests.people import NOW, SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("meanwhile")]
Change = Callable[[World, str], None]


def dearer(world: World, who: str) -> None:
    """The distributor's own list is twice as dear from now on."""
    dora = world.cast.dora
    amounts = {key: 2 * amount for key, amount in INVENTED_PRICES.items()}
    prices.publish_price_list(
        SYSTEM, currency=dora.firm.currency, amounts=amounts, valid_from=NOW, distributor_id=dora.firm.pk, now=NOW
    )


def new_terms(world: World, who: str) -> None:
    """New terms, which the person accepts in another window."""
    terms.publish(world.cast.olga.actor, document="terms", texts={"en": "Dearer."}, valid_from=NOW, now=NOW)
    terms.accept(world.person(who).membership.user, now=NOW)


def new_billing(world: World, who: str) -> None:
    """A colleague saved another address."""
    person = world.person(who)
    profile = BillingProfile.objects.get(organization=person.firm)
    payment_actions.save_billing(
        person.actor, organization=person.firm, now=NOW, version=profile.version, company="Other", email=profile.email,
        street="Other 1", postal_code="0155", city="Bergen", country="NO",
    )  # fmt: skip


def no_grant(world: World, who: str) -> None:
    """The person does not manage subscriptions any more."""
    Membership.objects.filter(pk=world.person(who).membership.pk).update(manages_subscriptions=False)


def may_not_pay(world: World, who: str) -> None:
    """The distributor withdrew Pay by Installer."""
    Organization.objects.filter(pk=world.person(who).firm.pk).update(pays_regular=False, pays_credits=False)


def in_cart(world: World, who: str) -> QuerySet[Entitlement]:
    """What the person's cart has."""
    return carts.contents(Cart.objects.get(pk=world.holdings[who].keys["cart"][0]))


def switched_off(world: World, who: str) -> None:
    """One of the items is not switched on any more."""
    Entitlement.objects.filter(pk=in_cart(world, who).earliest("pk").pk).update(variant="")


def switched_more(world: World, who: str) -> None:
    """One of the items became a dearer one."""
    in_cart(world, who).filter(service_type="app").update(variant="no_monitor")


def ordered(world: World, who: str) -> None:
    """The cart was ordered in another window."""
    held = world.holdings[who].keys
    Cart.objects.filter(order__number=held["order"][0]).update(order=None)
    Cart.objects.filter(pk=held["cart"][0]).update(order=Order.objects.get(number=held["order"][0]))


def withdrawn(world: World, who: str) -> None:
    request_decisions.withdraw(
        world.cast.ivan.actor, request_id=int(world.holdings["hafen"].keys["request"][0]), now=NOW
    )


def refused(world: World, who: str) -> None:
    request_decisions.refuse(
        world.cast.dora.actor, request_id=int(world.holdings["hafen"].keys["request"][0]), reason="Asked twice", now=NOW
    )


def card_gone(world: World, who: str) -> None:
    PaymentMethod.objects.filter(pk=world.holdings[who].keys["method"][0]).update(removed_at=NOW)


def stopped(world: World, who: str) -> None:
    auto_renewals.stop_auto_renewal(
        world.person(who).actor, auto_renewal_id=int(world.holdings[who].keys["auto_renewal"][0]), now=NOW
    )


def cancelled(world: World, who: str) -> None:
    Order.objects.filter(number=world.holdings[who].keys["order"][0]).update(state="cancelled", closed_at=NOW)


def paid(world: World, who: str) -> None:
    Order.objects.filter(number=world.holdings[who].keys["order"][0]).update(state="succeed", closed_at=NOW)


OTHERS_MANAGE = "Your firm lets others manage subscriptions."
PRICE = "The price changed since it was shown. Nothing was charged"
NOT_YOU = "Your organization may not pay for this installer&#x27;s sites."
GONE = "This card can&#x27;t be charged any more. Nothing was charged"
# Whose button on which page, what changed since it was opened, how the button is answered, and what the page then says.
Case = tuple[str, str, Change, int, str]
BOTH = ("dora", "ivan")
CASES: list[Case] = [
    *[
        ("cart", who, change, status, said)
        for who in BOTH
        for change, status, said in (
            (dearer, 422, PRICE),
            (dearer, 422, "Pay US$4.80"),
            (switched_more, 422, PRICE),
            (switched_off, 422, "1 item can&#x27;t be activated any more"),
            (new_terms, 422, "The Terms and Conditions changed since this page was opened."),
            (new_billing, 409, "What you changed stands in the form as you typed it"),
            (no_grant, 403, OTHERS_MANAGE),
            (ordered, 302, "Processing"),
        )
    ],
    ("cart", "ivan", may_not_pay, 302, NOT_YOU),
    (
        "request-approve",
        "dora",
        withdrawn,
        302,
        "The installer has withdrawn this request in the meantime. Nothing was charged.",
    ),
    ("request-approve", "dora", refused, 302, "This request was refused in the meantime: Asked twice"),
    ("request-approve", "dora", no_grant, 403, OTHERS_MANAGE),
    ("request-refuse", "dora", withdrawn, 422, "The installer has withdrawn this request in the meantime."),
    ("request-refuse", "dora", no_grant, 403, OTHERS_MANAGE),
    ("request-withdraw", "ivan", refused, 302, "This request was refused in the meantime: Asked twice"),
    ("request-withdraw", "ivan", no_grant, 403, OTHERS_MANAGE),
    *[
        (route, who, change, status, said)
        for who in BOTH
        for route, change, status, said in (
            ("auto-renewal-card", no_grant, 403, OTHERS_MANAGE),
            ("auto-renewal-card", card_gone, 302, GONE),
            ("auto-renewal-card", stopped, 302, "This auto-renewal has ended; another card does not bring it back."),
            ("auto-renewal-card-new", no_grant, 403, OTHERS_MANAGE),
            (
                "auto-renewal-card-new",
                stopped,
                302,
                "This auto-renewal has ended; another card does not bring it back.",
            ),
            ("auto-renewal-stop", no_grant, 403, OTHERS_MANAGE),
            ("auto-renewal-stop", stopped, 302, "It is not renewed any more."),
            ("order-pay", no_grant, 403, OTHERS_MANAGE),
            ("order-pay", cancelled, 302, "Cancelled"),
            ("order-pay", paid, 302, "Succeed"),
            ("order-cancel", no_grant, 403, OTHERS_MANAGE),
            ("order-cancel", cancelled, 302, "Only an order that is waiting for its payment can be cancelled."),
            ("order-cancel", paid, 302, "Only an order that is waiting for its payment can be cancelled."),
        )
    ],
    ("auto-renewal-card", "ivan", may_not_pay, 302, NOT_YOU),
    ("auto-renewal-card-new", "ivan", may_not_pay, 302, NOT_YOU),
    ("order-pay", "ivan", may_not_pay, 302, NOT_YOU),
]
PAGES = {
    "cart": ("cart", "cart"), "request-approve": ("request-detail", "request"), "request-refuse": ("request-detail", "request"),
    "request-withdraw": ("request-detail", "request"), "auto-renewal-card": ("auto-renewal-card", "auto_renewal"),
    "auto-renewal-card-new": ("auto-renewal-card", "auto_renewal"), "auto-renewal-stop": ("auto-renewal-list", ""),
    "order-pay": ("order-detail", "order"), "order-cancel": ("order-detail", "order"),
}  # fmt: skip


def offered(browser: Browser, route_name: str, who: str) -> tuple[str, list[tuple[str, str]]]:
    """Where the button of the page leads, and what it sends."""
    walker = Walker(browser, addresses.routes())
    by_name = {route.name: route for route in walker.routes}
    page_name, kind = PAGES[route_name]
    holder = "hafen" if kind == "request" else who
    key = browser.world.holdings[holder].keys[kind][0] if kind else None
    page = by_name[page_name].path([key] if key else [])
    answer = browser.ask(who, "GET", page)
    assert answer.status == 200
    action = by_name[route_name].path([browser.world.holdings[holder].keys[kind or "auto_renewal"][0]])
    form = next(
        form for form in read(answer.body)[0] if form.method == "post" and (form.action or page) in {action, ""}
    )
    role = next((role for role, name in WALKERS.items() if name == who))
    return action, FormWalker(walker, who, role)._filled(form)


def kept(gateway: Sandbox) -> str:
    """Everything by which money could have moved there."""
    book = gateway.store
    return json.dumps([book.sessions, book.intents, book.charges, book.setups, book.methods], sort_keys=True)


class Rows(Ledger):
    """Tells of every row that a request leaves changed, whosever it is."""

    def leaks(self, person: str, tables: Iterable[str]) -> list[str]:
        """The tables with such rows."""
        return [table for table, rows in self.changed(tables).items() if rows]


@pytest.mark.parametrize(
    ("route", "who", "change", "status", "said"),
    CASES,
    ids=[f"{route}-{who}-{change.__name__}" for route, who, change, _, _ in CASES],
)
def test_what_changed_meanwhile_is_said_and_nothing_is_done(
    route: str,
    who: str,
    change: Change,
    status: int,
    said: str,
    browser: Browser,
    gateway: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, data = offered(browser, route, who)
    before = transaction.savepoint()
    change(browser.world, who)
    monkeypatch.setattr(browser, "ledger", Rows(browser.world))
    at_gateway = kept(gateway)
    answer = browser.ask(who, "POST", path, data)
    after = browser.ask(who, "GET", answer.headers["Location"]) if answer.status == 302 else answer
    transaction.savepoint_rollback(before)
    assert answer.status == status
    assert answer.leaks == ()
    assert kept(gateway) == at_gateway
    assert said in after.body or html.unescape(said) in " ".join(answer.flashes)
