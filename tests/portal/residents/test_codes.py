"""Registration codes through the pages: a sheet that is shown once, and the public way of who has it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import translation

from communities.actions import moving, registrations
from communities.models import Apartment, Registration, RegistrationCode, Resident, Site
from tests.communities.registered import printed, registered, token_of_last_mail
from tests.guards.pages import without_token
from tests.mails import sent
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of
from tests.portal.residents.scenes import SignIn, add, stands

pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
KIM = {"name": "Kim", "email": "kim@example.org", "language": "en"}
HINTS = ("Harbour", "Quay", "Hafen", "Hamburg", "1.01", "Resident")


def typed_on(page: str) -> str:
    """The code that the sheet shows."""
    found = re.search(r'<dd class="mono">([^<]+)</dd>', page)
    assert found is not None
    return found[1]


def test_a_sheet_is_shown_once(people: People, flat: Apartment, sign_in: SignIn) -> None:
    client, address = sign_in(people.petra), f"/apartments/{flat.pk}/registration/"
    assert address in page_of(client.get(f"/apartments/{flat.pk}/"))
    assert "No code is open" in page_of(client.get(address))
    sheet = client.post(address, {"language": "en"})
    assert_clean(sheet.content)
    text = page_of(sheet)
    assert text.count('<article class="leaf"') == 1
    assert "Apartment 1.01" in text
    assert "24 Nov 2026" in text  # the code to type
    assert '"https://' not in text.split("<article")[1].split("</article>")[0]
    assert sheet.headers["Cache-Control"].find("no-store") >= 0
    later = page_of(client.get(address))
    assert "<article" not in later
    assert typed_on(text) not in later
    assert "The sheet is with the household" in later
    assert "6 Dec 2026" in later
    assert "The code is revoked" in page_of(client.post(f"{address}revoke/", follow=True))
    assert not RegistrationCode.objects.open().exists()


def test_a_sheet_is_written_in_the_language_of_the_household(people: People, flat: Apartment, sign_in: SignIn) -> None:
    text = page_of(sign_in(people.ivan).post(f"/apartments/{flat.pk}/registration/", {"language": "de"}))
    with translation.override("de"):
        words = translation.gettext("Valid until")
    assert '<article class="leaf" lang="de"' in text
    assert words in text.split("<article")[1]


def test_a_building_gets_a_sheet_for_each_household(
    people: People, flat: Apartment, empty: Apartment, sign_in: SignIn, make_apartment
) -> None:
    make_apartment(flat.site, "1.03")
    client, address = sign_in(people.ivan), f"/buildings/{flat.building_id}/registration/"
    assert "Make 2 codes" in page_of(client.get(address))
    sheets = client.post(address, {"language": "en"})
    assert_clean(sheets.content)
    text = page_of(sheets)
    assert [text.count(f"Apartment {number}") for number in ("1.01", "1.02", "1.03")] == [1, 0, 1]
    assert RegistrationCode.objects.open().count() == 2
    assert sign_in(people.dora).get(address).status_code == 403
    assert sign_in(people.igor).get(address).status_code == 404


def test_who_scans_a_sheet_becomes_a_member_with_a_confirmed_address(people: People, flat: Apartment) -> None:
    code, client = printed(people.ivan, flat), Client()
    page = client.get(f"/join/{code.token}/")
    assert page.status_code == 200
    assert_clean(page.content)
    assert "Register for Quay House 1.01" in page_of(page)
    refused = client.post(f"/join/{code.token}/", {**KIM, "email": "kim"})
    assert refused.status_code == 422
    answer = client.post(f"/join/{code.token}/", KIM)
    assert answer["Location"] == "/join/sent/"
    assert stands(flat) == {"Resident 1.01": "master"}
    token = token_of_last_mail()
    assert [message.to for message in sent()] == [["kim@example.org"]]
    address = f"/join/confirm/{token}/"
    assert "As Kim, kim@example.org." in page_of(client.get(address))
    assert stands(flat) == {"Resident 1.01": "master"}
    done = client.post(address)
    assert "You are registered" in page_of(done)
    assert_clean(done.content)
    assert stands(flat) == {"Resident 1.01": "master", "Kim": "present"}
    assert (client.post(address).status_code, Resident.objects.count()) == (410, 2)


@pytest.mark.rule("R30")
def test_who_is_beyond_the_free_number_is_told_to_wait(people: People, flat: Apartment, sign_in: SignIn) -> None:
    add(people.ivan, flat, "Free")
    code, client = printed(people.ivan, flat), Client()
    client.post(f"/join/{code.token}/", KIM)
    done = client.post(f"/join/confirm/{token_of_last_mail()}/")
    assert "Almost there" in page_of(done)
    assert stands(flat)["Kim"] == "waiting"
    assert f"/residents/{Resident.objects.get(name='Kim').pk}/accept/" in page_of(
        sign_in(people.ivan).get(f"/apartments/{flat.pk}/")
    )


def test_codes_that_do_not_work_are_answered_alike_and_tell_nothing(
    people: People, flat: Apartment, make_apartment
) -> None:
    used, revoked, left, old = (printed(people.ivan, make_apartment(flat.site, f"2.0{n}")) for n in range(4))
    registered(used.token)
    registrations.revoke_code(people.ivan.actor, apartment_id=revoked.apartment.pk, now=NOW)
    moving.move_out(people.ivan.actor, apartment_id=left.apartment.pk, now=NOW)
    RegistrationCode.objects.filter(pk=old.row.pk).update(expires_at=NOW, typed_until=NOW)
    tokens = ["B" * 43, "A" * 43, used.token, revoked.token, left.token, old.token]
    for prefix in ("/join/", "/join/confirm/"):
        for method in ("get", "post"):
            answers = [
                getattr(Client(), method)(f"{prefix}{token}/", KIM if method == "post" else {}) for token in tokens
            ]
            assert {answer.status_code for answer in answers} == {410}
            plain = {
                without_token(answer.content.decode()).replace(token, "…")
                for answer, token in zip(answers, tokens, strict=True)
            }
            (one,) = plain
            assert not [hint for hint in HINTS if hint in one]
    assert Registration.objects.count() == 0


def test_a_typed_code_leads_to_the_form_and_wrong_ones_are_alike(people: People, flat: Apartment) -> None:
    code, client = printed(people.ivan, flat), Client()
    page = client.get("/join/")
    assert_clean(page.content)
    assert not [hint for hint in HINTS if hint in page_of(page)]
    wrong = client.post("/join/", {"code": f"{code.typed[:3]}ZZ-ZZZZZ"})
    assert wrong.status_code == 422
    assert "This code does not work." in page_of(wrong)
    assert not [hint for hint in HINTS if hint in page_of(wrong)]
    right = client.post("/join/", {"code": code.typed.lower()}, follow=True)
    assert "Register for Quay House 1.01" in page_of(right)
    assert right.redirect_chain[0][0].startswith("/join/")
    with time_machine.travel(NOW + timedelta(days=2), tick=False):
        assert client.post("/join/", {"code": code.typed}).status_code == 422
        assert client.get(f"/join/{code.token}/").status_code == 200


def test_guessing_is_stopped_by_address_and_by_site(people: People, flat: Apartment, harbour: Site) -> None:
    code = printed(people.ivan, flat)
    wrong = {"code": f"{code.typed[:3]}ZZ-ZZZZZ"}
    here = Client(REMOTE_ADDR="192.0.2.1")
    assert [here.post("/join/", wrong).status_code for _n in range(11)] == [422] * 10 + [429]
    rest = here.post("/join/", {"code": code.typed})
    assert (rest.status_code, rest["Retry-After"].isdecimal()) == (429, True)
    assert "typing them rests" in page_of(rest)
    assert here.get(f"/join/{code.token}/").status_code == 200
    elsewhere = [Client(REMOTE_ADDR=f"192.0.2.{n}") for n in range(2, 14)]
    assert [client.post("/join/", wrong).status_code for client in elsewhere] == [422] * 10 + [429] * 2
    assert Client(REMOTE_ADDR="192.0.2.99").post("/join/", {"code": "ZZZZZ-ZZZZZ"}).status_code == 422
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        assert here.post("/join/", {"code": code.typed}).status_code == 302


def test_right_codes_count_as_no_guess(people: People, flat: Apartment) -> None:
    code, client = printed(people.ivan, flat), Client()
    assert {client.post("/join/", {"code": code.typed}).status_code for _n in range(25)} == {302}


def test_one_address_gets_few_mails(people: People, flat: Apartment) -> None:
    code, client = printed(people.ivan, flat), Client()
    places = {client.post(f"/join/{code.token}/", {**KIM, "name": f"Kim {n}"})["Location"] for n in range(5)}
    assert places == {"/join/sent/"}
    assert Registration.objects.count() == 3


def test_the_mail_is_in_the_language_that_was_chosen(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    Client().post(f"/join/{code.token}/", {**KIM, "language": "de"})
    message = sent()[-1]
    assert '<html lang="de">' in str(message.alternatives[0][0])
