"""The second factor is lost: who lets a person back in, who may not, and what is told about it."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import actions
from accounts.actions import two_factor
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Membership, Notice, Organization, Topic, UserSession
from accounts.notify import set_mutes
from tests.mails import sent, sent_to
from tests.people import NOW, PASSWORD, SYSTEM, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import everything
from tests.portal.signed_in import code_for, code_of, enter, key_on, switch_on

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
BUTTON = "Reset the second factor"


@pytest.fixture
def clock():
    """The time stands until a test moves it on."""
    with time_machine.travel(NOW, tick=False) as standing:
        yield standing


def inside(person: Person) -> Client:
    client = enter(person)
    client.post("/sign-in/code/", {"code": code_of(person)})
    return client


def reset(by: Person, whom: Person) -> None:
    two_factor.reset_two_factor(by.actor, membership_id=whom.membership.pk, now=NOW)


def still_on(*people: Person) -> bool:
    for person in people:
        person.membership.user.refresh_from_db()
    return all(person.membership.user.two_factor_at == NOW for person in people)


def test_ivan_lets_tess_back_in(people: People, sign_in) -> None:
    switch_on(people.tess, now=NOW)
    there, client, tess = inside(people.tess), sign_in(people.ivan), people.tess.membership
    assert there.get("/sites/").status_code == 200
    set_mutes(tess.user, topics=set(Topic.values), now=NOW)
    page = client.get(f"/users/{tess.pk}/")
    assert BUTTON in page.content.decode()
    assert_clean(page.content)
    answer = client.post(f"/users/{tess.pk}/two-factor/", follow=True)
    assert "The second factor of Tess Marin is gone" in answer.content.decode()
    assert BUTTON not in answer.content.decode()
    assert_clean(answer.content)
    tess.user.refresh_from_db()
    assert tess.user.two_factor_at is None
    assert not TOTPDevice.objects.exists()
    assert not StaticDevice.objects.exists()
    assert not UserSession.objects.filter(user=tess.user).exists()
    assert there.get("/sites/")["Location"] == "/sign-in/?next=/sites/"
    event = AuditEvent.objects.get(action="two_factor.reset")
    assert (event.before, event.after) == ({"on": True}, {"on": False})
    assert (event.user_id, event.organization_id) == (people.ivan.membership.user_id, people.ivan.firm.pk)
    assert "Second factor of Tess Marin" in client.get("/settings/audit/").content.decode()
    assert (
        sent_to(people.tess.email)[-1] == "Your two-factor authentication was reset"
    )  # though everything is muted (R8)
    assert "Hafen Intercom GmbH" in str(sent()[-1].body)
    assert enter(people.tess).get("/sites/").status_code == 200


@pytest.mark.rule("R7")
def test_where_it_is_demanded_the_next_sign_in_sets_it_up_anew(people: People) -> None:
    switch_on(people.ivan, now=NOW)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=True)
    reset(people.dora, people.ivan)
    client = enter(people.ivan)
    assert client.get("/sites/")["Location"] == "/settings/security/?next=/sites/"
    signed, key = key_on(client.get("/settings/security/").content.decode())
    form = {"key": signed, "code": code_for(key), "password": PASSWORD}
    assert client.post("/settings/security/", form).status_code == 200
    client.post("/settings/security/on/", {"kept": "on"})
    assert client.get("/sites/").status_code == 200


def test_who_waited_for_the_code_with_the_password_alone_is_sent_back(people: People) -> None:
    """Somebody with the password only stands at the door; the reset is not meant for them, and no list would show them inside."""
    switch_on(people.ivan, now=NOW)
    waiting = enter(people.ivan)
    assert waiting.get("/sites/")["Location"] == "/sign-in/code/?next=/sites/"
    reset(people.dora, people.ivan)
    assert waiting.get("/sites/")["Location"] == "/sign-in/?next=/sites/"
    assert waiting.get("/sites/")["Location"] == "/sign-in/?next=/sites/"
    assert waiting.get("/terms/").status_code == 200
    assert not UserSession.objects.exists()


@pytest.mark.rule("R1")
@pytest.mark.rule("R2")
def test_only_who_manages_the_persons_firm_or_one_above_and_never_for_oneself(people: People, sign_in) -> None:
    for person in (people.ivan, people.tess, people.dora, people.olga):
        switch_on(person, now=NOW)
    before = everything()
    for by, whom in (
        (people.sam, people.ivan), (people.mallory, people.ivan), (people.ivan, people.dora), (people.dora, people.olga),
    ):  # fmt: skip
        with pytest.raises(Membership.DoesNotExist):
            reset(by, whom)
    for by in (people.tess, people.petra):
        with pytest.raises(NotPermitted):
            reset(by, people.tess)
    for by in (people.ivan, people.dora, people.olga):
        with pytest.raises(Refused, match="A colleague, or somebody above"):
            reset(by, by)
    assert sign_in(people.mallory).post(f"/users/{people.ivan.membership.pk}/two-factor/").status_code == 404
    assert everything() == before
    assert still_on(people.ivan, people.tess, people.dora, people.olga)
    for by, whom in ((people.dora, people.ivan), (people.olga, people.dora)):
        reset(by, whom)
        whom.membership.user.refresh_from_db()
        assert whom.membership.user.two_factor_at is None


@pytest.mark.rule("R1")
def test_a_login_that_opens_another_tenant_is_reset_by_the_operator_only(people: People) -> None:
    """Paul looks after sites of Ivan too. Neither installer opens the other's door, nor is told whose it is."""
    switch_on(people.paul, now=NOW)
    here = actions.add_member(SYSTEM, organization=people.petra.firm, email=people.paul.email, name="Paul", now=NOW)
    said = set()
    before = everything()
    for by, membership in ((people.ivan, here), (people.dora, here), (people.igor, people.paul.membership)):
        with pytest.raises(Refused, match="only the operator") as caught:
            two_factor.reset_two_factor(by.actor, membership_id=membership.pk, now=NOW)
        said.add(str(caught.value))
    (words,) = said
    assert not any(name in words for name in ("Zephyr", "Holm", "Hafen"))
    assert everything() == before
    assert still_on(people.paul)
    two_factor.reset_two_factor(people.olga.actor, membership_id=here.pk, now=NOW)
    people.paul.membership.user.refresh_from_db()
    assert people.paul.membership.user.two_factor_at is None


def test_firms_below_and_memberships_that_ended_do_not_count_as_elsewhere(people: People) -> None:
    switch_on(people.petra, now=NOW)
    actions.add_member(SYSTEM, organization=people.ivan.firm, email=people.petra.email, name="Petra", now=NOW)
    for firm, change in ((people.paul.firm, {"is_active": False}), (people.igor.firm, {"joined_at": None})):
        other = actions.add_member(SYSTEM, organization=firm, email=people.petra.email, name="Petra", now=NOW)
        Membership.objects.filter(pk=other.pk).update(**change)
    reset(people.ivan, people.petra)
    people.petra.membership.user.refresh_from_db()
    assert people.petra.membership.user.two_factor_at is None


@pytest.mark.rule("R1")
def test_an_invitation_tells_nothing_of_the_logins_second_factor(people: People, sign_in) -> None:
    """Ivan invites Mallory: whether her login has one is not his business before she has joined."""
    switch_on(people.mallory, now=NOW)
    invited = actions.invite(
        people.ivan.actor, organization_id=people.ivan.firm.pk, email=people.mallory.email, name="M", language="en", now=NOW
    )  # fmt: skip
    page = sign_in(people.ivan).get(f"/users/{invited.pk}/").content.decode()
    assert BUTTON not in page
    assert "Two-factor" not in page
    assert "Withdraw the invitation and add the person again." in page
    for membership in (invited, people.tess.membership):  # as for who has none
        with pytest.raises(Refused, match="There is no second factor to reset"):
            two_factor.reset_two_factor(people.ivan.actor, membership_id=membership.pk, now=NOW)
    assert still_on(people.mallory)
    assert not Notice.objects.filter(key__startswith="two-factor-reset").exists()
