"""Every tile of every dashboard leads to a list that shows exactly as many: walked over all pages, in a world with rows of every kind."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from communities import expiries
from communities.actions import assignments
from communities.models import Apartment, Entitlement, ExpiryDay, Site, keys_of
from payments import money
from payments.models import GatewayEvent
from smartplus.setup import State
from subscriptions import dashboard, dashboard_lists
from subscriptions.actions import requests
from subscriptions.dashboard_lists import Asked, SiteLine
from subscriptions.models import AutoRenewalItem, Order
from subscriptions.summary import What
from tests.factories import GatewayEventFactory, PaymentFactory, PaymentMethodFactory, SubscriptionFactory
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import pay

SignIn = Callable[[Person], Client]
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
MANY = 57  # more than a page


@pytest.fixture
def world(
    people: People,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Apartment],
    fill_cart: Callable[..., Any],
    place: Callable[..., Order],
) -> Site:
    """Harbour View with items that are new, due, in grace, lapsed, on but not paid, paid but off, and without their monitor; orders
    in every state; auto-renewals that run, can't be charged, stopped lately, stopped long ago, ended; payments and webhooks of all sorts."""
    site = make_site(booking=True)
    for number in ("1.01", "1.02", "1.03", "1.04"):
        make_apartment(site, number, indoor_monitor=False)
    make_apartment(site, "2.01", waits=True)
    petra = people.petra.membership.pk
    assignments.set_managers(people.ivan.actor, site_id=site.pk, pm_app_by_membership={petra: True}, now=NOW)
    for number, days in (("1.01", 10), ("1.02", -2), ("1.03", -20)):
        pay(Entitlement.objects.get(target__number=number, service_type="app"), NOW + timedelta(days=days))
    pay(Entitlement.objects.get(service_type="pm_app"), NOW + timedelta(days=80))
    plan = pay(Entitlement.objects.get(target__number="1.01", service_type="premium"))
    Entitlement.objects.filter(pk=plan.pk).update(variant="booking+landline")
    Entitlement.objects.filter(target__number="1.02", service_type="app").update(variant="")
    item = Entitlement.objects.get(target__number="1.04", service_type="app")
    order = place(fill_cart(items=[item]))
    plan = Entitlement.objects.get(target__number="1.04", service_type="premium")
    requests.request_activation(people.ivan.actor, site_kind="community", entitlement_ids=[plan.pk], months=1, now=NOW)
    _auto_renewals(people, site, [order, *_copies(order, MANY)])
    _orders(order)
    _gateway(people)
    return site


def _copies(order: Order, n: int) -> list[Order]:
    made = []
    for number in range(n):
        copy = Order.objects.get(pk=order.pk)
        copy.pk, copy.number = None, f"SP-COPY-{number:04d}"
        copy.save(force_insert=True)
        made.append(copy)
    return made


def _orders(order: Order) -> None:
    """One order of each state, besides many that wait to be paid."""
    spare = list(Order.objects.exclude(pk=order.pk).order_by("pk"))
    for state, one in zip(Order.State.values, spare, strict=False):
        Order.objects.filter(pk=one.pk).update(state=state)


def _auto_renewals(people: People, site: Site, orders: list[Order]) -> None:
    cards = [PaymentMethodFactory.create(owner=people.dora.firm, failed_at=failed_at) for failed_at in (None, NOW)]
    long_ago, lately = NOW - timedelta(days=50), NOW - timedelta(days=5)
    kinds = [
        ("active", 0, None),
        ("active", 1, None),
        ("suspended", 0, lately),
        ("suspended", 0, long_ago),
        ("ended", 0, lately),
    ]
    for number, order in enumerate(orders):
        state, card, ended_at = kinds[number % len(kinds)]
        auto_renewal = SubscriptionFactory.create(
            payer=people.dora.firm,
            installer=people.ivan.firm,
            distributor=people.dora.firm,
            method=cards[card],
            order=order,
            state=state,
            next_due_at=NOW + timedelta(days=number) if state == "active" else None,
            ended_at=ended_at,
            created_at=NOW - timedelta(days=90),
        )
        if number == 0:
            item = Entitlement.objects.get(target__number="1.01", service_type="app")
            AutoRenewalItem.objects.create(auto_renewal=auto_renewal, entitlement=item, **keys_of(site))


def _gateway(people: People) -> None:
    for number in range(MANY):
        for state in ("unknown", "succeeded"):
            PaymentFactory.create(
                purpose="order", subject=f"SP-COPY-{number:04d}", gateway_ref=f"cs_{number}", state=state, payer=people.dora.firm, amount_minor=250,
                customer_email="accounts@nordlys.example",
            )  # fmt: skip
        for state in ("failed", "done"):
            GatewayEventFactory.create(
                event_id=f"evt_{state}{number}", kind="checkout.session.completed", object_ref=f"cs_{number}",
                raw_body=b'{"email": "accounts@nordlys.example"}', headers={"stripe-signature": "t=1,v1=feed"}, state=state,
                tries=3, last_error="Order is gone" if state == "failed" else "",
            )  # fmt: skip


def rows_behind(client: Client, url: str) -> int:
    """How many things the list shows over all of its pages."""
    shown, address = 0, url
    for _page in range(20):
        page = client.get(address)
        assert page.status_code == 200
        assert_clean(page.content)
        context = page.context
        if "todo" in context:  # the set-up: what blocks stands before what can wait
            return sum(finding.state == State.BLOCKS for finding in context["todo"])
        if "differing" in context:
            shown += sum(getattr(line, "count", 1) for line in context["differing"])
        elif "lines" in context:
            shown += sum(row.count for row in [*context["lines"], *context["waiting"]])
        else:
            shown += len(context["cells"] if "cells" in context else context["rows"])
        after = context["page"].next if context.get("page") else context["next"]
        if not after:
            return shown
        address = f"{url}{'&' if '?' in url else '?'}{urlencode({'after': after})}"
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("who", ["olga", "dora", "sam", "ivan", "petra", "mallory"])
def test_every_tile_leads_to_exactly_as_many(people: People, world: Site, sign_in: SignIn, who: str) -> None:
    client = sign_in(getattr(people, who))
    page = client.get("/dashboard/")
    tiles = page.context["tiles"]
    assert len(tiles) >= 4
    for tile in tiles:
        opened = client.get(tile.url).context
        if tile.value.startswith(("US$", "€")):  # the sum of the list, as the list says it
            assert tile.value == money.show(opened["total_minor"], opened["currency"], language="en"), tile
        elif tile.value.isdecimal():
            assert tile.value == str(tile.count), tile
        assert f'href="{tile.url}"' in page.content.decode().replace("&amp;", "&")
        assert rows_behind(client, tile.url) == tile.count, tile
    if who == "dora":
        assert tiles[0].label == "Requests waiting"
    if who in {"dora", "olga"}:
        assert all(tile.count for tile in tiles), tiles  # a world with rows of every kind


def test_auto_renewals_that_need_somebody_come_first(people: People, world: Site, sign_in: SignIn) -> None:
    dora = sign_in(people.dora)
    page = dora.get("/subscription/auto-renew/")
    ranks = [row.rank for row in page.context["auto_renewals"]]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0
    by_chip = {
        show: rows_behind(dora, f"/subscription/auto-renew/?show={show}") for show in ("risk", "active", "ended")
    }
    assert by_chip == {"risk": 24, "active": 24, "ended": 22}
    assert rows_behind(dora, "/subscription/auto-renew/") == MANY + 1


def test_the_webhook_log_shows_neither_text_nor_signature(people: People, world: Site, sign_in: SignIn) -> None:
    olga = sign_in(people.olga)
    event = GatewayEvent.objects.filter(state="failed").latest("pk")
    for address in (f"/payments/webhooks/{event.pk}/", "/payments/webhooks/", "/payments/"):
        page = olga.get(address).content.decode()
        assert_clean(page)
        assert "accounts@nordlys.example" not in page
        assert "v1=feed" not in page
    page = olga.get(f"/payments/webhooks/{event.pk}/").content.decode()
    for words in ("Order is gone", event.event_id, "Given up", "SP-COPY-0056"):
        assert words in page


@pytest.mark.parametrize("who", ["dora", "sam", "ivan", "tess", "petra"])
def test_the_gateways_are_the_operators(people: People, world: Site, sign_in: SignIn, who: str) -> None:
    client, event = sign_in(getattr(people, who)), GatewayEvent.objects.latest("pk")
    for address in ("/payments/", "/payments/webhooks/", f"/payments/webhooks/{event.pk}/"):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize("is_folded", [False, True])
def test_the_pages_of_a_list_are_the_list(people: People, world: Site, is_folded: bool) -> None:
    if is_folded:
        expiries.fold(now=NOW)
    for who, what in product((people.olga, people.dora, people.ivan, people.petra), What):
        asked = Asked(what, NOW, UTC, None)
        summed = dashboard_lists.sum_of(who.actor, asked)
        whole = dashboard_lists.lines_of(who.actor, what, now=NOW, zone=UTC, prices=None)
        assert whole, (who, what)
        for size in (1, 2, 3, 50):
            shown: list[SiteLine] = []
            while some := dashboard_lists.page_of(
                who.actor, asked, summed, after=shown[-1].place if shown else None, limit=size
            ):
                shown += some
                assert len(shown) <= len(whole), (who, what)
            assert shown == whole, (who, what)


def test_a_page_key_that_means_nothing_is_the_first_page(people: People, world: Site, sign_in: SignIn) -> None:
    olga = sign_in(people.olga)
    first = olga.get("/dashboard/items/?show=all").context["lines"]
    assert first
    for key in ("²", "x", "W10", "WzAsbnVsbF0", "WzAsICJ4IiwgIm4iLCAxLCAiYSIsICJiIiwgImMiLCAiZCJd", "9" * 99):
        answer = olga.get("/dashboard/items/", {"show": "all", "after": key})
        assert (answer.status_code, answer.context["lines"]) == (200, first), key


def test_a_forged_page_key_is_the_first_page(people: People, world: Site, sign_in: SignIn) -> None:
    olga = sign_in(people.olga)
    first = olga.get("/dashboard/items/?show=all").context["lines"]
    assert first
    forged: list[list[object]] = [
        [0, None, "\ud800", 1, "app", "a", "b", "auto"],
        [0, None, "a\0", 1, "app", "a", "b", "auto"],
        [0, None, "a", 10**30, "app", "a", "b", "auto"],
        [7, None, "a", 1, "app", "a", "b", "auto"],
        [0, 5, "a", 1, "app", "a", "b", "auto"],
        [0, None, ["a"], 1, "app", "a", "b", "auto"],
    ]
    for values in forged:
        key = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
        assert olga.get("/dashboard/items/", {"show": "all", "after": key}).context["lines"] == first, values


def test_sites_that_are_due_are_counted_up_to_a_number(
    people: People, world: Site, make_site: Callable[..., Site]
) -> None:
    booking = Entitlement.objects.filter(site=world, service_type="premium").first()
    assert booking is not None
    [firm] = dashboard.installers(people.ivan.actor, now=NOW)
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=5) == firm.due_sites == 1
    ExpiryDay.objects.all().delete()
    columns = {
        "distributor": people.dora.firm, "installer": people.ivan.firm, "project_type": "community", "price_class": "normal",
        "service_type": "app", "variant": "a", "paid_variant": "a", "mode": "manual", "day": NOW.date(), "stage": 0,
    }  # fmt: skip
    # Twenty rows of one site stand before the others, and the rows of another come to nothing.
    rows = [(1, 1)] * 20 + [(site, 1) for site in range(2, 8)] + [(8, 1), (8, -1)]
    ExpiryDay.objects.bulk_create(ExpiryDay(site_id=site, count=n, **columns) for site, n in rows)
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=5) == 5
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=20) == 7
    # Folded rows say it without the others, less what was taken back since.
    ExpiryDay.objects.all().delete()
    columns["stage"] = 1
    ExpiryDay.objects.bulk_create(ExpiryDay(site_id=site, count=1, **columns) for site in range(1, 7))
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=5) == 5
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=20) == 6
    columns["stage"] = 0
    ExpiryDay.objects.bulk_create(ExpiryDay(site_id=site, count=-1, **columns) for site in (1, 2))
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=5) == 4
    assert dashboard.due_sites(people.olga.actor, now=NOW, most=3) == 3
