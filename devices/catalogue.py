"""Device types and their models (DOMAIN §6). Pure, no database."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DeviceType(enum.StrEnum):
    """What a device is; only an indoor monitor satisfies the monitor rule (R74)."""

    INDOOR_MONITOR = "indoor_monitor"
    DOOR_PHONE = "door_phone"
    ACCESS_CONTROL = "access_control"
    SENSOR = "sensor"
    LOCK = "lock"
    CAMERA = "camera"


TYPE_LABELS: dict[str, Promise] = {
    DeviceType.INDOOR_MONITOR.value: _("Indoor monitor"),
    DeviceType.DOOR_PHONE.value: _("Door phone"),
    DeviceType.ACCESS_CONTROL.value: _("Access control"),
    DeviceType.SENSOR.value: _("Sensor"),
    DeviceType.LOCK.value: _("Third-party lock"),
    DeviceType.CAMERA.value: _("Third-party camera"),
}

MODELS: Mapping[DeviceType, tuple[str, ...]] = {
    DeviceType.INDOOR_MONITOR: (
        "C313", "C315", "C316", "C317", "C319", "S560", "S562", "S563", "S565", "S567", "X933", "X937", "IT82", "IT83",
        "IT88",
    ),
    DeviceType.DOOR_PHONE: (
        "E11", "E12", "E13", "E16", "E18", "E20", "E21", "R20", "R25", "R27", "R28", "R29", "X910", "X912", "X915", "X916",
        "S532", "S539",
    ),
    DeviceType.ACCESS_CONTROL: ("A01", "A02", "A03", "A05", "A08", "A092", "A094", "EC33"),
    DeviceType.SENSOR: ("MR01",),
    DeviceType.LOCK: ("iTec", "Dormakaba"),
    DeviceType.CAMERA: (),  # models of other makers
}  # fmt: skip

_BY_KEY: Mapping[str, tuple[str, DeviceType]] = {
    model.casefold(): (model, kind) for kind, models in MODELS.items() for model in models
}


def canonical(model: str) -> str | None:
    """The model as the catalogue writes it, in any case ("itec" → "iTec"); None for an unknown one."""
    known = _BY_KEY.get(model.strip().casefold())
    return known[0] if known else None


def type_of(model: str) -> DeviceType | None:
    """The type of a model, in any case; None for an unknown one."""
    known = _BY_KEY.get(model.strip().casefold())
    return known[1] if known else None
