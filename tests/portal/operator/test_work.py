"""The operator's list of what background work could not do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from accounts import fences
from accounts.errors import NotPermitted
from accounts.models import AuditEvent, CircuitBreaker, ItemFailure
from payments.models import GatewayEvent
from smartplus import jobs
from tests.people import NOW, People, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
SignIn = Callable[[Person], Client]


@pytest.fixture
def event() -> GatewayEvent:
    """A message of the gateway that was given up."""
    event = GatewayEvent.objects.create(
        gateway="stripe", event_id="evt_1", kind="charge.odd", raw_body=b"{}", received_at=NOW, state="failed", tries=10,
    )  # fmt: skip
    fences.record_failure(
        "gateway_events", event.pk, RuntimeError("<b>odd</b>"), now=NOW, next_try_at=None, is_set=True
    )
    return event


def test_the_operator_sees_each_failure_with_its_next_try_and_the_servers_that_rest(
    people: People, sign_in: SignIn, event: GatewayEvent
) -> None:
    fences.record_failure("audit_seals", people.ivan.firm.pk, ValueError("no chain"), now=NOW)
    fences.record_failure("mail", 10**9, ConnectionError("refused"), now=NOW, is_expected=True)
    CircuitBreaker.objects.create(
        name="stripe", failures=3, error="timed out", opened_at=NOW, open_until=NOW + timedelta(seconds=30)
    )
    olga = sign_in(people.olga)
    page = olga.get("/payments/work/").content.decode()
    for words in (
        "Stripe", "does not answer since", "charge.odd", f"/payments/webhooks/{event.pk}/", "RuntimeError: &lt;b&gt;odd", "Given up",
        str(people.ivan.firm), "ValueError: no chain", "Sealing the audit log", "Number 1000000000", "Waits for an answer",
    ):  # fmt: skip
        assert words in page
    errors = {"failed": "ValueError", "waiting": "ConnectionError", "given-up": "RuntimeError"}
    for state, error in errors.items():
        narrowed = olga.get(f"/payments/work/?state={state}").content.decode()
        assert [found for found in errors.values() if found in narrowed] == [error]
    assert 'href="/payments/work/"' in olga.get("/payments/").content.decode()  # in the menu


def test_trying_again_wakes_the_item_with_all_its_tries_and_is_audited(
    people: People,
    sign_in: SignIn,
    event: GatewayEvent,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks,
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(jobs, "wake", woken.append)
    failure = ItemFailure.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        answer = sign_in(people.olga).post(f"/payments/work/{failure.pk}/again/")
    assert answer["Location"] == "/payments/work/"
    event.refresh_from_db()
    failure.refresh_from_db()
    assert (failure.tries, failure.next_try_at, event.tries, event.next_try_at) == (0, NOW, 0, NOW)
    assert AuditEvent.objects.filter(action="work.tried_again", subject_id=failure.pk).count() == 1
    assert woken == ["gateway_events"]
    assert jobs.run("gateway_events", now=NOW) == 1
    assert not ItemFailure.objects.exists()


def test_nobody_else_sees_or_starts_it(people: People, sign_in: SignIn, event: GatewayEvent) -> None:
    failure = ItemFailure.objects.get()
    for person in (people.dora, people.sam, people.ivan, people.tess, people.petra):
        client = sign_in(person)
        assert client.get("/payments/work/").status_code == 403
        assert client.post(f"/payments/work/{failure.pk}/again/").status_code == 403
        with pytest.raises(NotPermitted):
            jobs.try_again(person.actor, failure_id=failure.pk, now=NOW)
    failure.refresh_from_db()
    assert (failure.tries, failure.next_try_at) == (1, None)
    assert not AuditEvent.objects.filter(action="work.tried_again").exists()


def test_what_worked_out_meanwhile_is_gone(people: People, sign_in: SignIn) -> None:
    assert sign_in(people.olga).post("/payments/work/1/again/").status_code == 404
