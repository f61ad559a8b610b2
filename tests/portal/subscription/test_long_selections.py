"""Subscription with more items than a page shows: ticked across pages, one by one or all that match, with and without script alike."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from communities.models import Entitlement, Site
from smartplus.portal.kit import keyset, list_tags
from subscriptions.actions import carts
from subscriptions.id_digests import BUCKETS, IdDigest, Mark
from subscriptions.items import free
from subscriptions.models import Cart, PriceList, RenewalRequest
from tests.guards.pages import read
from tests.people import People, Person
from tests.portal.html import assert_clean


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


@pytest.fixture
def many(harbour_view: Site, price_list: PriceList, make_apartment: Callable[..., object]) -> int:
    """More than two pages of items; how many."""
    with transaction.atomic():
        for number in range(50):
            make_apartment(harbour_view, f"2.{number:02}")
    return free(Entitlement.objects.all()).count()


@pytest.fixture
def dora(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Dora's browser."""
    return sign_in(people.dora)


class Form:
    """The form of the page as a browser without script keeps it."""

    def __init__(self, client: Client, page: str, address: str = "/subscription/") -> None:
        assert_clean(page)
        self.client, self.page, self.address = client, page, address
        inputs = re.findall(r"<input\b[^>]*>", page[page.index('id="activate"') :])
        self.sent: dict[str, list[str]] = {}
        for tag in inputs:
            name, value = (re.search(rf'\b{what}="([^"]*)"', tag) for what in ("name", "value"))
            is_box = 'type="checkbox"' in tag or 'type="radio"' in tag
            if name and value and (not is_box or " checked" in tag):
                self.sent.setdefault(name[1], []).append(value[1])
        self.rows = re.findall(r'name="item" value="([0-9]+)"', page)
        self.mark = re.search(r'name="all" value="([^"]*)"', page)[1]  # type: ignore[index]

    def tick(self, *rows: str) -> Form:
        self.sent.setdefault("item", []).extend(rows)
        return self

    def untick(self, row: str) -> Form:
        self.sent["item"].remove(row)
        return self

    def tick_all(self) -> Form:
        self.sent["all"] = [self.mark]
        return self

    def press(self, **button: str) -> Form:
        answer = self.client.post(self.address, {**self.sent, **button}, follow=True)
        assert answer.status_code == 200
        return Form(self.client, answer.content.decode(), self.address)

    def turn(self, way: str = "after") -> Form:
        found = re.search(rf'name="{way}" value="([^"]+)"', self.page)
        assert found
        return self.press(**{way: found[1]})

    def go_on(self, action: str = "next") -> str:
        answer = self.client.post(self.address, {**self.sent, "action": action}, follow=True)
        assert answer.redirect_chain
        return str(answer.content.decode())


def opened(client: Client, address: str = "/subscription/") -> Form:
    return Form(client, client.get(address).content.decode(), address)


def chosen() -> set[int]:
    return set(carts.contents(Cart.objects.get()).values_list("pk", flat=True))


def test_a_page_is_short_and_its_form_small_however_many_match(dora: Client, many: int) -> None:
    form = opened(dora)
    assert many > 100
    assert len(form.rows) == 50
    assert f"Select all {many} matching" in form.page
    assert len(form.page.encode()) < 60_000
    assert sum(len(value) for values in form.sent.values() for value in values) < 5_000
    second = form.turn()
    assert not set(second.rows) & set(form.rows)
    assert second.turn("before").rows == form.rows
    last = second.turn()
    assert len(form.rows) + len(second.rows) + len(last.rows) == many


def test_all_that_match_are_chosen_across_pages(dora: Client, many: int) -> None:
    page = opened(dora).tick_all().go_on()
    assert f"Activate {many} items" in page
    assert len(chosen()) == many
    kept = Cart.objects.get().selection
    assert "ids" not in kept.filter
    assert kept.exceptions == []


def test_what_is_unticked_of_all_stays_out_also_on_other_pages(dora: Client, many: int) -> None:
    first = opened(dora).tick_all().press(action="price")
    assert f"Activate {many} items" in first.page
    out = first.rows[3]
    second = first.untick(out).turn()
    assert f"Activate {many - 1} items" in second.page
    also = second.rows[0]
    back = second.untick(also).turn("before")
    assert out not in back.sent["item"]
    back.tick(out)  # and thinks better of it
    back.go_on()
    assert len(chosen()) == many - 1
    assert int(also) not in chosen()
    assert Cart.objects.get().selection.exceptions == [int(also)]


def test_ticks_of_several_pages_come_together(dora: Client, many: int) -> None:
    first = opened(dora)
    second = first.tick(first.rows[0], first.rows[1]).turn()
    assert "Activate 2 items" in second.page
    back = second.tick(second.rows[5]).turn("before")
    assert sorted(back.sent["item"]) == sorted(first.rows[:2])
    back.untick(first.rows[0]).go_on()
    assert chosen() == {int(first.rows[1]), int(second.rows[5])}


def test_all_of_a_filter_are_chosen_and_no_others(dora: Client, many: int) -> None:
    opened(dora, "/subscription/?service=premium&q=2.0").tick_all().go_on()
    found = Entitlement.objects.filter(pk__in=chosen())
    assert found.count() == 10
    assert set(found.values_list("service_type", flat=True)) == {"premium"}
    review = dora.get(f"/subscription/carts/{Cart.objects.get().pk}/").content.decode()
    link = re.search(r'href="(/subscription/\?[^"]*cart=[^"]*)"', review)
    assert link
    address, before = link[1].replace("&amp;", "&"), chosen()
    back = opened(dora, address)
    assert "Select all 10 matching" in back.page
    assert "Activate 10 items" in back.page
    assert re.search(r'name="all" value="[^"]+"[^>]* checked', back.page)
    assert set(map(int, back.rows)) == before
    first = Cart.objects.get()
    back.go_on()
    again = Cart.objects.exclude(pk=first.pk).get()
    assert set(carts.contents(again).values_list("pk", flat=True)) == before
    elsewhere = opened(dora, f"/subscription/?cart={again.pk}")  # without the filter: one by one
    assert "Activate 10 items" in elsewhere.page
    assert not re.search(r'name="all" value="[^"]+"[^>]* checked', elsewhere.page)


def test_what_came_back_into_the_list_is_not_ordered_and_what_went_is_named(dora: Client, many: int) -> None:
    held = Entitlement.objects.filter(service_type="premium").earliest("pk")
    Entitlement.objects.filter(pk=held.pk).update(reserved_by=99)
    form = opened(dora).tick_all()
    Entitlement.objects.filter(pk=held.pk).update(reserved_by=None)
    gone = Entitlement.objects.filter(service_type="app").earliest("pk")
    Entitlement.objects.filter(pk=gone.pk).update(variant="")
    page = form.go_on()
    assert f"1 of the ticked items is left out: {gone} (switched off)." in page
    assert len(chosen()) == many - 2
    assert held.pk not in chosen()


def test_a_list_that_changed_by_more_than_can_be_told_is_shown_again(dora: Client, many: int) -> None:
    form = opened(dora)
    ids = set(free(Entitlement.objects.all()).values_list("pk", flat=True))
    gone = {10_000_000, 10_000_000 + BUCKETS}  # of one bucket: how many is known, not which
    form.sent["all"] = [Mark(max(gone), IdDigest.of(ids | gone)).text]
    answer = dora.post("/subscription/", {**form.sent, "action": "next"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert f"The list changed since it was shown: {many + 2} items matched, now {many}." in page
    assert not Cart.objects.exists()


def test_all_that_match_can_be_requested(people: People, many: int, sign_in: Callable[[Person], Client]) -> None:
    form = opened(sign_in(people.ivan)).tick_all().press(action="price")
    out = form.rows[7]
    form.untick(out).go_on("request")
    asked = RenewalRequest.objects.get()
    assert asked.items.count() == many - 1
    assert not asked.items.filter(entitlement=out).exists()


def test_the_form_reads_as_forms_are_read(dora: Client, many: int) -> None:
    forms, *_rest = read(opened(dora).page)
    assert any(form.method == "post" for form in forms)


# --- lists that are longer than what is counted ---------------------------------------------------------------------------


@pytest.fixture
def counted_to(monkeypatch: pytest.MonkeyPatch) -> int:
    """Counting stops earlier, so that a list of some hundred items is a long one."""
    monkeypatch.setattr(keyset, "COUNTED", 20)
    monkeypatch.setattr(list_tags, "COUNTED", 20)
    return 20


def pages_of(form: Form) -> list[list[str]]:
    found = [form.rows]
    while re.search(r'name="after" value="[^"]+"', form.page):
        form = form.turn()
        found.append(form.rows)
    return found


def in_order() -> list[str]:
    """Every item as the list has it: sites by name, targets as one walks through them."""
    rows = free(Entitlement.objects.all()).select_related("target__site", "target__assignment__membership__user")
    return [
        str(row.pk)
        for row in sorted(
            rows,
            key=lambda row: (
                row.target.site.name_order,
                row.site_id,
                row.target.sort_key,
                str(row.target) if row.target.kind == "manager" else "",
                row.service_type,
            ),
        )
    ]


def test_a_long_list_has_the_same_order_on_all_its_pages(
    dora: Client, many: int, make_site: Callable[..., Site], make_apartment: Callable[..., object], counted_to: int
) -> None:
    for name in ("Amber Court", "Birch Yard", "Zeta Square"):
        site = make_site(name)
        for number in ("1.02", "1.01", "1.10"):
            make_apartment(site, number)
    form = opened(dora)
    assert "Select all 20+ matching" in form.page
    assert "20+ items that were never activated" in form.page
    pages = pages_of(form)
    assert [row for page in pages for row in page] == in_order()
    assert all(len(page) == 50 for page in pages[:-1])
    last = form
    for _page in pages[1:]:
        last = last.turn()
    for page in reversed(pages[:-1]):
        last = last.turn("before")
        assert last.rows == page
    of_site = opened(dora, "/subscription/?site_name=Harbour+View")
    assert [row for page in pages_of(of_site) for row in page] == [
        row for row in in_order() if Entitlement.objects.get(pk=row).site.name == "Harbour View"
    ]


def test_a_long_list_with_one_item_of_each_target_ends_with_its_last(
    dora: Client, many: int, make_apartment: Callable[..., object], harbour_view: Site, counted_to: int
) -> None:
    with transaction.atomic():
        for number in range(52):
            make_apartment(harbour_view, f"4.{number:02}")
    of_service = set(Entitlement.objects.filter(service_type="premium").values_list("pk", flat=True))
    pages = pages_of(opened(dora, "/subscription/?service=premium"))
    assert len(pages) == 3
    assert [row for page in pages for row in page] == [row for row in in_order() if int(row) in of_service]


def test_a_long_list_is_ordered_as_a_whole_once_its_number_was_seen(dora: Client, many: int, counted_to: int) -> None:
    form = opened(dora).tick_all()
    assert form.mark == "all"
    answer = dora.post("/subscription/", {**form.sent, "action": "next"})
    assert answer.status_code == 422
    assert not Cart.objects.exists()
    seen = Form(dora, answer.content.decode())
    assert "All that match are ticked. Look at their number and go on again." in seen.page
    assert f"Activate {many} items" in seen.page
    assert f"Select all {many} matching" in seen.page
    assert len(seen.sent["item"]) == 50
    out = seen.rows[0]
    seen.sent["together"] = ["1"]
    seen.untick(out).go_on()
    assert chosen() == {int(pk) for pk in in_order()} - {int(out)}


def test_the_script_orders_what_the_price_beside_a_long_list_is_for(
    dora: Client, many: int, counted_to: int, make_apartment: Callable[..., object], harbour_view: Site
) -> None:
    form = opened(dora).tick_all()
    form.sent["together"] = ["1"]
    form.tick(*form.rows)
    beside = dora.post(
        "/subscription/", form.sent, headers={"HX-Request": "true", "HX-Target": "cart"}
    ).content.decode()
    assert f"Activate {many} items" in beside
    [mark] = re.findall(r'name="mark" value="([^"]+)"', beside)
    make_apartment(harbour_view, "3.01")  # after the number was shown
    form.sent["mark"] = [mark]
    form.go_on()
    assert len(chosen()) == many
    assert chosen() == {int(pk) for pk in in_order()} - {
        row.pk for row in Entitlement.objects.filter(target__number="3.01")
    }


def test_the_sites_of_a_long_list_are_found_by_what_waits_there(
    dora: Client, many: int, counted_to: int, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20) as asked:
        opened(dora)
    [near] = [query["sql"] for query in asked.captured_queries if "few)" in query["sql"]]
    ordered = near[near.rindex(" IN (SELECT") :]  # the next few sites in the order of their names
    assert "LIMIT 8" in ordered
    assert "communities_entitlement" not in ordered  # else the items of every site of the firm were looked at


def test_a_page_key_of_a_long_list_that_means_nothing_is_the_first_page(
    dora: Client, many: int, counted_to: int
) -> None:
    key = base64.urlsafe_b64encode(json.dumps(["a", "b", 3, 4, 5, "x"]).encode()).decode().rstrip("=")
    assert opened(dora, f"/subscription/?after={key}").rows == opened(dora).rows


def test_the_list_asks_no_more_for_many_items_and_offers_no_list_of_sites(
    dora: Client,
    many: int,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., object],
    django_assert_max_num_queries: Callable[..., AbstractContextManager[object]],
) -> None:
    for number in range(60):
        make_apartment(make_site(f"Court {number:02}"), "1.01")
    opened(dora)
    with django_assert_max_num_queries(14):
        page = dora.get("/subscription/").content.decode()
    assert len(page.encode()) < 45_000
    assert "Court 59" not in page
    with django_assert_max_num_queries(17):
        dora.get("/subscription/?site_name=Court&service=app")


# --- the site ---------------------------------------------------------------------------------------------------------------


def test_a_site_is_chosen_by_its_name_with_and_without_script(
    dora: Client, many: int, people: People, make_site: Callable[..., Site], make_apartment: Callable[..., object]
) -> None:
    for name in ("Court One", "Court Two", "Pier"):
        make_apartment(make_site(name), "1.01")
    make_site("Court of nothing")
    sites = f"/subscription/sites/?installer={people.ivan.firm.pk}&kind=community"
    assert re.findall(r'value="([^"]*)"', dora.get(f"{sites}&site_name=court").content.decode()) == [
        "Court One",
        "Court Two",
    ]
    assert "Harbour View" in dora.get(sites).content.decode()
    one = opened(dora, "/subscription/?site_name=court+one")
    assert 'name="site_name" value="Court One"' in one.page
    assert set(Entitlement.objects.filter(pk__in=one.rows).values_list("site__name", flat=True)) == {"Court One"}
    both = opened(dora, "/subscription/?site_name=court")
    both.tick_all().go_on()
    assert set(Entitlement.objects.filter(pk__in=chosen()).values_list("site__name", flat=True)) == {
        "Court One",
        "Court Two",
    }
    nothing = dora.get("/subscription/?site_name=nowhere").content.decode()
    assert "Nothing matches" in nothing
    assert 'name="site_name" value="nowhere"' in nothing


def test_the_names_of_sites_are_told_to_who_may_activate_there(
    people: People, many: int, sign_in: Callable[[Person], Client]
) -> None:
    sites = f"/subscription/sites/?installer={people.ivan.firm.pk}&kind=community"
    assert "Harbour View" in sign_in(people.ivan).get(sites).content.decode()
    assert sign_in(people.mallory).get(sites).status_code == 404
