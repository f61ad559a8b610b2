"""Whether a MAC may be registered, and what a refusal gives away: nothing of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.errors import ActionError, NotPermitted
from communities.actions import assignments, sites
from communities.models import Apartment, Building, Site
from devices import actions
from devices.actions import CheckedMac, check_mac
from devices.addresses import Mac
from devices.catalogue import DeviceType
from devices.errors import (
    ForeignOui,
    MacInUse,
    MacNotUsable,
    MonitorRowsRefused,
    NotADevice,
    NotHex,
    SpreadsheetNumber,
    TypeDisagrees,
    UnknownModel,
)
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, counts, monitor
from tests.people import NOW, People, Person

Stock = Callable[..., list[LibraryEntry]]
NEUTRAL = "This MAC can't be used here. Check it with your distributor."


def check(who: Person, site: Site, text: str, **options: object) -> CheckedMac:
    return check_mac(who.actor, site=site, text=text, type=DeviceType.INDOOR_MONITOR, **options)  # type: ignore[arg-type]


def refusal_of(who: Person, site: Site, text: str, **options: object) -> ActionError:
    with pytest.raises(ActionError) as refusal:
        check(who, site, text, **options)
    return refusal.value


@pytest.fixture
def zephyr(people: People, stock: Stock, make_site: Callable[..., Site]) -> Device:
    """A monitor at work in the other tree: 0C:11:05:00:00:0A."""
    site = make_site("Zephyr Court", by=people.igor)
    building = sites.add_building(people.igor.actor, site_id=site.pk, name="Tower", now=NOW)
    stock("0C110500000A", by=people.mallory)
    actions.add_apartment(
        people.igor.actor, building_id=building.pk, floor="1", number="1", monitors=[monitor("0C110500000A")], now=NOW
    )
    return Device.objects.get(installer=people.igor.firm)


def test_a_good_mac_comes_back_with_what_the_library_knows(people: People, harbour: Site, stock: Stock) -> None:
    (entry,) = stock(FIRST)
    checked = check(people.ivan, harbour, "0c-11-05-00-00-01")
    assert checked == CheckedMac(Mac(0x0C1105000001), entry, "C313", DeviceType.INDOOR_MONITOR, ())
    assert check(people.ivan, harbour, FIRST, model="s567").model == "S567"


@pytest.mark.rule("R69")
def test_the_first_thing_wrong_is_the_one_that_is_said(
    people: People, harbour: Site, zephyr: Device, stock: Stock
) -> None:
    stock("0C110500000A", model="R20")  # Dora claims it too, as a door phone; Igor's people have it at work
    stock("0C110500000B", model="R20")
    in_order = [
        ("0C110500000G", NotHex),
        ("030000000001", NotADevice),
        ("00000C000001", ForeignOui),
        ("0C11050000FF", MacNotUsable),  # not in the library
        ("0C110500000A", MacNotUsable),  # in use, although its type disagrees as well
        ("0C110500000B", TypeDisagrees),
    ]
    assert [type(refusal_of(people.ivan, harbour, text, model="R20")) for text, _ in in_order] == [
        error for _, error in in_order
    ]


@pytest.mark.rule("R70")
def test_unknown_foreign_retired_and_used_macs_are_refused_in_the_very_same_words(
    people: People, harbour: Site, zephyr: Device, stock: Stock
) -> None:
    stock(zephyr.address.hex)  # Dora's library has it, but Igor's site uses it
    stock("0C1105000020", to=people.ines)
    stock("0C1105000021", by=people.mallory)
    (retired,) = stock("0C1105000022")
    actions.retire_library_entry(people.dora.actor, entry_id=retired.pk, version=1, now=NOW)
    told = {}
    for text in (zephyr.address.hex, "0C1105000020", "0C1105000021", "0C1105000022", "0C1105000023"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            refusal = refusal_of(people.ivan, harbour, text)
        told[text] = (type(refusal), str(refusal), refusal.field, len(queries))
    assert set(told.values()) == {(MacNotUsable, NEUTRAL, "mac", 2)}


@pytest.mark.rule("R70")
def test_ones_own_device_is_named_with_its_place(
    people: People, harbour: Site, flat: Apartment, make_site: Callable[..., Site]
) -> None:
    refusal = refusal_of(people.ivan, harbour, FIRST)
    assert (type(refusal), str(refusal)) == (MacInUse, "0C:11:05:00:00:01 is already in Quay House 2.04.")
    elsewhere = refusal_of(people.ivan, make_site("Mill Yard"), FIRST)
    assert str(elsewhere) == "0C:11:05:00:00:01 is already in Harbour View, Quay House 2.04."


@pytest.mark.rule("R70")
def test_a_technician_is_told_no_place_of_a_site_that_is_not_hers(
    people: People, flat: Apartment, make_site: Callable[..., Site]
) -> None:
    mill = make_site("Mill Yard")
    tess = people.tess.membership.pk
    assignments.set_technicians(people.ivan.actor, site_id=mill.pk, membership_ids=[tess], now=NOW)
    refusal = refusal_of(people.tess, mill, FIRST)
    assert (type(refusal), str(refusal)) == (MacNotUsable, NEUTRAL)
    assignments.set_technicians(people.ivan.actor, site_id=flat.site_id, membership_ids=[tess], now=NOW)
    assert type(refusal_of(people.tess, mill, FIRST)) is MacInUse


@pytest.mark.rule("R70")
def test_a_refused_registration_says_nothing_and_creates_nothing(
    people: People, quay: Building, zephyr: Device, stock: Stock
) -> None:
    stock(zephyr.address.hex)
    before = counts()
    with pytest.raises(MonitorRowsRefused) as refusal:
        actions.add_apartment(
            people.ivan.actor,
            building_id=quay.pk,
            floor="1",
            number="1",
            monitors=[monitor(zephyr.address.hex)],
            now=NOW,
        )
    assert str(refusal.value.errors[0]) == NEUTRAL
    assert counts() == before


@pytest.mark.rule("R71")
def test_another_makers_mac_is_a_warning_to_confirm(
    people: People, harbour: Site, stock: Stock, settings: Settings
) -> None:
    stock("00000C000001", "DC1105000077")
    refusal = refusal_of(people.ivan, harbour, "00:00:0C:00:00:01")
    assert isinstance(refusal, ForeignOui)
    assert refusal.may_confirm
    assert str(refusal) == (
        "00:00:0C is a block of Cisco Systems, Inc, not of Akuvox. Compare it with the label, and confirm it if it is right."
    )
    checked = check(people.ivan, harbour, "00:00:0C:00:00:01", confirmed=True)
    assert checked.warnings == ("00:00:0C is a block of Cisco Systems, Inc, not of Akuvox.",)
    assert str(refusal_of(people.ivan, harbour, "DC1105000077")) == (
        "DC:11:05 is not a block of Akuvox, whose addresses begin with 0C:11:05. "
        "Compare it with the label, and confirm it if it is right."
    )
    settings.MAC_FOREIGN_OUI = "enforce"
    refusal = refusal_of(people.ivan, harbour, "00:00:0C:00:00:01", confirmed=True)
    assert isinstance(refusal, ForeignOui)
    assert not refusal.may_confirm
    assert str(refusal) == "00:00:0C is a block of Cisco Systems, Inc, not of Akuvox."
    settings.MAC_FOREIGN_OUI = "off"
    assert check(people.ivan, harbour, "00:00:0C:00:00:01").warnings == ()


@pytest.mark.rule("R71")
def test_an_unconfirmed_foreign_mac_creates_nothing(people: People, quay: Building, stock: Stock) -> None:
    stock("00000C000001")
    before = counts()

    def add(*, confirmed: bool) -> Apartment:
        rows = [monitor("00000C000001", confirmed=confirmed)]
        return actions.add_apartment(
            people.ivan.actor, building_id=quay.pk, floor="1", number="1", monitors=rows, now=NOW
        )

    with pytest.raises(MonitorRowsRefused) as refusal:
        add(confirmed=False)
    assert type(refusal.value.errors[0]) is ForeignOui
    assert counts() == before
    add(confirmed=True)
    assert Device.objects.get().mac == 0x00000C000001


@pytest.mark.parametrize(
    ("text", "error"),
    [("DC1105000001", ForeignOui), ("OC11O50000O1", NotHex), ("0C1105D000D1", MacNotUsable)],
)
def test_a_misread_label_is_answered_with_the_mac_it_must_be(
    people: People, harbour: Site, stock: Stock, text: str, error: type
) -> None:
    stock(FIRST)
    refusal = refusal_of(people.ivan, harbour, text)
    assert isinstance(refusal, error)
    assert refusal.suggestion == Mac(0x0C1105000001)  # type: ignore[attr-defined]
    assert str(refusal).endswith(" Did you mean 0C:11:05:00:00:01?")


@pytest.mark.rule("R70")
def test_a_suggestion_never_comes_from_somebody_elses_stock(
    people: People, harbour: Site, flat: Apartment, stock: Stock
) -> None:
    stock("0C1105000020", to=people.ines)
    stock("0C1105000021", by=people.mallory)
    for text in ("DC1105000020", "DC1105000021", "DC1105000001"):  # Ines's, Mallory's, and one already in use
        assert refusal_of(people.ivan, harbour, text).suggestion is None  # type: ignore[attr-defined]


@pytest.mark.rule("R74")
def test_only_an_indoor_monitor_makes_an_apartment(people: People, quay: Building, stock: Stock) -> None:
    stock(FIRST)
    stock(SECOND, model="R20")
    before = counts()
    with pytest.raises(MonitorRowsRefused) as refusal:
        actions.add_apartment(
            people.ivan.actor,
            building_id=quay.pk,
            floor="1",
            number="1",
            monitors=[monitor(FIRST, "A", "r29"), monitor(SECOND, "B"), monitor(FIRST[:-1] + "3", "C", "C999")],
            now=NOW,
        )
    assert {row: str(error) for row, error in refusal.value.errors.items()} == {
        0: "R29 is another device: Door phone.",
        1: "The library says that this is another device: Door phone.",
        2: NEUTRAL,
    }
    assert counts() == before


def test_an_unknown_model_is_named(people: People, harbour: Site, stock: Stock) -> None:
    stock(FIRST)
    refusal = refusal_of(people.ivan, harbour, FIRST, model="C999")
    assert (type(refusal), refusal.field, str(refusal)) == (
        UnknownModel, "model", "There is no model “C999” in the list.",
    )  # fmt: skip


def test_without_the_library_policy_any_free_mac_will_do(
    people: People, harbour: Site, zephyr: Device, stock: Stock, settings: Settings
) -> None:
    settings.MAC_LIBRARY_REQUIRED = False
    stock("0C1105000020", to=people.ines)
    assert check(people.ivan, harbour, "0C11050000FF").entry is None
    assert check(people.ivan, harbour, "0C1105000020").entry is None  # Ines's entry is not Ivan's to take
    assert str(refusal_of(people.ivan, harbour, zephyr.address.hex)) == NEUTRAL


@pytest.mark.parametrize("who", ["dora", "sam", "petra", "mallory"])
def test_who_may_not_configure_may_not_ask_about_macs(people: People, harbour: Site, stock: Stock, who: str) -> None:
    stock(FIRST)
    assert type(refusal_of(getattr(people, who), harbour, FIRST)) is NotPermitted


def test_what_a_spreadsheet_made_of_a_mac_is_offered_as_it_was_when_the_library_knows_it(
    people: People, harbour: Site, stock: Stock
) -> None:
    stock("001105880003", "001105880004")
    refusal = refusal_of(people.ivan, harbour, "1105880003")
    assert isinstance(refusal, SpreadsheetNumber)
    assert refusal.suggestion == Mac(0x001105880003)
    assert str(refusal).endswith(" Did you mean 00:11:05:88:00:03?")
    assert refusal_of(people.ivan, harbour, "1105880005").suggestion is None  # type: ignore[attr-defined]
    assert refusal_of(people.ivan, harbour, "1.10588E+09").suggestion is None  # type: ignore[attr-defined]  # it may be two
    stock("00215588000A", "002155880001")
    assert refusal_of(people.ivan, harbour, "2.15588E+09").suggestion == Mac(0x002155880001)  # type: ignore[attr-defined]


@pytest.mark.rule("R70")
def test_a_rounded_number_tells_nothing_of_somebody_elses_stock(people: People, harbour: Site, stock: Stock) -> None:
    stock("001105880003", to=people.ines)
    stock("001105880004", by=people.mallory)
    assert refusal_of(people.ivan, harbour, "1.10588E+09").suggestion is None  # type: ignore[attr-defined]
    assert refusal_of(people.ivan, harbour, "1105880003").suggestion is None  # type: ignore[attr-defined]
