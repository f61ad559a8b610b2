"""What renews by itself alarms nobody; what differs is counted alike wherever it is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from communities.catalogue import WITHOUT_MONITOR, ServiceType
from communities.models import Entitlement, Mode, Site
from payments.models import PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions import dashboard, dashboard_lists, reviews, summary
from subscriptions.actions import modes
from subscriptions.models import AutoRenewal, AutoRenewalItem
from tests.people import NOW, People
from tests.portal.html import untimed
from tests.subscriptions.renewing import DUE, EXPIRY, at

PARTS = "booking+landline+video_storage"
NOON = EXPIRY - timedelta(days=6)  # everything ends within a week, when warnings begin


@pytest.fixture
def six_days_before() -> Iterator[None]:
    """Pages read the clock themselves."""
    with time_machine.travel(NOON, tick=False):
        yield


def text_of(client: Client, url: str) -> str:
    return " ".join(untimed(client.get(url).content.decode()).split())


def alarms(client: Client, site: Site) -> list[str]:
    """Where a page says that something ends."""
    pages = {
        "overview": (f"/sites/{site.pk}/facts/", ["Expiring", "end soon", "ends soon"]),
        "apartments": (f"/sites/{site.pk}/", ["Expiring"]),
        "dashboard": ("/dashboard/", ["Look at what ends", '"st expiring"']),
        "sites": ("/sites/", ['"st expiring"']),
    }
    return [name for name, (url, words) in pages.items() if any(word in text_of(client, url) for word in words)]


def test_what_renews_by_itself_with_a_good_card_alarms_nobody(
    people: People, agree: Callable[..., AutoRenewal], sign_in: Callable[..., Client], six_days_before: None
) -> None:
    agree()
    ivan, site = sign_in(people.ivan), Site.objects.get()
    assert alarms(ivan, site) == []
    assert "Auto-renew" in text_of(ivan, f"/sites/{site.pk}/")
    PaymentMethod.objects.update(failed_at=NOW)  # refused for good by its bank
    modes.refresh_for_card(PaymentMethod.objects.get().pk)
    assert alarms(ivan, site) == ["overview", "apartments", "dashboard", "sites"]


def test_after_a_failed_try_it_alarms_again(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox, sign_in: Callable[..., Client]
) -> None:
    agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    site, later = Site.objects.get(), DUE + timedelta(hours=1)
    with time_machine.travel(later, tick=False):
        assert alarms(sign_in(people.ivan), site) == ["overview", "apartments", "dashboard", "sites"]
        assert "Auto-renew fails" in text_of(sign_in(people.petra), f"/sites/{site.pk}/billing/")
        assert "1 card can&#x27;t be charged" in text_of(sign_in(people.dora), "/dashboard/")
    lines = dashboard_lists.lines_of(people.dora.actor, summary.What.DUE, now=later, zone=later.tzinfo, prices=None)  # type: ignore[arg-type]
    assert {line.mode for line in lines} == {Mode.FAIL}


def test_what_nobody_renews_stands_out_beside_what_renews(
    people: People, agree: Callable[..., AutoRenewal], sign_in: Callable[..., Client], six_days_before: None
) -> None:
    auto_renewal = agree()
    auto_renewal.items.filter(entitlement__service_type=ServiceType.PM_APP).update(is_live=False)
    modes.refresh([auto_renewal.pk])
    page = text_of(sign_in(people.ivan), f"/sites/{Site.objects.get().pk}/")
    assert "1 PM App ends soon" in page
    assert "App end soon" not in page


def test_the_next_charge_is_the_day_on_which_the_card_is_charged(
    people: People, agree: Callable[..., AutoRenewal], sign_in: Callable[..., Client], time_machine_at_noon: None
) -> None:
    agree()
    page = text_of(sign_in(people.petra), f"/sites/{Site.objects.get().pk}/billing/")
    assert 'Next charge </div> <div class="v"> 19 Dec 2026' in page
    assert "(paid until 22 Dec 2026)" in page


@pytest.mark.rule("R3")
def test_the_dashboard_and_the_billing_page_count_the_same_differences(
    people: People,
    agree: Callable[..., AutoRenewal],
    make_apartment,
    sign_in: Callable[..., Client],
    six_days_before: None,
) -> None:
    agree()
    site = Site.objects.get()
    make_apartment(site, "1.03")  # its App and its Premium Plan are on and not activated
    apps = Entitlement.objects.filter(service_type=ServiceType.APP, expires_at__isnull=False)
    premium = Entitlement.objects.filter(service_type=ServiceType.PREMIUM, expires_at__isnull=False)
    for rows, change, expected in (
        (apps, {}, 2),
        (apps.filter(target__number="1.01"), {"variant": WITHOUT_MONITOR}, 2),  # goes on at its paid price
        (premium.filter(target__number="1.01"), {"paid_variant": f"{PARTS}_30", "variant": f"{PARTS}_7"}, 2),
        (premium.filter(target__number="1.02"), {"variant": ""}, 3),
        (premium.filter(target__number="1.02"), {"expires_at": NOW - timedelta(days=90), "works_until": NOW - timedelta(days=83)}, 2),
    ):  # fmt: skip
        rows.update(**change)
        standing = sum(
            dashboard.standings(people.petra.actor, now=NOON, prices=None, by="site_id").values(), dashboard.Standing()
        )
        full = Site.objects.select_related("installer", "distributor").get()
        review = reviews.review_of(full, apartments=2, now=NOON, reader=people.petra.actor)
        differing = sum(row.count for row in review.holdings if row.differs)
        assert (standing.unpaid + standing.unused, differing) == (expected, expected), change


def test_what_was_paid_a_minute_ago_is_not_about_to_end(
    people: People, agree: Callable[..., AutoRenewal], sign_in: Callable[..., Client], time_machine_at_noon: None
) -> None:
    auto_renewal = agree()
    AutoRenewalItem.objects.update(is_live=False)
    modes.refresh([auto_renewal.pk])
    site = Site.objects.get()
    assert Entitlement.objects.latest("expires_at").expires_at == EXPIRY  # in 30 days
    assert alarms(sign_in(people.ivan), site) == []
    assert "Expiring</span>" not in text_of(sign_in(people.petra), f"/sites/{site.pk}/billing/")
    assert "Due in 30 days" in text_of(sign_in(people.ivan), "/dashboard/")  # a forecast of money, and no warning
    with time_machine.travel(EXPIRY - timedelta(days=7), tick=False):
        assert alarms(sign_in(people.ivan), site) == ["overview", "apartments", "dashboard", "sites"]


@pytest.mark.parametrize(
    ("days", "paid_variant", "pill"),
    [
        ({}, {}, ("active", "Active")),
        ({"1.01": None}, {}, ("pending", "2 not activated")),
        ({"1.01": 5}, {}, ("expiring", "Expiring")),
        ({"1.01": 5, "1.02": None}, {}, ("pending", "2 not activated")),
        ({"1.02": None}, {"1.01": "booking"}, ("expiring", "Not all paid")),
        ({"1.01": -3}, {"1.02": "dynamic_qr"}, ("expiring", "In grace")),
        ({"1.01": -3, "1.02": -8}, {}, ("lapsed", "2 lapsed")),
        ({"1.01": -8, "1.02": -8, "pm": -8}, {}, ("lapsed", "Lapsed")),
        ({"1.01": None, "1.02": None, "pm": None}, {}, ("inactive hollow", "Not activated")),
    ],
)
def test_a_sites_pill_shows_its_worst_item(
    people: People,
    harbour_view: Site,
    sign_in: Callable[..., Client],
    time_machine_at_noon: None,
    days: dict[str, int | None],
    paid_variant: dict[str, str],
    pill: tuple[str, str],
) -> None:
    for item in Entitlement.objects.select_related("target"):
        end = days.get(item.target.number or "pm", 90)
        item.paid_variant = "" if end is None else item.variant
        if item.target.is_home and item.service_type == ServiceType.PREMIUM:
            item.paid_variant = paid_variant.get(item.target.number, item.paid_variant)
        item.save()
        if end is not None:
            Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=end))
    assert sign_in(people.ivan).get(f"/sites/{harbour_view.pk}/").context["pill"] == pill
