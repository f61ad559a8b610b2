"""Single items leave an auto-renewal by hand, at once, and come back as long as that is possible (R43)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities.models import Entitlement, Mode
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions import ledger
from subscriptions.actions import leaving
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order
from tests.people import NOW, People
from tests.subscriptions.renewing import DUE, EXPIRY, at

pytestmark = pytest.mark.rule("R43")
LATER = NOW + timedelta(days=1)


def plan() -> Entitlement:
    """The Premium Plan of 1.01."""
    return Entitlement.objects.get(target__number="1.01", service_type="premium")


def test_an_item_that_was_taken_out_is_not_charged_and_keeps_its_paid_time(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    assert plan().mode == Mode.AUTO
    leaving.take_out(people.dora.actor, entitlement_ids=[plan().pk], now=LATER)
    assert (plan().mode, plan().expires_at) == (Mode.MANUAL, EXPIRY)
    assert list(ledger.modes()) == []
    jobs.tick(now=at(sandbox, DUE))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert order.lines.count() == 4
    assert plan().expires_at == EXPIRY
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "active"
    assert AuditEvent.objects.filter(action="auto_renewal.items_taken_out").count() == 1


def test_it_comes_back_once_and_is_charged_again(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    left = leaving.take_out(people.dora.actor, entitlement_ids=[plan().pk], now=LATER)
    assert leaving.bring_back(people.dora.actor, item_ids=left, now=LATER) == 1
    with pytest.raises(Refused, match="by itself again"):
        leaving.bring_back(people.dora.actor, item_ids=left, now=LATER)
    assert plan().mode == Mode.AUTO
    jobs.tick(now=at(sandbox, DUE))
    assert plan().expires_at == EXPIRY + timedelta(days=30)


def test_the_last_item_ends_the_auto_renewal_and_brings_it_back(
    people: People, agree: Callable[..., AutoRenewal]
) -> None:
    auto_renewal = agree()
    ids = list(AutoRenewalItem.objects.values_list("entitlement_id", flat=True))
    left = leaving.take_out(people.dora.actor, entitlement_ids=ids, now=LATER)
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.reason_words) == ("ended", "All of its items were taken out of it.")
    assert leaving.bring_back(people.dora.actor, item_ids=left, now=LATER) == len(ids)
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.next_due_at, auto_renewal.ended_at) == ("active", DUE, None)
    assert list(ledger.modes()) == []


def test_what_is_off_or_lapsed_does_not_come_back(people: People, agree: Callable[..., AutoRenewal]) -> None:
    agree()
    left = leaving.take_out(people.dora.actor, entitlement_ids=[plan().pk], now=LATER)
    with pytest.raises(Refused):
        leaving.bring_back(people.dora.actor, item_ids=left, now=EXPIRY + timedelta(days=8))
    Entitlement.objects.filter(pk=plan().pk).update(variant="")
    with pytest.raises(Refused):
        leaving.bring_back(people.dora.actor, item_ids=left, now=LATER)
    assert not AutoRenewalItem.objects.get(pk=left[0]).is_live


def test_only_who_pays_or_is_above_may(people: People, agree: Callable[..., AutoRenewal]) -> None:
    agree()
    for who in (people.ivan, people.petra, people.tess):
        with pytest.raises(NotPermitted):
            leaving.take_out(who.actor, entitlement_ids=[plan().pk], now=LATER)
    with pytest.raises(Entitlement.DoesNotExist):
        leaving.take_out(people.mallory.actor, entitlement_ids=[plan().pk], now=LATER)
    assert AutoRenewalItem.objects.live().count() == 5


@pytest.mark.rule("R43")
def test_what_was_handed_over_meanwhile_does_not_come_back_to_the_old_payer(
    people: People, agree: Callable[..., AutoRenewal], offer, accept
) -> None:
    agree()
    item = plan()
    left = leaving.take_out(people.dora.actor, entitlement_ids=[item.pk], now=LATER)
    accept(offer(item.site, now=LATER), now=LATER)
    with pytest.raises(Refused, match="renewed by itself again"):
        leaving.bring_back(people.dora.actor, item_ids=left, now=LATER)
    assert not AutoRenewalItem.objects.live().filter(entitlement=item).exists()


def test_an_auto_renewal_that_ended_goes_on_within_a_day_only(
    people: People, agree: Callable[..., AutoRenewal]
) -> None:
    agree()
    ids = list(AutoRenewalItem.objects.live().values_list("entitlement_id", flat=True))
    left = leaving.take_out(people.dora.actor, entitlement_ids=ids, now=LATER)
    with pytest.raises(Refused):
        leaving.bring_back(people.dora.actor, item_ids=left, now=LATER + timedelta(days=2))
    assert leaving.bring_back(people.dora.actor, item_ids=left, now=LATER + timedelta(hours=1)) == len(left)
