"""People arrive and leave by themselves on their days, at the clock of their site; people are told before, and data is erased after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, Mute, Notice, Topic
from communities.actions import assignments, leases, moving, residents
from communities.actions.moving import Entry
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Lease, Resident, Site
from tests.people import NOW, People

DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)
# The first instant of 1 December in Berlin, and the last one before it
MIDNIGHT = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
BEFORE = MIDNIGHT - timedelta(seconds=1)
FIRST = date(2026, 12, 1)


@pytest.fixture
def flat(make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Apartment:
    """Quay House 1.01 in Berlin, with its family master."""
    return make_apartment(make_site())


def add(people: People, flat: Apartment, name: str, **lease: date) -> Resident:
    return residents.add_resident(
        people.ivan.actor, apartment_id=flat.pk, name=name, email="x@example.org", lease=Lease(**lease), now=NOW
    )


def stages(flat: Apartment) -> dict[str, str]:
    return dict(Resident.objects.filter(apartment=flat).exclude(name="Resident 1.01").values_list("name", "stage"))


def test_access_begins_and_ends_at_midnight_of_the_site(people: People, flat: Apartment) -> None:
    add(people, flat, "Comes", begins=FIRST)
    add(people, flat, "Goes", ends=FIRST - DAY)
    for now, expected in ((BEFORE, ("future", "present")), (MIDNIGHT, ("present", "ended"))):
        leases.turn_due(now=now)
        assert stages(flat) == dict(zip(("Comes", "Goes"), expected, strict=True))
    assert leases.turn_due(now=MIDNIGHT) == 0
    words = AuditEvent.objects.filter(at=MIDNIGHT).values_list("action", "actor_label")
    assert sorted(words) == [("resident.arrived", "SmartPlus"), ("resident.left", "SmartPlus")]


def test_each_site_has_its_own_midnight(people: People, flat: Apartment) -> None:
    add(people, flat, "Goes", ends=FIRST - DAY)
    Site.objects.update(time_zone="Pacific/Auckland")
    midnight = MIDNIGHT - timedelta(hours=12)
    for now, stage in ((midnight - timedelta(seconds=1), "present"), (midnight, "ended")):
        leases.turn_due(now=now)
        assert stages(flat) == {"Goes": stage}


@pytest.mark.rule("R30", "R32", "R33")
def test_one_household_follows_another_overnight_and_the_paid_time_stays(people: People, flat: Apartment) -> None:
    Site.objects.update(free_members=0)
    paid_until = MIDNIGHT + 20 * DAY
    Entitlement.objects.pay_until(paid_until, paid_variant="monitor")
    family = [Entry(name=name, email="n@example.org") for name in ("New", "Newer")]
    moving.move_in(people.ivan.actor, apartment_id=flat.pk, people=family, begins=FIRST, replaces=True, now=NOW)
    for now, master, extra in ((BEFORE, "Resident 1.01", 0), (MIDNIGHT, "New", 1)):
        leases.turn_due(now=now)
        app = Entitlement.objects.get(service_type=ServiceType.APP)
        more = Entitlement.objects.filter(service_type=ServiceType.ADDITIONAL_APP).wanted()
        assert Resident.objects.get(is_master=True).name == master
        assert (bool(app.variant), app.expires_at, more.count()) == (True, paid_until, extra)


@pytest.mark.rule("R33")
def test_an_empty_apartment_wants_no_app_after_the_last_day(people: People, flat: Apartment) -> None:
    moving.move_out(people.ivan.actor, apartment_id=flat.pk, on=FIRST - DAY, now=NOW)
    for now, wanted in ((BEFORE, True), (MIDNIGHT, False)):
        leases.turn_due(now=now)
        assert Entitlement.objects.filter(service_type=ServiceType.APP).wanted().exists() is wanted


def told() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(subject__contains="lease").order_by("pk")
    return [(row.email, row.state) for row in rows]


def test_the_sites_people_are_told_once_before_a_lease_ends(people: People, flat: Apartment, settings: Any) -> None:
    assignments.set_managers(
        people.ivan.actor, site_id=flat.site_id, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    Mute.objects.create(user=people.petra.membership.user, topic=Topic.SITES, created_at=NOW)
    going = add(people, flat, "Goes", ends=TODAY + 15 * DAY)
    leases.turn_due(now=NOW)
    assert told() == []
    for _run in range(2):
        leases.turn_due(now=NOW + DAY)
    assert told() == [("ivan@hafen.example", "queued"), ("petra@holm.example", "muted")]
    letter = Notice.objects.get(email="ivan@hafen.example", subject__contains="lease")
    assert letter.subject == "Harbour View: 1 lease ends soon"
    assert "Quay House 1.01: Goes, 7 Dec 2026" in letter.body
    values = {name: getattr(going, name) for name in residents.RESIDENT_FIELDS}
    for ends, mails in ((TODAY + 60 * DAY, 2), (TODAY + 10 * DAY, 4)):
        version = Resident.objects.get(pk=going.pk).version
        residents.edit_resident(
            people.ivan.actor, resident_id=going.pk, version=version, lease=Lease(ends=ends), now=NOW, **values
        )
        leases.turn_due(now=NOW + 2 * DAY)
        assert len(told()) == mails


def test_who_moved_out_long_ago_is_erased(people: People, flat: Apartment, settings: Any) -> None:
    add(people, flat, "Goes")
    moving.move_out(people.ivan.actor, apartment_id=flat.pk, now=NOW)
    leases.turn_due(now=NOW + 29 * DAY)
    assert Resident.objects.count() == 2
    leases.turn_due(now=NOW + 30 * DAY)
    assert Resident.objects.count() == 0
    events = AuditEvent.objects.filter(action="resident.left").values_list("before", "after")
    assert "Goes" not in str(list(events))
