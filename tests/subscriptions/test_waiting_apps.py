"""A running App whose apartment waits for its monitor renews at the variant that is paid, and everybody says the same sum (R17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.scope import Actor
from communities import expiries, expiry_triggers
from communities.actions import entitlements
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, ExpiryDay, Site
from payments.sandbox import Sandbox
from subscriptions import dashboard, dashboard_lists, ledger, price_preview, reports, reviews, saved_items, summary
from subscriptions.actions import extending, renewals
from subscriptions.models import AutoRenewal, Cart, Order
from subscriptions.periods import Cycles, Months
from subscriptions.prices import PriceTable
from subscriptions.tables import table_for
from tests.people import NOW, People
from tests.subscriptions.lookups import entitlement
from tests.subscriptions.renewing import MONTHLY, at

pytestmark = pytest.mark.django_db
PM_APP = 500
LATER = NOW + timedelta(days=1)


def wait_for_monitor(site: Site, *, waits: bool = True) -> Entitlement:
    """With Indoor Monitor is switched on in the apartment that has none; then its monitor comes."""
    Apartment.objects.filter(site=site, number="1.02").update(indoor_monitor=True, monitor_pending=waits)
    with transaction.atomic():
        entitlements.sync_site(Site.objects.select_for_update().get(pk=site.pk))
    return entitlement(site, ServiceType.APP, "1.02")


def sums(people: People, site: Site, auto_renewal: AutoRenewal) -> dict[str, int | None]:
    """What 30 more days of everything at the site cost, by everybody who says so."""
    items = Entitlement.objects.filter(site=site)
    prices = table_for(people.dora.firm, at=LATER)
    actor: Actor = people.dora.actor
    site = Site.objects.select_related("installer", "distributor").get(pk=site.pk)
    review = reviews.review_of(site, apartments=2, now=LATER, reader=actor)
    auto_renewal = AutoRenewal.objects.select_related("installer__distributor").get(pk=auto_renewal.pk)
    due = dashboard.forecast(actor, now=LATER, zone=UTC, prices=prices)
    asked = dashboard_lists.Asked(summary.What.ALL, LATER, UTC, prices)
    found = {
        "auto_renewal": reports.next_charges([auto_renewal], reports.renewed_by(actor, [auto_renewal]), now=LATER)[
            auto_renewal.pk
        ],
        "forecast": sum(day.amount_minor or 0 for day in due),
        "standing": dashboard.standings(actor, now=LATER, prices=prices)[people.ivan.firm.pk].due_minor,
        "tile": dashboard_lists.sum_of(actor, asked).amount_minor,
        "list": sum(
            line.amount_minor or 0
            for line in dashboard_lists.page_of(actor, asked, dashboard_lists.sum_of(actor, asked))
        ),
        "review": sum(row.amount_minor or 0 for row in review.holdings),
        "ending": sum(ending.amount_minor or 0 for ending in review.endings),
        "price preview of the site": price_preview.site_total_minor(site, prices, as_of=LATER),
        "price preview of its items": sum(
            _preview_total(site, row, prices) for row in Apartment.objects.filter(site=site)
        )
        + PM_APP,
    }
    for term in (Cycles(1), Months(1)):
        for upgrades in (True, False):
            shown = extending.priced(items, term, upgrades=upgrades, distributor=people.dora.firm, now=LATER)
            found[f"{term}, {upgrades}"] = shown.total_minor
    return found


def _preview_total(site: Site, apartment: Apartment, prices: PriceTable) -> int:
    """The price preview beside the form of an apartment, nothing changed."""
    draft = entitlements.configuration_of(site, apartment_ids=[apartment.pk])
    saved = saved_items.saved_of(site, apartment=apartment)
    found = price_preview.preview_of(draft, saved, prices, as_of=LATER, zone=site.time_zone)
    assert found.difference_minor == 0
    return found.every_30_days.total_minor


@pytest.mark.rule("R17", "R27", "R40")
def test_what_waits_for_its_monitor_costs_what_is_paid_wherever_it_is_said(
    people: People, harbour_view: Site, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    assert set(sums(people, harbour_view, auto_renewal).values()) == {MONTHLY}
    item = wait_for_monitor(harbour_view)
    assert (item.variant, item.paid_variant, item.blocked) == ("monitor", "no_monitor", "monitor_pending")
    assert list(expiries.faults()) == []
    expiries.fold(now=LATER)
    assert list(expiries.faults()) == []
    assert sums(people, harbour_view, auto_renewal) == dict.fromkeys(sums(people, harbour_view, auto_renewal), MONTHLY)

    due = auto_renewal.next_due_at
    assert due is not None
    renewals.renew_due(now=at(sandbox, due))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (order.state, order.total_minor) == ("succeed", MONTHLY)
    assert order.lines.get(entitlement=item).variant == "no_monitor"
    item.refresh_from_db()
    assert (item.paid_variant, item.is_usable(due)) == ("no_monitor", True)

    wait_for_monitor(harbour_view, waits=False)
    assert sums(people, harbour_view, auto_renewal)["auto_renewal"] == MONTHLY - 250 + 150
    renewals.renew_due(now=at(sandbox, due + timedelta(days=30)))
    assert Order.objects.latest("pk").total_minor == MONTHLY - 250 + 150
    assert [str(fault) for fault in ledger.verify()] == []


@pytest.mark.rule("R17", "R27")
@pytest.mark.parametrize("days", [-2, -40])
def test_after_its_end_it_goes_on_at_what_was_paid_too(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], days: int
) -> None:
    item = wait_for_monitor(harbour_view)
    Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=days), paid_variant="no_monitor")
    fill_cart()
    shown = extending.priced(
        Entitlement.objects.filter(pk=item.pk), Months(1), upgrades=True, distributor=people.dora.firm, now=NOW
    )
    assert [(line.item.variant, line.amount_minor) for line in shown.lines] == [("no_monitor", 250)]


@pytest.mark.rule("R17")
def test_parts_of_a_plan_that_waits_are_renewed_as_they_are_on(people: People, harbour_view: Site, fill_cart) -> None:
    wait_for_monitor(harbour_view)
    plan = entitlement(harbour_view, ServiceType.PREMIUM, "1.02")
    assert plan.blocked
    Entitlement.objects.filter(pk=plan.pk).pay_until(NOW + timedelta(days=9), paid_variant="landline")
    fill_cart()
    shown = extending.priced(
        Entitlement.objects.filter(pk=plan.pk), Months(1), upgrades=True, distributor=people.dora.firm, now=NOW
    )
    assert {line.item.variant for line in shown.lines} == {plan.variant} == {"booking"}


def test_a_migration_of_before_waits_for_the_one_that_adds_what_is_counted(
    harbour_view: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Any = SimpleNamespace(
        connection=connection, execute=lambda *_: pytest.fail("no column for it"), collect_sql=False
    )
    monkeypatch.setattr(expiry_triggers, "COLUMNS", (*expiry_triggers.COLUMNS, "weight"))
    expiry_triggers.CreateTriggers().database_forwards("communities", run, run, run)
    assert ExpiryDay.objects.exists()
