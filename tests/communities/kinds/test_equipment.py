"""Locks, sensors, cameras and doors: what they are billed for, where they are, and that paid time is never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import ProtectedError

from accounts.errors import ActionError, Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities import consistency
from communities.actions import archives, equipment, sites
from communities.actions.equipment import Piece, Place
from communities.errors import CeilingOff, NameTaken
from communities.models import Apartment, Building, Entitlement, Equipment, Site, Target, targets
from tests.people import NOW, People

LOCK, SENSOR = Piece("Entrance", maker="iTec", serial="IT-1"), Piece("Bedroom")
LATER = NOW + timedelta(days=30)


@pytest.fixture
def pier(people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Site:
    """A community with an apartment in Quay House."""
    site = make_site("Pier")
    make_apartment(site, "1.02", indoor_monitor=False)
    return site


def add(people: People, site: Site, kind: str = "lock", piece: Piece = LOCK, **where: int) -> Equipment:
    return equipment.add_equipment(
        people.ivan.actor, site_id=site.pk, kind=kind, piece=piece, place=Place(**where), now=NOW
    )


def done(people: People, what: Callable[..., object], row: Equipment, **more: object) -> None:
    """Do something to a piece as it is now."""
    version = Equipment.objects.get(pk=row.pk).version
    what(people.ivan.actor, equipment_id=row.pk, version=version, now=NOW, **more)


def items() -> list[tuple[str, str]]:
    rows = Entitlement.objects.wanted().exclude(target__kind__in=("apartment", "manager"))
    return [(row.service_type, str(row.target)) for row in rows.select_related(*targets.named()).order_by("pk")]


def test_locks_and_sensors_are_billed_one_by_one_and_called_by_place_and_name(people: People, pier: Site) -> None:
    home = Apartment.objects.select_related("building").get()
    add(people, pier, building_id=home.building_id)
    add(people, pier, "sensor", SENSOR, apartment_id=home.pk)
    add(people, pier, piece=replace(LOCK, name="Gate", maker="Dormakaba"))
    assert items() == [
        ("third_party_lock", "Quay House, Entrance"),
        ("sensor_alert", "Quay House 1.02, Bedroom"),
        ("third_party_lock", "Gate"),
    ]
    sensor = Entitlement.objects.get(service_type="sensor_alert")
    Entitlement.objects.filter(pk=sensor.pk).pay_until(NOW, paid_variant="each")
    sensor.refresh_from_db()
    assert sensor.works_until == NOW + timedelta(days=14)
    said = Target.objects.exclude(name="").annotate(words=targets.words(""), door=targets.label(""))
    assert all(row.words == row.door == str(row) for row in said.select_related(*targets.named("")))
    order = Target.objects.exclude(kind="manager").order_by("sort_key").select_related(*targets.named(""))
    assert [str(row) for row in order] == [
        "Quay House 1.02", "Quay House 1.02, Bedroom", "Quay House, Entrance", "Gate",
    ]  # fmt: skip
    for word in ("entrance", "quay"):
        assert Entitlement.objects.filter(targets.found(word), service_type="third_party_lock").exists()
    assert list(consistency.verify()) == []


def test_labels_follow_their_piece_and_its_place(people: People, pier: Site) -> None:
    home = Apartment.objects.select_related("building").get()
    row = add(people, pier, apartment_id=home.pk)
    sites.rename_building(
        people.ivan.actor, building_id=home.building_id, version=home.building.version, name="Pier House", now=NOW
    )
    assert items() == [("third_party_lock", "Pier House 1.02, Entrance")]
    assert list(consistency.verify()) == []
    done(people, equipment.edit_equipment, row, piece=replace(LOCK, name="Back door"))
    assert items() == [("third_party_lock", "Pier House 1.02, Back door")]
    done(people, equipment.move_equipment, row, place=Place(building_id=home.building_id))
    assert items() == [("third_party_lock", "Pier House, Back door")]
    done(people, equipment.move_equipment, row, place=Place())
    assert items() == [("third_party_lock", "Back door")]
    assert list(consistency.verify()) == []


@pytest.mark.parametrize(
    ("kind", "piece", "error", "field"),
    [
        ("lock", Piece("  "), Refused, "name"),
        ("lock", Piece("A", maker="Acme"), Refused, "maker"),
        ("lock", replace(LOCK, name="ENTRANCE"), NameTaken, "name"),
        ("sensor", Piece("A", model="MR02"), Refused, "model"),
        ("camera", Piece("A"), CeilingOff, "kind"),
        ("door", Piece("A"), Refused, None),
        ("window", Piece("A"), Refused, None),
    ],
)
def test_what_is_refused_changes_nothing(
    people: People, pier: Site, kind: str, piece: Piece, error: type[ActionError], field: str | None
) -> None:
    add(people, pier)
    before = list(Target.objects.values_list("pk")), AuditEvent.objects.count()
    with pytest.raises(error) as refusal:
        add(people, pier, kind, piece)
    assert refusal.value.field == field
    assert before == (list(Target.objects.values_list("pk")), AuditEvent.objects.count())
    assert Equipment.objects.count() == 1


def test_a_place_is_of_the_same_site(people: People, pier: Site, make_site: Callable[..., Site]) -> None:
    other = sites.add_building(people.ivan.actor, site_id=make_site("Other").pk, name="Annex", now=NOW)
    with pytest.raises(ObjectDoesNotExist):
        add(people, pier, building_id=other.pk)
    with pytest.raises(ObjectDoesNotExist):
        add(people, pier, apartment_id=10**6)
    assert not Equipment.objects.exists()


def test_who_may_not_and_who_comes_late(people: People, pier: Site) -> None:
    row = add(people, pier)
    for who in (people.dora, people.olga, people.sam, people.mallory, people.petra):
        with pytest.raises((NotPermitted, ObjectDoesNotExist)):
            equipment.archive_equipment(who.actor, equipment_id=row.pk, version=row.version, now=NOW)
    with pytest.raises(Conflict):
        equipment.edit_equipment(people.ivan.actor, equipment_id=row.pk, version=9, piece=LOCK, now=NOW)


@pytest.mark.rule("R78")
def test_what_was_paid_for_is_archived_and_comes_back_with_its_time(people: People, pier: Site) -> None:
    row = add(people, pier)
    Entitlement.objects.filter(target=row.target_id).pay_until(LATER, paid_variant="each")
    with pytest.raises(Refused, match="Archive it instead"):
        done(people, equipment.remove_equipment, row)
    done(people, equipment.archive_equipment, row)
    item = Entitlement.objects.get(target=row.target_id)
    assert (item.variant, item.expires_at, items()) == ("", LATER, [])
    with pytest.raises(Refused, match="archived already"):
        done(people, equipment.archive_equipment, row)
    again = add(people, pier)  # the name is free again
    with pytest.raises(NameTaken):
        done(people, equipment.restore_equipment, row)
    done(people, equipment.edit_equipment, again, piece=replace(LOCK, name="New entrance"))
    done(people, equipment.restore_equipment, row)
    item.refresh_from_db()
    assert (item.variant, item.expires_at) == ("each", LATER)
    assert list(consistency.verify()) == []


@pytest.mark.rule("R78")
def test_what_an_open_order_holds_stays(people: People, pier: Site) -> None:
    row = add(people, pier)
    Entitlement.objects.filter(target=row.target_id).update(reserved_by=7)
    for what in (equipment.archive_equipment, equipment.remove_equipment):
        with pytest.raises(Refused, match="open order"):
            done(people, what, row)
    assert items() == [("third_party_lock", "Entrance")]


@pytest.mark.rule("R78")
def test_what_nobody_paid_for_can_be_removed(people: People, pier: Site) -> None:
    row = add(people, pier)
    done(people, equipment.remove_equipment, row)
    assert (items(), Equipment.objects.count(), Target.objects.filter(kind="lock").count()) == ([], 0, 0)
    assert list(consistency.verify()) == []


@pytest.mark.rule("R78")
def test_what_an_order_names_is_archived_instead(people: People, pier: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    row = add(people, pier)

    def protected(*_args: object, **_kwargs: object) -> None:
        raise ProtectedError("a line of an order", set())

    monkeypatch.setattr("communities.models.entitlements.EntitlementQuerySet.delete", protected)
    with pytest.raises(Refused, match="stands in an order"):
        done(people, equipment.remove_equipment, row)
    assert items() == [("third_party_lock", "Entrance")]


@pytest.mark.rule("R22")
def test_cameras_need_their_switch_and_stay_without_it(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site(third_party_camera=True)
    row = add(people, site, "camera", Piece("Ramp", maker="Axis", address="rtsp://10.4.0.21", viewers="administrators"))
    assert (row.target_id, row.viewers, items()) == (None, "administrators", [])
    with pytest.raises(Refused):
        add(people, site, "camera", Piece("Yard", viewers="everybody"))
    done(people, equipment.archive_equipment, row)
    Site.objects.filter(pk=site.pk).update(third_party_camera=False)
    with pytest.raises(CeilingOff):
        done(people, equipment.restore_equipment, row)
    assert Equipment.objects.count() == 1


def test_what_happened_is_told(people: People, pier: Site) -> None:
    row = add(people, pier, building_id=Building.objects.get().pk)
    done(people, equipment.edit_equipment, row, piece=replace(LOCK, serial="IT-2"))
    done(people, equipment.move_equipment, row, place=Place())
    done(people, equipment.archive_equipment, row)
    told = AuditEvent.objects.filter(action__startswith="equipment.").order_by("pk")
    assert [(event.action, event.before, event.after.get("place")) for event in told] == [
        ("equipment.added", {}, "Quay House"),
        ("equipment.changed", {"serial": "IT-1"}, None),
        ("equipment.moved", {"place": "Quay House"}, ""),
        ("equipment.archived", {"place": ""}, None),
    ]


@pytest.mark.rule("R78")
@pytest.mark.parametrize("what", ["apartment", "building"])
def test_what_stands_in_an_archived_place_is_billed_for_nothing_and_comes_back_with_it(
    people: People, pier: Site, what: str
) -> None:
    home, ivan = Apartment.objects.select_related("building").get(), people.ivan.actor
    lock = add(people, pier, apartment_id=home.pk)
    place = {f"{what}_id": home.pk if what == "apartment" else home.building_id, "now": NOW}
    getattr(archives, f"archive_{what}")(ivan, **place)
    assert items() == []
    add(people, pier, piece=replace(LOCK, name="Gate"))  # the rest of the site is written anew
    assert [label for _type, label in items()] == ["Gate"]
    done(people, equipment.archive_equipment, lock)
    with pytest.raises(Refused, match="is archived"):
        done(people, equipment.restore_equipment, lock)
    getattr(archives, f"restore_{what}")(ivan, **place)
    done(people, equipment.restore_equipment, lock)
    assert sorted(label for _type, label in items()) == ["Gate", "Quay House 1.02, Entrance"]


def test_an_apartment_is_not_archived_while_an_order_holds_a_lock_of_it(people: People, pier: Site) -> None:
    home = Apartment.objects.get()
    lock = add(people, pier, apartment_id=home.pk)
    Entitlement.objects.filter(target=lock.target_id).update(reserved_by=1)
    with pytest.raises(Refused):
        archives.archive_apartment(people.ivan.actor, apartment_id=home.pk, now=NOW)
    assert Apartment.objects.get().archived_at is None


def test_no_password_of_a_camera_is_kept(people: People, pier: Site) -> None:
    Site.objects.filter(pk=pier.pk).update(third_party_camera=True)
    with pytest.raises(Refused) as refusal:
        add(people, pier, "camera", Piece("Yard", address="rtsp://admin:s3cret@10.0.0.1"))
    assert refusal.value.field == "address"
    assert not Equipment.objects.exists()
