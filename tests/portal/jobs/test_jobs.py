"""The page of a long job, files of long lists, and who sees them (R79)."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.test import Client

from accounts.actions.long_jobs import start_job
from accounts.models import FailedRow, LongJob, Membership
from communities.models import Site
from smartplus import jobs
from smartplus.jobs import exporting
from tests import spreadsheets
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of
from tests.portal.places import MAC, OTHER_MAC, stock

pytestmark = [pytest.mark.django_db, pytest.mark.rule("R79")]
SITES = {"address": "/sites/?format=csv"}


@pytest.fixture
def ivan(people: People, sign_in: Any) -> Client:
    browser: Client = sign_in(people.ivan)
    return browser


@pytest.fixture
def sites(people: People, make_site: Any) -> list[Site]:
    return [make_site(f"Site {n}") for n in range(3)]


def token_of(answer: Any) -> str:
    found = re.search(r'name="list" value="([^"]+)"', page_of(answer))
    assert found
    return found[1]


def asked_for(client: Client, address: str) -> LongJob:
    """The job that was started from the page that a long list answers."""
    token = token_of(client.get(address))
    answer = client.post("/jobs/file/", {"list": token})
    assert answer.status_code == 302
    job = LongJob.objects.latest("pk")
    assert answer["Location"] == f"/jobs/{job.pk}/"
    return job


def test_a_short_list_is_a_file_at_once(ivan: Client, sites: list[Site], settings: Any) -> None:
    settings.EXPORT_ROWS_AT_ONCE = 3
    answer = ivan.get("/sites/?format=csv")
    assert answer["Content-Disposition"] == 'attachment; filename="sites.csv"'
    assert b"".join(answer).decode().count("\r\n") == 4
    assert not LongJob.objects.exists()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_long_list_is_made_into_the_same_file_by_a_job(
    ivan: Client, sites: list[Site], settings: Any, kind: str
) -> None:
    whole = b"".join(ivan.get(f"/sites/?q=site&sort=-name&format={kind}"))
    settings.EXPORT_ROWS_AT_ONCE = 2
    offer = ivan.get(f"/sites/?q=site&sort=-name&format={kind}")
    assert "The list has more than 2 rows" in page_of(offer)
    assert not LongJob.objects.exists()  # a link alone starts nothing
    job = asked_for(ivan, f"/sites/?q=site&sort=-name&format={kind}")
    waiting = page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert 'hx-trigger="every 2s"' in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert ivan.get(f"/jobs/{job.pk}/file/").status_code == 404
    jobs.run("long_jobs", now=NOW)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.reason) == ("done", 3, 3, "")
    page = page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert "hx-trigger" not in page and "3 of 3 rows" in page and f"sites.{kind}" in page
    assert exporting.page_of(job) == "/sites/?q=site&sort=-name"
    answer = ivan.get(f"/jobs/{job.pk}/file/")
    made = b"".join(answer)
    if kind == "csv":
        assert made == whole
    else:
        assert spreadsheets.rows(made) == spreadsheets.rows(whole)
    assert answer["Content-Disposition"] == f'attachment; filename="sites.{kind}"'


def test_the_same_button_twice_starts_one_job(ivan: Client, sites: list[Site], settings: Any) -> None:
    settings.EXPORT_ROWS_AT_ONCE = 2
    page = ivan.get("/sites/?format=csv")
    form = {"list": token_of(page), **_tokens(page)}
    answers = [ivan.post("/jobs/file/", form) for _n in range(2)]
    assert LongJob.objects.count() == 1
    assert answers[0]["Location"] == answers[1]["Location"]


def _tokens(answer: Any) -> dict[str, str]:
    return dict(re.findall(r'name="(form_token)" value="([^"]+)"', answer.content.decode()))


@pytest.mark.rule("R1")
def test_nobody_starts_the_file_of_somebody_else(
    people: People, ivan: Client, sign_in: Any, sites: list[Site], settings: Any
) -> None:
    settings.EXPORT_ROWS_AT_ONCE = 2
    token = token_of(ivan.get("/sites/?format=csv"))
    other = sign_in(people.mallory)
    assert other.post("/jobs/file/", {"list": token}).status_code == 422
    assert other.post("/jobs/file/", {"list": "made up"}).status_code == 422
    assert not LongJob.objects.exists()


@pytest.mark.rule("R1")
def test_the_rights_of_the_moment_decide_what_the_file_has(
    people: People, ivan: Client, make_site: Any, make_apartment: Any, settings: Any
) -> None:
    stock(people, MAC, OTHER_MAC)
    site = make_site(landline=True)
    for number in ("1", "2"):
        make_apartment(site, number)
    settings.EXPORT_ROWS_AT_ONCE = 1
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=True)
    start_job(
        people.ivan.actor, kind="export", subject="billing", parameters={"address": f"/sites/{site.pk}/billing/?format=csv"}, now=NOW
    )  # fmt: skip
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=False)
    jobs.run("long_jobs", now=NOW)
    job = LongJob.objects.get()
    assert (job.state, job.file_name) == ("failed", "")
    assert job.reason


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    "address", ["/sites/999999/apartments/?format=csv", "/nowhere/?format=csv", "/sites/", "/prices/?format=csv"]
)
def test_a_file_that_cannot_be_made_says_why(people: People, ivan: Client, address: str) -> None:
    start_job(people.ivan.actor, kind="export", subject="x", parameters={"address": address}, now=NOW)
    jobs.run("long_jobs", now=NOW)
    job = LongJob.objects.get()
    assert job.state == "failed"
    page = page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert job.reason and job.reason in page
    assert_clean(page)


@pytest.mark.rule("R1")
def test_a_colleague_reads_the_page_and_not_the_file(people: People, ivan: Client, sign_in: Any, settings: Any) -> None:
    settings.EXPORT_ROWS_AT_ONCE = 0
    tess = sign_in(people.tess)
    start_job(people.tess.actor, kind="export", subject="sites", parameters={"address": "/jobs/?format=csv"}, now=NOW)
    job = LongJob.objects.get()
    LongJob.objects.update(state="done", finished_at=NOW, file_name="a.csv", file_type="text/csv")
    assert "only this person can read it" in page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert ivan.get(f"/jobs/{job.pk}/file/").status_code == 404
    assert tess.get(f"/jobs/{job.pk}/file/").status_code == 200
    assert [sign_in(getattr(people, name)).get(f"/jobs/{job.pk}/").status_code for name in ("dora", "igor")] == [
        404,
        404,
    ]


def test_refused_rows_stand_with_their_reason_and_the_rest_in_the_file(
    people: People, ivan: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start_job(people.ivan.actor, kind="export", subject="units", parameters=SITES, now=NOW)
    FailedRow.objects.bulk_create(
        FailedRow(job=job, number=n, label=f"flat {n}", reason="taken", url="/sites/", action="Look")
        for n in range(1, 6)
    )
    LongJob.objects.update(failures=5, state="done", finished_at=NOW)
    monkeypatch.setattr(FailedRow, "MOST", 3)
    page = page_of(ivan.get(f"/jobs/{job.pk}/"))
    assert [f"flat {n}" in page for n in range(1, 6)] == [True, True, True, False, False]
    assert "2 more are in the file" in page and "Done, 5 not done" in page
    rows = list(csv.reader(io.StringIO(b"".join(ivan.get(f"/jobs/{job.pk}/failed/")).decode("utf-8-sig"))))
    assert (len(rows), rows[5]) == (6, ["5", "flat 5", "taken"])


def test_a_job_is_found_again_and_counted_while_it_is_open(people: People, ivan: Client) -> None:
    job = start_job(people.ivan.actor, kind="export", subject="units", parameters=SITES, now=NOW)
    page = page_of(ivan.get("/settings/"))
    assert '<a class="jobs-open" href="/jobs/"' in page and "1 job" in page
    assert f'href="/jobs/{job.pk}/"' in page_of(ivan.get("/jobs/"))
    answer = ivan.post(f"/jobs/{job.pk}/cancel/", follow=True)
    assert "Cancelled. Nothing was done." in page_of(answer)
    assert 'class="jobs-open"' not in page_of(ivan.get("/settings/"))
    assert "ended already" in page_of(ivan.post(f"/jobs/{job.pk}/cancel/", follow=True))
