"""The switches of the feature section (S1) and where each exists."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Group(enum.StrEnum):
    """The two groups of the feature section."""

    INFRASTRUCTURE = "infrastructure"
    EXPERIENCE = "experience"


@dataclass(frozen=True, slots=True)
class Service:
    """One switch of the feature section, with our texts."""

    code: str
    label: Promise
    group: Group
    scope: str  # "apartment": every apartment has a switch too; "community": one switch for the community
    effect: Promise  # the "when enabled" text
    advice: Promise  # the "recommended when" text
    default: bool = False
    is_premium: bool = False  # whether it is a component of the Premium Plan
    needs: str = ""  # the switch that must be on for this one


SERVICES: tuple[Service, ...] = (
    Service(
        "indoor_monitor", _("Require at Least One Indoor Monitor"), Group.INFRASTRUCTURE, "apartment",
        _("Every new apartment is created together with at least one indoor monitor. Changes the price of the App."),
        _("Recommended when flats get a monitor on the wall, or residents prefer answering there."),
        default=True,
    ),
    Service(
        "landline", _("Landline Service (For Residents)"), Group.INFRASTRUCTURE, "apartment",
        _("Intercom calls reach residents on a landline or mobile phone. Part of the Premium Plan."),
        _("Recommended when calls must be answered away from home or without the app."),
        is_premium=True,
    ),
    Service(
        "pm_app", _("PM App"), Group.EXPERIENCE, "community",
        _("Property managers run the community from their phone. Billed per manager."),
        _("Recommended when managers work on site or need access from elsewhere."),
    ),
    Service(
        "pm_landline", _("Landline Service for PM"), Group.EXPERIENCE, "community",
        _("Managers take intercom calls on their phone, away from the control room. Part of the PM App's price."),
        _("Recommended when managers are on the move and let visitors in remotely."),
        needs="pm_app",
    ),
    Service(
        "third_party_camera", _("Third-Party Camera Integration"), Group.EXPERIENCE, "community",
        _("Cameras of other makers appear in one place, for those you allow to look."),
        _("Recommended when the site has its own cameras and wants one place to watch them."),
        is_premium=True,
    ),
    Service(
        "booking", _("Booking Service"), Group.EXPERIENCE, "community",
        _("Residents book the gym, the function room or the barbecue in the app; reservations are kept on record."),
        _("Recommended when residents share facilities."),
        is_premium=True,
    ),
    Service(
        "video_storage", _("Video Storage"), Group.EXPERIENCE, "apartment",
        _("Recordings of calls are kept in the cloud for 7, 30 or 90 days."),
        _("Recommended when rules or disputes ask for recordings."),
        is_premium=True,
    ),
    Service(
        "package_room", _("Package Room"), Group.EXPERIENCE, "community",
        _("Residents are told in the app when a parcel arrives."),
        _("Recommended when there is a parcel locker or package room, or many deliveries."),
        is_premium=True,
    ),
    Service(
        "dynamic_qr", _("Dynamic QR Code"), Group.EXPERIENCE, "community",
        _("Residents open doors with codes from the app that expire and can't be copied."),
        _("Recommended when entry should be contactless, or visitors come for a day."),
        is_premium=True,
    ),
    Service(
        "elevator_control", _("Elevator Control"), Group.EXPERIENCE, "community",
        _("A call or a code sends the lift to the right floor only."),
        _("Recommended when lifts are access-controlled."),
        is_premium=True,
    ),
    Service(
        "smart_parking", _("Smart Parking"), Group.EXPERIENCE, "community",
        _("Barriers open for residents and for the visitors they announce."),
        _("Recommended when the parking has barriers."),
        is_premium=True,
    ),
)  # fmt: skip

BY_CODE: Mapping[str, Service] = {service.code: service for service in SERVICES}
SWITCHES: tuple[str, ...] = tuple(service.code for service in SERVICES)
APARTMENT_SWITCHES: tuple[str, ...] = ("indoor_monitor", "landline", "video_storage")  # exactly three (R14)
CEILING_SWITCHES: tuple[str, ...] = ("landline", "video_storage")  # off in the community = off everywhere (R22)
RETENTION_DAYS: tuple[int, ...] = (7, 30, 90)
DEFAULT_RETENTION_DAYS = 30
DEFAULTS: Mapping[str, bool] = {service.code: service.default for service in SERVICES}  # R10


def normalised(switches: Mapping[str, bool]) -> dict[str, bool]:
    """The switches with dependencies applied: a service whose `needs` is off is off (R24)."""
    return {
        code: bool(switches.get(code, False)) and (not BY_CODE[code].needs or bool(switches.get(BY_CODE[code].needs)))
        for code in SWITCHES
    }
