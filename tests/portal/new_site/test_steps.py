"""Add Community Site, step by step through the real pages (S1): what is typed is kept, and nothing is created before the last button."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Organization
from communities import catalogue
from communities.models import Apartment, Building, Entitlement, Resident, Site, SiteDraft
from devices.models import Device
from subscriptions.models import PriceList
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, form_in, page_of
from tests.portal.places import MAC, OTHER_MAC, basics_form, create_site, everything, site_form, stock

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]
PIER: dict[str, Any] = {
    "building": ["b1"], "b1-name": "Pier House", "b1-mode": "grid", "b1-first_floor": "1", "b1-floors": "4", "b1-units": "3",
    "b1-first_unit": "1", "b1-numbering": "point", "b1-pattern": "", "b1-pasted": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


def draft(client: Client, name: str = "Kaispeicher", **structure: Any) -> str:
    """The address of a new draft, with this structure if one is given."""
    answer = client.post("/sites/new/", basics_form(name))
    address = str(answer["Location"]).removesuffix("structure/")
    if structure:
        assert client.post(f"{address}structure/", structure).status_code == 302
    return address


def review(client: Client, address: str) -> Any:
    return client.post(f"{address}review/", {"version": SiteDraft.objects.latest("pk").version})


@pytest.mark.rule("R10")
def test_ivan_adds_a_community_with_the_defaults_and_lands_on_its_overview(people: People, ivan: Client) -> None:
    page = ivan.get("/sites/new/")
    assert_clean(page.content)
    response = create_site(ivan, site_form())
    site = Site.objects.get()
    assert response["Location"] == f"/sites/{site.pk}/"
    assert not SiteDraft.objects.exists()
    assert (site.name, site.installer, site.time_zone, site.free_members) == (
        "Harbour View",
        people.ivan.firm,
        "Europe/Berlin",
        4,
    )
    assert site.switches == dict(catalogue.DEFAULTS)
    assert site.switches["indoor_monitor"] is True
    assert sum(site.switches.values()) == 1
    assert site.retention_days == 30
    assert "Harbour View is created with 0 apartments." in ivan.get(response["Location"]).content.decode()


def test_the_form_shows_every_service_in_its_group_with_its_effect_and_advice(ivan: Client) -> None:
    text = ivan.get(f"{draft(ivan)}services/").content.decode()
    assert text.index("Infrastructure-Related") < text.index("Landline Service (For Residents)")
    assert text.index("Experience &amp; Value-Added") < text.index("Third-Party Camera Integration")
    for service in catalogue.SERVICES:
        assert f'name="{service.code}"' in text
        assert f"/help/services/{service.code}/" in text


@pytest.mark.parametrize(
    ("country", "postal_code", "state", "zone"),
    [
        ("NO", "0155", "", "Europe/Oslo"), ("DE", "20457", "", "Europe/Berlin"), ("ES", "28039", "Madrid", "Europe/Madrid"),
        ("FR", "33380", "", "Europe/Paris"),
    ],
)  # fmt: skip
def test_an_empty_time_zone_is_taken_from_the_country(
    ivan: Client, country: str, postal_code: str, state: str, zone: str
) -> None:
    create_site(ivan, site_form(country=country, postal_code=postal_code, state=state, time_zone=""))
    assert Site.objects.get().time_zone == zone


def test_a_country_of_many_zones_asks_and_keeps_what_was_typed(ivan: Client) -> None:
    before = everything()
    response = create_site(ivan, site_form(country="US", time_zone="", landline="on"))
    text = response.content.decode()
    assert response.status_code == 422
    assert "United States of America has several time zones: choose one." in text
    assert 'value="Kaistraße 14"' in text
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 65}, "at most 64 characters"),
        ({"free_members": "64"}, "less than or equal to 63"),
        ({"retention_days": "31"}, "31 is not one of the available choices"),
        ({"country": "XX"}, "This country is not known."),
        ({"pm_landline": "on"}, "Landline Service for PM needs the PM App. Switch it on as well."),
        (
            {"third_party_camera": "on", "camera_residents": None, "camera_administrators": None},
            "Choose who may watch the cameras",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_created(ivan: Client, changes: dict[str, Any], says: str) -> None:
    before = everything()
    response = create_site(ivan, site_form(**changes))
    kept = everything()
    if response.status_code == 302:  # said on the review, where the button is
        assert response["Location"].endswith("/review/")
        response = ivan.get(response["Location"])
    else:
        assert response.status_code == 422
    assert says in response.content.decode()
    assert kept == before
    assert_clean(response.content)


@pytest.mark.rule("R77")
def test_a_name_is_taken_in_any_case_and_by_the_same_installer_only(
    people: People, ivan: Client, sign_in: SignIn, make_site: MakeSite
) -> None:
    make_site("Straße am Hafen")
    response = create_site(ivan, site_form("STRASSE AM  HAFEN"))
    assert response.status_code == 422
    assert "You already have a site called “STRASSE AM HAFEN”." in response.content.decode()
    assert Site.objects.count() == 1
    assert create_site(sign_in(people.igor), site_form("Straße am Hafen")).status_code == 302
    assert Site.objects.count() == 2


@pytest.mark.rule("R2")
@pytest.mark.parametrize("who", ["olga", "dora", "sam", "tess", "petra"])
def test_only_installers_create_sites(people: People, sign_in: SignIn, who: str) -> None:
    client = sign_in(getattr(people, who))
    assert client.get("/sites/new/").status_code == 403
    assert client.post("/sites/new/", site_form()).status_code == 403
    assert not Site.objects.exists()


@pytest.mark.rule("R17", "R18", "R23")
def test_a_whole_community_comes_from_one_button(people: People, ivan: Client, price_list: PriceList) -> None:
    stock(people, MAC, OTHER_MAC)
    address = draft(ivan, **PIER)
    page = ivan.get(f"{address}services/")
    assert_clean(page.content)
    assert (
        ivan.post(f"{address}services/", form_in(page.content, "retention_days") | {"booking": "on"}).status_code == 302
    )
    before = everything()
    page = ivan.get(f"{address}devices/")
    assert_clean(page.content)
    rows = form_in(page.content, "default_name")
    assert rows["row"] == "b1/4.03" or "row" in rows
    keys = re.findall(r'name="row" value="([^"]+)"', page.content.decode())
    assert keys[:2] == ["b1/1.01", "b1/1.02"]
    sent = {"row": keys, "r0-mac": MAC.replace(":", "-").lower(), "r0-master": "Greta Sommer", "r0-email": "greta@mail.example",
            "r1-mac": OTHER_MAC, "r1-name": "Kitchen", "default_name": "Hallway"}  # fmt: skip
    assert ivan.post(f"{address}devices/", sent)["Location"] == f"{address}review/"
    text = page_of(ivan.get(f"{address}review/"))
    assert "10 apartments have no indoor monitor" in text
    assert review(ivan, address)["Location"] == f"{address}review/"
    assert "no indoor monitor" in page_of(ivan.get(f"{address}review/"))
    assert everything() == before
    assert ivan.post(f"{address}devices/", sent | {"may_wait": "on"}).status_code == 302
    answer = review(ivan, address)
    site = Site.objects.get()
    assert answer["Location"] == f"/sites/{site.pk}/"
    assert (
        Building.objects.count(),
        Apartment.objects.count(),
        Apartment.objects.filter(monitor_pending=True).count(),
    ) == (1, 12, 10)
    assert sorted((str(d.address), d.name) for d in Device.objects.all()) == sorted(
        [(MAC, "Hallway"), (OTHER_MAC, "Kitchen")]
    )
    assert [(r.name, str(r.apartment)) for r in Resident.objects.all()] == [("Greta Sommer", "Pier House 1.01")]
    assert Entitlement.objects.filter(site=site, service_type="app").wanted().count() == 1
    assert ivan.get(f"{address}structure/").status_code == 404


def test_a_draft_survives_what_is_wrong_and_signing_out(people: People, ivan: Client, sign_in: SignIn) -> None:
    address = draft(ivan)
    wrong = PIER | {"b1-name": "", "b1-floors": "x"}
    answer = ivan.post(f"{address}structure/", wrong)
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert "This field is required." in page_of(answer)
    again = sign_in(people.ivan)
    assert 'value="x"' in page_of(again.get(f"{address}structure/"))
    assert again.get(address)["Location"] == f"{address}structure/"
    assert again.post(f"{address}structure/", PIER | {"go": "later"})["Location"] == "/sites/drafts/"
    page = page_of(again.get("/sites/drafts/"))
    assert "Kaispeicher is saved as a draft." in page
    assert "Drafts: 1" in page_of(again.get("/sites/"))


def test_going_back_saves_and_asks_for_nothing(ivan: Client) -> None:
    address = draft(ivan)
    assert ivan.post(f"{address}structure/", PIER | {"b1-name": "", "go": "back"})["Location"] == f"{address}basics/"
    assert SiteDraft.objects.get().data["buildings"][0]["floors"] == "4"


@pytest.mark.parametrize(
    ("do", "ids", "at"),
    [
        ("add", ["b1", "b2"], "#b2"), ("copy:b1", ["b1", "b2"], "#b1"), ("remove:b1", [], ""), ("other:b1", ["b1"], "#b1"),
        ("remove:b9", ["b1"], ""), ("regular:b1:7", ["b1"], "#b1"), ("nonsense", ["b1"], ""),
    ],
)  # fmt: skip
def test_small_buttons_change_the_buildings_and_come_back(ivan: Client, do: str, ids: list[str], at: str) -> None:
    address = draft(ivan)
    answer = ivan.post(f"{address}structure/", PIER | {"do": do})
    assert answer["Location"] == f"{address}structure/{at}"
    assert [row["id"] for row in SiteDraft.objects.get().data["buildings"]] == ids
    assert_clean(ivan.get(f"{address}structure/").content)


def test_an_odd_floor_a_list_and_a_doubled_name(ivan: Client) -> None:
    address = draft(ivan)
    boat = {f"b2{name[2:]}": value for name, value in PIER.items() if name != "building"}
    sent: dict[str, Any] = {
        **PIER, **boat, "building": ["b1", "b2"], "b1-other_floor": ["4"], "b1-other_units": ["1"], "b2-name": "pier  HOUSE",
        "b2-mode": "list", "b2-pasted": "EG links; 0; Greta Sommer; greta@mail.example\nEG rechts; 0\nEG links; 0",
    }  # fmt: skip
    answer = ivan.post(f"{address}structure/", sent)
    text = page_of(answer)
    assert answer.status_code == 422
    assert "Two buildings have this name." in text
    assert "Line 3 repeats EG links of line 1." in text
    assert '<li class="odd">' in text
    assert_clean(answer.content)
    sent |= {"b2-name": "Boat House", "b2-pasted": sent["b2-pasted"].removesuffix("\nEG links; 0")}
    assert ivan.post(f"{address}structure/", sent).status_code == 302
    assert SiteDraft.objects.get().apartments == 12
    ivan.post(f"{address}devices/", {"may_wait": "on"})
    assert review(ivan, address).status_code == 302
    assert Resident.objects.get().name == "Greta Sommer"


def test_the_preview_saves_and_prices_what_is_typed(people: People, ivan: Client, price_list: PriceList) -> None:
    address = draft(ivan)
    text = page_of(ivan.post(f"{address}structure/preview/", PIER))
    assert "US$18.00" in text
    assert "12 × US$1.50" in text
    assert 'id="facade-b1" hx-swap-oob="true"' in text
    assert "4.03" in text
    assert "Draft saved" in text
    assert SiteDraft.objects.get().apartments == 12
    text = page_of(
        ivan.post(
            f"{address}services/preview/",
            {"booking": "on", "pm_app": "on", "planned_managers": "2", "retention_days": "30"},
        )
    )
    assert "US$43.60" in text  # 12 × (2.50 + 0.30) + 2 × 5.00, without indoor monitor
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    for step, sent in (("structure", PIER), ("services", {"booking": "on"}), ("devices", {})):
        answer = ivan.post(f"{address}{step}/preview/", sent)
        assert answer.status_code == 200
        for page in (answer, ivan.get(f"{address}{step}/"), ivan.get(f"{address}review/")):
            assert "US$" not in page_of(page)
            assert "price-preview" not in page_of(page)


@pytest.mark.rule("R69", "R70")
def test_a_wrong_mac_is_named_at_its_row_and_repaired_without_script(people: People, ivan: Client) -> None:
    stock(people, "0C:11:05:2A:10:14")
    address = draft(ivan, **PIER)
    keys = [f"b1/{floor}.0{unit}" for floor in range(1, 5) for unit in range(1, 4)]
    sent: dict[str, Any] = {
        "row": keys,
        "r0-mac": "DC11052A1014",
        "r1-mac": "0C11052A1014",
        "r2-mac": "0C11052A1014",
        "r3-email": "x",
    }
    text = page_of(ivan.post(f"{address}devices/preview/", sent))
    assert 'Use <span class="mono">0C:11:05:2A:10:14</span>' in text
    assert "Pier House 1.02 has the same MAC." in text
    page = ivan.get(f"{address}devices/")
    assert_clean(page.content)
    assert "The resident needs a name." in page_of(page)
    answer = ivan.post(f"{address}devices/", {"row": keys, "r0-mac": "DC11052A1014", "use": "0:0C:11:05:2A:10:14"})
    assert answer["Location"] == f"{address}devices/"
    assert SiteDraft.objects.get().data["devices"]["rows"]["b1/1.01"]["mac"] == "0C:11:05:2A:10:14"


def test_a_pasted_list_finds_its_apartments(ivan: Client) -> None:
    address = draft(ivan, **PIER)
    pasted = "0C1105000001\n2.03; 0C:11:05:00:00:02; Kitchen\n0C1105000003\tBedroom"
    assert ivan.post(f"{address}devices/", {"row": ["b1/1.01"], "do": "place", "pasted": pasted}).status_code == 302
    assert SiteDraft.objects.get().data["devices"]["rows"] == {
        "b1/1.01": {"mac": "0C1105000001"}, "b1/2.03": {"mac": "0C:11:05:00:00:02", "name": "Kitchen"},
        "b1/1.02": {"mac": "0C1105000003", "name": "Bedroom"},
    }  # fmt: skip


@pytest.mark.rule("R22", "R23")
def test_a_copy_brings_services_and_structure_and_asks_for_a_name(
    people: People, ivan: Client, make_site: MakeSite, make_apartment: Callable[..., Apartment]
) -> None:
    site = make_site("Harbour View", booking=True, landline=True)
    make_apartment(site, "1.01")
    make_apartment(site, "1.02", indoor_monitor=False, landline=False)
    address = ivan.post(f"/sites/{site.pk}/copy/")["Location"].removesuffix("basics/")
    assert "Services and structure of Harbour View are copied." in page_of(ivan.get(f"{address}basics/"))
    text = page_of(ivan.get(f"{address}structure/"))
    assert "1 apartment has services of its own, as copied." in text
    assert "Name" in page_of(ivan.get(f"{address}review/"))
    ivan.post(f"{address}basics/", basics_form("Harbour Point"))
    ivan.post(f"{address}devices/", {"may_wait": "on"})
    assert review(ivan, address).status_code == 302
    copy = Site.objects.get(name="Harbour Point")
    assert copy.switches == site.switches
    rows = (
        Apartment.objects.filter(site=copy)
        .order_by("number_order")
        .values_list("number", "indoor_monitor", "landline", "monitor_pending")
    )
    assert list(rows) == [("1.01", True, True, True), ("1.02", False, False, False)]
    assert not Resident.objects.filter(site=copy).exists()


@pytest.mark.rule("R1", "R2")
def test_nobody_else_sees_a_draft_or_learns_of_it(people: People, ivan: Client, sign_in: SignIn) -> None:
    address = draft(ivan)
    absent = "/sites/drafts/999999/"
    steps = ("basics/", "structure/", "services/", "devices/", "review/", "")
    for person in (people.igor, people.ines):
        client = sign_in(person)
        for step in steps:
            foreign, never = client.get(f"{address}{step}"), client.get(f"{absent}{step}")
            assert (foreign.status_code, foreign.content) == (404, never.content)
        assert client.post(f"{address}structure/preview/", PIER).status_code == 404
        assert client.post(f"{address}delete/").status_code == 404
        assert "Kaispeicher" not in page_of(client.get("/sites/drafts/"))
    for person in (people.dora, people.tess, people.petra, people.olga):
        assert sign_in(person).get(f"{address}structure/").status_code == 403
    assert SiteDraft.objects.count() == 1
    assert ivan.post(f"{address}delete/")["Location"] == "/sites/drafts/"
    assert not SiteDraft.objects.exists()


def test_a_draft_that_changed_since_the_review_creates_nothing(ivan: Client) -> None:
    address = draft(ivan, **PIER)
    ivan.post(f"{address}devices/", {"may_wait": "on"})
    answer = ivan.post(f"{address}review/", {"version": "1"}, follow=True)
    assert answer.redirect_chain == [(f"{address}review/", 302)]
    assert "Somebody saved this in the meantime." in page_of(answer)
    assert not Site.objects.exists()
