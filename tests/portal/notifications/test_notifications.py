"""Notifications: a switch for each topic, the proof of what was sent, and another try for what failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.template import Context, Template
from django.test import Client, RequestFactory

from accounts import notify
from accounts.models import AuditEvent, Mute, Notice, Organization, Topic
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean

pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
URL = "/settings/notifications/"
SignIn = Callable[[Person], Client]


def post(to: Person, *, tenant: Organization | None, key: str = "k", **values: Any) -> Notice:
    """One mail in the outbox, changed as told."""
    notice = notify.post(
        key=key, topic=Topic.SITES, to=to.membership.user, template="joined",
        context={"person": to.membership.user, "organization": to.firm}, now=NOW, about=to.membership, tenant=tenant,
    )  # fmt: skip
    assert notice is not None
    if values:
        Notice.objects.filter(pk=notice.pk).update(**values)
        notice.refresh_from_db()
    return notice


FAILED: dict[str, Any] = {
    "state": "failed",
    "tries": 6,
    "next_try_at": None,
    "last_error": "SMTPRecipientsRefused: no such mailbox",
}


def page(client: Client) -> str:
    """The page, clean."""
    answer = client.get(URL)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert_clean(text)
    return text


def test_topics_are_muted_and_unmuted_and_only_their_names_are_written_down(people: People, sign_in: SignIn) -> None:
    client, user = sign_in(people.tess), people.tess.membership.user
    answer = client.post(URL, {"orders": "on", "sites": "on"}, follow=True)
    assert "Your notifications are saved." in answer.content.decode()
    assert set(Mute.objects.filter(user=user).values_list("topic", flat=True)) == {"requests"}
    event = AuditEvent.objects.get(action="notifications.changed")
    assert (event.before, event.after, event.subject_label) == ({}, {"fields": ["requests"]}, f"#{user.pk}")
    client.post(URL, {"orders": "on", "sites": "on", "requests": "on"})
    assert not Mute.objects.filter(user=user).exists()
    client.post(URL, {"orders": "on", "sites": "on", "requests": "on"})
    assert (
        AuditEvent.objects.filter(action="notifications.changed").count() == 2
    )  # saving what is already so is no change


@pytest.mark.rule("R8")
def test_security_and_failed_payments_are_locked_on_and_a_forged_form_changes_nothing(
    people: People, sign_in: SignIn
) -> None:
    client = sign_in(people.petra)
    text = page(client)
    assert "Always on: it is how you notice that somebody else uses your account." in text
    assert "Always on: services end when nobody notices that a payment failed." in text
    for name in ("security", "payment_failed"):
        assert f'name="{name}"' in text
        tag = text.split(f'name="{name}"')[1].split(">")[0]
        assert "disabled" in tag
        assert "checked" in tag
    client.post(URL, {})  # every box off, those two as well
    assert set(Mute.objects.values_list("topic", flat=True)) == {"orders", "requests", "sites"}
    user = people.petra.membership.user
    states = [
        notify.post(key=topic, topic=topic, to=user, template="joined", context={"person": user, "organization": people.petra.firm}, now=NOW)
        for topic in Topic
    ]  # fmt: skip
    assert {notice.topic: notice.state for notice in states if notice} == {
        "security": "queued", "payment_failed": "queued", "orders": "muted", "requests": "muted", "sites": "muted",
    }  # fmt: skip


def test_the_last_mail_stands_there_with_how_far_it_got(people: People, sign_in: SignIn) -> None:
    post(people.ivan, tenant=people.ivan.firm, key="sent", state="sent", sent_at=NOW, tries=2, next_try_at=None)
    post(
        people.ivan,
        tenant=people.ivan.firm,
        key="failed",
        state="failed",
        tries=1,
        next_try_at=NOW + timedelta(minutes=1),
    )
    post(people.ivan, tenant=people.ivan.firm, key="muted", state="muted")
    post(people.dora, tenant=people.dora.firm, key="hers", subject="Only for Dora")
    text = " ".join(page(sign_in(people.ivan)).split())
    for words in (
        "Mail sent to ivan@hafen.example, try 2",
        "1 tried, next 22 Nov 2026, 10:01",
        "Muted by the recipient",
        "ivan@hafen.example",
    ):
        assert words in text, words
    assert "Only for Dora" not in text


def test_failed_mail_is_sent_again_by_those_whose_matter_it_is(people: People, sign_in: SignIn) -> None:
    notice = post(people.dora, tenant=people.ivan.firm, **FAILED)
    client = sign_in(people.ivan)
    text = page(client)
    assert "Not delivered to others" in text
    assert "given up after 6 tries" in text
    assert "no such mailbox" in text
    assert f'action="{URL}{notice.pk}/again/"' in text
    answer = client.post(f"{URL}{notice.pk}/again/", {"next": "/sites/"})
    assert (answer.status_code, answer["Location"]) == (302, "/sites/")
    notice.refresh_from_db()
    assert (notice.state, notice.next_try_at) == ("queued", NOW)
    event = AuditEvent.objects.get(action="notice.sent_again")
    assert (event.organization, event.user_id, event.after) == (
        people.ivan.firm,
        people.ivan.membership.user_id,
        {"tries": 6},
    )
    assert "dora@" not in event.subject_label
    assert notify.send_due(now=NOW) == 1
    assert [letter.to for letter in mail.outbox] == [["dora@nordlys.example"]]
    assert (
        "has not failed"
        in client.post(f"{URL}{notice.pk}/again/", {"next": "//evil.example/"}, follow=True).content.decode()
    )
    assert notify.send_due(now=NOW + timedelta(days=1)) == 0


@pytest.mark.rule("R1")
def test_nobody_else_sees_it_or_sends_it_again(people: People, sign_in: SignIn) -> None:
    notice = post(people.dora, tenant=people.ivan.firm, subject="About Hafen", **FAILED)
    for stranger in (people.sam, people.ines, people.mallory, people.igor):
        client = sign_in(stranger)
        assert "About Hafen" not in page(client)
        foreign, absent = client.post(f"{URL}{notice.pk}/again/"), client.post(f"{URL}{10**17}/again/")
        assert (foreign.status_code, absent.status_code) == (404, 404)
        assert foreign.content == absent.content
    for outsider in (people.tess, people.petra):
        assert "About Hafen" not in page(sign_in(outsider))
        assert sign_in(outsider).post(f"{URL}{notice.pk}/again/").status_code == 403
    # The recipient has it among the own mail, but it is another's matter to send it.
    other = post(people.ivan, tenant=people.dora.firm, key="other", **FAILED)
    assert sign_in(people.ivan).post(f"{URL}{other.pk}/again/").status_code == 404
    assert set(Notice.objects.values_list("state", flat=True)) == {"failed"}
    assert not AuditEvent.objects.filter(action="notice.sent_again").exists()


def test_mail_with_a_secret_link_is_not_sent_again(people: People, sign_in: SignIn) -> None:
    notice = post(people.ivan, tenant=people.ivan.firm, has_secret=True, **FAILED)
    client = sign_in(people.dora)
    assert "/again/" not in page(client)
    said = client.post(f"{URL}{notice.pk}/again/", follow=True).content.decode()
    assert "Send the invitation again instead." in said
    notice.refresh_from_db()
    assert notice.state == "failed"


def test_a_page_about_something_shows_its_mail_to_those_who_may_see_it(people: People) -> None:
    post(people.ivan, tenant=people.ivan.firm, **FAILED)
    template = Template("{% load notices %}{% notices_about subject %}")

    def shown(person: Person) -> str:
        request = RequestFactory().get("/orders/")
        text: str = template.render(
            Context(
                {
                    "subject": people.ivan.membership,
                    "actor": person.actor,
                    "request": request,
                    "now": NOW,
                    "csrf_token": "x",
                }
            )
        )
        return text

    for person in (people.dora, people.ivan):
        text = shown(person)
        assert_clean(text)
        assert "ivan@hafen.example" in text
        assert "given up after 6 tries" in text
        assert '<input type="hidden" name="next" value="/orders/">' in text
    for stranger in (people.mallory, people.sam, people.tess, people.petra):
        assert shown(stranger).strip() == ""
