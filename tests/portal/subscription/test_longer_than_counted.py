"""A list that is longer than what is counted: in one order on all its pages, and ended by its last item."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from communities.models import Entitlement, Site
from smartplus.portal.kit import keyset
from subscriptions.items import free
from subscriptions.models import Cart
from tests.portal.subscription.selecting import Form, chosen, opened


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


@pytest.fixture
def counted_to(monkeypatch: pytest.MonkeyPatch) -> int:
    """Counting stops earlier, so that a list of some hundred items is a long one."""
    monkeypatch.setattr(keyset, "COUNTED", 20)
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
