"""Mail as it goes out: one connection for a batch, two texts that say the same, headers, and the link that stops it."""

from __future__ import annotations

import email
import email.policy
import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.signing import Signer
from django.template.loader import render_to_string
from django.test import Client

from accounts import mail, notify
from accounts.actions import notices, seller
from accounts.errors import Refused
from accounts.models import AuditEvent, Mute, Notice, Topic, User
from accounts.models.notices import UNMUTABLE
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.seller import VALUES, png

pytestmark = pytest.mark.django_db


@dataclass
class Server:
    """A mail server on loopback: what it was sent, and over how many connections. It ends one after so many mails."""

    port: int = 0
    connections: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    refuses: str = ""
    drops: int = -1
    says_421: int = -1


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    """Real SMTP over a real socket."""
    kept = Server()

    class Talk(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            kept.connections += 1
            self.say("220 ready")
            while line := self.rfile.readline().decode().strip():
                verb = line[:4].upper()
                if verb == "QUIT":
                    return self.say("221 bye")
                if verb == "MAIL" and len(kept.received) in {kept.drops, kept.says_421}:
                    if kept.says_421 > 0:
                        self.say("421 enough for now")
                    kept.drops = kept.says_421 = -1
                    return None
                if verb == "RCPT" and kept.refuses and kept.refuses in line:
                    self.say("550 nobody here")
                elif verb == "DATA":
                    self.say("354 go on")
                    raw = b"".join(iter(self.rfile.readline, b".\r\n"))
                    kept.received.append(email.message_from_bytes(raw, policy=email.policy.default))
                    self.say("250 taken")
                else:
                    self.say("250 fine")
            return None

    class Listener(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Listener(("127.0.0.1", 0), Talk) as listener:
        kept.port = listener.server_address[1]
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", kept.port
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        yield kept
        listener.shutdown()


def post(
    person: Person, key: str = "k", topic: Topic = Topic.ORDERS, template: str = "joined", **context: Any
) -> Notice:
    user = person.membership.user
    found = notify.post(
        key=key, topic=topic, to=user, template=template, now=NOW, tenant=person.firm,
        context={"person": user, "organization": person.firm, **context},
    )  # fmt: skip
    assert found
    return found


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body
    return str(body.get_content())


def test_a_batch_goes_over_one_connection(people: People, server: Server) -> None:
    for number in range(5):
        post(people.dora, f"k{number}")
    assert notify.send_due(now=NOW) == 5
    assert (len(server.received), server.connections) == (5, 1)
    assert notify.send_due(now=NOW) == 0
    assert server.connections == 1


def test_one_refused_recipient_keeps_the_connection(people: People, server: Server) -> None:
    server.refuses = people.ivan.email
    for number, person in enumerate((people.dora, people.ivan, people.sam)):
        post(person, f"k{number}")
    assert notify.send_due(now=NOW) == 2
    assert server.connections == 1
    assert Notice.objects.get(state="failed").email == people.ivan.email


@pytest.mark.parametrize("how", ["drops", "says_421"])
def test_a_server_that_ends_the_connection_after_some_mails_costs_none_of_them(
    people: People, server: Server, how: str
) -> None:
    setattr(server, how, 2)
    for number in range(4):
        post(people.dora, f"k{number}")
    assert notify.send_due(now=NOW) == 4
    assert (len(server.received), server.connections) == (4, 2)
    assert set(Notice.objects.values_list("state", "tries")) == {("sent", 1)}


def test_both_texts_say_the_same_and_programs_know_what_it_is(people: People, server: Server, settings: Any) -> None:
    settings.SITE_URL = "https://portal.example"
    post(people.dora, "order:1")
    notify.send_due(now=NOW)
    (message,) = server.received
    assert message.get_content_type() == "multipart/alternative"
    text, html = part(message, "plain"), part(message, "html")
    for words in (
        "Hello Dora Lindqvist,",
        "accepted your invitation",
        "https://portal.example/settings/notifications/",
    ):
        assert words in text
        assert words in html
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@portal.example>")
    mute = message["List-Unsubscribe"].strip().strip("<>")
    assert mute.startswith("https://portal.example/mail/mute/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mute in text
    assert mute in html
    assert "<img" not in html
    assert "Vendor" in html


def test_the_message_id_is_the_same_at_every_try_and_of_no_other_mail(people: People) -> None:
    house = mail.House.of(now=NOW)
    first, second = post(people.dora, "a"), post(people.dora, "b")
    ids = [mail.message(notice, house).extra_headers["Message-ID"] for notice in (first, first, second)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.rule("R8")
@pytest.mark.parametrize("topic", Topic.values)
def test_mail_that_must_arrive_offers_no_way_to_stop_it(people: People, topic: str) -> None:
    message = mail.message(post(people.dora, topic=Topic(topic)), mail.House.of(now=NOW))
    html = str(message.alternatives[0][0])
    if topic in UNMUTABLE:
        assert "List-Unsubscribe" not in message.extra_headers
        assert "mail/mute" not in f"{message.body}{html}"
        assert "Mail like this always arrives" in message.body
    else:
        assert "List-Unsubscribe" in message.extra_headers
        assert "mail/mute" in message.body


def test_names_of_people_are_text_in_the_html(people: People) -> None:
    User.objects.filter(pk=people.dora.membership.user_id).update(name='Dora <b>"x"</b>')
    people.dora.membership.user.refresh_from_db()
    html = str(mail.message(post(people.dora), mail.House.of(now=NOW)).alternatives[0][0])
    assert "Dora &lt;b&gt;&quot;x&quot;&lt;/b&gt;" in html
    assert "<b>" not in html


def test_a_german_reader_gets_german_around_the_text_too(people: People) -> None:
    User.objects.filter(pk=people.dora.membership.user_id).update(language="de")
    people.dora.membership.user.refresh_from_db()
    html = str(mail.message(post(people.dora), mail.House.of(now=NOW)).alternatives[0][0])
    assert '<html lang="de">' in html
    assert "Bestellungen" in html


def test_the_seller_signs_and_its_logo_travels_along(people: People, server: Server) -> None:
    seller.publish(people.olga.actor, values=VALUES, valid_from=NOW, picture=png(), now=NOW)
    post(people.dora)
    notify.send_due(now=NOW)
    (message,) = server.received
    assert message.get_content_type() == "multipart/related"
    assert [piece.get_content_type() for piece in message.walk()] == [
        "multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png",
    ]  # fmt: skip
    assert 'src="cid:logo"' in part(message, "html")
    assert "Vendor GmbH, Hafenweg 1, 20457 Hamburg" in part(message, "plain")


def test_blocks_are_rows_links_and_text() -> None:
    found = mail.blocks(
        "Hello,\n\nOrder: SP-1\nAmount: US$ 5.00\n\nOpen it there:\nhttp://testserver/x\n\nIf not: do nothing.\nhttps:// no"
    )
    assert [(block.kind, block.lines or block.rows or block.address) for block in found] == [
        ("text", ("Hello,",)),
        ("rows", (("Order", "SP-1"), ("Amount", "US$ 5.00"))),
        ("text", ("Open it there:",)),
        ("link", "http://testserver/x"),
        ("rows", (("If not", "do nothing."),)),
        ("text", ("https:// no",)),
    ]


def test_an_address_of_somebody_else_is_no_button_of_ours() -> None:
    for address in (
        "https://evil.example/sign-in",
        "http://testserver.evil.example/x",
        "http://testserver@evil.example/",
    ):
        assert [block.kind for block in mail.blocks(f"Note: soon\n{address}")] == ["rows", "text"]
    assert [block.kind for block in mail.blocks("http://testserver")] == ["link"]


@pytest.mark.parametrize("name", sorted(path.name for path in Path("templates/mail").glob("request_*.txt")))
def test_what_is_typed_into_a_note_stays_on_its_line(people: People, name: str) -> None:
    typed = "See\n\nYour account is locked:\nhttps://evil.example/"
    about = {"note": typed, "reason": typed, "pk": 1, "months": 1, "installer": people.ivan.firm}
    text = render_to_string(
        f"mail/{name}", {"about": about, "user": {"name": "Dora"}, "n": 1, "site_url": "http://testserver"}
    )
    said = [line for line in text.splitlines() if "evil.example" in line or "locked" in line]
    assert said
    assert all(re.match(r"(Note|Reason): See Your account", line) for line in said)


def address_of(notice: Notice) -> str:
    return mail.mute_address(notice).removeprefix("http://testserver")


def test_the_link_asks_before_it_stops_just_this_mail_for_just_this_person(people: People) -> None:
    notice = post(people.dora)
    outside = Client(enforce_csrf_checks=True)
    page = outside.get(address_of(notice))
    assert page.status_code == 200
    assert "No more mail about “Orders and renewals”?" in page.content.decode()
    assert_clean(page.content)
    assert not Mute.objects.exists()
    done = outside.post(address_of(notice))
    assert "Stopped" in done.content.decode()
    assert_clean(done.content)
    assert list(Mute.objects.values_list("user_id", "topic")) == [(people.dora.membership.user_id, "orders")]
    event = AuditEvent.objects.get(action="notifications.muted_by_link")
    assert (event.user_id, event.after, event.organization) == (
        people.dora.membership.user_id,
        {"topics": ["orders"]},
        people.dora.firm,
    )
    assert post(people.dora, "later").state == "muted"
    assert post(people.dora, "other", Topic.SITES).state == "queued"


def test_a_mail_program_stops_it_with_one_click_and_twice_is_once(people: People) -> None:
    notice = post(people.dora)
    for _ in range(2):
        answer = Client(enforce_csrf_checks=True).post(
            address_of(notice), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 200
    assert Mute.objects.count() == 1
    assert AuditEvent.objects.filter(action="notifications.muted_by_link").count() == 1


@pytest.mark.rule("R8")
def test_a_link_that_is_not_ours_and_one_for_mail_that_must_arrive_stop_nothing(people: People) -> None:
    good = address_of(post(people.dora))
    user = people.dora.membership.user
    signer = Signer(salt=mail.MUTE_SALT)
    made, gone, odd = (signer.sign_object(said) for said in ([user.pk, "security"], [10**9, "orders"], "orders"))
    for path in (f"{good[:-3]}xx/", *(f"/mail/mute/{token}/" for token in (made, gone, odd, "x"))):
        for answer in (Client().get(path), Client().post(path)):
            assert answer.status_code == 410
            assert "This link does not work" in answer.content.decode()
    with pytest.raises(Refused):
        notices.mute_by_link(user, topic=Topic.SECURITY, now=NOW)
    assert not Mute.objects.exists()


def test_the_machine_has_one_name_wherever_people_read_it(people: People) -> None:
    made = AuditEvent.objects.filter(actor_role="system").first()
    assert made
    assert (made.actor_label, made.who) == ("SmartPlus", "SmartPlus")
    for old in ("settlement", "command line"):
        assert AuditEvent(actor_label=old, actor_role="system").who == "SmartPlus"
