"""What the field of a MAC says on leaving it, and what it offers as one types."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from communities.models import Site
from devices import actions
from devices.models import Device, LibraryEntry
from tests.devices.macs import monitor
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import MAC, OTHER_MAC, THIRD_MAC, apartment_form, building, everything

SignIn = Callable[[Person], Client]


@pytest.fixture
def harbour(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    return sign_in(people.ivan)


def keep(by: Person, *macs: str, to: Person | None = None, model: str = "C313") -> None:
    """Put MACs into a library."""
    rows = [actions.LibraryRow(mac, model, confirmed=True) for mac in macs]
    actions.add_to_library(by.actor, macs=rows, installer_id=to.firm.pk if to else None, now=NOW)


def said(client: Client, site: Site, text: str, **query: str) -> str:
    """The words of the fragment."""
    answer = client.get(f"/sites/{site.pk}/mac/", {"monitors-3-mac": text, **query})
    assert answer.status_code == 200
    assert_clean(answer.content)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", answer.content.decode())).split())


def offered(client: Client, site: Site, text: str = "", **query: str) -> list[str]:
    """The MACs of the list, which changes nothing."""
    before = everything()
    answer = client.get(f"/sites/{site.pk}/mac/free/", {"mac": text, **query})
    assert everything() == before
    return re.findall(r'<option value="([^"]+)"', answer.content.decode())


@pytest.mark.rule("R69")
def test_the_field_says_what_will_come_of_the_mac(people: People, ivan: Client, harbour: Site) -> None:
    keep(people.dora, MAC)
    keep(people.dora, OTHER_MAC, to=people.ivan)
    keep(people.dora, "001105880003", THIRD_MAC, model="R20")
    before = everything()
    assert said(ivan, harbour, MAC) == "C313, in stock"
    assert said(ivan, harbour, OTHER_MAC) == "C313, assigned to you"
    assert said(ivan, harbour, f"MAC: {MAC} C313") == f"C313, in stock · format fixed: {MAC}"
    assert said(ivan, harbour, "") == said(ivan, harbour, "  ") == ""
    assert "10 of 12 digits." in said(ivan, harbour, MAC[:14])
    assert said(ivan, harbour, f"D{MAC[1:]}").endswith(f"Did you mean {MAC}? Use {MAC}")
    assert said(ivan, harbour, "1105880003").endswith("Did you mean 00:11:05:88:00:03? Use 00:11:05:88:00:03")
    assert said(ivan, harbour, THIRD_MAC) == "The library says that this is another device: Door phone."
    assert said(ivan, harbour, THIRD_MAC, type="door_phone") == "R20, in stock"
    assert everything() == before


@pytest.mark.rule("R70")
def test_the_field_tells_nothing_of_others(
    people: People, ivan: Client, harbour: Site, make_site: Callable[..., Site]
) -> None:
    keep(people.dora, MAC, to=people.ines)
    keep(people.mallory, OTHER_MAC)
    told = {said(ivan, harbour, text) for text in (MAC, OTHER_MAC, THIRD_MAC)}
    assert told == {"This MAC can't be used here. Check it with your distributor."}
    elsewhere = make_site("Mill Yard", by=people.igor)
    for page in ("mac/", "mac/free/"):
        assert ivan.get(f"/sites/{elsewhere.pk}/{page}", {"mac": MAC}).status_code == 404


@pytest.mark.rule("R70")
def test_the_list_offers_the_installers_own_free_macs_only(
    people: People, ivan: Client, sign_in: SignIn, harbour: Site
) -> None:
    mine = [f"0C:11:05:00:00:{n:02X}" for n in range(1, 31)]
    keep(people.dora, *mine, to=people.ivan)
    keep(people.dora, "0C11050000A1", to=people.ivan, model="R20")
    keep(people.dora, "0C11050000A2")  # in the distributor's stock
    keep(people.dora, "0C11050000A3", to=people.ines)
    keep(people.mallory, "0C11050000A4")
    actions.add_apartment(
        people.ivan.actor,
        building_id=building(people, harbour).pk,
        floor="1",
        number="1",
        monitors=[monitor(mine[0])],
        now=NOW,
    )
    assert offered(ivan, harbour) == mine[1:21]
    assert offered(ivan, harbour, "0c-11-05-00-00-1") == mine[15:]
    assert offered(ivan, harbour, "00001d") == offered(ivan, harbour, "MAC: 0C110500001D") == [mine[28]]
    assert offered(ivan, harbour, "0C11050000A") == offered(ivan, harbour, "Harbour") == []
    assert offered(ivan, harbour, "0C11050000A", type="door_phone") == ["0C:11:05:00:00:A1"]
    retired = LibraryEntry.objects.get(mac=0x0C110500001D)
    actions.retire_library_entry(people.dora.actor, entry_id=retired.pk, version=1, now=NOW)
    assert offered(ivan, harbour, "00001d") == []


@pytest.mark.parametrize("who", ["dora", "petra", "sam", "olga"])
def test_who_registers_nothing_is_told_nothing(people: People, sign_in: SignIn, harbour: Site, who: str) -> None:
    for page in ("mac/", "mac/free/"):
        assert sign_in(getattr(people, who)).get(f"/sites/{harbour.pk}/{page}", {"mac": MAC}).status_code == 403


def test_every_field_for_a_mac_asks(people: People, ivan: Client, harbour: Site) -> None:
    quay = building(people, harbour)
    keep(people.dora, MAC)
    ivan.post(f"/sites/{harbour.pk}/apartments/new/", apartment_form(quay, (MAC, "Hallway")))
    device = Device.objects.get()
    pages = (
        f"/sites/{harbour.pk}/apartments/new/", f"/apartments/{device.apartment_id}/edit/",
        f"/apartments/{device.apartment_id}/devices/new/", f"/devices/{device.pk}/swap/",
    )  # fmt: skip
    for page in pages:
        html = ivan.get(page).content.decode()
        assert_clean(html.encode())
        fields = re.findall(r"<input[^>]* data-mac[^>]*>", html)
        assert fields
        for field in fields:
            id = re.search(r' id="([^"]+)"', field)[1]  # type: ignore[index]
            assert f'hx-get="/sites/{harbour.pk}/mac/' in field
            assert f'hx-target="#{id}_said"' in field
            assert f'<div class="mac-said" id="{id}_said" role="status">' in html
            assert f'list="{id}_free"' in field
            assert f'<datalist id="{id}_free"' in html
            assert f"{id}_said" in re.search(r'aria-describedby="([^"]+)"', field)[1]  # type: ignore[index]
