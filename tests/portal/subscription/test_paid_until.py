"""The day on which paid time ends is the day at the site: for who reads it anywhere, on every page, in mail, files and sentences."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Notice, User
from communities.actions.sites import active_pm_apps, pm_app_lock_reason
from communities.models import Apartment, Entitlement, Site
from payments.reasons import instant, shown
from subscriptions import dashboard, dashboard_lists, summary
from subscriptions.actions import fulfilment
from subscriptions.models import Cart, Order, PriceList
from subscriptions.periods import Months
from subscriptions.prices import PriceKey, PriceTable
from subscriptions.pricing import TooFarAhead, quote
from subscriptions.quotes import Item
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import pay

# (where the site is, where its readers are, an end at which the two have different days)
WORLD = [
    ("Pacific/Auckland", "America/Los_Angeles", datetime(2026, 12, 13, 23, 30, tzinfo=UTC)),
    ("Pacific/Honolulu", "Pacific/Auckland", datetime(2026, 12, 14, 5, 30, tzinfo=UTC)),
]


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(params=WORLD, ids=lambda world: world[0])
def world(request: pytest.FixtureRequest, harbour_view: Site) -> tuple[str, str, datetime]:
    """Harbour View far away, everything of it paid to one instant, everybody reading from somewhere else."""
    zone, readers, end = request.param
    Site.objects.filter(pk=harbour_view.pk).update(time_zone=zone, pm_app=True)
    User.objects.update(time_zone=readers)
    for row in Entitlement.objects.all():
        pay(row, end)
    return zone, readers, end


def days(world: tuple[str, str, datetime], extra: timedelta = timedelta(0)) -> tuple[str, str]:
    """The day at the site, and the reader's, in words."""
    zone, readers, end = world
    right, wrong = ((end + extra).astimezone(ZoneInfo(where)) for where in (zone, readers))
    assert right.date() != wrong.date()
    return f"{right.day} {right:%b %Y}", f"{wrong.day} {wrong:%b %Y}"


def words_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    assert_clean(answer.content)
    page = answer.content.decode()
    return " ".join(re.sub(r"<[^>]*>", "", re.sub(r"<title>.*?</title>", "", page)).split())


PAGES: dict[str, tuple[str, ...]] = {
    "/sites/": ("dora", "ivan", "petra", "olga"),
    "/sites/{site}/": ("dora", "ivan", "petra", "olga", "tess"),
    "/sites/{site}/services/": ("dora", "ivan", "petra", "tess"),
    "/sites/{site}/billing/": ("dora", "ivan", "petra", "olga"),
    "/sites/{site}/managers/": ("ivan",),
    "/sites/{site}/edit/": ("ivan",),
    "/sites/{site}/facts/": ("dora", "ivan", "petra", "tess"),
    "/apartments/{apartment}/": ("dora", "ivan", "petra", "tess"),
    "/dashboard/": ("ivan", "petra"),
    "/dashboard/items/?show=due": ("dora", "ivan", "petra"),
    "/dashboard/items/?show=paid": ("dora", "ivan", "petra"),
    "/dashboard/items/?show=all": ("ivan",),
}


@pytest.mark.parametrize("address", PAGES)
def test_every_page_shows_the_day_at_the_site(
    address: str,
    world: tuple[str, str, datetime],
    people: People,
    harbour_view: Site,
    price_list: PriceList,
    sign_in: Callable[[Person], Client],
) -> None:
    from communities.actions import assignments

    assignments.set_technicians(
        people.ivan.actor, site_id=harbour_view.pk, membership_ids=[people.tess.membership.pk], now=NOW
    )
    right, wrong = days(world)
    url = address.format(site=harbour_view.pk, apartment=Apartment.objects.get(number="1.01").pk)
    for name in PAGES[address]:
        text = words_of(sign_in(getattr(people, name)), url)
        assert right in text, f"{name} {url}"
        assert wrong not in text, f"{name} {url}"


def test_the_minute_and_the_zone_are_on_hover(
    world: tuple[str, str, datetime], people: People, harbour_view: Site, sign_in: Callable[[Person], Client]
) -> None:
    zone, _readers, end = world
    page = sign_in(people.ivan).get(f"/sites/{harbour_view.pk}/services/").content.decode()
    local = end.astimezone(ZoneInfo(zone))
    exact = f'<time datetime="{end.isoformat()}" title="{local.day} {local:%b %Y, %H:%M}, {zone}">'
    assert f"{exact}{local.day} {local:%b %Y}</time>" in page


def test_warnings_name_it_too(
    world: tuple[str, str, datetime], people: People, harbour_view: Site, sign_in: Callable[[Person], Client]
) -> None:
    right, wrong = days(world)
    with time_machine.travel(world[2] - timedelta(days=3), tick=False):
        assert f"The first on {right}." in words_of(sign_in(people.ivan), f"/sites/{harbour_view.pk}/")
    with time_machine.travel(world[2] + timedelta(days=1), tick=False):
        right, wrong = days(world, timedelta(days=7))
        text = words_of(sign_in(people.ivan), f"/sites/{harbour_view.pk}/")
        assert f"It works until {right} and then stops." in text
        assert wrong not in text


def test_how_far_away_it_is_counts_days_at_the_site(people: People, harbour_view: Site) -> None:
    from smartplus.portal.kit.day_tags import how_far_to_end

    end = datetime(2026, 12, 13, 23, 30, tzinfo=UTC)  # the 14th in Auckland
    now = datetime(2026, 12, 12, 10, 30, tzinfo=UTC)  # the 12th, 23:30, there
    assert ">in 2 days<" in how_far_to_end(end, "Pacific/Auckland", now)
    assert ">in 1 day<" in how_far_to_end(end, "UTC", now)


def test_the_calendar_and_its_lists_put_each_row_to_the_day_at_its_own_site(
    people: People, harbour_view: Site, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]
) -> None:
    end = datetime(2026, 12, 13, 23, 30, tzinfo=UTC)
    Site.objects.filter(pk=harbour_view.pk).update(time_zone="Pacific/Auckland")
    other = make_site("Pier Court")
    make_apartment(other, "1.01")
    Site.objects.filter(pk=other.pk).update(time_zone="America/Los_Angeles")
    for row in Entitlement.objects.all():
        pay(row, end)
    reader = ZoneInfo("Asia/Tokyo")
    actor = people.dora.actor
    dues = dashboard.forecast(actor, now=NOW, zone=reader, prices=None)
    assert {due.day for due in dues} == {date(2026, 12, 13), date(2026, 12, 14)}
    for day, name in ((13, "Pier Court"), (14, "Harbour View")):
        span = (date(2026, 12, day), date(2026, 12, day))
        lines = dashboard_lists.lines_of(actor, summary.What.DUE, now=NOW, zone=reader, prices=None, days=span)
        assert {line.site_name for line in lines} == {name}


def test_an_order_its_page_and_its_mail_say_the_day_at_the_site(
    people: People,
    harbour_view: Site,
    fill_cart: Callable[..., Cart],
    place: Callable[..., Order],
    sign_in: Callable[[Person], Client],
) -> None:
    Site.objects.update(time_zone="Pacific/Auckland")
    User.objects.update(time_zone="America/Los_Angeles")
    paid_at = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)  # the 23rd at the site
    cart = fill_cart(now=paid_at)
    dora = sign_in(people.dora)
    with time_machine.travel(paid_at, tick=False):
        for url in (f"/subscription/carts/{cart.pk}/",):
            text = words_of(dora, url)
            assert "23 Dec 2026" in text
            assert "22 Dec 2026" not in text
        order = place(cart, now=paid_at)
        fulfilment.fulfil(order, now=paid_at)
        for person in (people.dora, people.ivan, people.petra):
            text = words_of(sign_in(person), f"/orders/{order.number}/")
            assert "23 Dec 2026" in text
            assert "22 Dec 2026" not in text
    (mail,) = Notice.objects.filter(key__startswith="order-succeeded")
    assert "Active until: 23 Dec 2026" in mail.body


def test_the_exported_table_has_the_day_at_the_site(
    world: tuple[str, str, datetime], people: People, harbour_view: Site, price_list: PriceList,
    sign_in: Callable[[Person], Client],
) -> None:  # fmt: skip
    zone, _readers, end = world
    day = end.astimezone(ZoneInfo(zone)).date()
    table = b"".join(sign_in(people.ivan).get(f"/sites/{harbour_view.pk}/billing/?format=csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    (written,) = {row["Expires"] for row in rows}
    assert sorted(re.findall(r"\d+", written)) == sorted([str(day.day), str(day.month), str(day.year)])


def test_sentences_name_the_day_at_the_site(world: tuple[str, str, datetime], harbour_view: Site) -> None:
    zone, readers, end = world
    right, wrong = days(world)
    with timezone.override(readers):
        locked = pm_app_lock_reason(active_pm_apps(harbour_view, NOW))
        assert f"until {right}" in locked
        assert wrong not in locked
        assert shown(instant(end, zone)) == right


def test_what_reaches_too_far_is_refused_with_the_days_at_the_site() -> None:
    table = PriceTable(1, "list", "USD", {PriceKey("app", "monitor"): 150})
    now = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
    running = Item(1, "app", "monitor", now + timedelta(days=1), "Pacific/Auckland")
    with pytest.raises(TooFarAhead, match=r"until 24 Nov 2031\. .* until 23 Nov 2031"):
        quote([running], Months(60), now, table)
