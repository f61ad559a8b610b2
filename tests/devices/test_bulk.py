"""Bulk changes: exactly what the dry run showed, all or none, and taken back where nothing speaks against it (R15–R17, R22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities import catalogue
from communities.actions import apartments, sites
from communities.errors import CeilingOff
from communities.models import Apartment, Building, Entitlement, ServiceChange, ServiceChangeRow, Site
from devices import actions, bulk
from devices.bulk import Kept, Wanted
from devices.errors import BulkMonitorsMissing, BulkMonitorsRefused, DryRunOutdated
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, counts, monitor
from tests.people import NOW, People, Person

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
Stock = Callable[..., list[LibraryEntry]]


@pytest.fixture
def flats(people: People, quay: Building, stock: Stock) -> dict[str, Apartment]:
    """1.01 with a monitor, 1.02 waiting for one, 2.01 and 2.02 without With Indoor Monitor; landline off in all but 2.02."""
    stock(FIRST, SECOND, THIRD)
    made = {}
    for number, is_on, macs in (
        ("1.01", True, [monitor()]),
        ("1.02", True, []),
        ("2.01", False, []),
        ("2.02", False, []),
    ):
        switches = {"indoor_monitor": is_on, "landline": number == "2.02"}
        if is_on and not macs:
            made[number] = apartments.create_apartment(
                people.ivan.actor, building_id=quay.pk, floor="1", number=number, switches=switches, now=NOW
            )
        else:
            made[number] = actions.add_apartment(
                people.ivan.actor,
                building_id=quay.pk,
                floor=number[0],
                number=number,
                switches=switches,
                monitors=macs,
                now=NOW,
            )
    return made


def apply(
    people: People,
    site: Site,
    wanted: Wanted,
    *,
    by: Person | None = None,
    digest: str = "",
    may_wait: bool = False,
    **monitors: actions.MonitorEntry,
) -> ServiceChange:
    by_number = {
        Apartment.objects.get(site=site, number=number.removeprefix("n").replace("_", ".")).pk: entry
        for number, entry in monitors.items()
    }
    return actions.apply_bulk_change(
        (by or people.ivan).actor, site_id=site.pk, wanted=wanted, digest=digest or bulk.dry_run(site, wanted).digest,
        monitors=by_number, may_wait=may_wait, now=NOW,
    )  # fmt: skip


def undo(people: People, change: ServiceChange, *, by: Person | None = None) -> ServiceChange:
    digest = bulk.undo_run(change).digest
    return actions.undo_bulk_change((by or people.ivan).actor, change_id=change.pk, digest=digest, now=LATER)


def values(site: Site) -> dict[str, tuple[bool, bool, bool]]:
    rows = Apartment.objects.filter(site=site).order_by("number")
    return {number: (monitor, landline, waits) for number, monitor, landline, waits in rows.values_list(
        "number", "indoor_monitor", "landline", "monitor_pending")}  # fmt: skip


@pytest.mark.rule("R15")
def test_exactly_two_services_can_be_set_in_bulk() -> None:
    assert bulk.SWITCHES == ("indoor_monitor", "landline")
    assert set(Wanted(indoor_monitor=True, landline=False).switches) == set(bulk.SWITCHES)
    settable = {field.name for field in ServiceChange._meta.concrete_fields}
    assert settable & set(catalogue.APARTMENT_SWITCHES) == set(bulk.SWITCHES)


@pytest.mark.rule("R16")
@pytest.mark.rule("R9")
def test_a_change_sets_what_differs_and_nothing_else(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    before = {flat.pk: flat.version for flat in Apartment.objects.all()}
    change = apply(people, harbour, Wanted(landline=True))
    assert (change.count, change.looked_at) == (3, 4)
    assert {number: landline for number, (_m, landline, _w) in values(harbour).items()} == dict.fromkeys(flats, True)
    assert {flat.number for flat in Apartment.objects.all() if flat.version != before[flat.pk]} == {
        "1.01",
        "1.02",
        "2.01",
    }
    whole = AuditEvent.objects.get(action="site.bulk_changed")
    assert whole.after == {"landline": True, "count": 3}
    rows = AuditEvent.objects.filter(batch=whole).order_by("subject_label")
    assert [(row.subject_label, row.before, row.after) for row in rows] == [
        (f"Quay House {number}", {"landline": False}, {"landline": True}) for number in ("1.01", "1.02", "2.01")
    ]
    kept = ServiceChangeRow.objects.filter(change=change).order_by("apartment__number")
    assert [(row.landline_before, row.landline_after) for row in kept] == [(False, True)] * 3


@pytest.mark.rule("R16")
def test_one_building_or_one_floor_of_it_is_changed_alone(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    east = sites.add_building(people.ivan.actor, site_id=harbour.pk, name="East", now=NOW)
    other = apartments.create_apartment(
        people.ivan.actor,
        building_id=east.pk,
        floor="1",
        number="1.01",
        switches={"indoor_monitor": False, "landline": False},
        now=NOW,
    )
    quay = flats["1.01"].building_id
    assert apply(people, harbour, Wanted(landline=True, building_id=quay, floor="1")).count == 2
    assert apply(people, harbour, Wanted(landline=True, building_id=east.pk)).count == 1
    other.refresh_from_db()
    assert other.landline
    assert not Apartment.objects.get(number="2.01").landline


@pytest.mark.rule("R16")
def test_what_changed_since_the_dry_run_changes_nothing(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    wanted = Wanted(landline=True)
    digest = bulk.dry_run(harbour, wanted).digest
    apartments.change_apartment(
        people.ivan.actor, apartment_id=flats["2.01"].pk, version=flats["2.01"].version, floor="2", number="2.01", name="Attic",
        switches=flats["2.01"].switches, now=NOW,
    )  # fmt: skip
    was, audited = values(harbour), AuditEvent.objects.count()
    with pytest.raises(DryRunOutdated):
        apply(people, harbour, wanted, digest=digest)
    assert (values(harbour), AuditEvent.objects.count(), ServiceChange.objects.count()) == (was, audited, 0)


@pytest.mark.rule("R16")
def test_an_apartment_that_came_since_the_dry_run_needs_another_one(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    digest = bulk.dry_run(harbour, Wanted(landline=True)).digest
    apartments.create_apartment(
        people.ivan.actor,
        building_id=flats["1.01"].building_id,
        floor="3",
        number="3.01",
        switches={"landline": False},
        now=NOW,
    )
    with pytest.raises(DryRunOutdated):
        apply(people, harbour, Wanted(landline=True), digest=digest)


@pytest.mark.rule("R17")
def test_a_monitor_is_needed_or_waited_for(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    wanted = Wanted(indoor_monitor=True)
    assert bulk.dry_run(harbour, wanted).lacking == [flats["2.01"].pk, flats["2.02"].pk]
    was, counted = values(harbour), counts()
    with pytest.raises(BulkMonitorsMissing) as refusal:
        apply(people, harbour, wanted, n2_01=monitor(SECOND))
    assert refusal.value.apartment_ids == [flats["2.02"].pk]
    assert (values(harbour), counts()) == (was, counted)
    apply(people, harbour, wanted, may_wait=True, n2_01=monitor(SECOND))
    assert {number: (on, waits) for number, (on, _landline, waits) in values(harbour).items()} == {
        "1.01": (True, False), "1.02": (True, True), "2.01": (True, False), "2.02": (True, True),
    }  # fmt: skip
    assert Device.objects.filter(apartment=flats["2.01"]).count() == 1


@pytest.mark.rule("R17")
def test_what_waits_for_its_monitor_is_not_activatable(people: People, make_site, make_apartment) -> None:
    site = make_site(landline=True, indoor_monitor=False)
    make_apartment(site, "1.01", indoor_monitor=False)
    apply(people, site, Wanted(indoor_monitor=True), may_wait=True)
    assert set(Entitlement.objects.filter(site=site).wanted().values_list("blocked", flat=True)) == {"monitor_pending"}
    apply(people, site, Wanted(indoor_monitor=False))
    assert set(Entitlement.objects.filter(site=site).wanted().values_list("blocked", flat=True)) == {""}


@pytest.mark.rule("R16")
@pytest.mark.rule("R17")
def test_one_wrong_mac_refuses_all_and_is_named(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    was, counted = values(harbour), counts()
    with pytest.raises(BulkMonitorsRefused) as refusal:
        apply(people, harbour, Wanted(indoor_monitor=True), n2_01=monitor("0C11050000"), n2_02=monitor(THIRD))
    assert list(refusal.value.errors) == [flats["2.01"].pk]
    with pytest.raises(BulkMonitorsRefused) as refusal:
        apply(people, harbour, Wanted(indoor_monitor=True), n2_01=monitor(THIRD), n2_02=monitor(THIRD))
    assert list(refusal.value.errors) == [flats["2.02"].pk]
    assert (values(harbour), counts()) == (was, counted)


def test_a_monitor_for_an_apartment_that_needs_none_is_no_part_of_the_dry_run(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    with pytest.raises(DryRunOutdated):
        apply(people, harbour, Wanted(indoor_monitor=True), may_wait=True, n1_01=monitor(SECOND))


@pytest.mark.rule("R21")
def test_switching_the_monitor_off_deletes_no_device(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    devices = Device.objects.count()
    assert apply(people, harbour, Wanted(indoor_monitor=False)).count == 2
    assert Device.objects.count() == devices
    assert not Apartment.objects.filter(monitor_pending=True).exists()


@pytest.mark.rule("R22")
def test_above_the_ceiling_nothing_goes_on(people: People, make_site, make_apartment) -> None:
    site = make_site(landline=False)
    make_apartment(site)
    with pytest.raises(CeilingOff, match="is off in Harbour View"):
        apply(people, site, Wanted(landline=True))
    assert not ServiceChange.objects.exists()


def test_nothing_to_change_is_refused(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    apply(people, harbour, Wanted(landline=True))
    for wanted in (Wanted(landline=True), Wanted()):
        with pytest.raises(Refused, match="set so already"):
            apply(people, harbour, wanted)


@pytest.mark.rule("R1")
def test_who_may_change_and_take_back(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    change = apply(people, harbour, Wanted(landline=True))
    digest = bulk.undo_run(change).digest
    for by, refused in (
        (people.dora, NotPermitted),
        (people.petra, NotPermitted),
        (people.mallory, NotPermitted),
        (people.ines, ObjectDoesNotExist),
    ):
        with pytest.raises(refused):
            apply(people, harbour, Wanted(landline=False), by=by)
        with pytest.raises(refused):
            actions.undo_bulk_change(by.actor, change_id=change.pk, digest=digest, now=LATER)


@pytest.mark.rule("R26")
def test_prices_follow_the_switches_and_paid_time_stays(people: People, make_site, make_apartment) -> None:
    site = make_site(landline=True)
    flat = make_apartment(site, "1.01", landline=False)
    app = Entitlement.objects.get(target=flat.target_id, service_type="app")
    with transaction.atomic():
        Entitlement.objects.filter(pk=app.pk).pay_until(NOW + timedelta(days=20), paid_variant="monitor")
    apply(people, site, Wanted(indoor_monitor=False, landline=True))
    app.refresh_from_db()
    assert (app.variant, app.paid_variant, app.expires_at) == ("no_monitor", "monitor", NOW + timedelta(days=20))
    assert Entitlement.objects.get(target=flat.target_id, service_type="premium").variant


# --- taking back --------------------------------------------------------------------------------------------------------


def test_a_change_is_taken_back_once(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    was = values(harbour)
    change = apply(people, harbour, Wanted(indoor_monitor=True, landline=True), may_wait=True)
    back = undo(people, change)
    assert values(harbour) == was
    assert (back.undoes, back.count, back.looked_at) == (change, 4, 4)
    event = AuditEvent.objects.get(action="site.bulk_undone")
    assert AuditEvent.objects.filter(batch=event).count() == 4
    for once_more in (change, back):
        with pytest.raises(Refused, match="taken back already"):
            undo(people, once_more)


def test_what_a_colleague_changed_since_stays(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    change = apply(people, harbour, Wanted(landline=True))
    flat = Apartment.objects.get(number="2.01")
    apartments.change_apartment(
        people.ivan.actor, apartment_id=flat.pk, version=flat.version, floor="2", number="2.01", name="",
        switches={**flat.switches, "landline": False, "indoor_monitor": False}, now=NOW,
    )  # fmt: skip
    # what the bulk change did not set may be another's: it is left alone
    first = Apartment.objects.get(number="1.01")
    apartments.change_apartment(
        people.ivan.actor, apartment_id=first.pk, version=first.version, floor="1", number="1.01", name="",
        switches={**first.switches, "indoor_monitor": False}, now=NOW,
    )  # fmt: skip
    run = bulk.undo_run(change)
    assert {row.apartment.number: row.kept for row in run.kept} == {"2.01": Kept.CHANGED}
    undo(people, change)
    assert values(harbour)["1.01"] == (False, False, False)
    assert values(harbour)["1.02"] == (True, False, True)


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [("last_charged_at", LATER, Kept.PAID), ("reserved_by", 7, Kept.ORDERED)],
    ids=["paid", "ordered"],
)
def test_what_was_paid_or_is_being_paid_stays(
    people: People, make_site, make_apartment, column: str, value: object, kept: Kept
) -> None:
    site = make_site(landline=True)
    flats = [make_apartment(site, number, landline=False) for number in ("1.01", "1.02")]
    change = apply(people, site, Wanted(landline=True))
    premium = Entitlement.objects.filter(target=flats[0].target_id, service_type="premium")
    premium.update(paid_variant="landline", **{column: value})
    run = bulk.undo_run(change)
    assert [(row.apartment.number, row.kept) for row in run.kept] == [("1.01", kept)]
    assert undo(people, change).count == 1
    assert [landline for _m, landline, _w in values(site).values()] == [True, False]


def test_what_was_charged_before_the_change_does_not_hold_it(people: People, make_site, make_apartment) -> None:
    site = make_site(landline=True)
    flat = make_apartment(site, landline=False)
    Entitlement.objects.filter(target=flat.target_id).update(last_charged_at=NOW - timedelta(days=1))
    assert undo(people, apply(people, site, Wanted(landline=True))).count == 1


@pytest.mark.rule("R17")
def test_a_monitor_that_left_meanwhile_keeps_the_switch_off(
    people: People, harbour: Site, flats: dict[str, Apartment]
) -> None:
    change = apply(people, harbour, Wanted(indoor_monitor=False))
    device = Device.objects.get()
    actions.remove_device(people.ivan.actor, device_id=device.pk, now=NOW)
    run = bulk.undo_run(change)
    assert {row.apartment.number: row.kept for row in run.rows} == {"1.01": Kept.NO_MONITOR, "1.02": None}
    undo(people, change)
    assert {number: (on, waits) for number, (on, _l, waits) in values(harbour).items() if on} == {"1.02": (True, True)}


@pytest.mark.rule("R22")
def test_below_a_lowered_ceiling_landline_stays_off(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    change = apply(people, harbour, Wanted(landline=False))
    Site.objects.filter(pk=harbour.pk).update(landline=False)
    run = bulk.undo_run(ServiceChange.objects.get(pk=change.pk))
    assert [row.kept for row in run.rows] == [Kept.CEILING]
    with pytest.raises(Refused, match="None of its apartments"):
        undo(people, ServiceChange.objects.get(pk=change.pk))


@pytest.mark.rule("R16")
def test_taking_back_does_what_its_dry_run_showed(people: People, harbour: Site, flats: dict[str, Apartment]) -> None:
    change = apply(people, harbour, Wanted(landline=True))
    digest = bulk.undo_run(change).digest
    Apartment.objects.filter(number="2.01").update(landline=False)
    with pytest.raises(DryRunOutdated):
        actions.undo_bulk_change(people.ivan.actor, change_id=change.pk, digest=digest, now=LATER)
    assert ServiceChange.objects.count() == 1


def test_many_apartments_take_as_many_statements_as_two(people: People, make_site, make_apartment) -> None:
    counted = []
    for name, number in (("Few", 2), ("Many", 40)):
        site = make_site(name, landline=True)
        with transaction.atomic():
            for at in range(number):
                make_apartment(site, f"1.{at:02}", landline=False)
        wanted = Wanted(landline=True)
        digest = bulk.dry_run(site, wanted).digest
        with CaptureQueriesContext(
            connection,
        ) as queries:
            change = apply(people, site, wanted, digest=digest)
        taken_back = bulk.undo_run(change).digest
        with CaptureQueriesContext(connection) as more:
            actions.undo_bulk_change(people.ivan.actor, change_id=change.pk, digest=taken_back, now=LATER)
        counted.append((len(queries), len(more)))
    assert counted[0] == counted[1]
