"""Dashboards under an own and a future price list, and in the days of whoever reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from communities.models import Apartment, Entitlement, Site
from payments import money
from subscriptions.actions import prices
from subscriptions.prices import PriceKey
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.places import pay

SignIn = Callable[[Person], Client]
LISTED = {
    PriceKey("app", "monitor"): 150, PriceKey("app", "no_monitor"): 250, PriceKey("premium", "booking"): 30, PriceKey("pm_app", "plain"): 500,
}  # fmt: skip
ENDS_AT = datetime.fromisoformat(
    "2026-12-01T20:00:00+00:00"
)  # still 1 December in Hamburg, already the 2nd in Auckland
READERS = ("dora", "ivan", "petra")


@pytest.fixture
def harbour(people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Site:
    """Two apartments: the App of 1.01 is paid and ends, that of 1.02 was never activated."""
    from communities.actions import assignments

    site = make_site()
    for number in ("1.01", "1.02"):
        make_apartment(site, number, indoor_monitor=False)
    petra = people.petra.membership.pk
    assignments.set_managers(people.ivan.actor, site_id=site.pk, pm_app_by_membership={petra: False}, now=NOW)
    pay(Entitlement.objects.get(target__number="1.01"), ENDS_AT)
    return site


def publish(times: int, *, valid_from: datetime, distributor_id: int | None = None, currency: str = "USD") -> None:
    prices.publish_price_list(
        SYSTEM, currency=currency, amounts={key: times * amount for key, amount in LISTED.items()},
        distributor_id=distributor_id, valid_from=valid_from, now=NOW,
    )  # fmt: skip


def amounts(client: Client, site: Site, who: str) -> dict[str, Any]:
    """Every amount of the dashboard, of the list it opens and of the billing page that prices the one App that ends, in minor units."""
    page = client.get("/dashboard/")
    tile = next(tile for tile in page.context["tiles"] if tile.label in {"Due in 30 days", "Paid now"})
    found: dict[str, Any] = {
        "tile": tile.value,
        "its list": money.show(client.get(tile.url).context["total_minor"], "USD", language="en"),
        "billing": money.show(
            client.get(f"/sites/{site.pk}/billing/").context["review"].paid_minor, "USD", language="en"
        ),
    }
    if who == "dora":
        found["calendar"] = money.show(page.context["calendar"].total.amount_minor, "USD", language="en")
        [row] = [row for row in page.context["rows"] if row.firm.sites]
        found["installer"] = money.show(row.standing.due_minor, "USD", language="en")
    return found


@pytest.mark.parametrize("who", READERS)
def test_the_list_in_force_prices_every_number_the_own_before_the_default_and_none_before_its_day(
    people: People, harbour: Site, sign_in: SignIn, who: str
) -> None:
    nordlys, zephyr = people.dora.firm.pk, people.mallory.firm.pk
    steps: list[tuple[Callable[[], None], str]] = [
        (lambda: publish(1, valid_from=NOW - timedelta(days=30)), "US$2.50"),
        (lambda: publish(7, valid_from=NOW - timedelta(days=20), currency="EUR"), "US$2.50"),  # another currency
        (
            lambda: publish(9, valid_from=NOW - timedelta(days=20), distributor_id=zephyr, currency="EUR"),
            "US$2.50",
        ),  # somebody else's
        (lambda: publish(2, valid_from=NOW - timedelta(days=10), distributor_id=nordlys), "US$5.00"),
        (lambda: publish(4, valid_from=NOW - timedelta(days=5)), "US$5.00"),  # a newer default stands behind the own
        (lambda: publish(3, valid_from=NOW + timedelta(days=2), distributor_id=nordlys), "US$5.00"),  # not yet
    ]
    client = sign_in(getattr(people, who))
    with time_machine.travel(NOW, tick=False):
        for change, expected in steps:
            change()
            found = amounts(client, harbour, who)
            assert set(found.values()) == {expected}, found
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        found = amounts(sign_in(getattr(people, who)), harbour, who)
        assert set(found.values()) == {"US$7.50"}, found


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"])
def test_days_are_those_of_the_site_and_each_leads_to_what_it_counts(
    people: People, harbour: Site, sign_in: SignIn, zone: str
) -> None:
    day = date(2026, 12, 1)
    publish(1, valid_from=NOW - timedelta(days=30))
    user = people.dora.membership.user
    user.time_zone = zone
    user.save()
    with time_machine.travel(NOW, tick=False):
        dora = sign_in(people.dora)
        [row] = dora.get("/dashboard/").context["calendar"].rows
        assert (row.first, row.count) == (day, 1)
        asked = parse_qs(urlsplit(row.url).query)
        assert (asked["from"], asked["to"]) == ([day.isoformat()], [day.isoformat()])
        assert dora.get(row.url).context["count"] == 1
        other = day + timedelta(days=1)
        elsewhere = f"/dashboard/items/?show=due&from={other}&to={other}"
        assert dora.get(elsewhere).context["count"] == 0


@pytest.mark.parametrize(
    ("at", "zone", "words"),
    [
        ("2026-11-22T22:30:00+00:00", "Europe/Berlin", "Sunday 22 November 2026"),
        ("2026-11-22T23:30:00+00:00", "Europe/Berlin", "Monday 23 November 2026"),
        ("2026-11-22T23:30:00+00:00", "America/Los_Angeles", "Sunday 22 November 2026"),
    ],
)
def test_today_is_the_readers(people: People, sign_in: SignIn, at: str, zone: str, words: str) -> None:
    for who in ("olga", "dora", "sam", "ivan", "petra"):
        user = getattr(people, who).membership.user
        user.time_zone = zone
        user.save()
        with time_machine.travel(datetime.fromisoformat(at), tick=False):
            assert words in sign_in(getattr(people, who)).get("/dashboard/").content.decode(), who
