"""Apartments and their devices through the real pages (R14, R17–R23, R68–R77)."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from communities.models import Apartment, Building, Site
from devices.models import Device
from tests.people import People
from tests.portal.apartments.scenes import MakeSite, new
from tests.portal.html import assert_clean
from tests.portal.places import MAC, OTHER_MAC, THIRD_MAC, apartment_form, building, everything


@pytest.mark.rule("R14")
@pytest.mark.rule("R23")
def test_the_form_has_exactly_three_switches_set_as_in_the_community(
    ivan: Client, harbour: Site, quay: Building
) -> None:
    response = ivan.get(f"{new(harbour)}?building={quay.pk}")
    text = response.content.decode()
    switches = re.findall(r'<input type="checkbox" name="(\w+)"([^>]*role="switch"[^>]*)>', text)
    assert [(name, "checked" in rest, "disabled" in rest) for name, rest in switches] == [
        ("indoor_monitor", True, False),
        ("landline", True, False),
        ("video_storage", False, True),
    ]
    assert "Off in Harbour View: switch it on there first." in text
    assert_clean(response.content)


@pytest.mark.rule("R18")
@pytest.mark.rule("R23")
def test_an_apartment_and_its_monitors_are_created_together(ivan: Client, harbour: Site, quay: Building) -> None:
    form = apartment_form(
        quay, (MAC.lower().replace(":", "-"), "Hallway"), (OTHER_MAC, "Study"), landline="on", name="Penthouse"
    )
    response = ivan.post(new(harbour), form, follow=True)
    apartment = Apartment.objects.get()
    assert response.redirect_chain == [(f"/apartments/{apartment.pk}/", 302)]
    assert (apartment.floor, apartment.number, apartment.name) == ("9", "9.01", "Penthouse")
    assert apartment.switches == {"indoor_monitor": True, "landline": True, "video_storage": False}
    assert [(d.name, str(d.address)) for d in Device.objects.all()] == [("Hallway", MAC), ("Study", OTHER_MAC)]
    text = response.content.decode()
    assert "Quay House 9.01 is created." in text
    assert MAC in text
    assert_clean(response.content)


@pytest.mark.rule("R18")
@pytest.mark.parametrize("rows", [(), (("", ""),), (("", ""), ("", ""))])
def test_with_the_monitor_required_and_none_typed_nothing_is_created(
    ivan: Client, harbour: Site, quay: Building, rows: tuple[tuple[str, str], ...]
) -> None:
    before = everything()
    response = ivan.post(new(harbour), apartment_form(quay, *rows, name="Penthouse"))
    text = response.content.decode()
    assert response.status_code == 422
    assert "enter the MAC address and the name of at least one indoor monitor" in text
    assert 'value="Penthouse"' in text
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.rule("R18")
def test_every_wrong_row_says_what_is_wrong_and_all_typed_values_stay(
    ivan: Client, harbour: Site, quay: Building
) -> None:
    before = everything()
    form = apartment_form(quay, (MAC, "Hallway"), ("0C:11:05:2A:11:6", "Study"), (MAC, "Bedroom"), name="Penthouse")
    response = ivan.post(new(harbour), form)
    text = response.content.decode()
    assert response.status_code == 422
    assert "11 of 12 digits. Check the last pair on the label, or scan it." in text
    assert "Row 1 has the same MAC." in text
    assert '<a href="#id_monitors-1-mac">Monitor 2</a>' in text
    for typed in (MAC, "Hallway", "0C:11:05:2A:11:6", "Study", "Bedroom", "Penthouse"):
        assert f'value="{typed}"' in text
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.rule("R20")
def test_with_the_requirement_off_the_rows_are_optional(ivan: Client, harbour: Site, quay: Building) -> None:
    assert ivan.post(new(harbour), apartment_form(quay, ("", ""), indoor_monitor=None)).status_code == 302
    assert Apartment.objects.get().indoor_monitor is False
    assert not Device.objects.exists()


@pytest.mark.rule("R22")
def test_a_forged_switch_above_the_ceiling_is_refused(ivan: Client, harbour: Site, quay: Building) -> None:
    before = everything()
    response = ivan.post(new(harbour), apartment_form(quay, (MAC, "Hallway"), video_storage="on"))
    assert response.status_code == 422
    assert "Video Storage is off in Harbour View. Switch it on there first." in response.content.decode()
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.rule("R77")
def test_a_number_and_a_building_name_are_taken_once(ivan: Client, harbour: Site, quay: Building) -> None:
    ivan.post(new(harbour), apartment_form(quay, (MAC, "Hallway"), number="9.0A"))
    before = everything()
    again = ivan.post(new(harbour), apartment_form(quay, (OTHER_MAC, "Hallway"), number="9.0a"))
    assert again.status_code == 422
    assert "Quay House already has an apartment 9.0a." in again.content.decode()
    twin = ivan.post(f"/sites/{harbour.pk}/buildings/new/", {"name": "QUAY house"})
    assert twin.status_code == 422
    assert "This community already has a building called “QUAY house”." in twin.content.decode()
    assert everything() == before
    assert_clean(twin.content)


@pytest.mark.rule("R1")
def test_a_building_of_another_site_can_not_be_chosen(
    people: People, ivan: Client, harbour: Site, quay: Building, make_site: MakeSite
) -> None:
    elsewhere = building(people, make_site("Speicherhof"))
    foreign = building(people, make_site("Tilleuls", by=people.igor), by=people.igor)
    before = everything()
    for other in (elsewhere, foreign):
        response = ivan.post(new(harbour), apartment_form(other, (MAC, "Hallway")))
        assert response.status_code == 422
        assert "is not one of the available choices" in response.content.decode()
    assert everything() == before


@pytest.mark.rule("R71")
def test_another_makers_mac_asks_and_a_tick_lets_it_pass(
    people: People, ivan: Client, make_site: MakeSite, settings
) -> None:
    settings.MAC_LIBRARY_REQUIRED = False
    site = make_site()
    house, mac = building(people, site), "00:1B:63:84:45:E6"
    response = ivan.post(new(site), apartment_form(house, (mac, "Hallway")))
    text = response.content.decode()
    assert response.status_code == 422
    assert "not of Akuvox" in text
    assert 'name="monitors-0-confirmed"' in text
    assert not Apartment.objects.exists()
    assert_clean(response.content)
    confirmed = apartment_form(house, (mac, "Hallway"), **{"monitors-0-confirmed": "on"})
    assert ivan.post(new(site), confirmed).status_code == 302
    assert str(Device.objects.get().address) == mac


def test_a_misread_label_is_repaired_by_one_button_without_script(ivan: Client, harbour: Site, quay: Building) -> None:
    misread = "DC:11:05:2A:7F:31"
    form = apartment_form(quay, (misread, "Hallway"))
    text = ivan.post(new(harbour), form).content.decode()
    assert f'name="use" value="0:{THIRD_MAC}"' in text
    before = everything()
    repaired = ivan.post(new(harbour), {**form, "use": f"0:{THIRD_MAC}"})
    assert repaired.status_code == 200
    assert f'value="{THIRD_MAC}"' in repaired.content.decode()
    assert f'value="{misread}"' not in repaired.content.decode()
    assert everything() == before
    assert_clean(repaired.content)


def test_without_script_a_button_adds_a_row_and_keeps_what_was_typed(
    ivan: Client, harbour: Site, quay: Building
) -> None:
    form = apartment_form(quay, (MAC, "Hallway"), name="Penthouse", indoor_monitor=None)
    response = ivan.post(new(harbour), {**form, "add-row": "1"})
    text = response.content.decode()
    assert response.status_code == 200
    assert 'name="monitors-1-mac"' in text
    assert f'value="{MAC}"' in text
    assert 'value="Penthouse"' in text
    assert re.search(r'name="indoor_monitor"(?![^>]*checked)', text)
    assert not Apartment.objects.exists()
    assert_clean(response.content)


def test_a_typed_row_counts_even_if_the_counter_of_the_page_is_wrong(
    ivan: Client, harbour: Site, quay: Building
) -> None:
    form = apartment_form(quay, (MAC, "Hallway"), (OTHER_MAC, "Study"))
    assert ivan.post(new(harbour), form | {"monitors-TOTAL_FORMS": "1"}).status_code == 302
    assert Device.objects.count() == 2


@pytest.mark.parametrize("counter", ["", "x", None])
def test_rows_that_did_not_arrive_whole_are_refused_in_words(
    counter: str | None, ivan: Client, harbour: Site, quay: Building
) -> None:
    form = apartment_form(quay, (MAC, "Hall")) | {"monitors-TOTAL_FORMS": counter}
    answer = ivan.post(new(harbour), {name: value for name, value in form.items() if value is not None})
    assert answer.status_code == 422
    assert "The rows of monitors did not arrive whole." in answer.content.decode()
    assert not Apartment.objects.exists()


def test_create_and_start_another_stays_on_the_floor(ivan: Client, harbour: Site, quay: Building) -> None:
    response = ivan.post(new(harbour), {**apartment_form(quay, (MAC, "Hallway")), "then": "another"}, follow=True)
    assert response.redirect_chain == [(f"{new(harbour)}?building={quay.pk}&floor=9", 302)]
    text = response.content.decode()
    assert "Quay House 9.01 is created." in text
    assert f'<option value="{quay.pk}" selected>' in text
    assert 'name="floor" value="9"' in text


@pytest.mark.rule("R68")
def test_a_mac_from_a_label_or_a_spreadsheet_is_taken_and_said_to_be_fixed(
    ivan: Client, harbour: Site, quay: Building
) -> None:
    form = apartment_form(quay, (f"MAC: {MAC[:8]}\u200b{MAC[8:]} C313", "Hallway"), (OTHER_MAC, "Study"))
    text = ivan.post(new(harbour), form, follow=True).content.decode()
    assert f"Quay House 9.01 is created. Format fixed: {MAC}." in text
    apartment = Apartment.objects.get()
    typed = {"mac": f'="{THIRD_MAC}"', "name": "Bedroom"}
    text = ivan.post(f"/apartments/{apartment.pk}/devices/new/", typed, follow=True).content.decode()
    assert f"Bedroom, {THIRD_MAC} is registered. Format fixed: {THIRD_MAC}." in text
