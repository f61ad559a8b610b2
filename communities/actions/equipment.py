"""Equipment of a site: adding, changing, moving, archiving and removing pieces. Devices with a MAC are registered by `devices.actions`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor
from accounts.typed import text
from accounts.typed.keys import identity_key
from communities import audit_sentences
from communities.actions.archiving import delete_unpaid, refuse_reserved, refuse_reserved_slots
from communities.actions.entitlements import sync_rest
from communities.actions.sites import lock_site, may_configure
from communities.actions.targets import made_for, relabel
from communities.errors import CeilingOff, NameTaken
from communities.models import (
    KINDS_OF,
    TARGET_OF,
    Apartment,
    Building,
    Equipment,
    EquipmentKind,
    Site,
    Viewers,
    keys_of,
)
from communities.models.equipment import LOCK_MAKERS, SENSOR_MODELS

AUDITED = ["name", "maker", "model", "serial", "address", "viewers"]


def _word(code: str, label: Promise, sentence: Promise, **more: Any) -> audit.Word:
    return audit.Word(code, label, sentence, area=audit.Area.DEVICES, saves=True, **more)


ADDED = _word(
    "equipment.added",
    gettext_lazy("Equipment added"),
    gettext_lazy("%(what)s added"),
    tells=audit_sentences.piece_added,
)
CHANGED = _word(
    "equipment.changed", gettext_lazy("Equipment changed"), gettext_lazy("%(what)s changed"), compares=len(AUDITED),
    tells=audit_sentences.of_owner,
)  # fmt: skip
MOVED = _word(
    "equipment.moved",
    gettext_lazy("Equipment moved"),
    gettext_lazy("%(what)s moved"),
    tells=audit_sentences.piece_moved,
)
ARCHIVED = _word("equipment.archived", gettext_lazy("Equipment archived"), gettext_lazy("%(what)s archived"))
RESTORED = _word("equipment.restored", gettext_lazy("Equipment restored"), gettext_lazy("%(what)s restored"))
REMOVED = _word("equipment.removed", gettext_lazy("Equipment removed"), gettext_lazy("%(what)s removed"))


@dataclass(frozen=True, slots=True)
class Piece:
    """What is typed of a piece of equipment. What does not belong to its kind is ignored."""

    name: str
    maker: str = ""
    model: str = ""
    serial: str = ""
    address: str = ""
    viewers: str = Viewers.BOTH


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece is: in an apartment, in a building, or for the whole site."""

    building_id: int | None = None
    apartment_id: int | None = None


ANYWHERE = Place()


@transaction.atomic
def add_equipment(
    actor: Actor, *, site_id: int, kind: str, piece: Piece, place: Place = ANYWHERE, now: datetime
) -> Equipment:
    """Add a lock, sensor, camera or door; what it is billed for follows. Refuses a kind that the project type does not have, a camera while
    Third-Party Camera Integration is off, and a name that the site uses for its kind (R77)."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    if kind not in KINDS_OF[site.kind]:
        raise Refused(_("A site of this type has no equipment of this kind."))
    row = Equipment(**keys_of(site), kind=kind, created_at=now, **_cleaned(kind, piece))
    _refuse_camera(site, row)
    _refuse_name(row)
    row.building, row.apartment = _placed(site, place)
    if kind in TARGET_OF:
        made_for([row])
    row.save()
    sync_rest(site)
    after = {"kind": kind, "place": row.place, **audit.fields_of(row, AUDITED)}
    audit.record(actor, ADDED, row, now=now, tenant=site, site_id=site.pk, after=after)
    return row


@transaction.atomic
def edit_equipment(actor: Actor, *, equipment_id: int, version: int, piece: Piece, now: datetime) -> Equipment:
    """Change what is known of a piece; where it is and whether it is billed stay. Refuses a name that the site uses for its kind (R77)."""
    site, row = _lock(actor, equipment_id, version)
    before = audit.fields_of(row, AUDITED)
    for field, value in _cleaned(row.kind, piece).items():
        setattr(row, field, value)
    _refuse_name(row)
    row.version += 1
    row.save()
    if row.name != before["name"] and row.target_id:
        relabel(site, apartment_ids=())
    after = audit.fields_of(row, AUDITED)
    audit.record(actor, CHANGED, row, now=now, tenant=site, site_id=site.pk, before=before, after=after)
    return row


@transaction.atomic
def move_equipment(actor: Actor, *, equipment_id: int, version: int, place: Place, now: datetime) -> Equipment:
    """Move a piece within its site; its paid time goes with it."""
    site, row = _lock(actor, equipment_id, version)
    before = {"place": row.place}
    row.building, row.apartment = _placed(site, place)
    row.version += 1
    row.save()
    if row.target_id:
        relabel(site, apartment_ids=())
    audit.record(actor, MOVED, row, now=now, tenant=site, site_id=site.pk, before=before, after={"place": row.place})
    return row


@transaction.atomic
def archive_equipment(actor: Actor, *, equipment_id: int, version: int, now: datetime) -> Equipment:
    """Take a piece out of use: it is not billed any more and keeps its paid time (R78). Refuses one that an open order holds."""
    site, row = _lock(actor, equipment_id, version)
    if row.is_archived:
        raise Refused(_("%(what)s is archived already.") % {"what": row})
    refuse_reserved(row)
    row.archived_at, row.version = now, row.version + 1
    row.save()
    sync_rest(site)
    refuse_reserved_slots(site)
    audit.record(actor, ARCHIVED, row, now=now, tenant=site, site_id=site.pk, before={"place": row.place})
    return row


@transaction.atomic
def restore_equipment(actor: Actor, *, equipment_id: int, version: int, now: datetime) -> Equipment:
    """Use an archived piece again, with its paid time. Refuses one whose name another piece of its kind got meanwhile, a camera while
    Third-Party Camera Integration is off, and one whose apartment or building is archived."""
    site, row = _lock(actor, equipment_id, version)
    if not row.is_archived:
        raise Refused(_("%(what)s is in use already.") % {"what": row})
    _refuse_camera(site, row)
    _refuse_archived_place(row)
    _refuse_name(row)
    row.archived_at, row.version = None, row.version + 1
    row.save()
    sync_rest(site)
    audit.record(actor, RESTORED, row, now=now, tenant=site, site_id=site.pk, after={"place": row.place})
    return row


@transaction.atomic
def remove_equipment(actor: Actor, *, equipment_id: int, version: int, now: datetime) -> Site:
    """Delete a piece that was entered by mistake. Refuses one that was paid for or stands in an order: that is archived (R78)."""
    site, row = _lock(actor, equipment_id, version)
    refuse_reserved(row)
    before = {"kind": row.kind, "place": row.place, **audit.fields_of(row, AUDITED)}
    audit.record(actor, REMOVED, row, now=now, tenant=site, site_id=site.pk, before=before)
    delete_unpaid(row)
    sync_rest(site)
    refuse_reserved_slots(site)
    return site


def _lock(actor: Actor, equipment_id: int, version: int) -> tuple[Site, Equipment]:
    """The piece with its site locked, which protects the piece too. Raises Conflict for another version."""
    if not may_configure(actor):
        raise NotPermitted
    rows = Equipment.objects.visible_to(actor)
    site = lock_site(actor, rows.get(pk=equipment_id).site_id)
    row = rows.select_related("building", "apartment__building").get(pk=equipment_id)
    if row.version != version:
        raise Conflict
    return site, row


def _cleaned(kind: str, piece: Piece) -> dict[str, str]:
    """The values to save, those of another kind left empty. Refuses a missing name, a lock of another maker and a sensor of another model."""
    values = {
        "name": text.line(piece.name),
        "maker": "",
        "model": "",
        "serial": "",
        "address": "",
        "viewers": Viewers.BOTH.value,
    }
    if not identity_key(values["name"]):
        raise Refused(_("It needs a name."), field="name")
    if kind == EquipmentKind.LOCK:
        if piece.maker not in LOCK_MAKERS:
            raise Refused(_("Locks of iTec and Dormakaba can be integrated. Choose one."), field="maker")
        return values | {"maker": piece.maker, "serial": text.code(piece.serial)}
    if kind == EquipmentKind.SENSOR:
        model = text.code(piece.model) or SENSOR_MODELS[0]
        if model not in SENSOR_MODELS:
            raise Refused(_("The sensor has to be an MR01."), field="model")
        return values | {"model": model, "serial": text.code(piece.serial)}
    if kind == EquipmentKind.CAMERA:
        if piece.viewers not in Viewers.values:
            raise Refused(_("Choose who may watch: residents, administrators or both."), field="viewers")
        address = text.code(piece.address)
        if "@" in address:
            raise Refused(
                _("Leave name and password out of the address: everybody who sees the camera reads it."),
                field="address",
            )
        return values | {"maker": text.line(piece.maker), "address": address, "viewers": piece.viewers}
    return values | {"model": text.code(piece.model)}


def _refuse_archived_place(row: Equipment) -> None:
    for place in (row.apartment, row.building):
        if place is not None and place.archived_at is not None:
            raise Refused(_("%(place)s is archived. Restore it first.") % {"place": place})


def _refuse_name(row: Equipment) -> None:
    same = Equipment.objects.in_use().filter(site_id=row.site_id, kind=row.kind, name_key=identity_key(row.name))
    if same.exclude(pk=row.pk).exists():
        raise NameTaken(_("This site already has one called “%(name)s”.") % {"name": row.name})


def _refuse_camera(site: Site, row: Equipment) -> None:
    if row.kind == EquipmentKind.CAMERA and not site.third_party_camera:
        raise CeilingOff(
            _("Third-Party Camera Integration is off in %(site)s. Switch it on there first.") % {"site": site.name},
            field="kind",
        )


def _placed(site: Site, place: Place) -> tuple[Building | None, Apartment | None]:
    """Building and apartment of a place of the site, locked after it. Raises DoesNotExist for those of another site."""
    if place.apartment_id is not None:
        rows = Apartment.objects.filter(site=site).select_for_update(of=("self",), no_key=True)
        home = rows.select_related("building").get(pk=place.apartment_id)
        return home.building, home
    if place.building_id is not None:
        return Building.objects.filter(site=site).get(pk=place.building_id), None
    return None, None
