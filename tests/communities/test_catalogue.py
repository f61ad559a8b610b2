"""The service types one by one, what a configuration makes billable, and what a payment covers: pure tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities import catalogue
from communities.catalogue import (
    AccountConfiguration,
    ApartmentConfiguration,
    Configuration,
    ManagerConfiguration,
    ServiceType,
    Target,
    Variant,
)
from communities.models import Kind

OFF = dict.fromkeys(catalogue.SWITCHES, False)


def community(*, apartments=(), managers=(), retention_days=30, **on: bool) -> Configuration:
    return Configuration(
        switches={**OFF, **on}, retention_days=retention_days, apartments=tuple(apartments), managers=tuple(managers)
    )


def flat(key="1.01", *, monitor=True, landline=False, video=False, master=True) -> ApartmentConfiguration:
    return ApartmentConfiguration(
        key, indoor_monitor=monitor, landline=landline, video_storage=video, has_master=master
    )


EVERYTHING = Configuration(
    switches={**OFF, "landline": True, "pm_app": True, "elevator_control": True, "booking": True},
    apartments=(replace(flat(landline=True), members=3), flat("1.02", monitor=False, master=False)),
    managers=(ManagerConfiguration("Petra", True), ManagerConfiguration("Paul", False)),
    site=7,
    free_members=1,
    locks=("L1", "L2"),
    sensors=("S1",),
    doors=("front", "back", "garage"),
    personnel=(AccountConfiguration("Pia", True), AccountConfiguration("Pit", False)),
    admins=(AccountConfiguration("Ada", True),),
    time_attendance=True,
)

# One row for each service type: where it is sold, for what, its grace in days, what of EVERYTHING it is billed for, its rows in a price list.
SERVICE_TYPES = {
    ServiceType.APP: ("community house", Target.APARTMENT, 7, {("1.01", "monitor")}, ("monitor", "no_monitor")),
    ServiceType.PM_APP: ("community", Target.MANAGER, 7, {("Petra", "plain")}, ("plain", "landline")),
    ServiceType.ADDITIONAL_APP: ("community house", Target.MEMBER_SLOT, 7, {(("1.01", 1), "each"), (("1.01", 2), "each")}, ("each",)),
    ServiceType.THIRD_PARTY_LOCK: ("community house", Target.LOCK, 7, {("L1", "each"), ("L2", "each")}, ("each",)),
    ServiceType.PREMIUM: (
        "community house", Target.APARTMENT, 7,
        {("1.01", "landline+booking+elevator_control"), ("1.02", "booking+elevator_control")}, catalogue.PREMIUM_COMPONENTS,
    ),
    ServiceType.SENSOR_ALERT: ("community house commercial", Target.SENSOR, 14, {("S1", "each")}, ("each",)),
    ServiceType.DOOR: ("commercial", Target.DOOR_SLOT, 7, {((7, 1), "each"), ((7, 2), "each")}, ("each",)),
    ServiceType.PERSONNEL_APP: ("commercial", Target.ACCOUNT, 7, {("Pia", "each")}, ("each",)),
    ServiceType.ADMIN_APP: ("commercial", Target.ACCOUNT, 7, {("Ada", "each")}, ("each",)),
    ServiceType.TIME_ATTENDANCE: ("commercial", Target.SITE, 7, {(7, "each")}, ("each",)),
    ServiceType.ELEVATOR_CONTROL: ("commercial", Target.SITE, 7, {(7, "each")}, ("each",)),
}  # fmt: skip


def test_every_service_type_has_an_entry_and_a_row() -> None:
    assert [entry.code for entry in catalogue.ENTRIES] == list(ServiceType) == list(SERVICE_TYPES)
    assert set(catalogue.Project) == set(Kind.values)


@pytest.mark.parametrize("code", ServiceType)
def test_a_service_type(code: ServiceType) -> None:
    entry, (projects, target, grace, wanted, parts) = catalogue.BY_TYPE[code], SERVICE_TYPES[code]
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert {str(project) for project in entry.projects} == set(projects.split())
    assert (entry.target, entry.parts) == (target, parts)
    assert catalogue.works_until(code, noon) == noon + timedelta(days=grace)
    assert catalogue.works_until(code, None) is None
    assert {(key, variant.code) for key, variant in entry.wanted(EVERYTHING)} == wanted
    for project in catalogue.Project:
        here = {item.service_type for item in catalogue.billables(replace(EVERYTHING, project=project))}
        assert (code in here) == (project in entry.projects and bool(wanted))


@pytest.mark.parametrize("code", ServiceType)
def test_paid_as_configured_covers_and_wastes_nothing(code: ServiceType) -> None:
    entry = catalogue.BY_TYPE[code]
    for part in entry.parts:
        variant = Variant((part,))
        assert (entry.uncovered(variant, variant), entry.unused(variant, variant)) == ((), ())
        assert entry.uncovered(variant, catalogue.NOTHING) == entry.unused(catalogue.NOTHING, variant) == (part,)
        assert entry.uncovered(catalogue.NOTHING, variant) == entry.unused(variant, catalogue.NOTHING) == ()
        assert entry.unused_label(catalogue.NOTHING, variant) == entry.variant_label(variant) != ""
        assert part in entry.price_parts(variant)


@given(st.lists(st.sampled_from(catalogue.PREMIUM_COMPONENTS), unique=True))
def test_a_variant_is_read_as_it_was_stored(parts: list[str]) -> None:
    variant = Variant(tuple(parts))
    assert Variant.parse(variant.code) == variant
    assert bool(variant) == bool(variant.code) == bool(parts)
    assert Variant.of(parts, catalogue.PREMIUM_COMPONENTS) == Variant.of(reversed(parts), catalogue.PREMIUM_COMPONENTS)


def billed(configuration: Configuration) -> set[tuple[str, object, str]]:
    return {(item.service_type, item.target, item.variant.code) for item in catalogue.billables(configuration)}


@pytest.mark.rule("R10")
def test_the_monitor_is_on_and_everything_else_off_by_default() -> None:
    assert {code for code, on in catalogue.DEFAULTS.items() if on} == {"indoor_monitor"}
    assert len(catalogue.SERVICES) == 11
    assert [s.code for s in catalogue.SERVICES if s.group == "infrastructure"] == ["indoor_monitor", "landline"]


@pytest.mark.rule("R14")
def test_an_apartment_has_three_switches() -> None:
    assert catalogue.APARTMENT_SWITCHES == ("indoor_monitor", "landline", "video_storage")


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (community(apartments=[flat()]), {("app", "1.01", "monitor")}),
        (community(apartments=[flat(monitor=False)]), {("app", "1.01", "no_monitor")}),
        (community(apartments=[flat(master=False)]), set()),  # nobody lives there: no App
        (community(booking=True, apartments=[flat(master=False)]), {("premium", "1.01", "booking")}),
        (
            community(booking=True, landline=True, apartments=[flat(landline=True), flat("1.02")]),
            {
                ("app", "1.01", "monitor"), ("app", "1.02", "monitor"),
                ("premium", "1.01", "landline+booking"), ("premium", "1.02", "booking"),
            },
        ),
        (community(apartments=[flat(landline=True)]), {("app", "1.01", "monitor")}),  # above the ceiling: not billed
        (
            community(video_storage=True, retention_days=90, apartments=[flat(video=True)]),
            {("app", "1.01", "monitor"), ("premium", "1.01", "video_storage_90")},
        ),
        (community(managers=[ManagerConfiguration("Petra", True)]), {("pm_app", "Petra", "plain")}),  # R13: though the switch is off
        (community(pm_app=True, pm_landline=True, managers=[ManagerConfiguration("Petra", True)]), {("pm_app", "Petra", "landline")}),
        (community(pm_app=True, managers=[ManagerConfiguration("Petra", False)]), set()),
    ],
)  # fmt: skip
def test_billables(configuration: Configuration, expected: set[tuple[str, object, str]]) -> None:
    assert billed(configuration) == expected


@pytest.mark.parametrize(
    ("members", "free", "slots"), [(0, 0, 0), (0, 4, 0), (4, 4, 0), (5, 4, 1), (6, 4, 2), (3, 0, 3)]
)
def test_members_beyond_the_free_number_have_numbered_slots(members: int, free: int, slots: int) -> None:
    home = replace(community(apartments=[replace(flat(), members=members)]), free_members=free)
    keys = [item.target for item in catalogue.billables(home) if item.target_kind is Target.MEMBER_SLOT]
    assert keys == [("1.01", number) for number in range(1, slots + 1)]


@pytest.mark.parametrize(("doors", "slots"), [(0, 0), (1, 0), (2, 1), (9, 8)])
def test_the_first_door_is_free(doors: int, slots: int) -> None:
    company = Configuration(switches=OFF, project="commercial", site=7, doors=tuple(range(doors)))
    assert [item.target for item in catalogue.billables(company)] == [(7, number) for number in range(1, slots + 1)]


@pytest.mark.rule("R28")
def test_a_house_has_four_premium_features() -> None:
    on = dict.fromkeys(catalogue.SWITCHES, True)
    house = Configuration(switches=on, project="house", apartments=(flat(landline=True, video=True),))
    found = {item.service_type: item.variant.parts for item in catalogue.billables(house)}
    assert found == {
        "app": ("monitor",),
        "premium": ("landline", "third_party_camera", "video_storage_30", "dynamic_qr"),
    }


def test_bills_begin_with_what_apartments_have() -> None:
    assert sorted(["pm_app", "premium", "door", "app"], key=catalogue.rank) == ["app", "premium", "pm_app", "door"]


@pytest.mark.rule("R24")
@given(st.dictionaries(st.sampled_from(catalogue.SWITCHES), st.booleans()))
def test_pm_landline_never_outlives_the_pm_app(switches: dict[str, bool]) -> None:
    normal = catalogue.normalised(switches)
    assert set(normal) == set(catalogue.SWITCHES)
    assert normal["pm_app"] or not normal["pm_landline"]


@pytest.mark.parametrize(
    ("service", "configured", "paid", "missing"),
    [
        (ServiceType.APP, "monitor", "monitor", ()),
        (ServiceType.APP, "no_monitor", "monitor", ()),  # goes on at its paid variant
        (ServiceType.APP, "monitor", "no_monitor", ()),
        (ServiceType.APP, "monitor", "", ("monitor",)),
        (ServiceType.PM_APP, "plain", "landline", ()),
        (ServiceType.PM_APP, "landline", "plain", ("landline",)),
        (ServiceType.PREMIUM, "booking+landline", "booking", ("landline",)),
        (ServiceType.PREMIUM, "booking", "booking+landline", ()),
        (ServiceType.PREMIUM, "video_storage_90", "video_storage_30", ("video_storage_90",)),
        (ServiceType.PREMIUM, "video_storage_7", "video_storage_30", ()),
    ],
)
def test_what_was_paid_is_what_works(service: str, configured: str, paid: str, missing: tuple[str, ...]) -> None:
    assert catalogue.uncovered(service, configured, paid) == missing


@pytest.mark.parametrize(
    ("service", "configured", "paid", "idle", "words"),
    [
        (ServiceType.APP, "no_monitor", "monitor", (), ""),  # the cheaper one is used all the same
        (ServiceType.APP, "", "monitor", ("monitor",), "with indoor monitor"),
        (ServiceType.PM_APP, "plain", "landline", ("landline",), "with landline"),
        (ServiceType.PM_APP, "landline", "plain", (), ""),
        (ServiceType.PM_APP, "", "plain", ("plain",), "without landline"),
        (ServiceType.PREMIUM, "booking", "booking+landline", ("landline",), "Landline Service (For Residents)"),
        (ServiceType.PREMIUM, "video_storage_7", "video_storage_90", (), ""),  # a shorter retention uses the paid one
        (ServiceType.PREMIUM, "booking", "video_storage_90", ("video_storage_90",), "Video Storage, 90 days"),
        (ServiceType.DOOR, "", "each", ("each",), "each beyond the free one"),
    ],
)
def test_what_is_paid_and_not_on(service: str, configured: str, paid: str, idle: tuple[str, ...], words: str) -> None:
    assert catalogue.unused(service, configured, paid) == idle
    assert catalogue.unused_label(service, configured, paid) == words


@pytest.mark.parametrize(
    ("switch", "service", "configured", "paid", "expected"),
    [
        ("indoor_monitor", ServiceType.APP, "monitor", "no_monitor", (True, True, False)),
        ("indoor_monitor", ServiceType.APP, "no_monitor", "monitor", (False, True, False)),
        (
            "pm_app",
            ServiceType.PM_APP,
            "landline",
            "plain",
            (True, True, False),
        ),  # without the landline it still is the PM App
        ("pm_landline", ServiceType.PM_APP, "landline", "plain", (True, False, False)),
        ("pm_landline", ServiceType.PM_APP, "plain", "landline", (False, True, True)),
        ("booking", ServiceType.PREMIUM, "booking+landline", "booking", (True, True, False)),
        ("landline", ServiceType.PREMIUM, "booking+landline", "booking", (True, False, False)),
        ("video_storage", ServiceType.PREMIUM, "video_storage_90", "video_storage_7", (True, False, False)),
        ("video_storage", ServiceType.PREMIUM, "booking", "video_storage_7", (False, True, True)),
    ],
)
def test_what_a_switch_has_of_a_service(
    switch: str, service: str, configured: str, paid: str, expected: tuple[bool, bool, bool]
) -> None:
    entry, variant, was = catalogue.BY_TYPE[service], Variant.parse(configured), Variant.parse(paid)
    assert (
        entry.has_switch(switch, variant), entry.covers_switch(switch, variant, was), entry.wastes_switch(switch, variant, was)
    ) == expected  # fmt: skip


def test_every_part_has_a_name_people_read() -> None:
    for service_type, part in {row for project in catalogue.Project for row in catalogue.priced_in(project)}:
        (label,) = catalogue.part_labels(service_type, [part])
        assert label
        assert "_" not in label
