"""The outbox: told once, sent after, tried again, never muted where it must arrive."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from accounts import notify
from accounts.models import Mute, Notice, Topic
from tests.people import NOW, People


@pytest.fixture(autouse=True)
def _template(tmp_path: Path, settings) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "hello.txt").write_text("Hello {{ user.name }}\n\nThe link is {{ link }}.")
    (engine,) = settings.TEMPLATES
    options = {name: value for name, value in engine["OPTIONS"].items() if name != "loaders"}
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]], "OPTIONS": options}]


def post(people: People, *, key: str = "k", topic: Topic = Topic.ORDERS, has_secret: bool = False) -> Notice:
    notice = notify.post(
        key=key, topic=topic, to=people.dora.membership.user, template="hello", context={"link": "secret"}, now=NOW,
        about=people.ivan.firm, tenant=people.ivan.firm, has_secret=has_secret,
    )  # fmt: skip
    assert notice is not None
    return notice


def test_a_notice_is_told_once_and_sent_once(people: People) -> None:
    first, second = post(people), post(people)
    assert first.pk == second.pk
    assert (notify.send_due(now=NOW), notify.send_due(now=NOW + timedelta(days=1))) == (1, 0)
    (letter,) = mail.outbox
    assert (letter.subject, letter.to) == ("Hello Dora Lindqvist", ["dora@nordlys.example"])
    assert letter.body.startswith("The link is secret.\n\n-- \nVendor\n")
    first.refresh_from_db()
    assert (first.state, first.sent_at, first.tries) == ("sent", NOW, 1)
    assert Notice.objects.about(people.ivan.firm).get() == first


def test_a_secret_is_forgotten_once_it_is_sent(people: People) -> None:
    notice = post(people, has_secret=True)
    notify.send_due(now=NOW)
    notice.refresh_from_db()
    assert notice.body == ""
    assert "secret" in mail.outbox[0].body


@pytest.mark.rule("R8")
def test_mute_holds_back_what_may_be_muted_and_nothing_else(people: People) -> None:
    user = people.dora.membership.user
    notify.set_mutes(user, topics={"orders", "security", "payment_failed", "nonsense"}, now=NOW)
    assert set(Mute.objects.values_list("topic", flat=True)) == {"orders"}
    assert [post(people, key=topic, topic=topic).state for topic in (Topic.ORDERS, Topic.SECURITY, Topic.PAYMENT_FAILED)] == [
        "muted", "queued", "queued",
    ]  # fmt: skip
    assert notify.send_due(now=NOW) == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Mute.objects.create(user=user, topic="security", created_at=NOW)


def test_a_mail_that_fails_is_tried_again_ever_later_and_given_up_in_the_end(people: People, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    notice = post(people)
    now = NOW
    for _ in range(10):
        assert notify.send_due(now=now) == 0
        now += timedelta(hours=13)
    notice.refresh_from_db()
    assert (notice.state, notice.tries, notice.next_try_at) == ("failed", 6, None)
    assert "ConnectionRefusedError" in notice.last_error


def test_what_no_mail_can_be_made_of_is_given_up_and_keeps_nobody_waiting(people: People) -> None:
    broken, fine = post(people, key="broken"), post(people, key="fine")
    Notice.objects.filter(pk=broken.pk).update(subject="Two\nlines")
    assert notify.send_due(now=NOW) == 1
    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, broken.tries, broken.next_try_at, fine.state) == ("failed", 1, None, "sent")
    assert "BadHeaderError" in broken.last_error
    assert notify.send_due(now=NOW + timedelta(days=1)) == 0


@pytest.mark.rule("R1")
def test_notices_are_seen_by_their_recipient_and_in_the_own_subtree(people: People) -> None:
    notice = post(people)
    assert [person for person in (people.dora, people.ivan, people.olga) if notice in Notice.objects.visible_to(person.actor)] == [
        people.dora, people.ivan, people.olga,
    ]  # fmt: skip
    for stranger in (people.mallory, people.sam, people.tess, people.petra):
        assert notice not in Notice.objects.visible_to(stranger.actor)
