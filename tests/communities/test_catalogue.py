"""What a configuration makes billable, and what a payment covers: pure tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities import catalogue
from communities.catalogue import ApartmentConfiguration, Configuration, ManagerConfiguration, ServiceType

OFF = dict.fromkeys(catalogue.SWITCHES, False)


def community(*, apartments=(), managers=(), retention_days=30, **on: bool) -> Configuration:
    return Configuration(
        switches={**OFF, **on}, retention_days=retention_days, apartments=tuple(apartments), managers=tuple(managers)
    )


def flat(key="1.01", *, monitor=True, landline=False, video=False, master=True) -> ApartmentConfiguration:
    return ApartmentConfiguration(
        key, indoor_monitor=monitor, landline=landline, video_storage=video, has_master=master
    )


def billed(configuration: Configuration) -> set[tuple[str, object, str]]:
    return {(item.service_type, item.target, item.variant) for item in catalogue.billables(configuration)}


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


def test_every_part_has_a_name_people_read() -> None:
    for service_type, part in catalogue.PRICED:
        assert catalogue.part_label(service_type, part)
        assert "_" not in catalogue.part_label(service_type, part)
