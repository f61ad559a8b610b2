"""Who sees which sites, and how the list is found through and paged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from communities.actions import assignments, residents
from communities.models import Apartment, Building, Resident, Site
from devices.actions import MonitorEntry, add_apartment
from devices.models import Device
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import MAC, building, everything, stock

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]


@pytest.fixture
def harbour(people: People, make_site: MakeSite) -> Site:
    """Harbour View with Quay House 9.01, its monitor and a family master; Petra and Tess are assigned."""
    site = make_site()
    stock(people, MAC)
    apartment = add_apartment(
        people.ivan.actor,
        building_id=building(people, site).pk,
        floor="9",
        number="9.01",
        monitors=[MonitorEntry(MAC, "Hallway")],
        now=NOW,
    )
    residents.add_resident(
        people.ivan.actor, apartment_id=apartment.pk, name="Anneke Voss", mobile="+49 40 1234567", now=NOW
    )
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    return site


def addresses(site: Site) -> dict[str, str]:
    """The pages of a site and its parts, by kind."""
    apartment, quay = Apartment.objects.get(), Building.objects.get()
    resident, device = Resident.objects.get(), Device.objects.get()
    return {
        "overview": f"/sites/{site.pk}/",
        "services": f"/sites/{site.pk}/services/",
        "facts": f"/sites/{site.pk}/facts/",
        "apartment": f"/apartments/{apartment.pk}/",
        "edit": f"/sites/{site.pk}/edit/",
        "building-new": f"/sites/{site.pk}/buildings/new/",
        "building-edit": f"/buildings/{quay.pk}/edit/",
        "apartment-new": f"/sites/{site.pk}/apartments/new/?building={quay.pk}",
        "apartment-edit": f"/apartments/{apartment.pk}/edit/",
        "device-new": f"/apartments/{apartment.pk}/devices/new/",
        "device-rename": f"/devices/{device.pk}/rename/",
        "device-swap": f"/devices/{device.pk}/swap/",
        "resident-new": f"/apartments/{apartment.pk}/residents/new/",
        "resident-edit": f"/residents/{resident.pk}/edit/",
        "managers": f"/sites/{site.pk}/managers/",
        "free-members": f"/sites/{site.pk}/free-members/",
    }


READ = {"overview", "services", "facts", "apartment"}
WORK = {
    "edit", "building-new", "building-edit", "apartment-new", "apartment-edit", "device-new", "device-rename", "device-swap",
}  # fmt: skip
HOUSE = {"resident-new", "resident-edit"}


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("olga", READ),
        ("dora", READ | {"free-members"}),
        ("ivan", READ | WORK | HOUSE | {"managers"}),
        ("tess", READ | WORK | HOUSE),
        ("petra", READ | HOUSE),
    ],
)
@pytest.mark.rule("R4")
def test_each_role_opens_its_pages_and_no_others(
    people: People, harbour: Site, sign_in: SignIn, who: str, may: set[str]
) -> None:
    client = sign_in(getattr(people, who))
    pages = addresses(harbour)
    answers = {name: client.get(address) for name, address in pages.items()}
    assert {name for name, answer in answers.items() if answer.status_code == 200} == may
    assert {answer.status_code for name, answer in answers.items() if name not in may} <= {403}
    for name in may:
        assert_clean(answers[name].content)


@pytest.mark.rule("R1")
@pytest.mark.parametrize("who", ["mallory", "igor", "paul", "sam", "ines"])
def test_a_foreign_id_answers_as_an_absent_one_byte_for_byte(
    people: People, harbour: Site, sign_in: SignIn, who: str
) -> None:
    client = sign_in(getattr(people, who))
    before = everything()
    removals = [f"/residents/{Resident.objects.get().pk}/remove/", f"/devices/{Device.objects.get().pk}/remove/"]
    for address in [*addresses(harbour).values(), *removals]:
        number = next(part for part in address.split("/") if part.isdecimal())
        absent = address.replace(f"/{number}/", "/987654321/", 1)
        for ask in (client.get, client.post):
            foreign, nothing = ask(address), ask(absent)
            assert foreign.status_code == nothing.status_code
            assert foreign.status_code in {403, 404, 405}
            if foreign.status_code == 404:
                assert foreign.content == nothing.content
            assert b"Harbour View" not in foreign.content
    assert "Harbour View" not in client.get("/sites/").content.decode()
    assert "Harbour View" not in client.get("/sites/?q=Harbour").content.decode().replace("“Harbour”", "")
    assert everything() == before


@pytest.mark.rule("R3")
def test_petra_loses_the_site_the_moment_she_is_unassigned(people: People, harbour: Site, sign_in: SignIn) -> None:
    petra, ivan = sign_in(people.petra), sign_in(people.ivan)
    assert "Harbour View" in petra.get("/sites/").content.decode()
    assert petra.get(f"/sites/{harbour.pk}/").status_code == 200
    harbour.refresh_from_db()
    form = {"version": harbour.version, "technicians": [people.tess.membership.pk]}
    assert ivan.post(f"/sites/{harbour.pk}/managers/", form).status_code == 302
    apartment = Apartment.objects.get()
    for address in (f"/sites/{harbour.pk}/", f"/sites/{harbour.pk}/facts/", f"/apartments/{apartment.pk}/"):
        assert petra.get(address).status_code == 404
    assert "Harbour View" not in petra.get("/sites/").content.decode()


@pytest.mark.rule("R4")
def test_petra_edits_residents_and_builds_nothing(people: People, harbour: Site, sign_in: SignIn) -> None:
    petra, apartment = sign_in(people.petra), Apartment.objects.get()
    page = petra.get(f"/apartments/{apartment.pk}/").content.decode()
    assert "Add resident" in page
    assert "Edit apartment" not in page
    form = {"name": "Jan Voss", "email": "jan@example.org", "mobile": "", "language": "de", "remark": ""}
    assert petra.post(f"/apartments/{apartment.pk}/residents/new/", form).status_code == 302
    assert list(Resident.objects.values_list("name", "is_master")) == [("Anneke Voss", True), ("Jan Voss", False)]
    before = everything()
    assert petra.post(f"/sites/{harbour.pk}/buildings/new/", {"name": "Pier House"}).status_code == 403
    assert petra.post(f"/sites/{harbour.pk}/apartments/new/", {"number": "9.02"}).status_code == 403
    assert petra.post(f"/devices/{Device.objects.get().pk}/remove/").status_code == 403
    assert everything() == before


@pytest.mark.rule("R33")
def test_when_the_master_moves_out_the_next_resident_takes_over(people: People, harbour: Site, sign_in: SignIn) -> None:
    ivan, apartment = sign_in(people.ivan), Apartment.objects.get()
    form = {"name": "Jan Voss", "email": "", "mobile": "", "language": "en", "remark": ""}
    refused = ivan.post(f"/apartments/{apartment.pk}/residents/new/", form)
    assert refused.status_code == 422
    assert "A resident needs an email or a mobile number." in refused.content.decode()
    assert_clean(refused.content)
    ivan.post(f"/apartments/{apartment.pk}/residents/new/", form | {"mobile": "+49 40 1234568"})
    master = Resident.objects.get(is_master=True)
    answer = ivan.post(f"/residents/{master.pk}/remove/", follow=True)
    assert "Anneke Voss is removed. Paid time stays with the apartment." in answer.content.decode()
    assert [(r.name, r.is_master) for r in Resident.objects.all()] == [("Jan Voss", True)]
    assert ivan.get(f"/residents/{master.pk}/remove/").status_code == 405


@pytest.mark.parametrize(
    "text",
    ["harbour", "HARBOUR VIEW", "Kaistra", "Hamburg", "0c11052a115e", "0C-11-05-2A-11-5E", "0c11.052a", "0C:11:05"],
)
def test_a_site_is_found_by_name_address_and_mac_in_any_notation(
    people: People, harbour: Site, make_site: MakeSite, sign_in: SignIn, text: str
) -> None:
    other = make_site("Speicherhof")
    other.street, other.city, other.postal_code = "Sandtorkai", "Kiel", "24103"
    other.save()
    page = sign_in(people.ivan).get("/sites/", {"q": text}).content.decode()
    assert "Harbour View" in page
    assert "Speicherhof" not in page


def test_nothing_found_and_nothing_there_say_what_to_do(people: People, sign_in: SignIn, make_site: MakeSite) -> None:
    ivan = sign_in(people.ivan)
    first = ivan.get("/sites/")
    assert "Three steps to the first door call" in first.content.decode()
    assert_clean(first.content)
    make_site()
    nothing = ivan.get("/sites/?q=Hafenblick")
    assert "No site matches “Hafenblick”" in nothing.content.decode()
    assert_clean(nothing.content)
    assert_clean(sign_in(people.sam).get("/sites/").content)


@pytest.fixture
def many(people: People, make_site: MakeSite) -> None:
    """120 sites; the first one is cloned, since only the list is looked at."""
    first = make_site("Site 000")
    for number in range(1, 120):
        Site.objects.create(
            **{field.name: getattr(first, field.name) for field in Site._meta.concrete_fields if field.name != "id"}
            | {"name": f"Site {number:03d}"}
        )


def test_the_list_pages_by_key_to_the_end_and_back(people: People, many: None, sign_in: SignIn) -> None:
    ivan = sign_in(people.ivan)
    address, names, pages = "/sites/", [], 0
    while True:
        response = ivan.get(address)
        names += [row.name for row in response.context["cells"]]
        pages += 1
        assert response.context["count"] == "120"
        if not response.context["page"].next:
            break
        address = f"/sites/?after={response.context['page'].next}"
    assert pages == 3
    assert names == [f"Site {number:03d}" for number in range(120)]
    back = ivan.get(f"/sites/?before={response.context['page'].previous}")
    assert [row.name for row in back.context["cells"]] == names[50:100]
    assert_clean(back.content)
    assert ivan.get("/sites/?after=%00not-a-key").status_code == 404  # no database has such a character
    odd = ivan.get("/sites/?after=not-a-key")
    assert [row.name for row in odd.context["cells"]] == names[:50]


def test_the_list_asks_eight_questions_whatever_its_length(people: People, many: None, sign_in: SignIn) -> None:
    ivan = sign_in(people.ivan)
    key = ivan.get("/sites/").context["page"].next
    asked = []
    for address in ("/sites/", f"/sites/?after={key}", "/sites/?q=Site 00", "/sites/?q=Site 007"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ivan.get(address)
        asked.append(len(queries))
    assert max(asked) <= 8


@pytest.mark.parametrize(("page", "most"), [("facts/", 2), ("services/", 1)])
def test_the_items_of_a_site_are_read_once(
    people: People, harbour: Site, sign_in: SignIn, page: str, most: int
) -> None:
    """One statement groups them; the overview looks at what of them is requested besides."""
    ivan = sign_in(people.ivan)
    address = f"/sites/{harbour.pk}/{page}"
    ivan.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert ivan.get(address).status_code == 200
    reads = [query["sql"] for query in asked if '"communities_entitlement"' in query["sql"]]
    assert 1 <= len(reads) <= most, reads
    assert sum('FROM "communities_apartment"' in query["sql"] for query in asked) == 1


@pytest.mark.parametrize(("page", "most"), [("", 16), ("managers/", 12), ("services/", 5)])
def test_a_page_of_a_site_asks_few_questions(
    people: People, harbour: Site, sign_in: SignIn, page: str, most: int
) -> None:
    """And none but the sheet, the facts and the services counts apartments by reading them."""
    ivan = sign_in(people.ivan)
    address = f"/sites/{harbour.pk}/{page}"
    ivan.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert ivan.get(address).status_code == 200
    assert len(asked) <= most, [query["sql"] for query in asked]
    counts = [query["sql"] for query in asked if 'COUNT("communities_apartment"' in query["sql"]]
    assert len(counts) == (page in {"", "services/"})
