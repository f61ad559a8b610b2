"""Two people at the same request in the same instant: one of them decides, the other finds it decided."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction

from accounts.errors import Refused
from accounts.models import Notice
from communities.models import Entitlement, Site
from subscriptions.actions import request_decisions, requests
from subscriptions.actions.carts import contents
from subscriptions.errors import RequestClosed
from subscriptions.models import Cart, Order, RenewalRequest, RequestItem
from tests.flows.tenants import assert_tenants_consistent
from tests.people import NOW, People
from tests.races import together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4  # who is first differs from round to round


@pytest.fixture
def harbour_view(make_site: Callable[..., Site], make_apartment: Callable[..., object]) -> Site:
    """A community with two apartments, built in transactions as the portal does."""
    site = make_site(booking=True)
    with transaction.atomic():
        make_apartment(site, "1.01")
        make_apartment(site, "1.02")
    return site


@pytest.fixture
def ask(people: People, harbour_view: Site, price_list: object) -> Callable[[], RenewalRequest]:
    """Ivan about to request everything in Harbour View."""
    ids = list(Entitlement.objects.filter(site=harbour_view).exclude(variant="").values_list("pk", flat=True))
    return partial(
        requests.request_activation,
        people.ivan.actor, site_kind="community", entitlement_ids=ids, months=1, now=NOW,
    )  # fmt: skip


def test_of_two_who_ask_for_the_same_items_one_request_remains(
    people: People, ask: Callable[[], RenewalRequest]
) -> None:
    for number in range(ROUNDS):
        outcomes = together(ask, ask)
        (kept,) = [outcome for outcome in outcomes if isinstance(outcome, RenewalRequest)]
        (other,) = [outcome for outcome in outcomes if outcome is not kept]
        assert isinstance(other, Refused)
        assert RenewalRequest.objects.count() == number + 1
        assert RequestItem.objects.filter(is_live=True).count() == 4
        request_decisions.withdraw(people.ivan.actor, request_id=kept.pk, now=NOW)
    assert Notice.objects.filter(key__startswith="request-made").count() == ROUNDS


def test_two_who_approve_at_once_get_the_same_cart(people: People, ask: Callable[[], RenewalRequest]) -> None:
    for number in range(ROUNDS):
        asked = ask()
        approve = partial(request_decisions.approve, people.dora.actor, request_id=asked.pk, now=NOW)
        outcomes = together(approve, approve, approve)
        carts = {outcome.cart for outcome in outcomes if isinstance(outcome, request_decisions.Approval)}
        assert (len(outcomes), len(carts), Cart.objects.count()) == (3, 1, number + 1)
        assert contents(Cart.objects.get(request=asked)).count() == 4
        assert Notice.objects.about(asked).filter(key__startswith="request-approved").count() == 1
        request_decisions.withdraw(people.ivan.actor, request_id=asked.pk, now=NOW)
    assert_tenants_consistent()


def test_approved_and_withdrawn_at_once_is_never_paid_against_the_installers_will(
    people: People, ask: Callable[[], RenewalRequest], billing: None, place: Callable[..., Order]
) -> None:
    for _ in range(ROUNDS):
        asked = ask()
        outcomes = together(
            partial(request_decisions.approve, people.dora.actor, request_id=asked.pk, now=NOW),
            partial(request_decisions.withdraw, people.ivan.actor, request_id=asked.pk, now=NOW),
        )
        wrong = [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, Refused)]
        assert not wrong, wrong
        asked.refresh_from_db()
        assert asked.state in {"withdrawn", "approved"}
        if asked.state == "approved":  # the withdrawal was told to look again
            request_decisions.withdraw(people.ivan.actor, request_id=asked.pk, now=NOW)
            asked.refresh_from_db()
        if asked.cart is not None:
            with pytest.raises(RequestClosed):
                place(asked.cart)
        assert not Order.objects.exists()


def test_withdrawn_while_its_order_is_placed_is_one_or_the_other(
    people: People, ask: Callable[[], RenewalRequest], billing: None, place: Callable[..., Order]
) -> None:
    for _ in range(ROUNDS):
        asked = ask()
        cart = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW).cart
        outcomes = together(
            partial(place, cart), partial(request_decisions.withdraw, people.ivan.actor, request_id=asked.pk, now=NOW)
        )
        wrong = [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, Refused)]
        assert not wrong, wrong
        asked.refresh_from_db()
        placed = Order.objects.filter(cart=cart).exists()
        assert (asked.state, placed) in {("withdrawn", False), ("approved", True)}
        if placed:
            break
