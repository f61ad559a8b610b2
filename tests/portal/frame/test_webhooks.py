"""The gateways' doorbell: genuine events are written down once, everything else leaves no trace (R50)."""

from __future__ import annotations

import json
import time

import pytest
from django.conf import settings
from django.test import Client

from payments.models import GatewayEvent
from payments.sandbox.webhook_sender import sign

BODY = json.dumps(
    {
        "id": "evt_1", "object": "event", "type": "checkout.session.completed", "created": 1, "livemode": False, "api_version": "2026-01-01",
        "data": {"object": {"id": "cs_test_1", "object": "checkout.session"}},
    }
).encode()  # fmt: skip


def ring(client: Client, body: bytes = BODY, signature: str | None = None, **extra: str):
    header = signature if signature is not None else sign(body, settings.STRIPE_WEBHOOK_SECRET, int(time.time()))
    return client.post(
        "/webhooks/stripe/", data=body, content_type="application/json", headers={"Stripe-Signature": header, **extra}
    )


@pytest.mark.rule("R50")
@pytest.mark.django_db
def test_a_genuine_event_is_written_down_once(django_assert_max_num_queries) -> None:
    client = Client()
    assert [ring(client).status_code for _ in range(2)] == [200, 200]
    with django_assert_max_num_queries(2):
        assert ring(client).status_code == 200
    event = GatewayEvent.objects.get()
    assert (event.event_id, event.object_ref, event.state, bytes(event.raw_body)) == ("evt_1", "cs_test_1", "new", BODY)


@pytest.mark.rule("R50")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("signature", "body", "status"),
    [
        ("", BODY, 400),
        ("t=1,v1=00", BODY, 400),
        ("é", BODY, 400),
        (None, b"x" * (256 * 1024 + 1), 413),
        ("t=1,v1=00", b"", 400),
    ],
)
def test_a_forged_event_leaves_no_trace(
    signature: str | None, body: bytes, status: int, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        assert ring(Client(), body, signature).status_code == status
    assert not GatewayEvent.objects.exists()


@pytest.mark.django_db
def test_only_posts_are_taken_and_no_csrf_token_is_asked_for() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.get("/webhooks/stripe/").status_code == 405
    assert ring(client).status_code == 200
