"""Adding, changing, moving, archiving and removing equipment by its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from communities.actions import assignments
from communities.models import Apartment, Building, Entitlement, Equipment, Site
from devices.models import Device
from tests.people import NOW, People, Person
from tests.portal.equipment.forms import FORMS, SENSOR, SPARE, act, add, added
from tests.portal.html import assert_clean, page_of
from tests.portal.places import everything, pay

pytestmark = pytest.mark.django_db
SignIn = Callable[[Person], Client]


@pytest.mark.parametrize("kind", ["lock", "sensor", "camera"])
def test_a_piece_is_added_by_its_form(ivan: Client, harbour: Site, pier: Building, kind: str) -> None:
    assert_clean(ivan.get(f"/sites/{harbour.pk}/equipment/new/{kind}/").content)
    piece = added(ivan, harbour, kind, building=pier.pk)
    assert (piece.kind, piece.name, piece.building) == (kind, FORMS[kind]["name"], pier)
    page = page_of(ivan.get(f"/equipment/{piece.pk}/"))
    assert "Nothing is charged before it is activated." in page
    assert all(str(value) in page for name, value in FORMS[kind].items() if name != "viewers")
    assert_clean(ivan.get(f"/equipment/{piece.pk}/").content)
    assert AuditEvent.objects.filter(action="equipment.added", subject_id=str(piece.pk)).count() == 1
    assert Entitlement.objects.filter(site=harbour, target__equipment=piece).count() == (kind != "camera")


@pytest.mark.rule("R69")
def test_a_sensor_needs_a_mac_of_the_library(ivan: Client, harbour: Site) -> None:
    before = everything()
    for mac, told in (
        ("", "This field is required."),
        ("0C:11:05:4C", "digits"),
        ("0C:11:05:99:99:99", "library"),
    ):
        answer = add(ivan, harbour, "sensor", mac=mac)
        assert answer.status_code == 422
        assert told in page_of(answer)
    assert everything() == before and not Equipment.objects.exists()
    assert added(ivan, harbour, "sensor").name == "Bedroom"
    taken = add(ivan, harbour, "sensor", name="Hall")
    assert taken.status_code == 422 and Device.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("lock", {"name": " "}, "This field is required."),
        ("lock", {"maker": "Yale"}, "not one of the available choices"),
        ("camera", {"viewers": "everybody"}, "not one of the available choices"),
        ("lock", {"flat": "2.04"}, "Choose the building of the apartment."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(
    ivan: Client, harbour: Site, kind: str, changes: dict[str, str], told: str
) -> None:
    before = everything()
    answer = add(ivan, harbour, kind, **changes)
    assert answer.status_code == 422
    assert told in page_of(answer)
    assert everything() == before and not Equipment.objects.exists()


@pytest.mark.rule("R77")
def test_a_name_is_taken_once_for_each_kind(ivan: Client, harbour: Site) -> None:
    added(ivan, harbour, "lock", name="Gate")
    answer = add(ivan, harbour, "lock", name="gate", serial="2")
    assert answer.status_code == 422
    assert "This site already has one called “gate”." in page_of(answer)
    assert added(ivan, harbour, "camera", name="Gate").kind == "camera"


def test_an_apartment_is_found_by_its_number(ivan: Client, harbour: Site, flat: Apartment, pier: Building) -> None:
    proposed = page_of(ivan.get(f"/sites/{harbour.pk}/equipment/new/lock/?apartment={flat.pk}"))
    assert f'<option value="{flat.building_id}" selected>' in proposed and 'value="2.04"' in proposed
    wrong = add(ivan, harbour, building=pier.pk, flat="2.04")
    assert "There is no apartment of this number in the building." in page_of(wrong)
    piece = added(ivan, harbour, "sensor", building=flat.building_id, flat=" 2.04")
    assert piece.apartment == flat
    page = page_of(ivan.get(f"/apartments/{flat.pk}/"))
    assert f'href="/equipment/{piece.pk}/"' in page
    assert SENSOR not in page  # it is listed once, and swapped on its own page


def test_a_camera_waits_for_its_service(ivan: Client, make_site: Callable[..., Site]) -> None:
    site = make_site("Pine Court")
    page = page_of(ivan.get(f"/sites/{site.pk}/equipment/new/camera/"))
    assert "Third-Party Camera Integration is off in Pine Court" in page
    answer = add(ivan, site, "camera")
    assert answer.status_code == 422
    assert "Switch it on there first." in page_of(answer)
    assert not Equipment.objects.exists()


def test_a_piece_is_corrected_and_moved(ivan: Client, harbour: Site, flat: Apartment) -> None:
    piece = added(ivan, harbour)
    assert_clean(ivan.get(f"/equipment/{piece.pk}/edit/").content)
    form = {"name": "Side entrance", "maker": "Dormakaba", "serial": "DK-88-1203", "version": piece.version}
    assert ivan.post(f"/equipment/{piece.pk}/edit/", form).status_code == 302
    assert_clean(ivan.get(f"/equipment/{piece.pk}/move/").content)
    place = {"building": flat.building_id, "flat": "2.04", "version": piece.version + 1}
    assert ivan.post(f"/equipment/{piece.pk}/move/", place).status_code == 302
    piece.refresh_from_db()
    assert (piece.name, piece.maker, piece.serial, piece.apartment) == (
        "Side entrance", "Dormakaba", "DK-88-1203", flat,
    )  # fmt: skip
    told = AuditEvent.objects.filter(subject_type="equipment", subject_id=str(piece.pk)).order_by("pk")
    assert list(told.values_list("action", flat=True)) == ["equipment.added", "equipment.changed", "equipment.moved"]


def test_who_saved_first_is_shown(ivan: Client, harbour: Site) -> None:
    piece = added(ivan, harbour)
    form = {"name": "First", "maker": "iTec", "serial": "", "version": piece.version}
    assert ivan.post(f"/equipment/{piece.pk}/edit/", form).status_code == 302
    answer = ivan.post(f"/equipment/{piece.pk}/edit/", {**form, "name": "Second"})
    assert answer.status_code == 409
    assert "First" in page_of(answer) and "Second" in page_of(answer)
    piece.refresh_from_db()
    assert piece.name == "First"


@pytest.mark.rule("R78")
def test_a_piece_is_archived_used_again_and_removed(ivan: Client, harbour: Site) -> None:
    piece = added(ivan, harbour, "sensor")
    assert "is archived. Its paid time is kept." in page_of(act(ivan, piece, "archive"))
    assert not Device.objects.active().exists()
    assert piece.name not in page_of(ivan.get(f"/sites/{harbour.pk}/equipment/"))
    assert piece.name in page_of(ivan.get(f"/sites/{harbour.pk}/equipment/?show=archived"))
    assert "is in use again." in page_of(act(ivan, piece, "restore"))
    assert Device.objects.active().get().equipment_id == piece.pk
    pay(Entitlement.objects.get(target__equipment=piece))
    page = page_of(ivan.get(f"/equipment/{piece.pk}/"))
    assert "It was paid for, so it can be archived and not removed" in page and "Remove this piece?" not in page
    act(ivan, piece, "remove")
    assert Equipment.objects.filter(pk=piece.pk).exists()  # refused
    other = added(ivan, harbour, "sensor", name="Lobby", mac=SPARE)
    assert "Lobby is removed." in page_of(act(ivan, other, "remove"))
    assert not Equipment.objects.filter(pk=other.pk).exists()


def test_an_old_page_does_nothing(ivan: Client, harbour: Site) -> None:
    piece = added(ivan, harbour)
    for what in ("archive", "remove"):
        ivan.post(f"/equipment/{piece.pk}/{what}/", {"version": piece.version + 1})
    piece.refresh_from_db()
    assert not piece.is_archived


def test_the_same_form_adds_one_piece(ivan: Client, harbour: Site) -> None:
    page = ivan.get(f"/sites/{harbour.pk}/equipment/new/lock/").content.decode()
    token = page.split('name="form_token" value="')[1].split('"')[0]
    for _n in range(2):
        answer: Any = add(ivan, harbour, form_token=token)
        assert answer.status_code == 302
    assert Equipment.objects.count() == 1


@pytest.mark.parametrize("kind", ["door", "lamp"])
def test_a_kind_that_the_site_does_not_have_is_not_there(ivan: Client, harbour: Site, kind: str) -> None:
    assert ivan.get(f"/sites/{harbour.pk}/equipment/new/{kind}/").status_code == 404


@pytest.mark.rule("R1")
def test_who_works_there_and_who_only_looks(people: People, sign_in: SignIn, ivan: Client, harbour: Site) -> None:
    assignments.set_technicians(
        people.ivan.actor, site_id=harbour.pk, membership_ids=[people.tess.membership.pk], now=NOW
    )
    assignments.set_managers(
        people.ivan.actor, site_id=harbour.pk, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    piece = added(sign_in(people.tess), harbour)
    for reader in (people.olga, people.dora, people.petra):
        client = sign_in(reader)
        page = page_of(client.get(f"/equipment/{piece.pk}/"))
        assert piece.name in page and f"/equipment/{piece.pk}/edit/" not in page
        assert "Add equipment" not in page_of(client.get(f"/sites/{harbour.pk}/equipment/"))
        assert add(client, harbour, name="Foreign").status_code == 403
        assert act(client, piece, "archive").status_code == 403
    strange = sign_in(people.mallory)
    for path in (f"/equipment/{piece.pk}/", f"/sites/{harbour.pk}/equipment/"):
        assert strange.get(path).status_code == 404
    assert add(sign_in(people.igor), harbour).status_code == 404
    assert Equipment.objects.count() == 1
