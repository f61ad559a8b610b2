"""The base class of service types, and its three subclasses for types with variants."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from communities.catalogue.configurations import Configuration, Project, Target, TargetKey
from communities.catalogue.switches import BY_CODE, CEILING_SWITCHES, RETENTION_DAYS, SERVICES
from communities.catalogue.variants import Variant

GRACE = timedelta(days=7)  # a service works for a week after its paid time (DOMAIN §4)
EACH = "each"  # the only part of a type without variants
WITH_MONITOR, WITHOUT_MONITOR = "monitor", "no_monitor"
PM_PLAIN, PM_LANDLINE = "plain", "landline"


class ServiceType(enum.StrEnum):
    """The stored codes of the service types."""

    APP = "app"
    PM_APP = "pm_app"
    ADDITIONAL_APP = "additional_app"
    THIRD_PARTY_LOCK = "third_party_lock"
    PREMIUM = "premium"
    SENSOR_ALERT = "sensor_alert"
    DOOR = "door"
    PERSONNEL_APP = "personnel_app"
    ADMIN_APP = "admin_app"
    TIME_ATTENDANCE = "time_attendance"
    ELEVATOR_CONTROL = "elevator_control"


Wanted = Iterator[tuple[TargetKey, Variant]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A service type. This base has no variants: every target costs the same, and its only part is EACH.

    `each` is the label of that part in a price list. `targets` returns the keys of a configuration that want the service. While one item of
    it is active at a site, the site's switch `holds` is on and locked (R11), and activating the first one switches it on (R13). `switch` is the
    switch of the feature section that is the whole service. Types of one `group` have a common name in S2.
    `needs_master`: billed once the apartment has a family master. `is_main`: "paid apartments" of a site are counted by it. `is_sum`: its
    variants differ in components, which a price preview lists below the price; `has_components`: a part of a variant may be paid without the rest.
    """

    code: ServiceType
    label: Promise
    projects: frozenset[Project]
    target: Target
    grace: timedelta = GRACE
    per: Promise | str = ""
    each: Promise | str = ""
    targets: Callable[[Configuration], Iterable[TargetKey]] = lambda _configuration: ()
    holds: str = ""
    switch: str = ""
    group: str = ""
    needs_master: bool = False
    is_main: bool = False
    is_sum: bool = False
    has_components: bool = False

    @property
    def needs_household(self) -> bool:
        """Whether it is for the people of an apartment, so that an empty one wants none of it."""
        return self.needs_master or self.target is Target.MEMBER_SLOT

    @property
    def parts(self) -> tuple[str, ...]:
        """The rows of this type in a price list."""
        return (EACH,)

    def parts_in(self, project: str) -> tuple[str, ...]:
        """The rows that are sold at sites of a project type."""
        return self.parts if project in self.projects else ()

    def works_until(self, expires_at: datetime) -> datetime:
        """The end of grace for an item paid until `expires_at`."""
        return expires_at + self.grace

    # --- what a configuration wants, and what that costs -----------------------------------------------------------------

    def wanted(self, configuration: Configuration) -> Wanted:
        """The targets of a configuration that want this service, each with its variant; the project type is not checked."""
        return ((key, Variant((EACH,))) for key in self.targets(configuration))

    def price_parts(self, variant: Variant) -> tuple[str, ...]:
        """The rows of a price list whose sum is the 30-day price of a variant."""
        return variant.parts

    # --- words -------------------------------------------------------------------------------------------------------------

    def part_label(self, part: str) -> str:
        """The label of one part."""
        return str(self.each) if part == EACH else part

    def price_label(self, part: str) -> str:
        """The label of a row of a price list; a surcharge says so."""
        return self.part_label(part)

    def per_label(self, part: str) -> str:
        """What the price of a part is for."""
        return str(self.per)

    def variant_label(self, variant: Variant) -> str:
        """The label of a variant in lists."""
        return ", ".join(self.part_label(part) for part in variant.parts) if variant else _("nothing")

    # --- how variants compare ----------------------------------------------------------------------------------------------

    def uncovered(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """Parts of the configured variant that the paid one does not cover: they are on and do not work."""
        return tuple(part for part in variant.parts if part not in paid)

    def unused(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """Parts that are paid for and not on."""
        return tuple(part for part in paid.parts if part not in variant)

    def unused_label(self, variant: Variant, paid: Variant) -> str:
        """The label of what is paid for and not on; "" when all of it is used."""
        return ", ".join(self.part_label(part) for part in self.unused(variant, paid))

    # --- the switches of the feature section ---------------------------------------------------------------------------------

    def part_of_switch(self, switch: str, retention_days: int) -> str | None:
        """The part that a switch of the feature section adds; None when the switch has no part of this type."""
        return EACH if switch and switch == self.switch else None

    def other_part(self, switch: str) -> str | None:
        """The part that is paid instead while the switch is off."""
        return None

    def is_surcharge(self, part: str) -> bool:
        """Whether a part is paid in addition to the service itself."""
        return False

    def has_switch(self, switch: str, variant: Variant) -> bool:
        """Whether a variant contains the part of a switch."""
        return bool(variant) and switch == self.switch

    def covers_switch(self, switch: str, variant: Variant, paid: Variant) -> bool:
        """Whether the paid variant covers the part of a switch in the configured one."""
        return not self.uncovered(variant, paid)

    def wastes_switch(self, switch: str, variant: Variant, paid: Variant) -> bool:
        """Whether the part of a switch is paid for and not on."""
        return self.has_switch(switch, paid) and not self.has_switch(switch, variant)


class App(Entry):
    """The App. Its two prices are not components: a running App continues with the paid one until its renewal (DOMAIN §3)."""

    __slots__ = ()
    SWITCH = "indoor_monitor"

    @property
    def parts(self) -> tuple[str, ...]:
        """With and without an indoor monitor."""
        return (WITH_MONITOR, WITHOUT_MONITOR)

    def wanted(self, configuration: Configuration) -> Wanted:
        """Apartments with a family master, in the variant that With Indoor Monitor says (R27)."""
        points = {True: Variant((WITH_MONITOR,)), False: Variant((WITHOUT_MONITOR,))}
        return ((row.key, points[row.indoor_monitor]) for row in configuration.apartments if row.has_master)

    def part_label(self, part: str) -> str:
        """With or without indoor monitor."""
        return _("with indoor monitor") if part == WITH_MONITOR else _("without indoor monitor")

    def uncovered(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """Nothing: either paid variant covers both."""
        return () if paid else variant.parts

    def unused(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """Nothing: the paid variant is used either way."""
        return () if variant else paid.parts

    def part_of_switch(self, switch: str, retention_days: int) -> str | None:
        """The indoor monitor changes the price."""
        return WITH_MONITOR if switch == self.SWITCH else None

    def other_part(self, switch: str) -> str | None:
        """Without a monitor the other price is paid."""
        return WITHOUT_MONITOR if switch == self.SWITCH else None

    def has_switch(self, switch: str, variant: Variant) -> bool:
        """With a monitor or not."""
        return switch == self.SWITCH and WITH_MONITOR in variant

    def wastes_switch(self, switch: str, variant: Variant, paid: Variant) -> bool:
        """False: the monitor is not a component that could be unused."""
        return False


class PmApp(Entry):
    """The PM App. Its landline is a surcharge, and a variant paid with landline covers the one without."""

    __slots__ = ()
    LANDLINE_SWITCH = "pm_landline"

    @property
    def parts(self) -> tuple[str, ...]:
        """The app, and the landline as a surcharge."""
        return (PM_PLAIN, PM_LANDLINE)

    def wanted(self, configuration: Configuration) -> Wanted:
        """Managers with the PM App ticked, even while the community's switch is off (R13); with landline where both switches are on (R24)."""
        switches = configuration.switches
        variant = Variant((PM_LANDLINE if switches[self.holds] and switches[self.LANDLINE_SWITCH] else PM_PLAIN,))
        return ((row.key, variant) for row in configuration.managers if row.pm_app)

    def price_parts(self, variant: Variant) -> tuple[str, ...]:
        """With landline two rows: the app and the landline."""
        return self.parts if PM_LANDLINE in variant else variant.parts

    def part_label(self, part: str) -> str:
        """The app or its landline."""
        return _("Landline Service for PM") if part == PM_LANDLINE else _("PM App")

    def price_label(self, part: str) -> str:
        """The landline is a surcharge."""
        label = self.part_label(part)
        return _("%(service)s, surcharge on the PM App") % {"service": label} if self.is_surcharge(part) else label

    def per_label(self, part: str) -> str:
        """The landline is a surcharge."""
        return _("per manager, on top of the PM App") if self.is_surcharge(part) else str(self.per)

    def variant_label(self, variant: Variant) -> str:
        """With or without landline."""
        if not variant:
            return _("nothing")
        return _("with landline") if PM_LANDLINE in variant else _("without landline")

    def uncovered(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """A variant paid with landline covers the one without."""
        return () if paid == variant or PM_LANDLINE in paid else variant.parts

    def unused(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """The landline if only that is unused, or the whole variant."""
        return paid.parts if not variant or (PM_LANDLINE in paid and PM_LANDLINE not in variant) else ()

    def unused_label(self, variant: Variant, paid: Variant) -> str:
        """The paid variant as a whole."""
        return self.variant_label(paid) if self.unused(variant, paid) else ""

    def part_of_switch(self, switch: str, retention_days: int) -> str | None:
        """One part for each of its two switches."""
        return {self.holds: PM_PLAIN, self.LANDLINE_SWITCH: PM_LANDLINE}.get(switch)

    def is_surcharge(self, part: str) -> bool:
        """True for the landline."""
        return part == PM_LANDLINE

    def has_switch(self, switch: str, variant: Variant) -> bool:
        """Every variant contains the app, one also the landline."""
        return bool(variant) and (switch == self.holds or (switch == self.LANDLINE_SWITCH and PM_LANDLINE in variant))

    def covers_switch(self, switch: str, variant: Variant, paid: Variant) -> bool:
        """A variant without landline still covers the PM App."""
        return bool(paid) if switch == self.holds else not self.uncovered(variant, paid)


VIDEO_SWITCH = "video_storage"
VIDEO: Mapping[str, int] = {f"{VIDEO_SWITCH}_{days}": days for days in RETENTION_DAYS}  # each has its own price


def video_component(retention_days: int) -> str:
    """The Premium component for storing video for `retention_days`."""
    return f"{VIDEO_SWITCH}_{retention_days}"


PREMIUM_COMPONENTS: tuple[str, ...] = tuple(
    component
    for service in SERVICES
    if service.is_premium
    for component in (VIDEO if service.code == VIDEO_SWITCH else [service.code])
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumPlan(Entry):
    """The Premium Plan, the sum of its components (DOMAIN §3). `switches` are those that a project type can have (R28)."""

    switches: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """Every component, in the order of the feature section."""
        return PREMIUM_COMPONENTS

    def parts_in(self, project: str) -> tuple[str, ...]:
        """The components that sites of this project type can have."""
        allowed = self.switches.get(project, frozenset())
        return tuple(part for part in self.parts if any(_is_of(switch, part) for switch in allowed))

    def wanted(self, configuration: Configuration) -> Wanted:
        """Every apartment with at least one component on. A service that the community has off is off in all its apartments (R22)."""
        allowed = self.switches.get(configuration.project, frozenset())
        on = {code for code in allowed if configuration.switches[code]}
        shared = on.difference(CEILING_SWITCHES)
        by_own: dict[tuple[bool, ...], Variant] = {}  # cached, so that ten thousand apartments make a handful of values
        for row in configuration.apartments:
            own = tuple(code in on and getattr(row, code) for code in CEILING_SWITCHES)
            if own not in by_own:
                chosen = {*shared, *(code for code, is_on in zip(CEILING_SWITCHES, own, strict=True) if is_on)}
                parts = (self.part_of_switch(code, configuration.retention_days) for code in chosen)
                by_own[own] = Variant.of((part for part in parts if part), self.parts)
            if variant := by_own[own]:
                yield row.key, variant

    def part_label(self, part: str) -> str:
        """The switch, and the retention of video: "Video Storage, 30 days"."""
        if part in VIDEO:
            return _("Video Storage, %(days)s days") % {"days": VIDEO[part]}
        return str(BY_CODE[part].label) if part in BY_CODE else part

    def uncovered(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """Compared component by component; a longer paid retention covers a shorter one."""
        kept = max((VIDEO.get(part, 0) for part in paid.parts), default=0)
        return tuple(part for part in variant.parts if part not in paid and not 0 < VIDEO.get(part, 0) <= kept)

    def unused(self, variant: Variant, paid: Variant) -> tuple[str, ...]:
        """Compared component by component; a longer paid retention is used by a shorter one."""
        stores = any(part in VIDEO for part in variant.parts)
        return tuple(part for part in paid.parts if part not in variant and not (stores and part in VIDEO))

    def part_of_switch(self, switch: str, retention_days: int) -> str | None:
        """The switch itself; for video the component of its retention."""
        if switch == VIDEO_SWITCH:
            return video_component(retention_days)
        return switch if switch in self.parts else None

    def has_switch(self, switch: str, variant: Variant) -> bool:
        """Whether it is a component."""
        return any(_is_of(switch, part) for part in variant.parts)

    def covers_switch(self, switch: str, variant: Variant, paid: Variant) -> bool:
        """Whether its component is paid for, whatever the other components are."""
        return not any(_is_of(switch, part) for part in self.uncovered(variant, paid))


def _is_of(switch: str, part: str) -> bool:
    return part in VIDEO if switch == VIDEO_SWITCH else part == switch
