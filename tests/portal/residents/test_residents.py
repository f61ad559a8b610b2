"""Residents through the pages: the list of a site, single people, and households that move (R30, R32, R33)."""

from __future__ import annotations

import csv
import io

import pytest

from accounts.models import AuditEvent
from communities.models import Apartment, Entitlement, Lease, Resident, Site
from tests.people import People
from tests.portal.html import assert_clean, page_of
from tests.portal.places import everything, pay
from tests.portal.residents.scenes import DAY, TODAY, SignIn, add, household_form, person_form, stands

pytestmark = pytest.mark.usefixtures("time_machine_at_noon")


def test_the_list_finds_people_by_how_they_stand(
    people: People, harbour: Site, flat: Apartment, sign_in: SignIn
) -> None:
    add(people.ivan, flat, "Goes", lease=Lease(ends=TODAY + DAY))
    add(people.ivan, flat, "Comes", lease=Lease(begins=TODAY + DAY))
    add(people.petra, flat, "Waits")
    client, names = sign_in(people.ivan), ("Resident 1.01", "Goes", "Comes", "Waits")
    address = f"/sites/{harbour.pk}/residents/"
    expected = {
        "": names, "?show=present": ("Resident 1.01", "Goes"), "?show=leaving": ("Goes",), "?show=future": ("Comes",),
        "?show=waiting": ("Waits",), "?show=ended": (), "?q=waits@example": ("Waits",), "?q=1.01+go": ("Goes",),
    }  # fmt: skip
    for query, shown in expected.items():
        answer = client.get(address + query)
        assert_clean(answer.content)
        text = page_of(answer).split("<main")[1]
        assert {name for name in names if f">{name}</a>" in text} == set(shown), query


def test_the_list_is_taken_away_as_a_file(people: People, harbour: Site, flat: Apartment, sign_in: SignIn) -> None:
    add(people.ivan, flat, "Goes", lease=Lease(ends=TODAY))
    answer = sign_in(people.petra).get(f"/sites/{harbour.pk}/residents/?format=csv&sort=-until")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [(row["Name"], row["Family master"], row["Last day"]) for row in rows] == [
        ("Resident 1.01", "Yes", ""),
        ("Goes", "No", TODAY.isoformat()),
    ]


def test_who_only_reads_gets_no_way_to_edit(people: People, harbour: Site, flat: Apartment, sign_in: SignIn) -> None:
    for person, may in ((people.dora, False), (people.tess, True), (people.petra, True)):
        text = page_of(sign_in(person).get(f"/sites/{harbour.pk}/residents/"))
        assert (f"/residents/{Resident.objects.get().pk}/edit/" in text) is may
        assert "Resident 1.01" in text


@pytest.mark.rule("R30")
def test_whom_a_manager_adds_beyond_the_free_number_waits_for_the_installers_yes(
    people: People, harbour: Site, flat: Apartment, sign_in: SignIn
) -> None:
    add(people.petra, flat, "Free")
    petra = sign_in(people.petra)
    address = f"/apartments/{flat.pk}/residents/new/"
    assert "the next one waits until" in page_of(petra.get(address))
    answer = petra.post(address, person_form("Kim"), follow=True)
    assert "Kim is added and waits for the installer’s yes" in page_of(answer)
    kim = Resident.objects.get(name="Kim")
    accept = f"/residents/{kim.pk}/accept/"
    assert accept not in page_of(answer)
    assert petra.post(accept).status_code == 403
    ivan = sign_in(people.ivan)
    for page in (f"/apartments/{flat.pk}/", f"/sites/{harbour.pk}/residents/", f"/residents/{kim.pk}/edit/"):
        assert accept in page_of(ivan.get(page))
    assert "1 needs an Additional App" in page_of(ivan.post(accept, follow=True))
    assert stands(flat)["Kim"] == "present"
    assert Entitlement.objects.wanted().filter(service_type="additional_app").count() == 1


def test_a_lease_is_entered_and_corrected(people: People, flat: Apartment, sign_in: SignIn) -> None:
    client = sign_in(people.petra)
    tomorrow = (TODAY + DAY).isoformat()
    answer = client.post(f"/apartments/{flat.pk}/residents/new/", person_form("Kim", lease_from=tomorrow), follow=True)
    assert "Kim is added and lives there from the first day on." in page_of(answer)
    kim = Resident.objects.get(name="Kim")
    assert stands(flat)["Kim"] == "future"
    address = f"/residents/{kim.pk}/edit/"
    assert f'value="{tomorrow}"' in page_of(client.get(address))
    wrong = person_form("Kim", lease_from=tomorrow, lease_until=TODAY.isoformat(), version="1")
    refused = client.post(address, wrong)
    assert refused.status_code == 422
    assert "The last day is before the first day." in page_of(refused)
    assert_clean(refused.content)
    assert client.post(address, person_form("Kim", version="1")).status_code == 302
    assert stands(flat)["Kim"] == "present"
    stale = client.post(address, person_form("Kim", lease_until=tomorrow, version="1"))
    assert stale.status_code == 409
    assert_clean(stale.content)


@pytest.mark.rule("R32")
def test_a_member_is_made_the_family_master(people: People, flat: Apartment, sign_in: SignIn) -> None:
    member = add(people.ivan, flat, "Kim")
    client = sign_in(people.petra)
    assert "Make family master" in page_of(client.get(f"/residents/{member.pk}/edit/"))
    assert "Kim is the family master now." in page_of(client.post(f"/residents/{member.pk}/master/", follow=True))
    assert stands(flat) == {"Kim": "master", "Resident 1.01": "present"}
    later = add(people.ivan, flat, "Later", lease=Lease(begins=TODAY + DAY))
    answer = client.post(f"/residents/{later.pk}/master/", follow=True)
    assert "Choose somebody who lives in the apartment." in page_of(answer)
    assert stands(flat)["Kim"] == "master"


@pytest.mark.rule("R33")
def test_a_resident_moves_and_an_heir_is_chosen(
    people: People, flat: Apartment, empty: Apartment, sign_in: SignIn
) -> None:
    for name in ("First", "Second"):
        add(people.ivan, flat, name)
    second = Resident.objects.get(name="Second")
    app = pay(Entitlement.objects.get(service_type="app", target=flat.target_id))
    master = Resident.objects.get(is_master=True)
    client, address = sign_in(people.ivan), f"/residents/{master.pk}/move/"
    page = client.get(address)
    assert_clean(page.content)
    form = {"building": str(flat.building_id), "apartment": "9.99", "heir": str(second.pk), "version": "1"}
    refused = client.post(address, form)
    assert refused.status_code == 422
    assert "There is no apartment 9.99 in this building." in page_of(refused)
    assert "lives there already" in page_of(client.post(address, {**form, "apartment": "1.01"}))
    answer = client.post(address, {**form, "apartment": "1.02"}, follow=True)
    assert "moved to Quay House 1.02. Paid time stayed where it was." in page_of(answer)
    assert stands(flat) == {"First": "present", "Second": "master"}
    assert stands(empty) == {"Resident 1.01": "master"}
    app.refresh_from_db()
    assert app.target_id == flat.target_id
    assert app.expires_at is not None


@pytest.mark.rule("R33")
def test_a_move_out_says_what_ends_and_what_stays(people: People, flat: Apartment, sign_in: SignIn) -> None:
    app = pay(Entitlement.objects.get(service_type="app", target=flat.target_id))
    Entitlement.objects.filter(pk=app.pk).update(mode="auto")
    add(people.ivan, flat, "Later", lease=Lease(begins=TODAY + 9 * DAY))
    client, address = sign_in(people.petra), f"/apartments/{flat.pk}/move-out/"
    page = client.get(address)
    assert_clean(page.content)
    text = page_of(page)
    for words in (
        "1 person loses the App",
        "1 item that renews by itself is suspended",
        "App of Quay House 1.01, paid until",
    ):
        assert words in text
    assert "1 person who moves in later." in text
    answer = client.post(address, {"on": (TODAY + 3 * DAY).isoformat()}, follow=True)
    assert "1 person leaves Quay House 1.01 after 25 Nov 2026." in page_of(answer)
    assert stands(flat) == {"Resident 1.01": "master", "Later": "future"}
    answer = client.post(address, {"on": ""}, follow=True)
    assert "Nobody lives here now" in page_of(answer)
    assert stands(flat) == {"Resident 1.01": "ended", "Later": "future"}
    refused = client.post(address, {"on": ""})
    assert refused.status_code == 422
    assert "Nobody lives in Quay House 1.01." in page_of(refused)


@pytest.mark.rule("R32")
def test_a_household_moves_in_once_the_other_is_out(people: People, flat: Apartment, sign_in: SignIn) -> None:
    client, address = sign_in(people.petra), f"/apartments/{flat.pk}/move-in/"
    assert_clean(client.get(address).content)
    before = everything()
    refused = client.post(address, household_form("Ada", "Ben"))
    assert refused.status_code == 422
    assert "still lives there" in page_of(refused)
    assert everything() == before
    answer = client.post(address, household_form("Ada", "Ben", replaces="on"), follow=True)
    assert "2 people are entered in Quay House 1.01." in page_of(answer)
    assert stands(flat) == {"Resident 1.01": "ended", "Ada": "master", "Ben": "present"}
    assert AuditEvent.objects.filter(action="household.arrived").count() == 1


def test_a_row_of_a_household_says_what_is_missing(people: People, empty: Apartment, sign_in: SignIn) -> None:
    client, address = sign_in(people.ivan), f"/apartments/{empty.pk}/move-in/"
    form = {**household_form("Ada", "Ben"), "people-0-name": "", "people-1-email": ""}
    answer = client.post(address, form)
    assert answer.status_code == 422
    text = page_of(answer)
    assert "The resident needs a name." in text
    assert "A resident needs an email or a mobile number." in text
    assert_clean(answer.content)
    assert client.post(address, household_form()).status_code == 422
    assert stands(empty) == {}


@pytest.mark.rule("R1")
def test_a_foreign_household_is_not_there(people: People, flat: Apartment, harbour: Site, sign_in: SignIn) -> None:
    resident = Resident.objects.get()
    client = sign_in(people.igor)
    for path in (
        f"sites/{harbour.pk}/residents", f"residents/{resident.pk}/edit", f"residents/{resident.pk}/move",
        f"apartments/{flat.pk}/move-out", f"apartments/{flat.pk}/move-in",
    ):  # fmt: skip
        assert client.get(f"/{path}/").status_code == 404
    for path in ("master", "accept", "remove", "move"):
        assert client.post(f"/residents/{resident.pk}/{path}/").status_code == 404
    assert stands(flat) == {"Resident 1.01": "master"}
