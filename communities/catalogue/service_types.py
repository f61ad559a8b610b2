"""The service types of S2, one entry each: what an order line pays for.

A new service type is one entry here and one row of the table in tests/communities/test_catalogue.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from communities.catalogue.configurations import Configuration, Project, SlotKey, Target
from communities.catalogue.entries import VIDEO_SWITCH, App, Entry, PmApp, PremiumPlan, ServiceType
from communities.catalogue.switches import SERVICES

PREMIUM_FEATURES = "premium_features"  # S2's name for the services of a whole commercial site
GROUP_LABELS: Mapping[str, Promise] = {PREMIUM_FEATURES: gettext_lazy("Premium Features")}
SENSOR_GRACE = timedelta(days=14)  # safety-relevant, so two weeks (DOMAIN §4)


def _member_slots(configuration: Configuration) -> Iterator[SlotKey]:
    """Members beyond the free number, without the family master (R30)."""
    for row in configuration.apartments:
        for number in range(1, row.members - configuration.free_members + 1):
            yield row.key, number


def _door_slots(configuration: Configuration) -> Iterator[SlotKey]:
    """All doors but one; the free one is not a particular door (R34)."""
    return ((configuration.site, number) for number in range(1, len(configuration.doors)))


COMMUNITY, HOUSE, COMMERCIAL = Project.COMMUNITY, Project.HOUSE, Project.COMMERCIAL
HOMES = frozenset({COMMUNITY, HOUSE})

ENTRIES: tuple[Entry, ...] = (
    App(
        code=ServiceType.APP, label=gettext_lazy("App"), projects=HOMES, target=Target.APARTMENT,
        per=gettext_lazy("per apartment"), needs_master=True, is_main=True,
    ),
    PmApp(
        code=ServiceType.PM_APP, label=gettext_lazy("PM App"), projects=frozenset({COMMUNITY}), target=Target.MANAGER,
        per=gettext_lazy("per manager"), holds="pm_app", has_components=True,
    ),
    Entry(
        code=ServiceType.ADDITIONAL_APP, label=gettext_lazy("Additional App"), projects=HOMES, target=Target.MEMBER_SLOT,
        each=gettext_lazy("each member beyond the free number"), targets=_member_slots,
    ),
    Entry(
        code=ServiceType.THIRD_PARTY_LOCK, label=gettext_lazy("Third Party Lock"), projects=HOMES, target=Target.LOCK,
        each=gettext_lazy("each lock"), targets=lambda configuration: configuration.locks,
    ),
    PremiumPlan(
        code=ServiceType.PREMIUM, label=gettext_lazy("Premium Plan"), projects=HOMES, target=Target.APARTMENT,
        per=gettext_lazy("per apartment"), is_sum=True, has_components=True,
        switches={
            COMMUNITY: frozenset(service.code for service in SERVICES if service.is_premium),
            HOUSE: frozenset({"landline", "third_party_camera", "dynamic_qr", VIDEO_SWITCH}),
        },
    ),
    Entry(
        code=ServiceType.SENSOR_ALERT, label=gettext_lazy("Sensor Detection Call Alert"), projects=frozenset(Project),
        target=Target.SENSOR, grace=SENSOR_GRACE, each=gettext_lazy("each sensor"),
        targets=lambda configuration: configuration.sensors,
    ),
    Entry(
        code=ServiceType.DOOR, label=gettext_lazy("Door"), projects=frozenset({COMMERCIAL}), target=Target.DOOR_SLOT,
        each=gettext_lazy("each beyond the free one"), targets=_door_slots,
    ),
    Entry(
        code=ServiceType.PERSONNEL_APP, label=gettext_lazy("Personnel App"), projects=frozenset({COMMERCIAL}),
        target=Target.ACCOUNT, each=gettext_lazy("each account with intercom"),
        # Only while the intercom is on (R35)
        targets=lambda configuration: (row.key for row in configuration.personnel if row.intercom),
    ),
    Entry(
        code=ServiceType.ADMIN_APP, label=gettext_lazy("Admin App"), projects=frozenset({COMMERCIAL}),
        target=Target.ACCOUNT, each=gettext_lazy("each account with intercom"),
        # Only while the intercom is on (R35)
        targets=lambda configuration: (row.key for row in configuration.admins if row.intercom),
    ),
    Entry(
        code=ServiceType.TIME_ATTENDANCE, label=gettext_lazy("Time Attendance Plan"), projects=frozenset({COMMERCIAL}),
        target=Target.SITE, each=gettext_lazy("each site"), group=PREMIUM_FEATURES,
        targets=lambda configuration: [configuration.site] if configuration.time_attendance else [],
    ),
    Entry(
        code=ServiceType.ELEVATOR_CONTROL, label=gettext_lazy("Elevator Control"), projects=frozenset({COMMERCIAL}),
        target=Target.SITE, each=gettext_lazy("each site"), group=PREMIUM_FEATURES, switch="elevator_control",
        targets=lambda configuration: [configuration.site] if configuration.switches["elevator_control"] else [],
    ),
)  # fmt: skip

BY_TYPE: Mapping[str, Entry] = {entry.code: entry for entry in ENTRIES}
# What is billed once for a whole site, with the column of the site that switches it
OF_SITES: Mapping[str, str] = {
    ServiceType.TIME_ATTENDANCE: "attendance_plan",
    ServiceType.ELEVATOR_CONTROL: "elevator_control",
}
