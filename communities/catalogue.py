"""The service catalogue: what can be switched, and what a configuration makes billable (S1, S2). Pure, no database."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# --- service types: what an order line pays for (S2) -----------------------------------------------------------------


class ServiceType(enum.StrEnum):
    """A billable service type."""

    APP = "app"
    PM_APP = "pm_app"
    PREMIUM = "premium"


SERVICE_TYPE_LABELS: dict[str, Promise] = {
    ServiceType.APP: _("App"),
    ServiceType.PM_APP: _("PM App"),
    ServiceType.PREMIUM: _("Premium Plan"),
}

WITH_MONITOR, WITHOUT_MONITOR = "monitor", "no_monitor"
PM_PLAIN, PM_LANDLINE = "plain", "landline"

# --- switches: what the feature section shows (S1) -------------------------------------------------------------------


class Group(enum.StrEnum):
    """The two groups of the feature section."""

    INFRASTRUCTURE = "infrastructure"
    EXPERIENCE = "experience"


@dataclass(frozen=True, slots=True)
class Service:
    """One switch of the feature section, in our words."""

    code: str
    label: Promise
    group: Group
    scope: str  # "apartment": has a switch in every apartment too; "community": one switch for all
    effect: Promise  # "when enabled"
    advice: Promise  # "recommended when"
    default: bool = False
    is_premium: bool = False  # a component of the Premium Plan
    needs: str = ""  # the switch that has to be on


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


def video_component(retention_days: int) -> str:
    """The Premium component that stores video for `retention_days`; each retention has its own price."""
    return f"video_storage_{retention_days}"


PREMIUM_COMPONENTS: tuple[str, ...] = tuple(
    component
    for service in SERVICES
    if service.is_premium
    for component in (
        [video_component(days) for days in RETENTION_DAYS] if service.code == "video_storage" else [service.code]
    )
)

# What commercial sites are billed for (DOMAIN §3). It has its prices already, in money or credits.
DOOR, PERSONNEL_APP, ADMIN_APP = "door", "personnel_app", "admin_app"
COMMERCIAL_LABELS: dict[str, Promise] = {
    DOOR: _("Door"),
    PERSONNEL_APP: _("Personnel App"),
    ADMIN_APP: _("Admin App"),
}
EACH = "each"  # the one part of what has no variants
PRICED_LABELS: dict[str, Promise] = SERVICE_TYPE_LABELS | COMMERCIAL_LABELS

# Every (service type, price variant) that a price list can name.
PRICED: tuple[tuple[str, str], ...] = (
    (ServiceType.APP, WITH_MONITOR),
    (ServiceType.APP, WITHOUT_MONITOR),
    (ServiceType.PM_APP, PM_PLAIN),
    (ServiceType.PM_APP, PM_LANDLINE),
    *((ServiceType.PREMIUM, component) for component in PREMIUM_COMPONENTS),
    *((service, EACH) for service in COMMERCIAL_LABELS),
)


def variant_parts(variant: str) -> tuple[str, ...]:
    """The components of a variant: "booking+landline" → ("booking", "landline")."""
    return tuple(variant.split("+")) if variant else ()


def price_parts(service_type: str, variant: str) -> tuple[tuple[str, str], ...]:
    """The price rows whose sum is the price of a variant (DOMAIN §3).

    The PM App with landline is the PM App plus its landline component; a Premium Plan is the sum of its components.
    """
    if service_type == ServiceType.PM_APP and variant == PM_LANDLINE:
        return ((service_type, PM_PLAIN), (service_type, PM_LANDLINE))
    return tuple((service_type, part) for part in variant_parts(variant))


def part_label(service_type: str, part: str) -> str:
    """How one component is called: ("premium", "video_storage_30") → "Video Storage, 30 days"."""
    if service_type == ServiceType.APP:
        return str(_("with indoor monitor") if part == WITH_MONITOR else _("without indoor monitor"))
    if service_type == ServiceType.PM_APP:
        return str(_("Landline Service for PM") if part == PM_LANDLINE else _("PM App"))
    if part == EACH:
        return str(_("each beyond the free one") if service_type == DOOR else _("each account with intercom"))
    if part.startswith("video_storage_"):
        return str(_("Video Storage, %(days)s days") % {"days": part.rsplit("_", 1)[1]})
    return str(BY_CODE[part].label) if part in BY_CODE else part


def price_label(service_type: str, part: str) -> str:
    """How a row of a price list is called: what is paid on top of something else says so."""
    label = part_label(service_type, part)
    if (service_type, part) == (ServiceType.PM_APP, PM_LANDLINE):
        return str(_("%(service)s, surcharge on the PM App") % {"service": label})
    return label


def variant_label(service_type: str, variant: str) -> str:
    """How a variant is called in lists: "with indoor monitor", "Booking Service, Dynamic QR Code", "without landline"."""
    if not variant:
        return str(_("nothing"))
    if service_type == ServiceType.PM_APP:
        return str(_("with landline") if variant == PM_LANDLINE else _("without landline"))
    return ", ".join(part_label(service_type, part) for part in variant_parts(variant))


def uncovered(service_type: str, variant: str, paid_variant: str) -> tuple[str, ...]:
    """The parts of the configured variant that the paid one does not cover: what is on but not paid for."""
    if service_type == ServiceType.PM_APP:
        return () if paid_variant in {variant, PM_LANDLINE} else (variant,)
    if service_type == ServiceType.APP:
        # Its two prices are no components: a running App goes on at the paid one until its renewal (DOMAIN §3).
        return () if paid_variant else (variant,)
    paid = set(variant_parts(paid_variant))
    longest = max((int(part.rsplit("_", 1)[1]) for part in paid if part.startswith("video_storage_")), default=0)
    return tuple(
        part
        for part in variant_parts(variant)
        if part not in paid and not (part.startswith("video_storage_") and int(part.rsplit("_", 1)[1]) <= longest)
    )


# --- configurations: saved or a draft, the same values -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApartmentConfiguration:
    """What one apartment needs. `key` is its id, or any label while it is a draft."""

    key: int | str
    indoor_monitor: bool
    landline: bool
    video_storage: bool
    has_master: bool = True


@dataclass(frozen=True, slots=True)
class ManagerConfiguration:
    """One property manager of the community."""

    key: int | str
    pm_app: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """A community as far as billing is concerned. `switches` maps every code of SWITCHES to on or off."""

    switches: Mapping[str, bool]
    retention_days: int = DEFAULT_RETENTION_DAYS
    apartments: tuple[ApartmentConfiguration, ...] = ()
    managers: tuple[ManagerConfiguration, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Billable:
    """One service on one target. `target_kind` is "apartment" or "manager", `target` its key."""

    service_type: str
    target_kind: str
    target: int | str = field(compare=False)
    variant: str = ""


def billables(configuration: Configuration) -> list[Billable]:
    """Everything a configuration makes billable (S2, R13, R24, R25, R27).

    App per apartment with a family master; Premium Plan per apartment with at least one component; PM App per manager
    ticked for it, whether or not the community's switch is on yet (R13).
    """
    found: list[Billable] = []
    shared = [
        code
        for code in SWITCHES
        if BY_CODE[code].is_premium and code not in CEILING_SWITCHES and configuration.switches[code]
    ]
    premium_by_pair: dict[tuple[bool, bool], str] = {}
    for apartment in configuration.apartments:
        if apartment.has_master:
            found.append(
                Billable(
                    ServiceType.APP,
                    "apartment",
                    apartment.key,
                    WITH_MONITOR if apartment.indoor_monitor else WITHOUT_MONITOR,
                )
            )
        pair = (
            apartment.landline and configuration.switches["landline"],
            apartment.video_storage and configuration.switches["video_storage"],
        )
        if pair not in premium_by_pair:
            premium_by_pair[pair] = premium_variant(shared, *pair, configuration.retention_days)
        if variant := premium_by_pair[pair]:
            found.append(Billable(ServiceType.PREMIUM, "apartment", apartment.key, variant))
    pm_variant = PM_LANDLINE if configuration.switches["pm_app"] and configuration.switches["pm_landline"] else PM_PLAIN
    found += [
        Billable(ServiceType.PM_APP, "manager", manager.key, pm_variant)
        for manager in configuration.managers
        if manager.pm_app
    ]
    return found


def premium_variant(shared: Iterable[str], landline: bool, video: bool, retention_days: int) -> str:
    """The Premium variant of an apartment: its components in catalogue order, joined by "+"."""
    chosen = {*shared}
    if landline:
        chosen.add("landline")
    if video:
        chosen.add(video_component(retention_days))
    return "+".join(component for component in PREMIUM_COMPONENTS if component in chosen)


def normalised(switches: Mapping[str, bool]) -> dict[str, bool]:
    """The switches with what depends on them: a service whose `needs` is off is off (R24)."""
    return {
        code: bool(switches.get(code, False)) and (not BY_CODE[code].needs or bool(switches.get(BY_CODE[code].needs)))
        for code in SWITCHES
    }
