"""However an address is typed, pasted or sent by a browser: one person, one mailbox, one count of tries."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.errors import Refused
from accounts.models import AuditEvent, Membership, Notice, Organization, User
from communities.models import Building, Resident
from payments.actions import save_billing
from payments.models import BillingProfile
from smartplus import throttle
from tests.mails import sent
from tests.people import NOW, PASSWORD

pytestmark = pytest.mark.django_db
UNICODE, PUNYCODE, MAILBOX = "idn@bücher.example", "idn@xn--bcher-kva.example", "idn@xn--bcher-kva.example"
WRITTEN = [
    UNICODE, PUNYCODE, "IDN@BÜCHER.EXAMPLE", f"{UNICODE}\u200b", f"\ufeff{PUNYCODE}", f"Ida <{UNICODE}>", f"mailto:{UNICODE}", "idn＠bücher。example"
]  # fmt: skip


@pytest.fixture
def ida(people) -> User:
    """Dora, whose address has an umlaut."""
    user = User.objects.get(pk=people.dora.membership.user_id)
    user.email = UNICODE
    user.save()
    return user


def knock(email, password=PASSWORD):
    client = Client()
    return client, client.post("/sign-in/", {"username": email, "password": password})


@pytest.mark.parametrize("typed", WRITTEN, ids=ascii)
def test_one_signs_in_however_it_is_written(ida, typed):
    client, answer = knock(typed)
    assert answer.status_code == 302
    assert client.session[SESSION_KEY] == str(ida.pk)


def test_tries_are_counted_together_however_it_is_written(ida):
    answers = [knock(typed, "wrong horse battery")[1].status_code for typed in WRITTEN[:5]]
    assert answers == [200, 200, 200, 200, 429]
    assert all(throttle.may_mail("x ", typed, now=NOW) for typed in WRITTEN[:3])
    assert not throttle.may_mail("x ", WRITTEN[3], now=NOW)


def test_the_input_lets_through_what_people_paste(people):
    page = Client().get("/sign-in/").content.decode()
    (line,) = re.findall(r'<input[^>]*name="username"[^>]*>', page)
    assert 'type="text"' in line
    assert 'inputmode="email"' in line
    assert 'autocomplete="username"' in line


@pytest.mark.parametrize("typed", ["info@straße.example", "INFO@STRASSE.example"])
def test_a_reset_goes_to_one_s_own_domain(people, typed):
    for person, email in ((people.dora, "info@straße.example"), (people.sam, "info@strasse.example")):
        user = User.objects.get(pk=person.membership.user_id)
        user.email = email
        user.save()
    Client().post("/password-reset/", {"email": typed})
    mailbox = "info@xn--strae-oqa.example" if "ß" in typed else "info@strasse.example"
    assert [message.to for message in sent()] == [[mailbox]]
    assert mailbox in sent()[0].message()["To"]


def test_who_was_invited_with_an_unseen_sign_joins_and_signs_in(people, sign_in):
    form = {"person-name": "To\u200bm\u00a0B", "person-email": "tom@bücher.example\u200b", "person-language": "en"}
    sign_in(people.ivan).post("/users/new/?kind=technician", {**form, "rights-is_technician": "yes"})
    made = Membership.objects.get(user__email_key="tom@bücher.example")
    assert made.invited_as == "Tom B"
    (mail,) = [message for message in sent() if message.to == ["tom@xn--bcher-kva.example"]]
    path = re.findall(r"http://testserver(/invitation/\S+)", mail.body)[0]
    client = Client()
    page = client.get(path, follow=True).request["PATH_INFO"]
    answer = client.post(page, {"name": "Tom", "password1": "a long enough horse", "password2": "a long enough horse"})
    assert answer.status_code == 302
    assert knock("tom@bücher.example\u200b", "a long enough horse")[1].status_code == 302


def test_the_same_address_written_otherwise_is_a_member_already(people, sign_in, ida):
    form = {"person-name": "Ida", "person-email": PUNYCODE, "person-language": "en"}
    answer = sign_in(people.dora).post("/users/new/?kind=colleague", form)
    assert (answer.status_code, User.objects.filter(email_key=UNICODE).count()) == (422, 1)
    with pytest.raises(Refused, match="already"):
        actions.invite(
            people.dora.actor,
            organization_id=people.dora.firm.pk,
            email=f"Ida <{PUNYCODE}>",
            name="Ida",
            language="en",
            now=NOW,
        )


def test_a_resident_s_address_is_shown_in_unicode(people, make_site, make_apartment, sign_in):
    apartment = make_apartment(make_site())
    form = {"name": "\u202eevil", "email": f"Ida <{PUNYCODE}>", "mobile": "", "language": "en", "remark": "a\r\nb"}
    answer = sign_in(people.ivan).post(f"/apartments/{apartment.pk}/residents/new/", form)
    assert answer.status_code == 302
    made = Resident.objects.order_by("-pk")[0]
    assert (made.name, made.email, made.remark) == ("evil", UNICODE, "a b")


@pytest.mark.parametrize("name", ["A\x0bB", "A\x1dB", "A\0B"])
def test_names_with_control_characters_are_refused(people, sign_in, name, make_site):
    ivan = sign_in(people.ivan)
    site = make_site()
    answer = ivan.post(f"/sites/{site.pk}/buildings/new/", {"name": name})
    assert answer.status_code == 422
    assert "U+00" in answer.content.decode()
    with pytest.raises(Refused, match=r"U\+00"):
        actions.create_organization(people.dora.actor, kind="installer", name=name, parent=people.dora.firm, now=NOW)


def test_the_command_line_reads_like_a_form(db):
    call_command("add_operator", email=f"Ida <{PUNYCODE}>", name="I\u200bda\u00a0N", firm="\u202eVendor", verbosity=0)
    member = Membership.objects.get()
    assert (member.user.email, member.user.name, member.organization.name) == (UNICODE, "Ida N", "Vendor")
    with pytest.raises(CommandError, match="email address"):
        call_command("add_operator", email="nobody", name="Ida", firm="V", verbosity=0)
    with pytest.raises(CommandError, match=r"U\+000B"):
        call_command("add_operator", email="b@b.example", name="A\x0bB", firm="V", verbosity=0)
    assert Organization.objects.count() == 1


def test_billing_mail_goes_where_it_is_shown(people):
    profile = save_billing(
        people.dora.actor, organization=people.dora.firm, company="N\u200bordlys", email=PUNYCODE, street="A", postal_code="20457",
        city="B", country="DE", now=timezone.now(),
    )  # fmt: skip
    assert BillingProfile.objects.get(pk=profile.pk).email == UNICODE
    assert profile.company == "Nordlys"


@pytest.mark.parametrize("typed", [UNICODE, PUNYCODE, "BÜCHER", "xn--bcher-kva", "bu\u0308cher\u200b"], ids=ascii)
def test_both_spellings_are_found(people, sign_in, make_site, make_apartment, ida, typed):
    site = make_site()
    apartment = make_apartment(site, master=False)
    resident = {"name": "Ida", "email": UNICODE, "mobile": "", "language": "en", "remark": ""}
    sign_in(people.ivan).post(f"/apartments/{apartment.pk}/residents/new/", resident)
    found = sign_in(people.ivan).get("/search/", {"q": typed}).content.decode()
    assert f"/apartments/{apartment.pk}/" in found
    assert f"/users/{people.dora.membership.pk}/" in sign_in(people.olga).get("/search/", {"q": typed}).content.decode()
    assert apartment.number in sign_in(people.ivan).get(f"/sites/{site.pk}/", {"q": typed}).content.decode()


def test_a_search_holds_any_sign(people, sign_in, make_site):
    site = make_site()
    for path in (
        "/sites/",
        "/users/",
        "/orders/",
        "/library/",
        "/settings/audit/",
        "/subscription/",
        "/search/",
        f"/sites/{site.pk}/",
    ):
        assert sign_in(people.ivan).get(path, {"q": "Har\u200bbour\x1d\x0b \u202ex\ud7ff"}).status_code == 200


def test_long_names_stand_whole_in_the_audit_and_in_mails(people):
    firm = actions.create_organization(
        people.dora.actor, kind="installer", name=f"Firm {'f' * 115}", parent=people.dora.firm, now=NOW
    )
    made = actions.invite(
        people.dora.actor, organization_id=firm.pk, email="t@b.example", name=f"Tom {'t' * 116}", language="en", now=NOW
    )
    event = AuditEvent.objects.order_by("-pk")[0]
    assert made.invited_as in event.subject_label
    assert firm.name in event.subject_label
    assert firm.name in Notice.objects.order_by("-pk")[0].subject + Notice.objects.order_by("-pk")[0].body


@pytest.mark.rule("R77")
@pytest.mark.parametrize(
    "typed",
    ["O'Neill-House", "O’NEILL–HOUSE", "Oʼneill‑House", "O’Neill-\u200bHouse", "O'Neill-House\u3164"],
    ids=ascii,
)
def test_names_that_look_alike_are_one_name(people, sign_in, make_site, typed):
    site, ivan = make_site(), sign_in(people.ivan)
    path = f"/sites/{site.pk}/buildings/new/"
    assert ivan.post(path, {"name": "O’Neill-House"}).status_code == 302
    assert Building.objects.get(site=site).name == "O’Neill-House"
    assert ivan.post(path, {"name": typed}).status_code == 422


def test_floors_have_names(people, make_site, make_apartment, sign_in):
    apartment = make_apartment(make_site())
    ivan, path = sign_in(people.ivan), f"/apartments/{apartment.pk}/edit/"
    page = ivan.get(path).content.decode()
    (line,) = re.findall(r'<input[^>]*name="floor"[^>]*>', page)
    assert "maxlength" not in line
    sent = {"number": "1.01", "version": apartment.version, "monitors-TOTAL_FORMS": 0, "monitors-INITIAL_FORMS": 0}
    for floor, status in (("Ground\u00a0Floor\r\n", 302), ("F" * 33, 422)):
        assert ivan.post(path, {**sent, "floor": floor}).status_code == status
    apartment.refresh_from_db()
    assert apartment.floor == "Ground Floor"
