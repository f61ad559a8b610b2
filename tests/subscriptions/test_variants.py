"""Each paid period has its own variant: what is paid for changes when the period begins that paid for something else (R36)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from communities import catalogue
from communities.models import Entitlement, Site
from smartplus import jobs
from subscriptions import ledger
from subscriptions.actions import fulfilment, settlement, variants
from subscriptions.models import Cart, Order, VariantChange
from tests.people import NOW

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(days=3)
Pay = Callable[[str, datetime], Entitlement]


@pytest.fixture
def premium(harbour_view: Site) -> Entitlement:
    """The Premium Plan of an apartment: booking and landline are on."""
    return Entitlement.objects.get(site=harbour_view, service_type="premium", target__number="1.01")


@pytest.fixture
def pay(premium: Entitlement, fill_cart: Callable[..., Cart], place: Callable[..., Order]) -> Pay:
    """Have the plan paid for two months with these components."""

    def pay(variant: str, now: datetime) -> Entitlement:
        kept = Entitlement.objects.filter(pk=premium.pk).values("expires_at", "works_until", "anchor_at").get()
        # an activation can be ordered only once: it stands for the renewals that come later
        Entitlement.objects.filter(pk=premium.pk).update(variant=variant, expires_at=None, works_until=None)
        order = place(fill_cart(items=[premium], months=2, now=now), now=now)
        Entitlement.objects.filter(pk=premium.pk).update(**kept)
        with transaction.atomic():
            fulfilment.fulfil(settlement.lock_order(order.pk), now=now)
        premium.refresh_from_db()
        return premium

    return pay


@pytest.mark.rule("R36")
def test_a_component_that_the_next_period_pays_for_works_when_that_begins(pay: Pay) -> None:
    ends = pay("booking", NOW).expires_at
    assert ends is not None
    item = pay("landline+booking", ends - timedelta(days=3))
    assert (item.paid_variant, item.expires_at is not None and item.expires_at > ends) == ("booking", True)
    assert item.variant_until == ends
    assert item.is_usable(ends - timedelta(days=1), "booking")
    assert not item.is_usable(ends - timedelta(days=1), "landline")

    assert variants.turn_due(now=ends - timedelta(seconds=1)) == 0
    assert jobs.run("paid_variants", now=ends) == 1
    item.refresh_from_db()
    assert item.variant_until is None
    assert item.is_usable(ends, "landline")
    assert not VariantChange.objects.exists()


@pytest.mark.rule("R36")
def test_what_is_paid_for_goes_on_to_its_end_when_it_is_renewed_without(pay: Pay) -> None:
    ends = pay("landline+booking", NOW).expires_at
    assert ends is not None
    item = pay("booking", ends - timedelta(days=3))
    assert item.paid_variant == "landline+booking"
    variants.turn_due(now=ends)
    item.refresh_from_db()
    assert item.paid_variant == "booking"


def test_there_and_back_is_two_changes_in_their_order(pay: Pay) -> None:
    first = pay("booking", NOW).expires_at
    second = pay("landline+booking", NOW).expires_at
    item = pay("booking", NOW)
    assert first is not None
    assert second is not None
    assert [change.at for change in VariantChange.objects.all()] == [first, second]
    for now, paid in ((first, "landline+booking"), (second, "booking")):
        assert variants.turn_due(now=now) == 1
        item.refresh_from_db()
        assert item.paid_variant == paid


def test_after_a_long_outage_the_last_period_that_began_counts(pay: Pay) -> None:
    pay("booking", NOW)
    second = pay("landline+booking", NOW).expires_at
    item = pay("booking", NOW)
    assert second is not None
    assert variants.turn_due(now=second + timedelta(days=1)) == 2
    item.refresh_from_db()
    assert (item.paid_variant, VariantChange.objects.count()) == ("booking", 0)


@pytest.mark.parametrize("ended", [timedelta(days=2), timedelta(days=20)], ids=["in grace", "lapsed"])
def test_what_is_paid_once_its_time_is_over_counts_at_once(pay: Pay, ended: timedelta) -> None:
    ends = pay("booking", NOW).expires_at
    assert ends is not None
    assert pay("landline+booking", ends + ended).paid_variant == "landline+booking"
    assert not VariantChange.objects.exists()


@pytest.mark.parametrize("ended", [timedelta(days=2), timedelta(days=20)], ids=["in grace", "lapsed"])
def test_what_was_not_noticed_in_time_is_overtaken_by_what_is_paid_later(pay: Pay, ended: timedelta) -> None:
    pay("booking", NOW)
    ends = pay("landline+booking", NOW).expires_at
    assert ends is not None
    assert pay("booking", ends + ended).paid_variant == "booking"
    assert variants.turn_due(now=ends + ended) == 0
    assert not list(ledger.expiries())


def test_a_change_that_waits_already_is_written_anew(pay: Pay) -> None:
    item = pay("booking", NOW)
    assert item.expires_at is not None
    VariantChange.objects.create(entitlement=item, at=item.expires_at, variant="booking")
    pay("landline+booking", NOW)
    assert VariantChange.objects.get().variant == "landline+booking"


def test_renewed_as_it_is_nothing_waits(pay: Pay) -> None:
    pay("booking", NOW)
    pay("booking", NOW)
    assert not VariantChange.objects.exists()


def test_the_books_know_what_waits(pay: Pay) -> None:
    pay("booking", NOW)
    item = pay("landline+booking", NOW)
    assert [fault for fault in ledger.expiries() if "paid_variant" in fault.problem] == []
    assert list(ledger.expiries()) == []
    Entitlement.objects.filter(pk=item.pk).update(paid_variant="landline")
    assert [fault.problem for fault in ledger.expiries()] == [
        "paid_variant is 'landline', its present period paid 'booking'"
    ]
    Entitlement.objects.filter(pk=item.pk).update(paid_variant="booking")
    at = item.variant_until
    VariantChange.objects.update(at=NOW)
    assert [fault.problem for fault in ledger.expiries()] == [
        f"paid_variant counts until {at}, the next one from {NOW}",
        f"would have 'landline+booking' from {NOW} on, which no period paid",
    ]
    VariantChange.objects.update(at=at)
    assert list(ledger.expiries()) == []
    VariantChange.objects.all().delete()
    assert [fault.problem for fault in ledger.expiries() if "paid_variant" in fault.problem] == [
        "paid_variant is 'booking', its last period paid 'landline+booking'"
    ]
    assert catalogue.uncovered("premium", item.variant, item.paid_variant) == ("landline",)
