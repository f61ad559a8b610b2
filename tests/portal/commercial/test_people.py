"""Accounts of people at a commercial site: added, corrected, switched, archived, found, and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from communities.actions import assignments
from communities.models import CommercialAccount, Entitlement, Site
from tests.people import NOW, People, Person
from tests.portal.commercial.forms import person, person_form, switch
from tests.portal.html import assert_clean, page_of
from tests.portal.places import everything, pay

pytestmark = pytest.mark.django_db
SignIn = Callable[[Person], Client]


def listed(client: Client, site: Site, query: str = "") -> str:
    """The page of the site, which lists its people."""
    answer = client.get(f"/sites/{site.pk}/doors-and-people/{query}")
    assert answer.status_code == 200
    assert_clean(answer.content)
    return page_of(answer)


def on(site: Site) -> dict[str, list[str]]:
    """What is billed of people, by service type."""
    rows = Entitlement.objects.filter(site=site).wanted().order_by("pk")
    found: dict[str, list[str]] = {}
    for row in rows.select_related("target__account"):
        found.setdefault(row.service_type, []).append(row.target.account.name)
    return found


@pytest.mark.rule("R35")
def test_an_account_is_billed_while_its_intercom_is_on(ivan: Client, works: Site) -> None:
    assert_clean(ivan.get(f"/sites/{works.pk}/accounts/new/").content)
    amira = person(ivan, works, kind="admin")
    lars = person(ivan, works, "Lars Nygård")
    mia = person(ivan, works, "Mia Okafor", intercom=None)
    assert on(works) == {"admin_app": ["Amira Benali"], "personnel_app": ["Lars Nygård"]}
    assert listed(ivan, works).count("No intercom, free") == 1
    page = page_of(switch(ivan, works, {amira: False, lars: True, mia: True}))
    assert "The intercoms of 2 accounts are switched. Nothing is charged before it is activated." in page
    assert on(works) == {"personnel_app": ["Lars Nygård", "Mia Okafor"]}
    told = AuditEvent.objects.filter(action="account.switched").get()
    assert told.after == {"on": 1, "off": 1}
    assert "Amira" not in str(list(AuditEvent.objects.filter(action__startswith="account").values()))
    assert "Nothing was changed." in page_of(switch(ivan, works, {amira: False}))


def test_switches_of_an_old_page_change_nothing(ivan: Client, works: Site) -> None:
    amira, lars = person(ivan, works), person(ivan, works, "Lars Nygård")
    rows = [f"{amira.pk}:{amira.version + 1}", f"{lars.pk}:{lars.version}"]
    answer = ivan.post(f"/sites/{works.pk}/accounts/switch/", {"row": rows, "on": []}, follow=True)
    assert answer.status_code == 200 and 'class="note lapsed"' in page_of(answer)
    assert CommercialAccount.objects.filter(intercom=True).count() == 2


@pytest.mark.parametrize("on", ["0", "²", "x", "999999"])
def test_a_tick_of_no_row_switches_nothing(ivan: Client, works: Site, on: str) -> None:
    amira = person(ivan, works)
    for sent in ({"row": [f"{amira.pk}:{amira.version}"], "on": [on]}, {"row": [on], "on": []}):
        assert ivan.post(f"/sites/{works.pk}/accounts/switch/", sent).status_code == 404
    amira.refresh_from_db()
    assert amira.intercom


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": ""}, "This field is required."),
        ({"email": ""}, "An account needs an email or a mobile number."),
        ({"email": "nobody"}, "email"),
        ({"mobile": "12"}, "number"),
        ({"kind": "guest"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(
    ivan: Client, works: Site, changes: dict[str, str], told: str
) -> None:
    before = everything()
    answer = ivan.post(f"/sites/{works.pk}/accounts/new/", person_form(**changes))
    assert answer.status_code == 422
    assert told in page_of(answer)
    assert everything() == before and not CommercialAccount.objects.exists()


def test_an_account_is_corrected(ivan: Client, works: Site) -> None:
    amira = person(ivan, works)
    address = f"/accounts/{amira.pk}/edit/"
    assert_clean(ivan.get(address).content)
    form = person_form("Amira Ben", mobile="+49 40 1234567", kind="admin", version=amira.version)
    assert ivan.post(address, form).status_code == 302
    amira.refresh_from_db()
    assert (amira.name, amira.kind, amira.mobile) == ("Amira Ben", "admin", "+49401234567")
    assert ivan.post(address, {**form, "name": "Late"}).status_code == 409
    pay(Entitlement.objects.get(target=amira.target_id, service_type="admin_app"))
    refused = ivan.post(address, {**form, "kind": "personnel", "version": amira.version})
    assert refused.status_code == 422 and "The account has paid time." in page_of(refused)


@pytest.mark.rule("R78")
def test_an_account_is_archived_used_again_and_removed(ivan: Client, works: Site) -> None:
    amira, lars = person(ivan, works), person(ivan, works, "Lars Nygård")
    pay(Entitlement.objects.get(target=amira.target_id))
    page = page_of(ivan.get(f"/accounts/{amira.pk}/edit/"))
    assert "Archive this account?" in page and "Remove this account?" not in page

    def press(row: CommercialAccount, what: str) -> str:
        row.refresh_from_db()
        return page_of(ivan.post(f"/accounts/{row.pk}/{what}/", {"version": row.version}, follow=True))

    press(amira, "remove")
    assert CommercialAccount.objects.filter(pk=amira.pk).exists()  # it was paid for
    assert "Amira Benali is archived. Its paid time is kept." in press(amira, "archive")
    assert on(works) == {"personnel_app": ["Lars Nygård"]}
    assert f'/accounts/{amira.pk}/edit/"' not in listed(ivan, works)
    assert f'/accounts/{amira.pk}/edit/"' in listed(ivan, works, "?show=archived")
    assert "Amira Benali is in use again." in press(amira, "restore")
    assert "Lars Nygård is removed." in press(lars, "remove")
    assert list(CommercialAccount.objects.all()) == [amira]


def test_people_are_found_and_narrowed(ivan: Client, works: Site) -> None:
    typed: dict[str, dict[str, Any]] = {
        "Amira Benali": {"kind": "admin"},
        "Carla Schröder": {"kind": "admin", "intercom": None},
        "Lars Nygård": {"mobile": "+49 40 7654321"},
    }
    for name, changes in typed.items():
        person(ivan, works, name, **changes)
    for query, names in {
        "": ["Amira", "Carla", "Lars"],
        "?kind=admin": ["Amira", "Carla"],
        "?show=off": ["Carla"],
        "?q=nygard": ["Lars"],
        "?q=040+7654": ["Lars"],
        "?q=nobody": [],
    }.items():
        page = listed(ivan, works, query)
        assert [name for name in ("Amira", "Carla", "Lars") if f'<td class="first">{name}' in page] == names, query
    answer: Any = ivan.get(f"/sites/{works.pk}/doors-and-people/?format=csv")
    head, *rows = csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
    assert head == ["Name", "Account", "Email", "Mobile", "Intercom", "Paid until"]
    assert rows[1] == ["Carla Schröder", "Admin", "carla.schroeder@speicher7.example", "", "No", ""]


@pytest.mark.rule("R1")
def test_managers_look_after_people_and_resellers_only_read(
    people: People, sign_in: SignIn, ivan: Client, works: Site
) -> None:
    assignments.set_managers(
        people.ivan.actor, site_id=works.pk, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    petra = sign_in(people.petra)
    amira = person(petra, works)
    page = listed(petra, works)
    assert f'/accounts/{amira.pk}/edit/"' in page and "Add door" not in page
    assert "is switched" in page_of(switch(petra, works, {amira: False}))
    dora = sign_in(people.dora)
    page = listed(dora, works)
    assert "Amira Benali" in page and f'/accounts/{amira.pk}/edit/"' not in page and "Add person" not in page
    assert dora.post(f"/sites/{works.pk}/accounts/new/", person_form("X Y")).status_code == 403
    assert switch(dora, works, {amira: True}).status_code == 403
    igor = sign_in(people.igor)
    assert igor.get(f"/accounts/{amira.pk}/edit/").status_code == 404
    assert igor.post(f"/accounts/{amira.pk}/archive/", {"version": 1}).status_code == 404
    assert switch(igor, works, {amira: True}).status_code == 404
