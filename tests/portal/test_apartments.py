"""Apartments and their devices through the real pages (R14, R17–R23, R68–R77)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db.models import QuerySet
from django.test import Client

from accounts.models import AuditEvent
from communities.actions import sites
from communities.models import Apartment, Building, Site
from devices.models import Device, LibraryEntry
from smartplus.portal.apartments import views
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import MAC, OTHER_MAC, THIRD_MAC, apartment_form, building, everything, stock

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]


@pytest.fixture
def harbour(make_site: MakeSite) -> Site:
    """Harbour View: With Indoor Monitor on, landline on, video storage off."""
    return make_site(landline=True)


@pytest.fixture
def quay(people: People, harbour: Site) -> Building:
    """Quay House, and three monitors in Dora's library."""
    stock(people, MAC, OTHER_MAC, THIRD_MAC)
    return building(people, harbour)


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


def new(site: Site) -> str:
    """The address of the New-apartment form."""
    return f"/sites/{site.pk}/apartments/new/"


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


@pytest.fixture
def flat(ivan: Client, harbour: Site, quay: Building) -> Apartment:
    """Quay House 9.01 with one monitor, the Hallway."""
    ivan.post(new(harbour), apartment_form(quay, (MAC, "Hallway")))
    return Apartment.objects.get()


def test_editing_keeps_the_apartment_and_refuses_a_stale_version(ivan: Client, flat: Apartment) -> None:
    address = f"/apartments/{flat.pk}/edit/"
    assert_clean(ivan.get(address).content)
    form = apartment_form(None, number="9.02", landline="on", version=1)
    assert ivan.post(address, form).status_code == 302
    stale = ivan.post(address, {**form, "number": "9.03"})
    text = stale.content.decode()
    assert stale.status_code == 409
    assert "You saved this in another window" in text
    assert 'value="9.03"' in text  # what was typed stands in the form, what is saved beside it
    assert "<td>9.02</td>" in text.replace('<span class="lead mute">Saved now </span>', "")
    flat.refresh_from_db()
    assert (flat.number, flat.landline, flat.version) == ("9.02", True, 2)
    assert_clean(stale.content)


@pytest.mark.rule("R17")
@pytest.mark.rule("R21")
def test_switching_the_requirement_off_keeps_the_device_and_on_asks_for_one(ivan: Client, flat: Apartment) -> None:
    address = f"/apartments/{flat.pk}/edit/"
    assert ivan.post(address, apartment_form(None, indoor_monitor=None, version=1)).status_code == 302
    device = Device.objects.active().get()
    assert ivan.post(f"/devices/{device.pk}/remove/").status_code == 302
    refused = ivan.post(address, apartment_form(None, ("", ""), version=2))
    assert refused.status_code == 422
    assert "This apartment has no indoor monitor yet" in refused.content.decode()
    assert_clean(refused.content)
    assert ivan.post(address, apartment_form(None, (OTHER_MAC, "Study"), version=2)).status_code == 302
    assert [str(d.address) for d in Device.objects.active()] == [OTHER_MAC]


@pytest.mark.rule("R19")
def test_the_last_required_monitor_stays_and_the_page_says_why(ivan: Client, flat: Apartment) -> None:
    device, before = Device.objects.get(), everything()
    response = ivan.post(f"/devices/{device.pk}/remove/")
    text = response.content.decode()
    assert response.status_code == 422
    assert "Quay House 9.01 requires an indoor monitor and this is its last one. Swap it for another" in text
    assert Device.objects.active().count() == 1
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.rule("R19")
@pytest.mark.rule("R73")
def test_a_monitor_is_added_renamed_swapped_and_removed(ivan: Client, flat: Apartment) -> None:
    new_device = f"/apartments/{flat.pk}/devices/new/"
    taken = ivan.post(new_device, {"mac": OTHER_MAC, "name": "hallway"})
    assert taken.status_code == 422
    assert "This apartment already has a device called “hallway”." in taken.content.decode()
    assert_clean(taken.content)
    assert ivan.post(new_device, {"mac": OTHER_MAC, "name": "Study"}).status_code == 302
    hallway, study = Device.objects.get(name="Hallway"), Device.objects.get(name="Study")
    assert ivan.post(f"/devices/{study.pk}/rename/", {"name": "Bedroom", "version": 1}).status_code == 302
    assert ivan.post(f"/devices/{study.pk}/rename/", {"name": "Attic", "version": 1}).status_code == 409
    swap = f"/devices/{hallway.pk}/swap/"
    assert_clean(ivan.get(swap).content)
    assert ivan.post(swap, {"mac": THIRD_MAC, "reason": ""}).status_code == 422
    assert ivan.post(swap, {"mac": THIRD_MAC, "reason": "display dead, RMA 4711"}).status_code == 302
    assert ivan.post(f"/devices/{study.pk}/remove/").status_code == 302
    assert [(d.name, str(d.address)) for d in Device.objects.active()] == [("Hallway", THIRD_MAC)]
    assert LibraryEntry.objects.get(mac=int(MAC.replace(":", ""), 16)).status == "retired"
    assert AuditEvent.objects.filter(action="device.swapped").get().after["reason"] == "display dead, RMA 4711"


@pytest.mark.rule("R70")
def test_a_mac_in_use_elsewhere_and_one_nobody_knows_get_the_same_words(
    people: People, ivan: Client, flat: Apartment, make_site: MakeSite, sign_in: SignIn
) -> None:
    ines = sign_in(people.ines)
    site = make_site("Nordhavn", by=people.ines)
    house = building(people, site, by=people.ines)
    used = ines.post(new(site), apartment_form(house, (MAC, "Hallway")))
    unknown = ines.post(new(site), apartment_form(house, ("0C:11:05:2A:99:99", "Hallway")))
    words = "This MAC can&#x27;t be used here. Check it with your distributor."
    assert used.status_code == unknown.status_code == 422
    assert words in used.content.decode()
    assert words in unknown.content.decode()
    assert "Harbour View" not in used.content.decode()
    assert not Apartment.objects.filter(site=site).exists()


def test_the_list_groups_by_building_and_floor_and_finds_by_chip_and_search(
    people: People, ivan: Client, harbour: Site, quay: Building, make_apartment: Callable[..., Apartment]
) -> None:
    for number in ("10.01", "2.01", "2.10", "2.9"):
        ivan.post(
            new(harbour),
            apartment_form(quay, number=number, floor=number.split(".", maxsplit=1)[0], indoor_monitor=None),
        )
    ivan.post(new(harbour), apartment_form(quay, (MAC, "Hallway"), number="3.01", floor="3"))
    pier = sites.add_building(people.ivan.actor, site_id=harbour.pk, name="Pier House", now=NOW)
    ivan.post(new(harbour), apartment_form(pier, number="1.01", floor="1", indoor_monitor=None))
    address = f"/sites/{harbour.pk}/apartments/"

    def shown(**query: str | int) -> list[str]:
        response = ivan.get(address, query)
        assert_clean(response.content)
        return [str(row) for row in response.context["page"].rows]

    assert shown() == [
        "Pier House 1.01", "Quay House 2.01", "Quay House 2.9", "Quay House 2.10", "Quay House 3.01", "Quay House 10.01",
    ]  # fmt: skip
    assert shown(building=pier.pk) == ["Pier House 1.01"]
    assert shown(q=MAC.lower()) == ["Quay House 3.01"]
    assert shown(q="10.") == ["Quay House 10.01"]
    assert len(shown(show="no-master")) == 6
    assert shown(show="no-monitor") == []
    assert shown(show="not-paid") == []
    assert "No apartment matches" in ivan.get(address, {"show": "no-monitor"}).content.decode()


def in_order(rows: QuerySet[Apartment]) -> list[str]:
    """As one walks through a site, by the keys that apartments and buildings keep themselves."""
    return [str(row) for row in rows.order_by("building__name_order", "building_id", "floor_order", "number_order")]


@pytest.mark.parametrize("names", [("Quay House", "Pier 10", "Pier 9"), ("Haus A", "Haus Ä", "haus b")])
def test_pages_by_place_are_those_of_the_buildings_one_after_the_other(
    people: People, ivan: Client, harbour: Site, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the names of two are sorted alike, and where one of them is chosen."""
    monkeypatch.setattr(views, "PAGE", 2)
    for name in names:
        one = sites.add_building(people.ivan.actor, site_id=harbour.pk, name=name, now=NOW)
        for floor, number in (("10", "10.01"), ("2", "2.10"), ("2", "2.9"), ("EG", "0.1"), ("-1", "A")):
            ivan.post(new(harbour), apartment_form(one, number=number, floor=floor, indoor_monitor=None))
    assert len({row.name_order for row in Building.objects.all()}) == len(names) - (names[1] == "Haus Ä")

    def walked(**query: int | str) -> list[str]:
        found = list[str]()
        while True:
            page = ivan.get(f"/sites/{harbour.pk}/apartments/", query).context["page"]
            found += map(str, page.rows)
            query["after"] = page.next
            if not page.next:
                return found

    assert walked() == in_order(Apartment.objects.all())
    assert len(walked()) == 15
    for one in Building.objects.all():
        assert walked(building=one.pk) == in_order(Apartment.objects.filter(building=one))


def test_of_many_buildings_one_is_chosen_from_a_list(
    ivan: Client, people: People, harbour: Site, quay: Building
) -> None:
    address = f"/sites/{harbour.pk}/apartments/"
    few = ivan.get(address).content.decode()
    assert f'href="?building={quay.pk}">Quay House' in few
    assert '<select class="in sel chip-in" name="building"' not in few
    for n in range(12):
        sites.add_building(people.ivan.actor, site_id=harbour.pk, name=f"Pier {n}", now=NOW)
    many = ivan.get(address, {"building": quay.pk})
    assert_clean(many.content)
    text = many.content.decode()
    assert f'<option value="{quay.pk}" selected>Quay House (0)</option>' in text
    assert text.count("<option ") == 14
    assert f'href="?building={quay.pk}">' not in text  # no chip of it
    assert text.count('name="building"') == 1


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
