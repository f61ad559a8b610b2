"""The pages of an import: the file, its check with corrections, the job, and the list of what was imported (R79)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import LongJob, Membership
from communities.actions.sites import add_building
from communities.models import Apartment, ApartmentImport, ImportRow, Site
from devices import actions
from devices.actions import LibraryRow
from smartplus import jobs
from subscriptions.models import PriceList
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.rule("R79")]
HEAD = "Building;Floor;Number;Family master;Email;MAC;Monitor\n"
GOOD = "Quay House;3;3.01;Jens Okonkwo;jens@mail.example;0C:11:05:2A:00:01;Hallway\n"
WRONG = "Qay House;3;3.02;Ada;ada@mail.example;0C:11:05:2A:00:02;Hallway\n"


@pytest.fixture
def site(people: People, make_site: Any) -> Site:
    made: Site = make_site(landline=True)
    add_building(people.ivan.actor, site_id=made.pk, name="Quay House", now=NOW)
    rows = [LibraryRow(f"0C11052A{n:04X}", "C313") for n in range(1, 9)]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    return made


@pytest.fixture
def ivan(people: People, sign_in: Any) -> Client:
    browser: Client = sign_in(people.ivan)
    return browser


def upload(client: Client, site: Site, content: str, name: str = "quay.csv") -> ApartmentImport:
    file = SimpleUploadedFile(name, content.encode())
    answer = client.post(f"/sites/{site.pk}/import/", {"file": file, "text": ""})
    made = ApartmentImport.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, f"/imports/{made.pk}/")
    return made


def test_a_file_is_checked_corrected_and_imported_at_once(ivan: Client, site: Site, price_list: PriceList) -> None:
    assert f'href="/sites/{site.pk}/import/"' in page_of(ivan.get(f"/sites/{site.pk}/"))
    page = page_of(ivan.get(f"/sites/{site.pk}/import/"))
    assert "At most 5000 rows and 5 MB, 50 MB unpacked." in page
    made = upload(ivan, site, HEAD + GOOD + WRONG)
    answer = ivan.get(f"/imports/{made.pk}/")
    page = page_of(answer)
    assert_clean(answer.content)
    assert "No such building" in page and "Use Quay House" in page and "Import the 1 good row" in page
    assert "+US$2.10" in page  # the App with monitor, and landline
    assert not Apartment.objects.exists()
    answer = ivan.post(f"/imports/{made.pk}/correct/", {"way": "3:0"}, follow=True)
    assert "Import all 2" in page_of(answer)
    answer = ivan.post(f"/imports/{made.pk}/begin/", {}, follow=True)
    page = page_of(answer)
    assert "The import is done." in page and "What was imported" in page
    flat = Apartment.objects.get(number="3.02")
    assert f'href="/apartments/{flat.pk}/"' in page
    assert (Apartment.objects.count(), LongJob.objects.get().state) == (2, "done")


def test_pasted_cells_are_the_same(ivan: Client, site: Site) -> None:
    answer = ivan.post(f"/sites/{site.pk}/import/", {"text": (HEAD + GOOD).replace(";", "\t")})
    assert answer.status_code == 302
    assert ImportRow.objects.get().result == "new"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "Choose a file, or paste the cells."),
        (HEAD, "There are no rows below the head."),
        ("Building;Floor\nQuay House;3\n", "No column is called Number"),
        (HEAD + GOOD * 3, "There are more than 2 rows"),
    ],
)
def test_what_is_no_import_is_refused_at_its_field(
    ivan: Client, site: Site, settings: Any, content: str, text: str
) -> None:
    settings.IMPORT_ROWS = 2
    data = {"file": SimpleUploadedFile("a.csv", content.encode())} if content else {}
    answer = ivan.post(f"/sites/{site.pk}/import/", {**data, "text": ""})
    assert answer.status_code == 422
    assert text in page_of(answer)
    assert_clean(answer.content)
    assert not ApartmentImport.objects.exists()


def test_the_good_rows_are_imported_and_the_others_stay_in_the_file(ivan: Client, site: Site) -> None:
    made = upload(ivan, site, HEAD + GOOD + WRONG)
    assert "still to be corrected" in page_of(ivan.post(f"/imports/{made.pk}/begin/", {}, follow=True))
    ivan.post(f"/imports/{made.pk}/begin/", {"good": "1"})
    assert Apartment.objects.count() == 1
    text = b"".join(ivan.get(f"/imports/{made.pk}/file/")).decode("utf-8-sig")
    assert "Qay House" in text and "Jens" not in text


def test_many_rows_are_a_job_and_its_page_says_what_was_not_done(
    people: People, ivan: Client, site: Site, settings: Any
) -> None:
    settings.IMPORT_ROWS_AT_ONCE = 1
    second = "Quay House;3;3.03;;;0C:11:05:2A:00:03;Hallway\n"
    made = upload(ivan, site, HEAD + GOOD + second)
    answer = ivan.post(f"/imports/{made.pk}/begin/", {})
    job = LongJob.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert (job.total, job.site_id, Apartment.objects.count()) == (2, site.pk, 0)
    upload(ivan, site, HEAD + "Quay House;1;1.01;;;0C:11:05:2A:00:03;Hallway\n")
    other = ApartmentImport.objects.latest("pk")
    settings.IMPORT_ROWS_AT_ONCE = 9
    ivan.post(f"/imports/{other.pk}/begin/", {})
    jobs.run("long_jobs", now=NOW)
    job.refresh_from_db()
    assert (job.state, job.result["new"], job.failures) == ("done", 1, 1)
    answer = ivan.get(f"/jobs/{job.pk}/")
    page = page_of(answer)
    assert_clean(answer.content)
    assert "already in Quay House 1.01" in page
    assert f'href="/imports/{made.pk}/"' in page and "See what was imported" in page
    assert "Quay House 3.03" in page


def test_twice_the_same_button_imports_once(ivan: Client, site: Site) -> None:
    made = upload(ivan, site, HEAD + GOOD)
    ivan.post(f"/imports/{made.pk}/begin/", {})
    answer = ivan.post(f"/imports/{made.pk}/begin/", {}, follow=True)
    assert "has begun already" in page_of(answer)
    assert (Apartment.objects.count(), LongJob.objects.count()) == (1, 1)


def test_an_import_is_discarded_with_what_was_typed(ivan: Client, site: Site) -> None:
    made = upload(ivan, site, HEAD + GOOD)
    ivan.post(f"/imports/{made.pk}/discard/")
    assert not ImportRow.objects.exists()


@pytest.mark.rule("R1")
def test_no_sum_where_prices_are_hidden_and_no_import_for_others(
    people: People, ivan: Client, site: Site, sign_in: Any, price_list: PriceList
) -> None:
    made = upload(ivan, site, HEAD + GOOD)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=False)
    assert "US$" not in page_of(ivan.get(f"/imports/{made.pk}/"))
    statuses = [
        sign_in(getattr(people, who)).get(f"/imports/{made.pk}/").status_code for who in ("dora", "petra", "igor")
    ]
    assert statuses == [403, 403, 404]
