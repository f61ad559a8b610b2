"""Another address to sign in with: asked for by the person or by who manages people, confirmed by its mailbox (R6)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts import actions
from accounts.actions import sessions, tokens
from accounts.models import AuditEvent, MailLink, Membership, User, UserSession
from tests.mails import sent
from tests.people import NOW, PASSWORD, SYSTEM
from tests.portal.html import assert_clean, form_in
from tests.portal.signed_in import code_of, enter, switch_on

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
NEW = "ivan@brandt.example"


def mail_to(email):
    return [message for message in sent() if message.to == [email]]


def link_to(email):
    (path,) = re.findall(r"^http://testserver(/address/\S+)$", mail_to(email)[-1].body, re.M)
    return path


def address_of(person):
    return User.objects.get(pk=person.membership.user_id).email


def ask(client, email=NEW, **more):
    return client.post("/settings/address/", {"email": email, "password": PASSWORD, **more})


def snapshot():
    return (
        list(User.objects.order_by("pk").values_list("email", "email_key", "confirmed_at")),
        MailLink.objects.count(),
        AuditEvent.objects.count(),
        len(sent()),
    )


# --- by the person --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R6")
def test_ivan_changes_his_address_by_the_link_to_the_new_one(people, sign_in):
    ivan, old = sign_in(people.ivan), people.ivan.email
    assert 'href="/settings/address/"' in ivan.get("/settings/").content.decode()
    assert_clean(ivan.get("/settings/address/").content)
    answer = ask(ivan)
    assert answer["Location"] == "/settings/address/"
    page = ivan.get("/settings/address/").content.decode()
    assert f"{NEW} becomes your address once the link" in page
    assert address_of(people.ivan) == old
    (notice,) = mail_to(old)
    assert notice.subject == "Your SmartPlus address is to be changed"
    assert NEW in notice.body
    link = link_to(NEW)
    assert_clean(Client().get(link).content)
    assert Client().get(link).status_code == 200
    assert address_of(people.ivan) == old  # looking changes nothing: mail scanners look too
    assert Client().post(link)["Location"] == "/sign-in/"
    assert address_of(people.ivan) == NEW
    assert ivan.get("/settings/").status_code == 200  # the own session goes on
    assert Client().post("/sign-in/", {"username": old, "password": PASSWORD}).status_code == 200
    assert Client().post("/sign-in/", {"username": NEW.upper(), "password": PASSWORD}).status_code == 302
    assert [message.subject for message in mail_to(old)][-1] == "Your SmartPlus address was changed"
    assert "Your SmartPlus address was changed" in [message.subject for message in mail_to(NEW)]
    events = AuditEvent.objects.filter(action__startswith="address.").order_by("pk")
    assert [(event.action, event.after, event.subject_label) for event in events] == [
        (action, {"fields": ["email"]}, f"#{people.ivan.membership.user_id}")
        for action in ("address.asked", "address.changed")
    ]
    for again in (Client().get(link), Client().post(link)):
        assert again.status_code == 410
    assert "Own address changed" in ivan.get("/settings/audit/").content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "wrong"}, "password"),
        ({"password": ""}, "password"),
        ({"email": "not an address"}, "email"),
        ({"email": "IVAN@hafen.example"}, "email"),
    ],
)
def test_without_the_proof_or_another_address_nothing_happens(people, sign_in, change, field):
    before = snapshot()
    answer = (
        ask(sign_in(people.ivan), **change) if "email" not in change else ask(sign_in(people.ivan), change["email"])
    )
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert snapshot() == before


def test_with_a_second_factor_its_code_is_asked_for(people):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    client.post("/sign-in/code/", {"code": code_of(people.ivan)})
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        assert list(ask(client).context["form"].errors) == ["code"]
        assert not MailLink.objects.exists()
        assert ask(client, code=code_of(people.ivan)).status_code == 302
    assert MailLink.objects.count() == 1


def test_guessing_the_password_here_ends_as_elsewhere(people, sign_in):
    client = sign_in(people.ivan)
    assert [ask(client, password="x").status_code for _ in range(6)] == [422, 422, 422, 422, 429, 429]


def test_an_address_that_somebody_has_gets_the_same_answer_and_no_link(people, sign_in):
    answers = []
    for asked in (NEW, people.paul.email):
        client = sign_in(people.ivan)
        answer = ask(client, asked)
        page = client.get("/settings/address/").content.decode()
        own = client.get("/settings/notifications/").content.decode()
        for text in (page, own):
            assert asked in text
        answers.append(
            [answer.status_code, answer["Location"]]
            + [
                re.sub(r'((?:csrfmiddlewaretoken|form_token)" value|href)="[^"]+"', "", text.replace(asked, ""))
                for text in (page,)
            ]
        )
    assert answers[0] == answers[1]
    (mail,) = mail_to(people.paul.email)
    assert mail.subject == "Your new address for SmartPlus"
    assert "/address/" not in mail.body
    assert "exists already" in mail.body
    assert [notice.subject for notice in mail_to(NEW)] == [mail.subject]
    assert people.ivan.membership.user.name not in mail.body


def test_an_address_taken_after_the_link_was_sent_is_refused_like_a_used_link(people, sign_in):
    ask(sign_in(people.ivan))
    link = link_to(NEW)
    User.objects.create_user(NEW, PASSWORD, name="Somebody")
    assert Client().post(link).status_code == 410
    assert address_of(people.ivan) == "ivan@hafen.example"
    assert MailLink.objects.get().used_at is None


def test_a_link_ends_after_a_day_when_replaced_and_when_withdrawn(people, sign_in):
    ivan = sign_in(people.ivan)
    ask(ivan)
    first = link_to(NEW)
    ask(ivan, "other@brandt.example")
    assert Client().post(first).status_code == 410
    second = link_to("other@brandt.example")
    with time_machine.travel(NOW + timedelta(hours=24), tick=False):
        assert Client().post(second).status_code == 410
    assert ivan.post("/settings/address/", {"do": "withdraw"}).status_code == 302
    assert Client().post(second).status_code == 410
    assert address_of(people.ivan) == "ivan@hafen.example"
    assert AuditEvent.objects.filter(action="address.withdrawn").count() == 1
    assert "no change of address" in ivan.post("/settings/address/", {"do": "withdraw"}, follow=True).content.decode()


def new_password(people, sign_in):
    new = "staple battery horse"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert sign_in(people.ivan).post("/settings/password/", form).status_code == 302


def signed_out(people, sign_in):
    sessions.end_other_sessions(people.ivan.actor, people.ivan.membership.user, but="", now=NOW)


@pytest.mark.parametrize("happens", [new_password, signed_out])
def test_who_takes_the_login_back_ends_the_change_that_waits(people, sign_in, happens):
    ask(sign_in(people.ivan))
    link = link_to(NEW)
    happens(people, sign_in)
    assert Client().post(link).status_code == 410
    assert address_of(people.ivan) == "ivan@hafen.example"


def test_no_more_than_five_mails_an_hour_go_to_typed_addresses(people, sign_in):
    ivan = sign_in(people.ivan)
    assert [ask(ivan, f"a{n}@brandt.example").status_code for n in range(6)] == [302] * 5 + [422]


def test_the_token_is_kept_nowhere(people, sign_in):
    ask(sign_in(people.ivan))
    token = link_to(NEW).rstrip("/").rpartition("/")[2]
    assert len(token) == 43
    for model in (MailLink, AuditEvent, User):
        assert token not in str(list(model.objects.values()))


# --- by who manages people -------------------------------------------------------------------------------------------------


def test_ivan_gives_tess_another_address_and_everything_that_is_open_ends(people, sign_in):
    tess, ivan, old = enter(people.tess), sign_in(people.ivan), people.tess.email
    tokens.create_token(people.tess.actor, name="t", scopes=["read:sites"], expires_at=None, password=PASSWORD, now=NOW)
    page = f"/users/{people.tess.membership.pk}/"
    assert f'href="{page}address/"' in ivan.get(page).content.decode()
    form = form_in(ivan.get(f"{page}address/").content, "email")
    assert ivan.post(f"{page}address/", {**form, "email": "tess@new.example"})["Location"] == page
    assert "tess@new.example becomes the address" in ivan.get(page).content.decode()
    assert "somebody who manages the people of Hafen Intercom GmbH" in mail_to(old)[-1].body
    assert tess.get("/settings/").status_code == 200
    assert "Your firm asked for it." in tess.get("/settings/address/").content.decode()
    assert Client().post(link_to("tess@new.example")).status_code == 302
    assert address_of(people.tess) == "tess@new.example"
    assert tess.get("/settings/").status_code == 302
    assert not UserSession.objects.filter(user=people.tess.membership.user).exists()
    token = people.tess.membership.tokens.get()
    assert (token.revoked_at, token.revoked_for) == (NOW, "address")
    actions_ = AuditEvent.objects.filter(action__contains="address").order_by("pk").values_list("action", "user_id")
    assert list(actions_) == [
        ("member.address_asked", people.ivan.membership.user_id),
        ("address.changed", people.tess.membership.user_id),
    ]
    for mailbox in (old, "tess@new.example"):
        assert "Your SmartPlus address was changed" in [message.subject for message in mail_to(mailbox)]


def test_ivan_and_tess_can_withdraw_what_he_asked_for(people, sign_in):
    ivan, tess, address = sign_in(people.ivan), sign_in(people.tess), f"/users/{people.tess.membership.pk}/address/"
    for client, where in ((ivan, address), (tess, "/settings/address/")):
        ivan.post(address, {"email": "tess@new.example"})
        link = link_to("tess@new.example")
        assert client.post(where, {"do": "withdraw"}).status_code == 302
        assert Client().post(link).status_code == 410
    assert address_of(people.tess) == "tess@hafen.example"


@pytest.mark.parametrize(
    ("who", "whom", "status"),
    [
        ("ivan", "tess", 302), ("ivan", "petra", 302), ("dora", "ivan", 302), ("dora", "tess", 302), ("sam", "ines", 302),
        ("olga", "dora", 302), ("olga", "paul", 302),
        ("ivan", "ivan", 422),  # in Settings, with the password
        ("tess", "ivan", 403), ("petra", "ivan", 403), ("petra", "petra", 403),
        ("ivan", "dora", 404), ("sam", "ivan", 404), ("mallory", "ivan", 404), ("igor", "tess", 404),
    ],
)  # fmt: skip
def test_who_may_change_whose_address(people, sign_in, who, whom, status):
    person = getattr(people, whom)
    before = MailLink.objects.count()
    answer = sign_in(getattr(people, who)).post(f"/users/{person.membership.pk}/address/", {"email": "new@x.example"})
    assert answer.status_code == status
    assert MailLink.objects.count() - before == (status == 302)


@pytest.mark.parametrize("change", [{}, {"is_active": False}, {"joined_at": None}])
def test_a_login_that_others_use_too_is_changed_by_the_person_only(people, sign_in, change):
    made = actions.add_member(SYSTEM, organization=people.igor.firm, email=people.petra.email, name="Petra", now=NOW)
    Membership.objects.filter(pk=made.pk).update(**change)
    before = snapshot()
    for who, membership in (
        (people.ivan, people.petra.membership),
        (people.igor, made),
        (people.dora, people.petra.membership),
    ):
        answer = sign_in(who).post(f"/users/{membership.pk}/address/", {"email": "mine@x.example"})
        assert answer.status_code == 422
    assert snapshot() == before
    assert (
        "only the person changes its address"
        in sign_in(people.ivan).get(f"/users/{people.petra.membership.pk}/address/").content.decode()
    )
    with time_machine.travel(NOW, tick=False):
        assert ask(sign_in(people.petra), "petra@new.example").status_code == 302
    assert (
        "becomes the address" not in sign_in(people.ivan).get(f"/users/{people.petra.membership.pk}/").content.decode()
    )


def test_nobody_takes_over_a_colleague_who_may_do_more(people, sign_in):
    carla = actions.add_member(
        SYSTEM, organization=people.ivan.firm, email="carla@hafen.example", name="Carla", now=NOW, password=PASSWORD
    )
    Membership.objects.filter(pk=people.ivan.membership.pk).update(manages_subscriptions=False)
    before = snapshot()
    assert sign_in(people.ivan).post(f"/users/{carla.pk}/address/", {"email": "mine@x.example"}).status_code == 403
    assert snapshot() == before


def test_of_who_is_invited_or_deactivated_no_address_is_changed(people, sign_in):
    ivan = sign_in(people.ivan)
    for change in ({"joined_at": None}, {"joined_at": NOW, "is_active": False}):
        Membership.objects.filter(pk=people.tess.membership.pk).update(**change)
        answer = ivan.post(f"/users/{people.tess.membership.pk}/address/", {"email": "x@x.example"})
        assert answer.status_code == 422
    assert not MailLink.objects.exists()


def works_elsewhere_too(people):
    actions.add_member(SYSTEM, organization=people.igor.firm, email=people.tess.email, name="Tess", now=NOW)


def may_do_more_now(people):
    Membership.objects.filter(pk=people.ivan.membership.pk).update(manages_subscriptions=False)
    Membership.objects.filter(pk=people.tess.membership.pk).update(is_technician=False, manages_subscriptions=True)


def is_not_there_any_more(people):
    Membership.objects.filter(pk=people.tess.membership.pk).update(is_active=False)


def who_asked_was_let_go(people):
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=False)


def who_asked_is_a_technician_now(people):
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_technician=True)


def nothing_happened(people):
    pass


@pytest.mark.parametrize(
    "happens",
    [
        works_elsewhere_too,
        may_do_more_now,
        is_not_there_any_more,
        who_asked_was_let_go,
        who_asked_is_a_technician_now,
        nothing_happened,
    ],
)
def test_who_may_not_ask_any_more_when_the_link_is_opened_takes_no_login(people, sign_in, happens):
    old = people.tess.email
    page = f"/users/{people.tess.membership.pk}/address/"
    assert sign_in(people.ivan).post(page, {"email": "mine@x.example"}).status_code == 302
    link = link_to("mine@x.example")
    happens(people)
    is_fine = happens is nothing_happened
    assert Client().post(link).status_code == (302 if is_fine else 410)
    assert address_of(people.tess) == ("mine@x.example" if is_fine else old)
    assert AuditEvent.objects.filter(action="address.changed").exists() == is_fine


# --- password managers ------------------------------------------------------------------------------------------------------


def test_password_managers_find_the_page_and_the_account(people, sign_in):
    assert Client().get("/.well-known/change-password")["Location"] == "/settings/password/"
    assert Client().get("/settings/password/")["Location"] == "/sign-in/?next=/settings/password/"
    assert sign_in(people.petra).get("/.well-known/change-password", follow=True).status_code == 200
    client = Client()
    client.post("/password-reset/", {"email": people.petra.email})
    (link,) = re.findall(r"^http://testserver(/password-reset/\S+)$", sent()[-1].body, re.M)
    page = client.get(link, follow=True).content.decode()
    field = re.search(r'<input[^>]*autocomplete="username"[^>]*>', page)
    assert field is not None
    assert f'value="{people.petra.email}"' in field.group(0)
