"""What the demo has besides apartments: equipment of its community, a house, and a commercial site. All of it is invented."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Organization
from accounts.scope import Actor
from communities import catalogue
from communities.actions import assignments, commercial, commercial_accounts, residents
from communities.actions.equipment import Piece, Place
from communities.models import AccountKind, Apartment, Building, EquipmentKind, Site, Viewers
from devices import actions as device_actions
from devices.actions import LibraryRow, MonitorEntry

FIRST_MAC = 0x0C11054C0000  # of sensors, door phones and readers; the last three bytes are invented
SENSORS, DOORS = 6, ("X915", "R29", "E16", "A08")
OPTIONS = {"camera_residents": True, "camera_administrators": True, "retention_days": 30}
PEOPLE = (
    ("Amira Benali", AccountKind.ADMIN, True),
    ("Peter Ott", AccountKind.ADMIN, True),
    ("Carla Schröder", AccountKind.ADMIN, False),
    ("Lars Nygård", AccountKind.PERSONNEL, True),
    ("Mia Okafor", AccountKind.PERSONNEL, True),
    ("Jonas Weber", AccountKind.PERSONNEL, False),
)


def stock(dora: Actor, installer: Organization, now: datetime) -> None:
    """Sensors, door phones and readers in the library of an installer."""
    models = (*["MR01"] * SENSORS, *DOORS)
    rows = [LibraryRow(mac=f"{FIRST_MAC + number:012X}", model=model) for number, model in enumerate(models)]
    device_actions.add_to_library(dora, macs=rows, installer_id=installer.pk, now=now)


def _look_after(ivan: Actor, site_id: int, tess: Actor, petra: Actor, now: datetime) -> None:
    assignments.set_managers(ivan, site_id=site_id, pm_app_by_membership={petra.membership_id: False}, now=now)
    assignments.set_technicians(ivan, site_id=site_id, membership_ids=[tess.membership_id], now=now)


def office(ivan: Actor, tess: Actor, petra: Actor, now: datetime) -> None:
    """A commercial site that pays with credits: doors with their slots, people with and without intercom."""
    basics = {
        "name": "Speicher 7 Offices", "street": "Am Sandtorkai 7", "city": "Hamburg", "postal_code": "20457", "country": "DE",
        "time_zone": "Europe/Berlin",
    }  # fmt: skip
    site = commercial.create_commercial(ivan, basics=basics, elevator_control=False, time_attendance=True, now=now)
    _look_after(ivan, site.pk, tess, petra, now)
    doors = ("Main entrance", "Delivery gate", "Garage", "Stairs north", "Server room", "Roof")
    for number, name in enumerate(doors):
        entry = MonitorEntry(f"{FIRST_MAC + SENSORS + number:012X}", name) if number < len(DOORS) else None
        piece = Piece(name, model="" if entry else "A01")
        device_actions.add_equipment(ivan, site_id=site.pk, kind=EquipmentKind.DOOR, piece=piece, entry=entry, now=now)
    for name, kind, intercom in PEOPLE:
        email = f"{name.partition(' ')[0].lower()}@speicher7.example"
        holder = commercial_accounts.Holder(kind, name, email, intercom=intercom)
        commercial_accounts.add_account(ivan, site_id=site.pk, holder=holder, now=now)


def villa(ivan: Actor, tess: Actor, petra: Actor, mac: int, now: datetime) -> None:
    """A house with its monitor, its people and a lock."""
    basics = {
        "name": "Villa Elbe", "street": "Elbchaussee 112", "city": "Hamburg", "postal_code": "22763", "country": "DE",
        "time_zone": "Europe/Berlin",
    }  # fmt: skip
    on = {"indoor_monitor": True, "landline": True, "dynamic_qr": True}
    unit = device_actions.add_house(
        ivan, basics=basics, free_members=4, switches={**dict.fromkeys(catalogue.SWITCHES, False), **on}, options=OPTIONS,
        monitors=[MonitorEntry(f"{mac:012X}", "Hallway")], now=now,
    )  # fmt: skip
    _look_after(ivan, unit.site_id, tess, petra, now)
    for name in ("Leif Aas", "Julia Weiss"):
        email = f"{name.partition(' ')[0].lower()}@villa.example"
        residents.add_resident(ivan, apartment_id=unit.pk, name=name, email=email, now=now)
    lock = Piece("Front door", maker="Dormakaba", serial="DK-91-0002")
    device_actions.add_equipment(ivan, site_id=unit.site_id, kind=EquipmentKind.LOCK, piece=lock, now=now)


def equip(ivan: Actor, site: Site, now: datetime) -> None:
    """Locks, sensors and a camera of the community."""
    quay, pier = Building.objects.filter(site=site).order_by("-name_order")
    flat = Apartment.objects.get(building=pier, number="1.02")
    lock, sensor, camera = EquipmentKind.LOCK, EquipmentKind.SENSOR, EquipmentKind.CAMERA
    pieces: list[tuple[EquipmentKind, Piece, Place]] = [
        (lock, Piece("Main entrance", maker="iTec", serial="IT-204417"), Place(quay.pk)),
        (lock, Piece("Flat door", maker="Dormakaba", serial="DK-88-1203"), Place(apartment_id=flat.pk)),
        (lock, Piece("Bicycle store", maker="Dormakaba", serial="DK-88-1377"), Place(pier.pk)),
        (sensor, Piece("Bedroom"), Place(apartment_id=flat.pk)),
        (sensor, Piece("Lobby"), Place(quay.pk)),
        (camera, Piece("Garage ramp", maker="Axis", address="rtsp://10.4.0.21", viewers=Viewers.ADMINISTRATORS), Place(quay.pk)),
        (camera, Piece("Courtyard", maker="Hikvision", address="rtsp://10.4.0.22"), Place()),
    ]  # fmt: skip
    for number, (kind, piece, place) in enumerate(pieces):
        entry = MonitorEntry(f"{FIRST_MAC + number - 3:012X}", piece.name) if kind == sensor else None
        device_actions.add_equipment(ivan, site_id=site.pk, kind=kind, piece=piece, place=place, entry=entry, now=now)
