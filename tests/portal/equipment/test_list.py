"""The list of a site's equipment: by kind, searched, as a file, with what is paid and for whom prices are shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization
from communities.models import Building, Entitlement, Equipment, Site
from tests import spreadsheets
from tests.people import NOW, People, Person
from tests.portal.equipment.forms import SENSOR, act, added
from tests.portal.html import assert_clean, page_of
from tests.portal.places import pay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
SignIn = Callable[[Person], Client]


def listed(client: Client, site: Site, query: str = "") -> str:
    """The page of the list."""
    answer = client.get(f"/sites/{site.pk}/equipment/{query}")
    assert answer.status_code == 200
    assert_clean(answer.content)
    return page_of(answer)


@pytest.fixture
def kit(ivan: Client, harbour: Site, pier: Building) -> dict[str, Equipment]:
    """Two locks, a sensor and a camera."""
    return {
        "entrance": added(ivan, harbour),
        "store": added(ivan, harbour, name="Bicycle store", maker="Dormakaba", serial="DK-88-1377", building=pier.pk),
        "bedroom": added(ivan, harbour, "sensor"),
        "ramp": added(ivan, harbour, "camera"),
    }


def names(page: str) -> list[str]:
    """The pieces of a page in their order."""
    known = ("Main entrance", "Bicycle store", "Bedroom", "Garage ramp")
    table = page[page.find("<tbody>") : page.find("</tbody>")] if "<tbody>" in page else ""
    return sorted((name for name in known if f">{name}</a>" in table), key=lambda name: table.find(f">{name}</a>"))


@pytest.mark.usefixtures("kit")
def test_pieces_stand_by_kind_and_are_narrowed_and_searched(ivan: Client, harbour: Site) -> None:
    assert names(listed(ivan, harbour)) == ["Bicycle store", "Main entrance", "Bedroom", "Garage ramp"]
    for query, found in {
        "?kind=lock": ["Bicycle store", "Main entrance"],
        "?kind=door": ["Bicycle store", "Main entrance", "Bedroom", "Garage ramp"],  # a community has no such kind
        "?q=dk-88": ["Bicycle store"],
        f"?q={SENSOR[:11]}": ["Bedroom"],
        "?q=axis": ["Garage ramp"],
        "?q=nothing": [],
        "?show=not-paid&sort=name": ["Bedroom", "Bicycle store", "Main entrance"],
        "?sort=-name": ["Main entrance", "Garage ramp", "Bicycle store", "Bedroom"],
        "?sort=-place": ["Bicycle store", "Main entrance", "Garage ramp", "Bedroom"],
    }.items():
        assert names(listed(ivan, harbour, query)) == found, query


def test_what_works_and_until_when(ivan: Client, harbour: Site, kit: dict[str, Equipment]) -> None:
    page = listed(ivan, harbour)
    assert page.count("Not activated") == 4  # with that of the site
    assert page.count("key and card work") == 2
    pay(Entitlement.objects.get(target__equipment=kit["entrance"]))
    pay(Entitlement.objects.get(target__equipment=kit["bedroom"]), NOW - timedelta(days=3))
    page = listed(ivan, harbour)
    assert "works until 3 Dec 2026" in page  # sensors have 14 days of grace
    assert names(listed(ivan, harbour, "?show=grace")) == ["Bedroom"]
    pay(Entitlement.objects.get(target__equipment=kit["entrance"]), NOW - timedelta(days=8))
    assert "Lapsed" in listed(ivan, harbour)


def test_the_camera_service_governs_the_cameras(ivan: Client, harbour: Site, kit: dict[str, Equipment]) -> None:
    assert "the cameras are kept" not in listed(ivan, harbour)
    Site.objects.filter(pk=harbour.pk).update(third_party_camera=False)
    page = listed(ivan, harbour)
    assert "Third-Party Camera Integration is off: the cameras are kept, and nobody can watch them." in page
    assert f'href="/sites/{harbour.pk}/edit/"' in page and "Service off" in page
    act(ivan, kit["ramp"], "archive")
    assert "Switch it on there first." in page_of(act(ivan, kit["ramp"], "restore"))


@pytest.mark.usefixtures("kit", "price_list")
def test_sums_are_shown_to_who_sees_prices(people: People, sign_in: SignIn, ivan: Client, harbour: Site) -> None:
    page = listed(ivan, harbour)
    assert "US$4.00" in page and "2, US$1.00 each, every 30 days" in page  # 2 × 1.00 + 2.00
    assert "Request 3 items, US$4.00" in page and "Nordlys Distribution pays." in page
    assert "Activate 3 items, US$4.00" in listed(sign_in(people.dora), harbour)
    assert "US$2.00" in page_of(ivan.get(f"/sites/{harbour.pk}/equipment/new/sensor/"))
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    for page in (listed(ivan, harbour), page_of(ivan.get(f"/sites/{harbour.pk}/equipment/new/sensor/"))):
        assert "US$" not in page and "every 30 days" not in page


@pytest.mark.usefixtures("kit")
def test_the_file_says_what_the_page_says(ivan: Client, harbour: Site) -> None:
    answer: Any = ivan.get(f"/sites/{harbour.pk}/equipment/?format=csv&kind=lock")
    head, *rows = csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
    assert head[:5] == ["Kind", "Name", "Make or model", "MAC", "Serial number"]
    assert [row[1:3] for row in rows] == [["Bicycle store", "Dormakaba"], ["Main entrance", "iTec"]]
    sheet = spreadsheets.sheet(b"".join(ivan.get(f"/sites/{harbour.pk}/equipment/?format=xlsx")))
    assert sheet.max_row == 5


def test_an_empty_site_says_so(ivan: Client, harbour: Site) -> None:
    page = listed(ivan, harbour)
    assert "No equipment yet" in page and f"/sites/{harbour.pk}/equipment/new/lock/" in page
    assert f"/sites/{harbour.pk}/equipment/new/door/" not in page
