"""Bulk changes of many apartments are jobs: the same set as shown or none, cancelled only before they begin (R16, R79)."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from accounts.actions.long_jobs import cancel_job
from accounts.long_jobs import LEASE
from accounts.models import LongJob
from communities.models import Apartment, ServiceChange, Site
from devices import actions, bulk
from devices.models import Device
from smartplus import jobs
from smartplus.jobs import kinds, starting
from smartplus.jobs.bulk import parameters_of
from tests.flows import crash_points
from tests.flows.crashing import at_point
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of
from tests.portal.places import MAC, OTHER_MAC, stock

pytestmark = [pytest.mark.django_db, pytest.mark.rule("R16"), pytest.mark.rule("R79")]
OFF = "?landline=off"


@pytest.fixture
def harbour(people: People, make_site: Any, make_apartment: Any, settings: Any) -> Site:
    """Harbour View with three apartments, two of them with landline; two are too many for a click."""
    settings.BULK_APARTMENTS_AT_ONCE = 1
    stock(people, MAC, OTHER_MAC)
    site: Site = make_site(landline=True)
    for number, switches in (("1.01", {}), ("1.02", {}), ("2.01", {"indoor_monitor": False, "landline": False})):
        make_apartment(site, number, **switches)
    return site


@pytest.fixture
def ivan(people: People, sign_in: Any) -> Client:
    browser: Client = sign_in(people.ivan)
    return browser


def applied(client: Client, site: Site, query: str, **more: Any) -> LongJob:
    address = f"/sites/{site.pk}/bulk/{query}"
    found = re.search(r'name="digest" value="(\w+)"', page_of(client.get(address)))
    assert found
    answer = client.post(address, {"digest": found[1], **more})
    job = LongJob.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, f"/jobs/{job.pk}/")
    return job


def landlines() -> int:
    return Apartment.objects.filter(landline=True).count()


def test_many_apartments_are_changed_by_a_job_and_taken_back_by_another(ivan: Client, harbour: Site) -> None:
    job = applied(ivan, harbour, OFF)
    assert (landlines(), job.total, job.site_id, job.is_stoppable) == (2, 2, harbour.pk, False)
    jobs.run("long_jobs", now=NOW)
    job.refresh_from_db()
    change = ServiceChange.objects.get()
    assert (landlines(), job.state, job.result, job.done) == (0, "done", {"change": change.pk}, 2)
    page = page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert f'href="/changes/{change.pk}/"' in page
    assert_clean(page)
    found = re.search(r'name="digest" value="(\w+)"', page_of(ivan.get(f"/changes/{change.pk}/")))
    assert found
    answer = ivan.post(f"/changes/{change.pk}/undo/", {"digest": found[1]})
    assert answer["Location"] == f"/jobs/{LongJob.objects.latest('pk').pk}/"
    assert landlines() == 0
    jobs.run("long_jobs", now=NOW)
    assert landlines() == 2
    assert LongJob.objects.latest("pk").result == {"change": ServiceChange.objects.get(undoes=change).pk}


def test_what_changed_meanwhile_fails_the_job_and_leads_to_a_new_preview(ivan: Client, harbour: Site) -> None:
    job = applied(ivan, harbour, OFF)
    Apartment.objects.filter(number="1.02").update(landline=False, version=7)
    jobs.run("long_jobs", now=NOW)
    job.refresh_from_db()
    assert (job.state, landlines(), ServiceChange.objects.exists()) == ("failed", 1, False)
    page = page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert job.reason in page
    assert f'href="/sites/{harbour.pk}/bulk/?landline=off"' in page
    assert "New preview" in page


def test_it_is_cancelled_before_it_begins_and_then_nothing_is_changed(
    people: People, ivan: Client, harbour: Site
) -> None:
    job = applied(ivan, harbour, OFF)
    cancel_job(people.ivan.actor, job_id=job.pk, now=NOW)
    jobs.run("long_jobs", now=NOW)
    assert (landlines(), ServiceChange.objects.exists()) == (2, False)


@pytest.mark.rule("R17")
def test_what_is_missing_is_said_at_once_and_a_wrong_mac_fails_the_job_with_its_apartment(
    ivan: Client, harbour: Site
) -> None:
    query = "?indoor_monitor=on&landline=off"
    address = f"/sites/{harbour.pk}/bulk/{query}"
    digest = re.search(r'name="digest" value="(\w+)"', page_of(ivan.get(address)))
    assert digest
    answer = ivan.post(address, {"digest": digest[1]})
    assert answer.status_code == 422
    assert "Some apartments have no indoor monitor yet" in page_of(answer)
    assert not LongJob.objects.exists()
    flat = Apartment.objects.get(number="2.01")
    job = applied(ivan, harbour, query, **{f"m{flat.pk}-mac": "0C1105FFFFFF", f"m{flat.pk}-name": "Hall"})
    jobs.run("long_jobs", now=NOW)
    job.refresh_from_db()
    row = job.failed_rows.get()
    assert (job.state, row.label, landlines()) == ("failed", str(flat), 2)
    assert row.reason
    assert not Device.objects.filter(apartment=flat).exists()


@pytest.mark.crash
@pytest.mark.django_db(transaction=True)
def test_wherever_the_worker_dies_the_change_is_applied_once(people: People, harbour: Site) -> None:
    def begin() -> LongJob:
        """Landline is on everywhere, and a job is to switch it off."""
        on = bulk.Wanted(landline=True)
        actions.apply_bulk_change(
            people.ivan.actor, site_id=harbour.pk, wanted=on, digest=bulk.dry_run(harbour, on).digest, monitors={},
            may_wait=False, now=NOW,
        )  # fmt: skip
        off = bulk.Wanted(landline=False)
        asked = parameters_of(off, bulk.dry_run(harbour, off).digest, {}, may_wait=False, query="")
        return starting.start(
            people.ivan.actor, kind=kinds.BULK, subject="x", parameters=asked, site_id=harbour.pk, now=NOW
        )

    def worker(points: Any) -> None:
        points.phase = "bulk"
        jobs.run("long_jobs", now=NOW)

    def assert_applied_once(job: LongJob, *, count: int) -> None:
        for n in range(1, 3):
            jobs.run("long_jobs", now=NOW + n * (LEASE + timedelta(seconds=1)))
        job.refresh_from_db()
        assert (job.state, landlines(), ServiceChange.objects.filter(landline=False).count()) == ("done", 0, count)

    job = begin()
    worker(SimpleNamespace())
    assert_applied_once(job, count=1)
    job = begin()
    points = crash_points.walk(worker, answer=list)
    assert_applied_once(job, count=2)
    for number, index in enumerate(crash_points.telling(points), start=3):
        job = begin()
        with at_point(points[index]):
            crash_points.kill(worker, at=index, answer=list)
            assert_applied_once(job, count=number)
