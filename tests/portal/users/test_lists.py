"""The lists of firms and people: who is in them, what they cost, how they are searched, narrowed and exported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from accounts import actions
from accounts.models import Kind, Organization, User
from smartplus.portal.users import queries as user_lists
from tests.accounts.invited import invite
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_dora_sees_her_installers_sub_distributors_managers_and_people(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    page = client.get("/users/").content.decode()
    assert "Hafen Intercom GmbH" in page
    assert "Norden Port AS" in page
    assert "under Sund Partner" in page
    assert "Ivan Brandt" in page
    assert "Zephyr" not in page
    assert_clean(page)
    for tab, wanted in (("subdistributor", "Sund Partner"), ("manager", "Holm Verwaltung"), ("people", "dora@nordlys")):
        page = client.get(f"/users/?tab={tab}").content.decode()
        assert wanted in page
        assert_clean(page)


def test_the_panel_of_a_list_is_a_region_and_a_choice_has_one_button_without_script(people: People, sign_in) -> None:
    answer = sign_in(people.olga).get("/users/?tab=installer")
    assert answer.context["has_choice"]
    page = answer.content.decode()
    assert page.count('<noscript><button class="b s">Apply</button></noscript>') == 1
    assert re.search(r'<section class="panel cut[^"]*" aria-label="Users">', page)
    without = sign_in(people.olga).get("/audit/").content.decode()
    assert "Apply</button></noscript>" not in without


def test_ivan_sees_his_managers_technicians_and_colleagues(people: People, sign_in) -> None:
    client = sign_in(people.ivan)
    seen = {tab: client.get(f"/users/?tab={tab}").content.decode() for tab in ("manager", "technicians", "people")}
    assert "Petra Holm" in seen["manager"]
    assert "Tess Marin" in seen["technicians"]
    assert "Ivan Brandt" in seen["people"]
    assert "Tess Marin" not in seen["people"]
    for page in seen.values():
        assert_clean(page)


@pytest.mark.parametrize("name", ["tess", "petra"])
def test_technicians_and_managers_have_no_users_page(people: People, sign_in, name: str) -> None:
    client = sign_in(getattr(people, name))
    for address in ("/users/", "/users/new/?kind=colleague", f"/users/{people.ivan.membership.pk}/",
                    f"/users/firms/{people.ivan.firm.pk}/"):  # fmt: skip
        assert client.get(address).status_code == 403
    assert 'href="/users/"' not in client.get("/help/").content.decode()


@pytest.mark.parametrize("tab", ["installer", "subdistributor", "manager", "people"])
def test_a_list_takes_ten_statements_however_long_it_is(
    people: People, sign_in, tab: str, django_assert_max_num_queries
) -> None:
    for number in range(8):
        actions.create_organization(
            people.dora.actor, kind=Kind.INSTALLER, name=f"I{number}", parent=people.dora.firm, now=NOW
        )
        invite(people.dora, email=f"n{number}@nordlys.example")
    client = sign_in(people.dora)
    with django_assert_max_num_queries(10):
        assert client.get(f"/users/?tab={tab}").status_code == 200


def test_search_and_chips_narrow_the_list(people: People, sign_in) -> None:
    firm = Organization.objects.get(pk=people.ivan.firm.pk)
    firm.pays_regular, firm.city = True, "Hamburg"
    firm.save()
    client = sign_in(people.dora)
    for query, hafen, norden in (
        ("q=hambu", True, False),
        ("q=INES@", False, True),
        ("q=vik", False, True),
        ("show=no-pay", False, True),
        (f"under={people.sam.firm.pk}", False, True),
        (f"under={people.mallory.firm.pk}", False, False),
        ("q=zephyr", False, False),
        ("show=nonsense", True, True),
        ("under=x&after=y&tab=nonsense", True, True),
    ):
        page = client.get(f"/users/?{query}").content.decode()
        assert ("Hafen Intercom GmbH" in page, "Norden Port AS" in page) == (hafen, norden), query
        assert_clean(page)


def test_the_list_is_narrowed_to_who_stands_under_a_chosen_firm(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    page = page_of(client.get(f"/users/?under={people.sam.firm.pk}"))
    assert f'<option value="{people.sam.firm.pk}" selected>under Sund Partner</option>' in page
    assert "Zephyr" not in page
    assert 'name="under"' not in sign_in(people.ivan).get("/users/").content.decode()


def test_whether_people_show_a_second_factor_is_told_by_firm(people: People, sign_in) -> None:
    hafen = people.ivan.firm

    def security(**filters: Any) -> tuple[str, str]:
        (firm,) = [row for row in user_lists.with_numbers(
            people.dora.actor,
            list(user_lists.firms(people.dora.actor, kind=Kind.INSTALLER)), NOW,
        ) if row.firm == hafen]  # fmt: skip
        standing = firm.security
        return standing.word, standing.detail

    assert security() == ("Not demanded", "")
    User.objects.filter(pk=people.tess.membership.user_id).update(two_factor_at=NOW)
    assert security() == ("Not demanded", "1 of 2 have it")
    Organization.objects.filter(pk=hafen.pk).update(require_2fa=True)
    assert security() == ("Set up at login", "1 of 2 have it")
    User.objects.filter(pk=people.ivan.membership.user_id).update(two_factor_at=NOW)
    assert security() == ("On", "demanded")
    assert "On" in sign_in(people.dora).get("/users/").content.decode()


def test_the_lists_are_exported_whole_and_harmless(people: People, sign_in) -> None:
    Organization.objects.filter(pk=people.ines.firm.pk).update(name="=2+5", city="+1")
    client = sign_in(people.dora)
    answer = client.get("/users/?format=csv")
    text = b"".join(answer).decode()
    assert answer["Content-Disposition"] == 'attachment; filename="installer.csv"'
    assert "\r\n'=2+5,Installer,'+1," in text
    assert "Hafen Intercom GmbH" in text
    assert "Zephyr" not in text
    only = b"".join(client.get(f"/users/?format=csv&under={people.sam.firm.pk}")).decode()
    assert "Hafen" not in only
    assert people.dora.email in b"".join(client.get("/users/?tab=people&format=csv")).decode()
    assert b"".join(sign_in(people.sam).get(f"/users/?format=csv&under={people.mallory.firm.pk}")).count(b"\r\n") == 1
