"""What is archived leaves its auto-renewal before the next charge, and payer and installer are told once (R43, R78)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEvent, Notice
from communities.actions import archives
from communities.models import Apartment, Site
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import renewals
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order
from tests.people import NOW, People
from tests.races import together
from tests.subscriptions.renewing import DUE, EXPIRY, at, expiries

pytestmark = [pytest.mark.rule("R43"), pytest.mark.rule("R78")]
LATER = NOW + timedelta(days=1)


def test_an_archived_apartment_is_not_charged_and_everybody_is_told_once(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    flat = Apartment.objects.get(number="1.01")
    archives.archive_apartment(people.ivan.actor, apartment_id=flat.pk, now=LATER)
    for hours in (0, 1, 30):
        jobs.tick(now=at(sandbox, DUE + timedelta(hours=hours)))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert not order.lines.filter(entitlement__target=flat.target_id).exists()
    assert (order.state, order.lines.count()) == ("succeed", 3)
    left = AutoRenewalItem.objects.filter(is_live=False)
    assert {(row.reason, row.entitlement.target_id) for row in left} == {("archived", flat.target_id)}
    assert expiries() == {EXPIRY + timedelta(days=30)}
    assert flat.target.entitlements.values_list("expires_at", flat=True).distinct().get() == EXPIRY
    told = Notice.objects.filter(key__startswith="renewal-left:")
    assert {notice.user_id for notice in told} == {people.dora.membership.user_id, people.ivan.membership.user_id}
    assert all("2 items were archived" in notice.body for notice in told)
    assert AuditEvent.objects.get(action="auto_renewal.items_left").after == {
        "switched_off": 0,
        "archived": 2,
        "lapsed": 0,
    }
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "active"


def test_an_archived_site_ends_its_auto_renewal(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    archives.archive_site(people.ivan.actor, site_id=Site.objects.get().pk, now=LATER)
    jobs.tick(now=at(sandbox, DUE))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.reason_words) == ("suspended", "What it renewed is archived.")
    assert not Order.objects.filter(type=Order.Type.AUTO_RENEWAL).exists()


def test_what_is_restored_in_time_was_never_left_out(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    flat = Apartment.objects.get(number="1.01")
    archives.archive_apartment(people.ivan.actor, apartment_id=flat.pk, now=LATER)
    archives.restore_apartment(people.ivan.actor, apartment_id=flat.pk, now=LATER)
    jobs.tick(now=at(sandbox, DUE))
    assert Order.objects.get(type=Order.Type.AUTO_RENEWAL).lines.count() == 5


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")
@pytest.mark.django_db(transaction=True)
def test_archiving_while_the_renewal_prepares_is_either_before_or_refused(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    flat = Apartment.objects.get(number="1.01")
    now = at(sandbox, DUE)
    archived, payment = together(
        lambda: archives.archive_apartment(people.ivan.actor, apartment_id=flat.pk, now=now),
        lambda: renewals.prepare([auto_renewal.pk], now=now),
    )
    assert not isinstance(payment, Exception), payment
    ordered = Order.objects.get(type=Order.Type.AUTO_RENEWAL).lines.filter(entitlement__target=flat.target_id).count()
    if isinstance(archived, Exception):
        assert "open order" in str(archived)
        assert ordered == 2
        assert Apartment.objects.filter(pk=flat.pk).exists()
    else:
        assert ordered == 0
