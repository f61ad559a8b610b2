"""Users: lists, firms, people, the page behind an invitation."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts import actions
from accounts.actions import tokens
from accounts.models import AuditEvent, Invitation, Kind, Membership, Organization, User
from communities.models import Entitlement
from smartplus.portal.users import queries as user_lists
from smartplus.portal.users import views as users
from tests.accounts.test_invitations import ELIN, everything, invite, token_of_last_mail
from tests.guards.pages import without_token
from tests.people import NOW, PASSWORD, People
from tests.portal.html import assert_clean, form_in
from tests.portal.places import pay


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def firm_form(name: str = "Lumen Access AB", **changes: Any) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": name, "street": "Skeppsbron 12", "postal_code": "211 20", "city": "Malmö", "state": "", "country": "SE",
        "time_zone": "", "person-name": "Elin Sjöberg", "person-email": "elin@lumen.example", "person-language": "en",
        "may-sees_prices": "on",
    }  # fmt: skip
    return {field: value for field, value in (form | changes).items() if value is not None}


# --- lists --------------------------------------------------------------------------------------------------------------


def test_dora_sees_her_installers_sub_distributors_managers_and_people(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    page = client.get("/users/").content.decode()
    assert "Hafen Intercom GmbH" in page
    assert "Norden Port AS" in page
    assert "under Sund Partner" in page
    assert "Ivan Brandt" in page
    assert "Zephyr" not in page
    assert_clean(page)
    for tab, wanted in (("subdistributor", "Sund Partner"), ("manager", "Holm Verwaltung"), ("people", "dora@nordlys")):
        page = client.get(f"/users/?tab={tab}").content.decode()
        assert wanted in page
        assert_clean(page)


def test_ivan_sees_his_managers_technicians_and_colleagues(people: People, sign_in) -> None:
    client = sign_in(people.ivan)
    seen = {tab: client.get(f"/users/?tab={tab}").content.decode() for tab in ("manager", "technicians", "people")}
    assert "Petra Holm" in seen["manager"]
    assert "Tess Marin" in seen["technicians"]
    assert "Ivan Brandt" in seen["people"]
    assert "Tess Marin" not in seen["people"]
    for page in seen.values():
        assert_clean(page)


@pytest.mark.parametrize("name", ["tess", "petra"])
def test_technicians_and_managers_have_no_users_page(people: People, sign_in, name: str) -> None:
    client = sign_in(getattr(people, name))
    for address in ("/users/", "/users/new/?kind=colleague", f"/users/{people.ivan.membership.pk}/",
                    f"/users/firms/{people.ivan.firm.pk}/"):  # fmt: skip
        assert client.get(address).status_code == 403
    assert 'href="/users/"' not in client.get("/help/").content.decode()


@pytest.mark.parametrize("tab", ["installer", "subdistributor", "manager", "people"])
def test_a_list_takes_ten_statements_however_long_it_is(
    people: People, sign_in, tab: str, django_assert_max_num_queries
) -> None:
    for number in range(8):
        actions.create_organization(
            people.dora.actor, kind=Kind.INSTALLER, name=f"I{number}", parent=people.dora.firm, now=NOW
        )
        invite(people.dora, email=f"n{number}@nordlys.example")
    client = sign_in(people.dora)
    with django_assert_max_num_queries(10):
        assert client.get(f"/users/?tab={tab}").status_code == 200


def test_search_and_chips_narrow_the_list(people: People, sign_in) -> None:
    firm = Organization.objects.get(pk=people.ivan.firm.pk)
    firm.pays_regular, firm.city = True, "Hamburg"
    firm.save()
    client = sign_in(people.dora)
    for query, hafen, norden in (
        ("q=hambu", True, False),
        ("q=INES@", False, True),
        ("q=vik", False, True),
        ("show=no-pay", False, True),
        (f"under={people.sam.firm.pk}", False, True),
        (f"under={people.mallory.firm.pk}", False, False),
        ("q=zephyr", False, False),
        ("show=nonsense", True, True),
        ("under=x&after=y&tab=nonsense", True, True),
    ):
        page = client.get(f"/users/?{query}").content.decode()
        assert ("Hafen Intercom GmbH" in page, "Norden Port AS" in page) == (hafen, norden), query
        assert_clean(page)


# --- adding -------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R2")
def test_dora_adds_an_installer_that_may_not_pay_and_invites_its_administrator(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    page = client.get("/users/new/?kind=installer").content.decode()
    assert "Neither ticked: the installer may not pay." in page
    assert_clean(page)
    answer = client.post("/users/new/?kind=installer", firm_form(parent=people.dora.firm.pk))
    lumen = Organization.objects.get(name="Lumen Access AB")
    assert answer["Location"] == f"/users/firms/{lumen.pk}/"
    assert (lumen.pays_regular, lumen.pays_credits, lumen.require_2fa, lumen.sees_prices) == (False, False, False, True)
    assert (lumen.parent_id, lumen.distributor_id, lumen.time_zone) == (
        people.dora.firm.pk, people.dora.firm.pk, "Europe/Stockholm",
    )  # fmt: skip
    page = client.get(answer["Location"]).content.decode()
    assert "Elin Sjöberg" in page
    assert "mail waiting" in page
    assert_clean(page)
    token_of_last_mail()
    assert "22 Nov 2026, mail sent" in client.get("/users/").content.decode()


@pytest.mark.rule("R2")
@pytest.mark.rule("R1")
def test_who_creates_whom_and_below_whom(people: People, sign_in) -> None:
    """Every role tries every kind below every firm there is; only what DOMAIN §1 says comes to be."""
    allowed = {
        ("olga", "distributor", "Vendor"),
        ("dora", "subdistributor", "Nordlys Distribution"),
        ("dora", "installer", "Nordlys Distribution"),
        ("dora", "installer", "Sund Partner"),
        ("sam", "installer", "Sund Partner"),
        ("ivan", "manager", "Hafen Intercom GmbH"),
    }
    made = set()
    firms = list(Organization.objects.all())
    for name in ("olga", "dora", "sam", "ivan", "tess", "petra"):
        client = sign_in(getattr(people, name))
        for kind in Kind.values:
            for parent in firms:
                mark = f"{name} {kind} {parent.pk}"
                form = firm_form(
                    mark, parent=parent.pk, currency="USD", **{"person-email": f"{name}{kind}{parent.pk}@x.example"}
                )
                client.post(f"/users/new/?kind={kind}", form)
                new = Organization.objects.filter(name=mark).first()
                if new is not None:
                    assert (new.kind, new.parent_id) == (kind, parent.pk)
                    made.add((name, kind, parent.name))
    assert made == allowed


def test_a_firm_is_not_added_when_its_administrator_is_refused(people: People, sign_in) -> None:
    before = everything()
    form = firm_form(parent=people.dora.firm.pk, **{"person-email": "nonsense"})
    answer = sign_in(people.dora).post("/users/new/?kind=installer", form)
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert everything() == before
    assert not Organization.objects.filter(name="Lumen Access AB").exists()


def test_olga_adds_a_distributor_with_its_currency(people: People, sign_in) -> None:
    client = sign_in(people.olga)
    assert_clean(client.get("/users/new/?kind=distributor").content)
    client.post("/users/new/?kind=distributor", firm_form(parent=people.olga.firm.pk, currency="EUR"))
    assert Organization.objects.get(name="Lumen Access AB").currency == "EUR"


def test_ivan_invites_a_technician(people: People, sign_in) -> None:
    client = sign_in(people.ivan)
    page = client.get("/users/new/?kind=technician").content.decode()
    assert_clean(page)
    answer = client.post(
        "/users/new/?kind=technician",
        {
            "person-name": "Tom",
            "person-email": "tom@hafen.example",
            "person-language": "de",
            "rights-is_technician": "yes",
        },
    )
    made = Membership.objects.get(user__email_key="tom@hafen.example")
    assert answer["Location"] == f"/users/{made.pk}/"
    assert (made.is_technician, made.organization_id, made.joined_at) == (True, people.ivan.firm.pk, None)
    assert_clean(client.get(answer["Location"]).content)


@pytest.mark.rule("R2")
@pytest.mark.parametrize("name", ["olga", "dora", "sam"])
def test_only_an_installer_has_a_page_for_technicians(people: People, sign_in, name: str) -> None:
    client = sign_in(getattr(people, name))
    before = everything()
    form = {"person-name": "Tom", "person-email": "tom@x.example", "person-language": "de"}
    for answer in (
        client.get("/users/new/?kind=technician"),
        client.post("/users/new/?kind=technician", form),
        client.post("/users/new/?kind=technician", form | {"rights-is_technician": "yes"}),
    ):
        assert answer.status_code == 404
    assert everything() == before


@pytest.mark.rule("R2")
@pytest.mark.parametrize("name", ["olga", "dora", "sam", "ivan", "tess", "petra"])
def test_who_adds_people_to_which_firm_by_the_form_and_by_a_forged_one(people: People, sign_in, name: str) -> None:
    """Every role sends the form of every firm, with and without the technician's tick, whether or not the page has it."""
    person = getattr(people, name)
    client, made, shown = sign_in(person), set(), set()
    for one in (people.olga, people.dora, people.sam, people.ivan, people.ines, people.petra, people.igor, people.paul):
        address = f"/users/firms/{one.firm.pk}/people/new/"
        page = client.get(address)
        if page.status_code == 200:
            assert_clean(page.content)
            shown.add(one.firm.name)
        if client.get(f"/users/firms/{one.firm.pk}/").status_code == 200:
            links = address in client.get(f"/users/firms/{one.firm.pk}/").content.decode()
            assert links == (one.firm.name in shown)
        for tick in ("no", "yes"):
            before, email = everything(), f"{one.firm.pk}{tick}@x.example"
            form = {"person-name": "X", "person-email": email, "person-language": "en", "rights-is_technician": tick}
            answer = client.post(address, form)
            invited = Membership.objects.filter(user__email_key=email).first()
            if invited is None:
                assert answer.status_code in {403, 404, 422}
                assert everything() == before
            else:
                assert (invited.organization_id, invited.is_technician) == (one.firm.pk, tick == "yes")
                made.add(f"{one.firm.name}{' technician' if invited.is_technician else ''}")
    resellers, installers = {"Nordlys Distribution", "Sund Partner"}, {"Hafen Intercom GmbH", "Norden Port AS"}
    allowed = {
        "olga": {"Vendor", *resellers, *installers, "Zephyr Install"},
        "dora": {*resellers, *installers},
        "sam": {"Sund Partner", "Norden Port AS"},
        "ivan": {"Hafen Intercom GmbH", "Holm Verwaltung"},
        "tess": set(),
        "petra": set(),
    }[name]
    assert shown == allowed
    assert made == allowed | ({"Hafen Intercom GmbH technician"} if name == "ivan" else set())


@pytest.mark.rule("R2")
def test_from_above_nobody_makes_a_technician_of_a_colleague_nor_the_reverse(people: People, sign_in) -> None:
    for name in ("olga", "dora"):
        client = sign_in(getattr(people, name))
        for person, forged in ((people.tess, "no"), (people.ivan, "yes")):
            address = f"/users/{person.membership.pk}/"
            page = client.get(address).content.decode()
            assert "Technician: works on assigned sites" not in page
            assert_clean(page)
            before = everything()
            answer = client.post(address, {"rights-is_technician": forged, "rights-version": "1"})
            assert answer.status_code == 422
            assert_clean(answer.content)
            assert everything() == before


# --- what one may give ------------------------------------------------------------------------------------------------------


def test_forms_offer_the_rights_one_has_and_leave_the_others_as_they_are(people: People, sign_in) -> None:
    """Dora does not manage subscriptions: of Ivan, who does, the box is locked, and stays whatever is sent."""
    dora = people.dora.membership
    Membership.objects.filter(pk=dora.pk).update(manages_subscriptions=False)
    client, ivan = sign_in(people.dora), people.ivan.membership
    address = f"/users/{ivan.pk}/"
    page = client.get(address).content.decode()
    boxes = dict(re.findall(r'name="rights-grants" value="(\w+)"([^>]*)>', page))
    assert {name: "disabled" in rest for name, rest in boxes.items()} == {
        "sees_prices": False, "sees_invoices": False, "gets_billing_mail": False, "manages_subscriptions": True,
    }  # fmt: skip
    assert all("checked" in rest for rest in boxes.values())
    assert_clean(page)
    assert client.post(address, {"rights-version": "1", "rights-grants": ["sees_prices"]}).status_code == 302
    ivan.refresh_from_db()
    assert (ivan.manages_subscriptions, ivan.sees_invoices, ivan.gets_billing_mail) == (True, True, False)
    Membership.objects.filter(pk=ivan.pk).update(manages_subscriptions=False)
    forged = {"rights-version": ivan.version, "rights-grants": ["manages_subscriptions"]}
    assert client.post(address, forged).status_code == 403
    ivan.refresh_from_db()
    assert not ivan.manages_subscriptions


def test_permissions_one_may_not_decide_are_locked_and_stay(people: People, sign_in) -> None:
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=False, sees_prices=False)
    client, firm = sign_in(people.dora), people.ivan.firm
    address = f"/users/firms/{firm.pk}/edit/"
    for where in (address, "/users/new/?kind=installer"):
        page = client.get(where).content.decode()
        assert len(re.findall(r'name="may-[^>]*disabled', page)) == 3
        assert "Only members who manage subscriptions decide this." in page
        assert_clean(page)
    form = firm_form("Hafen Intercom GmbH", country="DE", time_zone="Europe/Berlin", version="1")
    form |= {"may-pays_regular": "on", "may-pays_credits": "on", "may-require_2fa": "on"}
    form.pop("may-sees_prices")
    assert client.post(address, form).status_code == 302
    firm.refresh_from_db()
    assert (firm.pays_regular, firm.pays_credits, firm.sees_prices, firm.require_2fa) == (False, False, True, True)
    client.post("/users/new/?kind=installer", form | {"name": "Lumen", "parent": people.dora.firm.pk})
    lumen = Organization.objects.get(name="Lumen")
    assert (lumen.pays_regular, lumen.pays_credits, lumen.sees_prices) == (False, False, True)
    invited = Membership.objects.get(organization=lumen)
    assert (invited.sees_prices, invited.manages_subscriptions, invited.gets_billing_mail) == (False, False, True)


def test_nobody_becomes_the_administrator_of_a_firm_one_adds(people: People, sign_in) -> None:
    before = everything()
    form = firm_form(parent=people.dora.firm.pk, **{"person-email": "Dora@Nordlys.example"})
    answer = sign_in(people.dora).post("/users/new/?kind=installer", form)
    assert answer.status_code == 422
    assert "You can&#x27;t invite yourself" in answer.content.decode()
    assert not Organization.objects.filter(name="Lumen Access AB").exists()
    assert everything() == before


# --- Pay by Installer -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("R9")
def test_a_change_of_what_an_installer_may_is_audited_with_before_and_after(people: People, sign_in) -> None:
    firm = people.ivan.firm
    client = sign_in(people.dora)
    address = f"/users/firms/{firm.pk}/edit/"
    assert_clean(client.get(address).content)
    form = firm_form("Hafen Intercom GmbH", country="DE", time_zone="Europe/Berlin", version="1")
    answer = client.post(address, form | {"may-pays_regular": "on", "may-require_2fa": "on"})
    assert answer["Location"] == f"/users/firms/{firm.pk}/"
    firm.refresh_from_db()
    assert (firm.pays_regular, firm.pays_credits, firm.require_2fa, firm.sees_prices) == (True, False, True, True)
    event = AuditEvent.objects.get(action="organization.permissions_set")
    assert (event.before, event.after) == (
        {"pays_regular": False, "require_2fa": False},
        {"pays_regular": True, "require_2fa": True},
    )
    assert (event.user_id, event.organization_id, event.at) == (people.dora.membership.user_id, firm.pk, NOW)
    stale = client.post(address, form)
    assert stale.status_code == 409
    firm.refresh_from_db()
    assert firm.pays_regular


@pytest.mark.rule("R2")
def test_an_installer_never_permits_itself_to_pay(people: People, sign_in) -> None:
    firm = people.ivan.firm
    client = sign_in(people.ivan)
    address = f"/users/firms/{firm.pk}/edit/"
    assert "may-pays_regular" not in client.get(address).content.decode()
    form = firm_form("Hafen Intercom", country="DE", time_zone="Europe/Berlin", version="1")
    client.post(address, form | {"may-pays_regular": "on", "may-pays_credits": "on", "pays_regular": "on"})
    firm.refresh_from_db()
    assert (firm.name, firm.pays_regular, firm.pays_credits) == ("Hafen Intercom", False, False)
    for person in (people.sam, people.mallory):
        assert sign_in(person).post(address, form).status_code == 404


# --- invitations --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R6")
def test_the_link_lets_a_person_set_a_password_and_work_at_once(people: People) -> None:
    invite(people.ivan)
    client, address = Client(), f"/invitation/{token_of_last_mail()}/"
    page = client.get(address)
    assert page.status_code == 200
    assert "Join Hafen Intercom GmbH" in page.content.decode()
    assert_clean(page.content)
    for first, second, said in (
        ("short", "short", "at least 12"),
        (PASSWORD, PASSWORD + "x", "not the same"),
        (ELIN, ELIN, "too similar"),
    ):
        refused = client.post(address, {"name": "Elin", "password1": first, "password2": second})
        assert refused.status_code == 422
        assert said in refused.content.decode()
    assert SESSION_KEY not in client.session
    answer = client.post(address, {"name": "Elin", "password1": PASSWORD, "password2": PASSWORD})
    assert answer["Location"] == "/"
    user = User.objects.get(email_key=ELIN)
    assert (client.session[SESSION_KEY], user.confirmed_at) == (str(user.pk), NOW)
    assert client.session["membership"] == user.memberships.get().pk


@pytest.mark.rule("R6")
def test_the_first_sign_in_with_a_password_confirms_the_address(people: People) -> None:
    """Passwords come by mail only, through an invitation or a reset: who has one owns the mailbox."""
    user = people.dora.membership.user
    assert user.confirmed_at is None
    Client().post("/sign-in/", {"username": people.dora.email, "password": "wrong horse battery"})
    user.refresh_from_db()
    assert user.confirmed_at is None
    Client().post("/sign-in/", {"username": people.dora.email, "password": PASSWORD})
    user.refresh_from_db()
    assert user.confirmed_at == NOW
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        Client().post("/sign-in/", {"username": people.dora.email, "password": PASSWORD})
    user.refresh_from_db()
    assert user.confirmed_at == NOW


def test_looking_at_the_link_changes_nothing(people: People) -> None:
    invite(people.ivan)
    token = token_of_last_mail()
    before = everything()
    for _ in range(3):
        assert Client().get(f"/invitation/{token}/").status_code == 200
        assert Client().head(f"/invitation/{token}/").status_code == 200
    assert everything() == before
    assert Invitation.objects.get().accepted_at is None


def test_used_expired_replaced_and_invented_links_get_the_same_page(people: People) -> None:
    made = invite(people.ivan)
    replaced = token_of_last_mail()
    actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    used = token_of_last_mail()
    actions.accept_invitation(token=used, user=None, name="Elin", password=PASSWORD, now=NOW)
    invite(people.ivan, email="other@hafen.example")
    expired = token_of_last_mail()
    Invitation.objects.filter(email="other@hafen.example").update(expires_at=NOW)
    pages = set()
    for token in (replaced, used, expired, "invented"):
        for answer in (
            Client().get(f"/invitation/{token}/"),
            Client().post(f"/invitation/{token}/", {"name": "E", "password1": PASSWORD, "password2": PASSWORD}),
        ):
            assert answer.status_code == 410
            assert "This link no longer works" in answer.content.decode()
            assert_clean(answer.content)
            pages.add(answer.content.decode().split("<main")[1].split("</main>")[0])
    assert len(pages) == 1


def test_who_has_a_login_signs_in_joins_and_switches(people: People) -> None:
    invite(people.ivan, email=people.ines.email, name="Ines")
    address = f"/invitation/{token_of_last_mail()}/"
    client = Client()
    page = client.get(address).content.decode()
    assert f"/sign-in/?next={address}" in page
    assert_clean(page)
    answer = client.post("/sign-in/", {"username": people.ines.email, "password": PASSWORD, "next": address})
    assert answer["Location"] == address
    assert client.post(address)["Location"] == "/"
    assert "<b>Hafen Intercom GmbH</b>" in client.get("/help/").content.decode()
    assert "Norden Port AS" in client.get("/help/").content.decode()
    assert client.get(address).status_code == 410


def test_somebody_else_who_is_signed_in_can_not_join_by_the_link(people: People, sign_in) -> None:
    made = invite(people.ivan, email=people.ines.email, name="Ines")
    client, address = sign_in(people.mallory), f"/invitation/{token_of_last_mail()}/"
    page = client.get(address).content.decode()
    assert "You are signed in as mallory@zephyr.example" in page
    assert_clean(page)
    client.post(address)
    made.refresh_from_db()
    assert made.joined_at is None


def test_a_new_login_is_not_made_in_somebody_elses_session(people: People, sign_in) -> None:
    """Elin opens her link on the machine where Ivan is signed in: he stays so until somebody signs him out."""
    made = invite(people.ivan)
    client, address = sign_in(people.ivan), f"/invitation/{token_of_last_mail()}/"
    before = everything()
    for answer in (
        client.get(address),
        client.post(address, {"name": "Elin", "password1": PASSWORD, "password2": PASSWORD}),
    ):
        page = answer.content.decode()
        assert "You are signed in as ivan@hafen.example" in page
        assert 'action="/sign-out/"' in page
        assert "password1" not in page
        assert_clean(page)
    assert client.session[SESSION_KEY] == str(people.ivan.membership.user_id)
    assert everything() == before
    client.post("/sign-out/")
    assert client.post(address, {"name": "Elin", "password1": PASSWORD, "password2": PASSWORD})["Location"] == "/"
    assert client.session[SESSION_KEY] == str(made.user_id)


@pytest.mark.rule("R1")
def test_inviting_does_not_tell_whether_an_address_has_a_login_elsewhere(people: People, sign_in) -> None:
    """Ivan invites Mallory, who works in another tree, and somebody nobody knows: his pages read the same."""
    client = sign_in(people.ivan)
    pages = []
    for email in ("mallory@zephyr.example", "nobody@zephyr.example"):
        form = {
            "person-name": "Max Muster",
            "person-email": email,
            "person-language": "en",
            "rights-is_technician": "no",
        }
        answer = client.post("/users/new/?kind=colleague", form)
        made = Membership.objects.get(organization=people.ivan.firm, user__email_key=email)
        listed = "/users/?tab=people&q=zephyr"
        page = client.get(answer["Location"]).content.decode() + client.get(listed).content.decode()
        assert page.count("Max Muster") >= 2
        assert "Mallory Black" not in page
        for text in ("Black", "mallory b"):
            assert (
                "Nobody here matches" in client.get("/users/?tab=people", {"q": text, "tab": "people"}).content.decode()
            )
        page = page.replace(email, "@").replace(f"/{made.pk}/", "/n/")
        pages.append((answer.status_code, without_token(page)))
        actions.cancel_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    assert pages[0] == pages[1]


@pytest.mark.rule("R1")
def test_the_new_address_of_a_login_that_has_not_joined_is_told_by_no_search_and_no_key(
    people: People, sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(people.ivan, email="mallory@zephyr.example", name="Aaa Able")
    login = people.mallory.membership.user
    login.email = "secret-new@zephyr2.example"
    login.save()
    client = sign_in(people.ivan)
    for text in ("secret-ne", "zephyr2", "secret-nx"):
        for address in ("/users/?tab=people", "/search/?x="):
            assert "Aaa Able" not in client.get(f"{address}&q={text}").content.decode(), (address, text)
    for text in ("mallory@zeph", "MALLORY@zephyr.example", "aaa zephyr"):
        for address in ("/users/?tab=people", "/search/?x="):
            assert "Aaa Able" in client.get(f"{address}&q={text}").content.decode(), (address, text)
    monkeypatch.setattr(users, "PAGE", 1)
    for sort in ("", "name", "-name", "role", "standing", "signed_in"):
        page = client.get(f"/users/?tab=people&sort={sort}").context["page"]
        assert "secret" not in base64.urlsafe_b64decode(f"{page.next}==").decode(), sort


def test_the_list_is_narrowed_to_who_stands_under_a_chosen_firm(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    page = client.get(f"/users/?under={people.sam.firm.pk}").content.decode()
    assert f'<option value="{people.sam.firm.pk}" selected>under Sund Partner</option>' in page
    assert "Zephyr" not in page
    assert 'name="under"' not in sign_in(people.ivan).get("/users/").content.decode()


def test_whether_people_show_a_second_factor_is_told_by_firm(people: People, sign_in) -> None:
    hafen = people.ivan.firm

    def security(**filters: Any) -> tuple[str, str]:
        (firm,) = [row for row in user_lists.with_numbers(
            people.dora.actor,
            list(user_lists.firms(people.dora.actor, kind=Kind.INSTALLER)), NOW,
        ) if row.firm == hafen]  # fmt: skip
        standing = firm.security
        return standing.word, standing.detail

    assert security() == ("Not demanded", "")
    User.objects.filter(pk=people.tess.membership.user_id).update(two_factor_at=NOW)
    assert security() == ("Not demanded", "1 of 2 have it")
    Organization.objects.filter(pk=hafen.pk).update(require_2fa=True)
    assert security() == ("Set up at login", "1 of 2 have it")
    User.objects.filter(pk=people.ivan.membership.user_id).update(two_factor_at=NOW)
    assert security() == ("On", "demanded")
    assert "On" in sign_in(people.dora).get("/users/").content.decode()


def test_the_lists_are_exported_whole_and_harmless(people: People, sign_in) -> None:
    Organization.objects.filter(pk=people.ines.firm.pk).update(name="=2+5", city="+1")
    client = sign_in(people.dora)
    answer = client.get("/users/?format=csv")
    text = b"".join(answer).decode()
    assert answer["Content-Disposition"] == 'attachment; filename="installer.csv"'
    assert "\r\n'=2+5,Installer,'+1," in text
    assert "Hafen Intercom GmbH" in text
    assert "Zephyr" not in text
    only = b"".join(client.get(f"/users/?format=csv&under={people.sam.firm.pk}")).decode()
    assert "Hafen" not in only
    assert people.dora.email in b"".join(client.get("/users/?tab=people&format=csv")).decode()
    assert b"".join(sign_in(people.sam).get(f"/users/?format=csv&under={people.mallory.firm.pk}")).count(b"\r\n") == 1


# --- closing a firm, and the form of a technician -----------------------------------------------------------------------------


def test_deactivating_a_firm_says_in_numbers_what_stops_and_what_goes_on(
    people: People, sign_in, make_site, make_apartment
) -> None:
    site = make_site()
    make_apartment(site, indoor_monitor=False)
    paid = Entitlement.objects.filter(site=site).first()
    assert paid is not None
    pay(paid)
    actions.invite(
        people.ivan.actor,
        organization_id=people.ivan.firm.pk,
        email="n@hafen.example",
        name="N",
        language="en",
        now=NOW,
    )
    tokens.create_token(people.ivan.actor, name="t", scopes=["read:sites"], expires_at=None, password=PASSWORD, now=NOW)
    dora, address = sign_in(people.dora), f"/users/firms/{people.ivan.firm.pk}/activity/"
    assert f'href="{address}"' in dora.get(f"/users/firms/{people.ivan.firm.pk}/").content.decode()
    with time_machine.travel(NOW, tick=False):
        page = dora.get(address)
    assert_clean(page.content)
    closing = page.context["closing"]
    assert {str(label): n for label, n in closing.stops} == {
        "People who can work for it": 2,
        "Invitations that can be taken up": 1,
        "API tokens that answer": 1,
    }
    assert {str(label): n for label, n in closing.goes_on} == {
        "Firms below it, which work as before": 1,
        "People of these firms, who keep their sites": 1,
        "Sites": 1,
        "Paid services: they run to the end of their paid time": 1,
    }
    assert "keeps login and password" in page.content.decode()
    people.ivan.firm.refresh_from_db()
    assert people.ivan.firm.is_active  # looking changes nothing
    assert dora.post(address, form_in(page.content, "active")).status_code == 302
    people.ivan.firm.refresh_from_db()
    assert not people.ivan.firm.is_active
    assert dora.get(address).status_code == 302


@pytest.mark.parametrize(("name", "status"), [("ivan", 403), ("mallory", 404), ("tess", 403), ("sam", 404)])
def test_only_who_is_above_is_asked_whether_to_deactivate(people: People, sign_in, name: str, status: int) -> None:
    who = sign_in(getattr(people, name))
    for method in (who.get, who.post):
        assert method(f"/users/firms/{people.ivan.firm.pk}/activity/", {"active": "no"}).status_code == status
    people.ivan.firm.refresh_from_db()
    assert people.ivan.firm.is_active


def test_the_form_of_a_technician_shows_nothing_of_money(people: People, sign_in) -> None:
    ivan, tess = sign_in(people.ivan), people.tess.membership
    for address in (f"/users/{tess.pk}/", "/users/new/?kind=technician"):
        assert 'name="rights-grants"' not in ivan.get(address).content.decode()
    assert 'name="rights-is_technician"' not in ivan.get("/users/new/?kind=technician").content.decode()
    above = sign_in(people.dora).get(f"/users/{tess.pk}/").content.decode()
    assert "Save rights" not in above
    form = form_in(ivan.get(f"/users/{tess.pk}/").content, "rights-is_technician")
    assert ivan.post(f"/users/{tess.pk}/", form).status_code == 302
    tess.refresh_from_db()
    assert (tess.is_technician, tess.version) == (True, 1)  # nothing changed, so nothing was written
    promoted = ivan.post(f"/users/{tess.pk}/", {**form, "rights-is_technician": "no"}, follow=True)
    assert "sees nothing of money yet" in promoted.content.decode()
    tess.refresh_from_db()
    assert (tess.is_technician, tess.grants) == (False, frozenset())
    assert 'name="rights-grants"' in ivan.get(f"/users/{tess.pk}/").content.decode()


def test_who_is_added_as_a_technician_becomes_one(people: People, sign_in) -> None:
    ivan = sign_in(people.ivan)
    form = form_in(ivan.get("/users/new/?kind=technician").content, "person-email")
    form |= {"person-name": "New", "person-email": "new@hafen.example"}
    assert ivan.post("/users/new/?kind=technician", form).status_code == 302
    assert Membership.objects.get(user__email="new@hafen.example").is_technician
    assert ivan.post("/users/new/?kind=colleague", {**form, "person-email": "c@hafen.example"}).status_code == 302
    assert not Membership.objects.get(user__email="c@hafen.example").is_technician
