"""What the gateway tells us: who may ring, how often, and what becomes of it."""

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import fences
from payments import actions, events
from payments.errors import BadSignature, TooLarge
from payments.models import EventState, GatewayEvent, Payment, State
from payments.sandbox.webhook_sender import sign
from tests.payments.pay_page import press
from tests.people import NOW

SECRET = "sandbox_webhook_secret_of_the_tests"


def body_of(kind="checkout.session.completed", event_id="evt_1", **target):
    return json.dumps(
        {
            "id": event_id,
            "object": "event",
            "created": int(NOW.timestamp()),
            "type": kind,
            "data": {"object": {"id": "cs_test_1", "object": "checkout.session", **target}},
        }
    ).encode()


def signed(body, *, at=NOW, secret=SECRET):
    return {
        "Stripe-Signature": sign(body, secret, int(at.timestamp())),
        "Content-Type": "application/json",
        "X-Other": "dropped",
    }


@pytest.mark.rule("R50")
def test_a_signed_message_is_stored_once(db):
    body = body_of()
    assert events.receive("stripe", body, signed(body), now=NOW) is True
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert events.receive("stripe", body, signed(body), now=NOW + timedelta(seconds=9)) is False
    assert len(statements) <= 2
    event = GatewayEvent.objects.get()
    assert (event.event_id, event.kind, event.object_ref) == ("evt_1", "checkout.session.completed", "cs_test_1")
    assert (event.state, event.tries, event.received_at) == (EventState.NEW, 0, NOW)
    assert bytes(event.raw_body) == body
    assert set(event.headers) == {"stripe-signature", "content-type"}


OLD, FUTURE = NOW - timedelta(seconds=301), NOW + timedelta(seconds=301)
GOOD = signed(body_of())["Stripe-Signature"]


@pytest.mark.rule("R50")
@pytest.mark.parametrize(
    ("case", "headers"),
    [
        ("missing", {}),
        ("empty", {"Stripe-Signature": ""}),
        ("nonsense", {"Stripe-Signature": "nonsense"}),
        ("another secret", signed(body_of(), secret="guessed")),
        ("of another body", signed(body_of(event_id="evt_2"))),
        ("another scheme", {"Stripe-Signature": GOOD.replace("v1=", "v0=")}),
        ("not ASCII", {"Stripe-Signature": GOOD + "é"}),
        ("not ASCII in a signature of its own", {"Stripe-Signature": GOOD.split(",")[0] + ",v1=é"}),
        ("time is no number", {"Stripe-Signature": GOOD.replace("t=", "t=x")}),
        ("time without end", {"Stripe-Signature": f"t={'9' * 5000},v1=00"}),
        ("old", signed(body_of(), at=OLD)),
        ("from the future", signed(body_of(), at=FUTURE)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unproven_message_leaves_no_row_and_costs_no_statement(db, case, headers):
    with CaptureQueriesContext(connection) as statements, pytest.raises(BadSignature):
        events.receive("stripe", body_of(), headers, now=NOW)
    assert len(statements) == 0
    assert GatewayEvent.objects.count() == 0


@pytest.mark.rule("R50")
@pytest.mark.parametrize("secret", ["", " "])
def test_without_a_secret_of_ours_nobody_is_believed(db, settings, secret):
    settings.STRIPE_WEBHOOK_SECRET = secret
    body = body_of()
    with pytest.raises(BadSignature):
        events.receive("stripe", body, signed(body, secret=secret), now=NOW)


@pytest.mark.rule("R50")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"id": 7, "type": "payment_intent.succeeded", "data": {"object": {}}}',
        b'{"id": "evt_1", "type": {"a": 1}, "data": {"object": {"id": "pi_1"}}}',
        b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found", "related_object": null}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": null}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": 5}}}',
        b"{" * 99_999,
        b'{"id": "evt_\\u0000", "type": "x", "data": {"object": {}}, "created": 1}',
        b'{"id": "evt_1", "type": "x", "data": {"object": {"metadata": {"request_key": "\\u0000"}}}, "created": 1}',
        b'{"id": "evt_\\ud800", "type": "\\udfff", "data": {"object": {"id": "\\ud800", "metadata": {"request_key": "\\ud800"}}}}',
        b'{"id": "' + b"e" * 300 + b'", "type": "' + b"t" * 100 + b'", "data": {"object": {"id": "' + b"o" * 300 + b'"}}}',
    ],
    ids=[
        "empty", "list", "null", "no id", "id is a number", "type is an object", "thin", "known without data",
        "known with a number", "deep", "NUL in the id", "NUL in the key", "half characters", "long",
    ],
)  # fmt: skip
def test_a_signed_message_of_no_shape_we_know_is_ignored_and_seen(people, body, client):
    for _ in range(2):
        with time_machine.travel(NOW, tick=False):
            answer = client.post(
                "/webhooks/stripe/",
                body,
                content_type="application/json",
                headers={"Stripe-Signature": signed(body)["Stripe-Signature"]},
            )
        assert (answer.status_code, answer.content) == (200, b"ok\n")
    [event] = GatewayEvent.objects.visible_to(people.olga.actor)
    assert (event.state, event.next_try_at, bytes(event.raw_body)) == (EventState.IGNORED, None, body)
    assert event.event_id
    assert events.due(NOW + timedelta(days=1)) == []


def test_what_no_signature_can_be_over_is_a_bad_signature(db):
    body = b"\xff\xfe"
    with pytest.raises(BadSignature):
        events.receive("stripe", body, signed(body), now=NOW)
    assert GatewayEvent.objects.count() == 0


def test_a_message_within_the_tolerance_is_believed(db):
    for number, seconds in enumerate((-299, 299)):
        body = body_of(event_id=f"evt_{number}")
        assert events.receive("stripe", body, signed(body, at=NOW + timedelta(seconds=seconds)), now=NOW)
    assert GatewayEvent.objects.count() == 2


def test_an_oversized_body_is_refused_before_anything_else(db, settings):
    body = body_of(padding="x" * settings.WEBHOOK_MAX_BYTES)
    with CaptureQueriesContext(connection) as statements, pytest.raises(TooLarge):
        events.receive("stripe", body, signed(body), now=NOW)
    assert len(statements) == 0
    padding = settings.WEBHOOK_MAX_BYTES - len(body_of(padding=""))
    largest = body_of(padding="x" * padding)
    assert len(largest) == settings.WEBHOOK_MAX_BYTES
    assert events.receive("stripe", largest, signed(largest), now=NOW)


def test_kinds_that_do_not_concern_us_are_kept_and_ignored(db):
    body = body_of("customer.created")
    assert events.receive("stripe", body, signed(body), now=NOW)
    event = GatewayEvent.objects.get()
    assert (event.state, event.next_try_at) == (EventState.IGNORED, None)
    assert events.due(NOW + timedelta(days=1)) == []


def test_an_event_is_claimed_by_one_worker_and_comes_back_when_that_one_dies(db):
    body = body_of()
    events.receive("stripe", body, signed(body), now=NOW)
    (one,), (other,) = events.due(NOW), events.due(NOW)
    assert events.claim(one, now=NOW) is True
    assert events.claim(other, now=NOW) is False
    assert events.due(NOW + timedelta(seconds=19)) == []
    later = NOW + timedelta(seconds=20)
    (orphan,) = events.due(later)
    assert events.claim(orphan, now=later)
    events.finish(orphan, now=later)
    orphan.refresh_from_db()
    assert (orphan.state, orphan.tries, orphan.done_at) == (EventState.DONE, 2, later)
    with pytest.raises(fences.NotNow):  # its claim is gone
        events.fail(one, RuntimeError("slow, not dead"), is_expected=False, now=later)
    orphan.refresh_from_db()
    assert (orphan.state, orphan.last_error) == (EventState.DONE, "")
    assert events.due(NOW + timedelta(days=9)) == []


def test_a_failing_event_is_tried_ever_more_rarely_and_stays_listed_in_the_end(db):
    body = body_of()
    events.receive("stripe", body, signed(body), now=NOW)
    now, pauses = NOW, []
    while ready := events.due(now):
        assert events.claim(ready[0], now=now)
        later = events.fail(ready[0], RuntimeError("a bug"), is_expected=False, now=now)
        if later is None:
            break
        pauses.append(int((later - now).total_seconds() // 60))
        now = later
    assert pauses == [1, 5, 30, 120, 720, 720, 720, 720, 720]
    event = GatewayEvent.objects.get()
    assert (event.state, event.tries, event.last_error) == (EventState.FAILED, 10, "RuntimeError: a bug")
    assert events.due(now + timedelta(days=365)) == []


def test_an_event_leads_to_its_payment(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    Payment.objects.update(gateway_payment_ref="pi_1")
    by_session = GatewayEvent(gateway="stripe", object_ref=payment.gateway_ref)
    by_intent = GatewayEvent(gateway="stripe", object_ref="pi_1")
    by_our_key = GatewayEvent(gateway="stripe", object_ref="pi_unheard_of", request_key=payment.request_key)
    for event in (by_session, by_intent, by_our_key):
        assert events.payment_of(event) == payment
    assert events.payment_of(GatewayEvent(gateway="stripe", object_ref="pi_unheard_of")) is None
    assert events.payment_of(GatewayEvent(gateway="stripe")) is None  # nothing is not the payment without a page
    assert events.payment_of(GatewayEvent(gateway="paypal", object_ref="pi_1")) is None


def test_the_webhook_log_is_the_operators(people):
    body = body_of()
    events.receive("stripe", body, signed(body), now=NOW)
    assert GatewayEvent.objects.visible_to(people.olga.actor).count() == 1
    assert GatewayEvent.objects.visible_to(people.dora.actor).count() == 0


class WebhookReceiver:
    """Collects what the sandbox sends over HTTP; `pick_up` hands it to us as the web server would."""

    def __init__(self, sandbox):
        self.sandbox, self.refusals = sandbox, 0
        self.try_: list[tuple[bytes, dict[str, str]]] = []
        bell = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                bell.try_.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers)))
                if bell.refusals:
                    bell.refusals -= 1
                    bell.try_.pop()
                    self.send_response(503)
                else:
                    self.send_response(200)
                self.end_headers()

            def log_message(self, format, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        sandbox.webhooks.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe/"

    def pick_up(self):
        assert self.sandbox.webhooks.wait_idle()
        taken, self.try_ = self.try_, []
        for body, headers in taken:
            events.receive("stripe", body, headers, now=NOW)
        return [json.loads(body)["type"] for body, _ in taken]


@pytest.fixture
def webhook_receiver(sandbox):
    bell = WebhookReceiver(sandbox)
    yield bell
    bell.server.shutdown()
    bell.server.server_close()


PAID = ["checkout.session.completed", "payment_intent.succeeded"]


@pytest.fixture
def page(people, sandbox, begin_payment, webhook_receiver):
    return actions.start_checkout(begin_payment(people.dora).pk, now=NOW).checkout_url


@pytest.mark.rule("R50")
def test_the_sandbox_rings_with_a_signature_that_the_sdk_believes(page, webhook_receiver):
    press(page, "decline")
    assert webhook_receiver.pick_up() == ["payment_intent.payment_failed"]
    press(page, "approve")
    assert webhook_receiver.pick_up() == PAID
    payment = Payment.objects.get()
    assert payment.state == State.PENDING  # nothing is decided from a body
    assert {events.payment_of(event) for event in events.due(NOW)} == {payment}


@pytest.mark.rule("R50")
def test_duplicates_and_disorder_are_harmless(page, webhook_receiver, sandbox):
    sandbox.faults.arm("webhook_duplicate")
    sandbox.faults.arm("webhook_reordered")
    press(page, "approve")
    assert webhook_receiver.pick_up() == [PAID[1], PAID[1], PAID[0], PAID[0]]
    assert GatewayEvent.objects.count() == 2


def test_a_message_that_nobody_accepts_is_sent_again(page, webhook_receiver):
    webhook_receiver.refusals = 2
    press(page, "approve")
    assert sorted(webhook_receiver.pick_up()) == PAID


def test_late_messages_wait_until_they_are_released(page, webhook_receiver, sandbox):
    sandbox.faults.arm("webhook_late")
    press(page, "approve")
    assert webhook_receiver.pick_up() == []
    assert [row["is_held"] for row in sandbox.state()["waiting"]] == [True, True]
    assert sandbox.webhooks.release() == 2
    assert webhook_receiver.pick_up() == PAID


def test_lost_messages_never_come(page, webhook_receiver, sandbox):
    sandbox.faults.arm("webhook_lost")
    press(page, "approve")
    assert webhook_receiver.pick_up() == []
    assert sandbox.state()["waiting"] == []


def test_the_end_of_a_page_is_told(page, webhook_receiver, sandbox):
    sandbox.clock.freeze(NOW + timedelta(minutes=46))
    sandbox.processor.sweep()
    sandbox.clock.freeze(NOW)
    assert webhook_receiver.pick_up() == ["checkout.session.expired"]
