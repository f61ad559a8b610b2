"""The MAC library through the real pages (R72)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from accounts.models import AuditEvent
from devices.models import LibraryEntry
from tests.people import People, Person
from tests.portal.html import assert_clean
from tests.portal.places import MAC, OTHER_MAC, THIRD_MAC, apartment_form, building, everything, stock

SignIn = Callable[[Person], Client]


@pytest.fixture
def dora(people: People, sign_in: SignIn) -> Client:
    """Dora's browser."""
    return sign_in(people.dora)


def test_dora_pastes_a_list_and_assigns_it_to_ivan(people: People, dora: Client, sign_in: SignIn) -> None:
    assert_clean(dora.get("/library/add/").content)
    rows = f"{MAC.lower()}, c313, SN 1\n\n0C-11-05-2A-11-60;S563\n0c1105 2a7f31\r\n"
    form = {"rows": rows, "installer": people.ivan.firm.pk, "type": "indoor_monitor"}
    response = dora.post("/library/add/", form, follow=True)
    assert "3 MACs are added." in response.content.decode()
    assert_clean(response.content)
    found = LibraryEntry.objects.order_by("pk").values_list("mac", "model", "serial", "status", "installer")
    assert [(f"{mac:012X}", *rest) for mac, *rest in found] == [
        ("0C11052A115E", "C313", "SN 1", "assigned", people.ivan.firm.pk),
        ("0C11052A1160", "S563", "", "assigned", people.ivan.firm.pk),
        ("0C11052A7F31", "", "", "assigned", people.ivan.firm.pk),
    ]
    mine = sign_in(people.ivan).get("/library/").content.decode()
    assert MAC in mine
    assert "Retire" not in mine.split("<tbody>")[1]


def test_one_form_retires_any_of_the_macs(people: People, dora: Client) -> None:
    """A form in each row would carry its tokens fifty times."""
    (entry,), (kept,) = stock(people, MAC), stock(people, OTHER_MAC, to=people.ivan)
    text = dora.get("/library/").content.decode()
    assert text.count('<form id="retire"') == 1
    for one, shown in ((entry, MAC), (kept, OTHER_MAC)):
        button = f'form="retire" formaction="/library/{one.pk}/retire/" name="version" value="{one.version}"'
        assert f'{button} data-what="{shown}">' in text
    assert dora.post(f"/library/{entry.pk}/retire/", {"version": entry.version}).status_code == 302
    assert f"/library/{entry.pk}/retire/" not in dora.get("/library/").content.decode()


def test_one_wrong_line_and_none_is_added(dora: Client) -> None:
    before = everything()
    rows = f"{MAC}, C313\n0C:11:05:2A:80, C313\n{MAC}, C313\n{OTHER_MAC}, Z999"
    response = dora.post("/library/add/", {"rows": rows, "installer": "", "type": "indoor_monitor"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "3 lines to correct" in text
    assert "10 of 12 digits" in text
    assert "Row 1 has the same MAC." in text
    assert "There is no model “Z999” in the list." in text
    assert f"{MAC}, C313\n0C:11:05:2A:80, C313" in text
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.rule("R71")
def test_another_makers_mac_asks_for_a_tick(dora: Client) -> None:
    form = {"rows": "00:1B:63:84:45:E6, C313", "installer": "", "type": "indoor_monitor"}
    assert 'name="confirmed"' not in dora.get("/library/add/").content.decode()
    refused = dora.post("/library/add/", form)
    assert refused.status_code == 422
    assert 'name="confirmed"' in refused.content.decode()
    assert not LibraryEntry.objects.exists()
    assert dora.post("/library/add/", {**form, "confirmed": "on"}).status_code == 302
    assert LibraryEntry.objects.count() == 1


def test_a_mac_is_assigned_returned_and_retired(people: People, dora: Client) -> None:
    (entry,) = stock(people, MAC)
    address = f"/library/{entry.pk}/assign/"
    assert_clean(dora.get(address).content)
    assert dora.post(address, {"installer": people.igor.firm.pk, "version": 1}).status_code == 422
    assert dora.post(address, {"installer": people.ines.firm.pk, "version": 1}).status_code == 302
    stale = dora.post(address, {"installer": "", "version": 1})
    assert stale.status_code == 409
    assert "You saved this in another window" in stale.content.decode()
    entry.refresh_from_db()
    assert (entry.status, entry.installer, entry.subdistributor) == ("assigned", people.ines.firm, people.sam.firm)
    assert dora.post(address, {"installer": "", "version": 2}).status_code == 302
    answer = dora.post(f"/library/{entry.pk}/retire/", {"version": 3}, follow=True)
    assert f"{MAC} is retired" in answer.content.decode()
    entry.refresh_from_db()
    assert entry.status == "retired"


@pytest.mark.rule("R72")
def test_a_mac_in_use_can_not_be_retired(
    people: People, dora: Client, sign_in: SignIn, make_site: Callable[..., object]
) -> None:
    (entry,) = stock(people, MAC)
    site = make_site()
    house = building(people, site)  # type: ignore[arg-type]
    sign_in(people.ivan).post(f"/sites/{house.site_id}/apartments/new/", apartment_form(house, (MAC, "Hallway")))
    before = AuditEvent.objects.count()
    answer = dora.post(f"/library/{entry.pk}/retire/", {"version": 2}, follow=True)
    text = answer.content.decode()
    assert f"{MAC} is in use. It can be changed when its device has been removed or swapped." in text
    assert "Quay House 9.01" in text
    entry.refresh_from_db()
    assert entry.status == "registered"
    assert AuditEvent.objects.count() == before


@pytest.mark.rule("R1")
def test_each_sees_its_own_part_of_the_library(people: People, dora: Client, sign_in: SignIn) -> None:
    stock(people, MAC, to=people.ivan)
    stock(people, OTHER_MAC, to=people.ines)
    (third,) = stock(people, THIRD_MAC)

    def shown(person: Person, **query: str) -> set[str]:
        response = sign_in(person).get("/library/", query)
        assert response.status_code == 200
        assert_clean(response.content)
        return {str(entry) for entry in response.context["page"].rows}

    assert shown(people.dora) == {MAC, OTHER_MAC, THIRD_MAC}
    assert shown(people.ivan) == shown(people.tess) == {MAC}
    assert shown(people.ines) == {OTHER_MAC}
    assert shown(people.mallory) == set()
    assert shown(people.dora, q="0c1105-2a7f") == {THIRD_MAC}
    assert shown(people.dora, status="in_stock") == {THIRD_MAC}
    assert sign_in(people.sam).get("/library/").status_code == 403
    assert sign_in(people.petra).get("/library/").status_code == 403
    mallory = sign_in(people.mallory)
    for address in (f"/library/{third.pk}/assign/", f"/library/{third.pk}/retire/"):
        absent = address.replace(str(third.pk), "987654321")
        assert mallory.post(address, {"version": 1}).content == mallory.post(absent, {"version": 1}).content
    assert sign_in(people.ivan).post("/library/add/", {"rows": MAC}).status_code == 403
    third.refresh_from_db()
    assert third.status == "in_stock"


def test_the_rows_of_a_spreadsheet_come_with_their_header(dora: Client) -> None:
    rows = f"Note\tSerial number\tMAC\tType\nbox 7\tSN 1\t\u200b{MAC}\tDoor phone\nbox 8\tSN 2\t{OTHER_MAC}\tDoor phone"
    response = dora.post("/library/add/", {"rows": rows, "installer": "", "type": "indoor_monitor"}, follow=True)
    assert "2 MACs are added. The format of 1 was fixed." in response.content.decode()
    found = LibraryEntry.objects.order_by("mac").values_list("serial", "note", "type")
    assert list(found) == [("SN 1", "box 7", "door_phone"), ("SN 2", "box 8", "door_phone")]


def test_a_serial_number_that_a_spreadsheet_rounded_is_refused(dora: Client) -> None:
    before = everything()
    response = dora.post("/library/add/", {"rows": f"{MAC};C313;1,05032E+11", "type": "indoor_monitor"})
    assert response.status_code == 422
    assert "A spreadsheet made a number of this serial number" in response.content.decode()
    assert everything() == before


@pytest.mark.rule("R1")
def test_a_note_is_found_by_who_reads_it_alone(people: People, dora: Client, sign_in: SignIn) -> None:
    (entry,) = stock(people, MAC, to=people.ivan)
    entry.note = "Sold cheap to a rival"
    entry.save()
    for path in ("/library/", "/search/", "/library/?format=csv"):
        address, _mark, asked = path.partition("?")
        assert MAC in whole(dora.get(f"{address}?q=rival&{asked}")), path
        for person in (people.ivan, people.tess, people.olga):
            client = sign_in(person)
            for text, is_found in (("c313", True), ("rival", False)):
                assert (MAC in whole(client.get(f"{address}?q={text}&{asked}"))) is is_found, (path, text, person)


def whole(answer: HttpResponseBase) -> str:
    """The text of a page or a file."""
    assert answer.status_code == 200
    return answer.getvalue().decode()


@pytest.mark.parametrize(
    "values",
    [
        "[" * 2_900, "[" * 5_000, "[1, %s]" % ("9" * 5_000), "[1e999]", '["\\ud800"]',
        '["\\ud800", 1, 1]', '["a", "b"]', '{"a": 1}', "null", "[true, null]",
    ],
)  # fmt: skip
def test_a_made_up_key_is_the_first_page(people: People, dora: Client, values: str) -> None:
    stock(people, MAC, OTHER_MAC)
    key = base64.urlsafe_b64encode(values.encode()).decode()
    for sort in ("", "mac", "model", "-model", "installer"):
        for way in ("after", "before"):
            answer = dora.get("/library/", {"sort": sort, way: key})
            assert {str(entry) for entry in answer.context["page"].rows} == {MAC, OTHER_MAC}, (sort, way)


@pytest.mark.parametrize("values", ["[%s]", "[%s, 1]", '["a", 1, %s]'])
def test_a_key_beyond_all_rows_is_an_answer_too(people: People, dora: Client, values: str) -> None:
    stock(people, MAC, OTHER_MAC)
    key = base64.urlsafe_b64encode((values % ("9" * 100)).encode()).decode()
    for sort in ("", "mac", "model", "installer"):
        for way in ("after", "before"):
            assert dora.get("/library/", {"sort": sort, way: key}).status_code == 200, (sort, way)
