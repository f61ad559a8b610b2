"""Subscription with more items than a page shows: ticked across pages, one by one or all that match, with and without script alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from communities.models import Entitlement, Site
from subscriptions.actions import carts
from subscriptions.id_digests import BUCKETS, IdDigest, Mark
from subscriptions.items import free
from subscriptions.models import Cart, RenewalRequest
from tests.guards.pages import read
from tests.people import People, Person
from tests.portal.subscription.selecting import chosen, opened


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


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
