"""The pages of auto-renewals and their cards: what failed, what helps, and who sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client

from accounts.models import Membership, Notice
from payments.models import PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import auto_renewals, settlement
from subscriptions.models import AutoRenewal
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.portal.html import untimed
from tests.subscriptions.renewing import DUE, at, renewals_of

SignIn = Callable[[Person], Client]


@pytest.fixture
def time_machine_at_due() -> Iterator[None]:
    """Pages read the clock themselves: let it stand where the first try was."""
    with time_machine.travel(DUE, tick=False):
        yield


@pytest.fixture
def failed(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> AutoRenewal:
    """Dora's auto-renewal after its first try, which found no funds."""
    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    monkeypatch.setattr(jobs, "hurry", lambda _name: None)
    return auto_renewal


def text_of(client: Client, url: str) -> str:
    return " ".join(untimed(client.get(url).content.decode()).split())


def test_the_order_says_why_when_next_until_when_and_what_helps(
    people: People, failed: AutoRenewal, sign_in: SignIn, time_machine_at_due: None
) -> None:
    [order] = renewals_of(failed)
    page = text_of(sign_in(people.dora), f"/orders/{order.number}/")
    assert "What now: Visa ending 9995 could not be charged" in page
    assert "The card has not enough funds." in page
    assert "we try again: <b>20 Dec 2026, 10:00</b>, <b>21 Dec 2026, 10:00</b>" in page
    assert "Everything works until 29 Dec 2026" in page
    assert f"/subscription/auto-renew/{failed.pk}/card/" in page
    assert "SmartPlus, by itself" in page
    assert "Stop auto-renew" in page
    for wrong in ("start a new order", "items are free", "renewals</p>", "settlement", "Stripe confirms"):
        assert wrong not in page
    theirs = text_of(sign_in(people.ivan), f"/orders/{order.number}/")
    assert "Nordlys Distribution pays this by auto-renewal" in theirs
    assert "/card/" not in theirs


def test_a_card_is_chosen_on_a_page_and_a_new_one_is_a_click_away(
    people: People, failed: AutoRenewal, store_card, sandbox: Sandbox, sign_in, time_machine_at_due: None
) -> None:
    at(sandbox, NOW)
    good = store_card(people.dora)
    at(sandbox, DUE)
    dora, page = sign_in(people.dora), f"/subscription/auto-renew/{failed.pk}/card/"
    text = text_of(dora, page)
    assert "Visa ending 4242" in text
    assert "until Auto Renew is switched off or the card is removed" in text
    answer = dora.post(page, {"method": good.pk})
    [order] = renewals_of(failed)
    assert answer["Location"] == f"/orders/{order.number}/"
    failed.refresh_from_db()
    assert (failed.method, failed.next_due_at) == (good, DUE)
    timeline = text_of(dora, f"/orders/{order.number}/")
    assert "Charging Visa ending 4242" in timeline
    assert "could not be charged</h2>" not in timeline
    assert "every 2s" in timeline
    away = dora.post(f"{page}new/")["Location"]
    press(away, "approve")
    assert "Waiting for Stripe to confirm the card" in text_of(dora, f"{page}?back=1")
    settlement.settle_setups(failed.pk, now=DUE)
    assert dora.get(f"{page}?back=1")["Location"] == f"/orders/{order.number}/"
    assert order.events.latest("pk").actor_words == "Dora Lindqvist"
    for other, status in ((people.ivan, 403), (people.mallory, 404), (people.tess, 403)):
        assert sign_in(other).get(page).status_code == status


def test_a_stopped_auto_renewal_shows_what_it_was_for_and_why_and_the_way_on(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, sign_in, time_machine_at_due: None
) -> None:
    auto_renewal = agree(card="lost-later")
    jobs.tick(now=at(sandbox, DUE))
    page = text_of(sign_in(people.dora), "/subscription/auto-renew/")
    assert "Harbour View" in page
    assert "The bank has blocked this card." in page
    assert 'data-unit="items" data-label="Items">5</td>' in page
    assert f"/subscription/auto-renew/{auto_renewal.pk}/card/" in page
    [order] = renewals_of(auto_renewal)
    timeline = text_of(sign_in(people.dora), f"/orders/{order.number}/")
    assert "What now: auto-renewal stopped, choose another card" in timeline
    letter = Notice.objects.get(key__startswith="renewal-suspended")
    assert f"/subscription/auto-renew/{auto_renewal.pk}/card/" in letter.body
    assert "Works until: 29 Dec 2026" in letter.body
    assert "by hand" not in letter.body


def test_removing_a_card_names_what_stops_and_needs_the_grant(
    people: People, agree: Callable[..., AutoRenewal], sign_in: SignIn, time_machine_at_noon: None
) -> None:
    auto_renewal = agree()
    dora, page = sign_in(people.dora), f"/settings/payment-methods/{auto_renewal.method_id}/remove/"
    assert "Remove the card and stop 1 auto-renewal" in text_of(dora, page)
    assert dora.post(page, {"stops": "0"})["Location"] == page
    assert AutoRenewal.objects.get().state == "active"
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=False)
    for method, url in (("get", "/settings/payment-methods/"), ("get", page), ("post", page)):
        assert getattr(dora, method)(url, {"stops": "1"}).status_code == 403
    assert "Payment methods" not in text_of(dora, "/settings/")
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=True)
    assert "Payment methods" in text_of(dora, "/settings/")
    assert dora.post(page, {"stops": "1"})["Location"] == "/settings/payment-methods/"
    assert (AutoRenewal.objects.get().state, PaymentMethod.objects.get().removed_at) == ("ended", NOW)


def test_a_new_card_that_could_not_be_taken_is_not_said_to_renew(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, sign_in: SignIn
) -> None:
    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    with time_machine.travel(DUE, tick=False):
        dora = sign_in(people.dora)
        press(dora.post(f"/subscription/auto-renew/{auto_renewal.pk}/card/new/")["Location"], "approve")
        auto_renewals.stop_auto_renewal(people.dora.actor, auto_renewal_id=auto_renewal.pk, now=DUE)
        settlement.settle_setups(auto_renewal.pk, now=DUE)
        page = dora.get(f"/subscription/auto-renew/{auto_renewal.pk}/card/?back=1", follow=True).content.decode()
    assert "renews from now on" not in page
    assert "The card is stored, but this auto-renewal could not take it" in page


@pytest.mark.rule("R1")
def test_who_does_not_pay_reads_nothing_of_the_payers_card(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, sign_in: SignIn
) -> None:
    agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    with time_machine.travel(DUE, tick=False):
        seen = {
            name: sign_in(person).get("/subscription/auto-renew/").content.decode()
            for name, person in (("dora", people.dora), ("ivan", people.ivan))
        }
    for words in ("ending 9995", "not enough funds"):
        assert words in seen["dora"]
        assert words not in seen["ivan"]
    assert "Nordlys" in seen["ivan"]
