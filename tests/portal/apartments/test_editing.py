"""An apartment is edited, with its devices; the list of apartments (R14, R17–R21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db.models import QuerySet
from django.test import Client

from accounts.models import AuditEvent
from communities.actions import sites
from communities.models import Apartment, Building, Site
from devices.models import Device, LibraryEntry
from smartplus.portal.sheet import lists
from tests.people import NOW, People
from tests.portal.apartments.scenes import MakeSite, SignIn, new
from tests.portal.html import assert_clean, page_of
from tests.portal.places import MAC, OTHER_MAC, THIRD_MAC, apartment_form, building, everything


def test_editing_keeps_the_apartment_and_refuses_a_stale_version(ivan: Client, flat: Apartment) -> None:
    address = f"/apartments/{flat.pk}/edit/"
    assert_clean(ivan.get(address).content)
    form = apartment_form(None, number="9.02", landline="on", version=1)
    assert ivan.post(address, form).status_code == 302
    stale = ivan.post(address, {**form, "number": "9.03"})
    text = page_of(stale)
    assert stale.status_code == 409
    assert "You saved this in another window" in text
    assert 'value="9.03"' in text  # what was typed stands in the form, what is saved beside it
    assert '<td> <span class="lead mute">Saved now </span>9.02' in text
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
    response = ivan.post(f"/devices/{device.pk}/remove/", follow=True)
    text = response.content.decode()
    assert response.redirect_chain == [(f"/apartments/{flat.pk}/", 302)]
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
    address = f"/sites/{harbour.pk}/"

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
    monkeypatch.setattr(lists, "SHEET", replace(lists.SHEET, size=2))
    for name in names:
        one = sites.add_building(people.ivan.actor, site_id=harbour.pk, name=name, now=NOW)
        for floor, number in (("10", "10.01"), ("2", "2.10"), ("2", "2.9"), ("EG", "0.1"), ("-1", "A")):
            ivan.post(new(harbour), apartment_form(one, number=number, floor=floor, indoor_monitor=None))
    assert len({row.name_order for row in Building.objects.all()}) == len(names) - (names[1] == "Haus Ä")

    def walked(**query: int | str) -> list[str]:
        found = list[str]()
        while True:
            page = ivan.get(f"/sites/{harbour.pk}/", query).context["page"]
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
    address = f"/sites/{harbour.pk}/"
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
