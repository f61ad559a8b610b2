"""A single-family house: added with its services and its monitor on one page, its page, and changing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Organization
from communities.actions import assignments
from communities.models import Apartment, Entitlement, Resident, Site
from devices.models import Device
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, page_of
from tests.portal.places import MAC, OTHER_MAC, everything, pay, stock
from tests.sites import ADDRESS

pytestmark = pytest.mark.django_db
SignIn = Callable[[Person], Client]
FOREIGN = (
    "Booking Service",
    "Package Room",
    "PM App",
    "Smart Parking",
    "Elevator Control",
)  # services of communities (R28)


def house_form(name: str = "Villa Elbe", **changes: Any) -> dict[str, Any]:
    """Add Single-Family House as the browser sends it, with nothing on; None leaves a field out."""
    form: dict[str, Any] = {
        "name": name, **ADDRESS, "free_members": "4", "camera_residents": "on", "camera_administrators": "on",
        "retention_days": "30", "monitor-mac": "", "monitor-name": "",
    }  # fmt: skip
    return {field: value for field, value in (form | changes).items() if value is not None}


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """The installer's client."""
    return sign_in(people.ivan)


@pytest.fixture
def villa(ivan: Client) -> Site:
    """A house with nothing on."""
    assert ivan.post("/sites/new/house/", house_form()).status_code == 302
    return Site.objects.get(kind="house")


def opened(client: Client, site: Site) -> str:
    """The page on which the house opens."""
    answer = client.get(f"/sites/{site.pk}/", follow=True)
    assert answer.redirect_chain == [(f"/sites/{site.pk}/house/", 302)]
    assert_clean(answer.content)
    return page_of(answer)


@pytest.mark.rule("R28")
def test_the_form_has_the_services_of_houses_only(ivan: Client) -> None:
    assert "Add Single-Family House" in page_of(ivan.get("/sites/"))
    answer = ivan.get("/sites/new/house/")
    assert_clean(answer.content)
    page = page_of(answer)
    for word in ("Landline", "Third-Party Camera Integration", "Dynamic QR Code", "Video Storage", "Indoor Monitor"):
        assert word in page
    assert not [word for word in FOREIGN if word in page]
    assert ivan.post("/sites/new/house/", house_form(booking="on")).status_code == 302
    assert not Site.objects.get(kind="house").booking  # it is no field of this form


@pytest.mark.rule("R18")
def test_a_house_is_added_with_its_monitor_or_not_at_all(people: People, ivan: Client) -> None:
    stock(people, MAC, to=people.ivan)
    before = everything()
    for changes, told in (
        ({"indoor_monitor": "on"}, "Enter the MAC"),
        ({"indoor_monitor": "on", "monitor-mac": OTHER_MAC, "monitor-name": "Hall"}, "library"),
        ({"monitor-mac": MAC}, "name"),
        ({"name": ""}, "This field is required."),
        ({"third_party_camera": "on", "camera_residents": None, "camera_administrators": None}, "Choose who may watch"),
    ):
        answer = ivan.post("/sites/new/house/", house_form(**changes))
        assert answer.status_code == 422
        assert told.lower() in page_of(answer).lower(), told
    assert everything() == before
    form = house_form(indoor_monitor="on", landline="on", **{"monitor-mac": MAC, "monitor-name": "Hall"})
    answer = ivan.post("/sites/new/house/", form, follow=True)
    assert "Villa Elbe is created. Next: who lives there." in page_of(answer)
    unit = Apartment.objects.get(site__kind="house")
    assert (unit.indoor_monitor, unit.landline, unit.monitor_pending) == (True, True, False)
    assert Device.objects.get().apartment == unit
    assert set(AuditEvent.objects.filter(site_id=unit.site_id).values_list("action", flat=True)) == {
        "site.created", "apartment.created", "device.registered",
    }  # fmt: skip


def test_its_page_has_people_devices_equipment_and_what_is_paid(people: People, ivan: Client, villa: Site) -> None:
    unit = Apartment.objects.get(site=villa)
    page = opened(ivan, villa)
    assert "Nobody yet." in page and "apartment" not in page.split("<main")[1].lower().replace("/apartments/", "")
    form = {"name": "Anneke Voss", "email": "anneke@villa.example", "mobile": "", "language": "en", "remark": ""}
    answer = ivan.post(f"/apartments/{unit.pk}/residents/new/", form, follow=True)
    assert answer.redirect_chain[-1][0] == f"/sites/{villa.pk}/house/"
    assert Resident.objects.get().is_master
    lock = {"name": "Front door", "maker": "iTec", "serial": "IT-1"}
    assert ivan.post(f"/sites/{villa.pk}/equipment/new/lock/", lock).status_code == 302
    pay(Entitlement.objects.get(site=villa, service_type="app"))
    page = opened(ivan, villa)
    assert "Anneke Voss" in page and "Front door" in page and "App" in page and "14 Mar 2027" in page
    facts = ivan.get(f"/sites/{villa.pk}/facts/")
    assert_clean(facts.content)
    assert not [word for word in (*FOREIGN, "No building yet", "Apartments") if word in page_of(facts)]
    assert ivan.get(f"/apartments/{unit.pk}/").headers["Location"] == f"/sites/{villa.pk}/house/"


@pytest.mark.rule("R28")
def test_a_house_is_edited_and_its_unit_follows(people: People, ivan: Client, villa: Site) -> None:
    address = f"/sites/{villa.pk}/house/edit/"
    assert_clean(ivan.get(address).content)
    assert ivan.get(f"/sites/{villa.pk}/edit/").headers["Location"] == address
    form = house_form("Villa Alster", video_storage="on", retention_days="90", version=villa.version)
    assert ivan.post(address, form).status_code == 302
    unit = Apartment.objects.select_related("building", "site").get(site=villa)
    assert (unit.site.name, unit.building.name, unit.video_storage, unit.site.retention_days) == (
        "Villa Alster", "Villa Alster", True, 90,
    )  # fmt: skip
    assert ivan.post(address, form).status_code == 409
    needs = house_form("Villa Alster", indoor_monitor="on", version=unit.site.version)
    answer = ivan.post(address, needs)
    assert answer.status_code == 422 and "This house has no indoor monitor yet" in page_of(answer)
    stock(people, MAC, to=people.ivan)
    assert ivan.post(address, {**needs, "monitor-mac": MAC, "monitor-name": "Hall"}).status_code == 302
    unit.refresh_from_db()
    assert unit.indoor_monitor and not unit.monitor_pending


@pytest.mark.usefixtures("price_list")
def test_prices_are_shown_to_who_sees_them(people: People, ivan: Client, villa: Site) -> None:
    for path in ("/sites/new/house/", f"/sites/{villa.pk}/house/edit/"):
        page = page_of(ivan.get(path))
        assert "US$0.60" in page and "Every 30 days" in page
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    for path in ("/sites/new/house/", f"/sites/{villa.pk}/house/edit/", f"/sites/{villa.pk}/house/"):
        assert "US$" not in page_of(ivan.get(path))


@pytest.mark.rule("R1")
def test_who_may_open_and_edit_it(people: People, sign_in: SignIn, ivan: Client, villa: Site) -> None:
    assignments.set_people(
        people.ivan.actor, site_id=villa.pk, version=villa.version, now=NOW,
        pm_app_by_membership={people.petra.membership.pk: False}, technician_ids=[people.tess.membership.pk],
    )  # fmt: skip
    edit = f"/sites/{villa.pk}/house/edit/"
    assert edit in opened(sign_in(people.tess), villa)
    assert sign_in(people.tess).get("/sites/new/house/").status_code == 403
    page = opened(sign_in(people.petra), villa)
    assert edit not in page and "Add resident" in page
    page = opened(sign_in(people.dora), villa)
    assert edit not in page and "Add resident" not in page
    assert sign_in(people.dora).post(edit, house_form(version=1)).status_code == 403
    for path in ("house/", "house/edit/"):
        assert sign_in(people.igor).get(f"/sites/{villa.pk}/{path}").status_code == 404


def test_no_other_site_is_a_house(
    ivan: Client, make_site: Callable[..., Site], make_works: Callable[..., Site]
) -> None:
    for site in (make_site(), make_works()):
        for path in ("house/", "house/edit/"):
            assert ivan.get(f"/sites/{site.pk}/{path}").status_code == 404
