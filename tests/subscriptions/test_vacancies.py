"""The auto-renewal of an empty apartment: its items are suspended and not charged, and resume by themselves with the next household (R33)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from accounts.models import AuditEvent, Notice, Topic
from communities.actions import households, moving, residents
from communities.actions.moving import Entry
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Mode, Resident, Site
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions import ledger
from subscriptions.actions import renewals, vacancies
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order
from tests.lock_waits import alone, wait_for_waiting
from tests.people import NOW, People
from tests.subscriptions.lookups import entitlement
from tests.subscriptions.renewing import DUE, EXPIRY, MONTHLY, at

DAY = timedelta(days=1)
APP = 150  # of the apartment that is left, with its monitor
needs_two_writers = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")


def flat() -> Apartment:
    return Apartment.objects.get(number="1.01")


def leave(people: People, *, now: datetime = NOW) -> None:
    """Everybody moves out of 1.01."""
    moving.move_out(people.ivan.actor, apartment_id=flat().pk, now=now)


def arrive(people: People, *, now: datetime) -> None:
    family = [Entry(name="New", email="new@example.org")]
    moving.move_in(people.ivan.actor, apartment_id=flat().pk, people=family, now=now)


def app() -> Entitlement:
    return entitlement(Site.objects.get(), ServiceType.APP, "1.01")


def item() -> AutoRenewalItem:
    return AutoRenewalItem.objects.get(entitlement=app())


def charged() -> list[int]:
    orders = Order.objects.filter(type=Order.Type.AUTO_RENEWAL, state=Order.State.SUCCEED)
    return list(orders.order_by("pk").values_list("total_minor", flat=True))


@pytest.mark.rule("R33", "R43")
def test_an_empty_apartment_is_not_charged_and_stays_in_its_auto_renewal(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    leave(people)
    jobs.tick(now=at(sandbox, DUE))
    auto_renewal.refresh_from_db()
    assert (charged(), app().expires_at, auto_renewal.state) == ([MONTHLY - APP], EXPIRY, "active")
    assert (item().is_live, item().suspended_at, item().reason) == (True, DUE, "no_household")
    assert (app().mode, list(ledger.modes())) == (Mode.MANUAL, [])
    assert auto_renewal.next_due_at == EXPIRY + 7 * DAY  # where it would lapse
    (event,) = AuditEvent.objects.filter(action="auto_renewal.items_suspended")
    assert (event.after, event.actor_label) == ({"items": 1}, "SmartPlus")
    letter = Notice.objects.get(subject__contains="empty apartments")
    assert (letter.email, letter.topic) == (people.dora.email, Topic.ORDERS)
    jobs.tick(now=at(sandbox, DUE + DAY))
    assert Notice.objects.filter(subject__contains="empty apartments").count() == 1


@pytest.mark.rule("R33", "R46")
@pytest.mark.parametrize("comes", [EXPIRY - DAY, EXPIRY + 6 * DAY], ids=["while it runs", "in grace"])
def test_it_resumes_with_the_next_household_and_is_charged_from_its_expiry(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, comes: datetime
) -> None:
    auto_renewal = agree()
    leave(people)
    jobs.tick(now=at(sandbox, DUE))
    arrive(people, now=comes)
    for minutes in (0, 1, 10):
        jobs.tick(now=at(sandbox, comes + timedelta(minutes=minutes)))
    assert (charged(), app().expires_at) == ([MONTHLY - APP, APP], EXPIRY + 30 * DAY)
    assert (item().suspended_at, item().reason, app().mode) == (None, "", Mode.AUTO)
    auto_renewal.refresh_from_db()
    assert auto_renewal.next_due_at == DUE + 30 * DAY
    assert AuditEvent.objects.get(action="auto_renewal.items_resumed").after == {"items": 1}
    assert list(ledger.modes()) == []


@pytest.mark.rule("R46")
def test_an_apartment_that_stays_empty_lapses_and_is_never_charged_by_itself(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    leave(people)
    for day in (DUE, EXPIRY + 7 * DAY):
        jobs.tick(now=at(sandbox, day))
    assert (item().is_live, item().reason) == (False, "item_lapsed")
    arrive(people, now=EXPIRY + 8 * DAY)
    jobs.tick(now=at(sandbox, EXPIRY + 8 * DAY))
    auto_renewal.refresh_from_db()
    assert (charged(), app().expires_at, auto_renewal.state) == ([MONTHLY - APP], EXPIRY, "active")


@pytest.mark.rule("R43")
def test_who_is_back_before_the_charge_was_never_missed(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    leave(people)
    arrive(people, now=NOW + DAY)
    jobs.tick(now=at(sandbox, DUE))
    assert (charged(), item().suspended_at) == ([MONTHLY], None)
    assert not AuditEvent.objects.filter(action__startswith="auto_renewal.items").exists()


@pytest.mark.rule("R33")
def test_an_auto_renewal_of_empty_apartments_waits_until_they_lapse(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    AutoRenewalItem.objects.exclude(pk=item().pk).update(is_live=False)
    leave(people)
    jobs.tick(now=at(sandbox, DUE))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.next_due_at, charged()) == ("active", EXPIRY + 7 * DAY, [])
    jobs.tick(now=at(sandbox, EXPIRY + 7 * DAY))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.reason) == ("suspended", "lapsed")


@pytest.mark.rule("R33", "R30")
def test_additional_apps_of_an_empty_apartment_are_suspended_and_those_of_a_smaller_household_leave(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    Site.objects.update(free_members=0)
    auto_renewal = agree()
    slots = []
    for name in ("A", "B"):
        residents.add_resident(people.ivan.actor, apartment_id=flat().pk, name=name, email="m@example.org", now=NOW)
    for slot in Entitlement.objects.filter(service_type=ServiceType.ADDITIONAL_APP).order_by("target__slot"):
        Entitlement.objects.filter(pk=slot.pk).pay_until(EXPIRY, paid_variant=slot.variant)
        keys = {
            name: getattr(slot, name) for name in ("site_id", "distributor_id", "subdistributor_id", "installer_id")
        }
        slots.append(AutoRenewalItem.objects.create(auto_renewal=auto_renewal, entitlement=slot, **keys))
    residents.remove_resident(people.ivan.actor, resident_id=Resident.objects.get(name="B").pk, now=NOW)
    leave(people)
    renewals.prepare([auto_renewal.pk], now=at(sandbox, DUE))
    found = [
        (row.is_live, row.reason) for row in AutoRenewalItem.objects.filter(pk__in=[s.pk for s in slots]).order_by("pk")
    ]
    assert found == [
        (True, "no_household"),
        (True, "no_household"),
    ]  # who left first left an empty apartment in the end
    arrive(people, now=DUE)
    residents.add_resident(people.ivan.actor, apartment_id=flat().pk, name="C", email="m@example.org", now=DUE)
    vacancies.resume(auto_renewal.pk, now=DUE)
    renewals.prepare([auto_renewal.pk], now=at(sandbox, DUE))
    then = [
        (row.is_live, row.suspended_at)
        for row in AutoRenewalItem.objects.filter(pk__in=[s.pk for s in slots]).order_by("pk")
    ]
    assert then == [(True, None), (True, DUE)]


@pytest.mark.rule("R33")
def test_another_card_brings_back_what_waits_for_a_household(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    from subscriptions.actions import auto_renewals, cards
    from subscriptions.reasons import Reason

    auto_renewal = agree()
    leave(people)
    jobs.tick(now=at(sandbox, DUE))
    with transaction.atomic():
        (locked,) = auto_renewals.lock([auto_renewal.pk])
        auto_renewals.close(
            locked, "suspended", Reason("card_unusable", {"card": "x"}), actor=people.dora.actor, now=DUE
        )
    assert not item().is_live
    cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=auto_renewal.method_id, now=DUE)
    assert (item().is_live, item().suspended_at) == (True, DUE)


@needs_two_writers
@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("R33", "R43")
def test_a_household_that_moves_out_while_the_renewal_waits_for_the_site_is_not_charged(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto_renewal = agree()
    now = at(sandbox, DUE)
    settle, threads = households.settle, list[threading.Thread]()

    def and_then(*given: object, **more: object) -> object:
        """The household has left, but this transaction is not over: the engine has to wait for it."""
        found = settle(*given, **more)  # type: ignore[arg-type]
        threads.append(threading.Thread(target=partial(alone, partial(renewals.prepare, [auto_renewal.pk], now=now))))
        threads[0].start()
        wait_for_waiting(1)
        return found

    monkeypatch.setattr(moving, "settle", and_then)
    leave(people, now=now)
    threads[0].join()
    assert Order.objects.get(type=Order.Type.AUTO_RENEWAL).total_minor == MONTHLY - APP
    assert item().suspended_at == DUE
