"""Configurations: a site as billing sees it, saved or a draft."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from communities.catalogue.switches import DEFAULT_RETENTION_DAYS
from communities.catalogue.variants import Variant

Key = int | str
SlotKey = tuple[Key, int]  # number of the slot of an apartment or site
TargetKey = Key | SlotKey


class Project(enum.StrEnum):
    """Project types (S2), by the codes of `communities.models.Kind`."""

    COMMUNITY = "community"
    HOUSE = "house"
    COMMERCIAL = "commercial"


class Target(enum.StrEnum):
    """Kinds of targets, in the order of a price preview."""

    APARTMENT = "apartment"
    MEMBER_SLOT = "member_slot"  # of an apartment, numbered from 1
    LOCK = "lock"
    SENSOR = "sensor"
    MANAGER = "manager"
    DOOR_SLOT = "door_slot"  # of a site, numbered from 1
    ACCOUNT = "account"
    SITE = "site"


SLOTS: Mapping[Target, Target] = {
    Target.MEMBER_SLOT: Target.APARTMENT,
    Target.DOOR_SLOT: Target.SITE,
}  # their parent kinds
OF_APARTMENTS = frozenset({Target.APARTMENT, Target.MEMBER_SLOT})  # kinds that an apartment is billed for
PLACELESS = frozenset(
    {Target.MANAGER, Target.DOOR_SLOT, Target.ACCOUNT, Target.SITE}
)  # kinds without a building and without a label


@dataclass(frozen=True, slots=True)
class ApartmentConfiguration:
    """The services of one apartment. `key` is its target's id, or any label in a draft; `members` does not include the family master."""

    key: Key
    indoor_monitor: bool
    landline: bool
    video_storage: bool
    has_master: bool = True
    members: int = 0


@dataclass(frozen=True, slots=True)
class ManagerConfiguration:
    """One property manager of the community."""

    key: Key
    pm_app: bool


@dataclass(frozen=True, slots=True)
class AccountConfiguration:
    """One personnel or administrator account of a commercial site."""

    key: Key
    intercom: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """A site as billing sees it. `switches` maps every code of SWITCHES to on or off; `free_members` are the members of an apartment that
    are free; locks, sensors and doors are listed by their keys."""

    switches: Mapping[str, bool]
    retention_days: int = DEFAULT_RETENTION_DAYS
    apartments: tuple[ApartmentConfiguration, ...] = ()
    managers: tuple[ManagerConfiguration, ...] = ()
    project: str = Project.COMMUNITY
    price_class: str = "normal"
    site: Key = 0
    free_members: int = 0
    locks: tuple[Key, ...] = ()
    sensors: tuple[Key, ...] = ()
    doors: tuple[Key, ...] = ()
    personnel: tuple[AccountConfiguration, ...] = ()
    admins: tuple[AccountConfiguration, ...] = ()
    time_attendance: bool = False


@dataclass(frozen=True, slots=True)
class Billable:
    """One service for one target: `target` is its key, or that of its apartment or site with a number if it is a slot."""

    service_type: str
    target_kind: Target
    target: TargetKey
    variant: Variant
