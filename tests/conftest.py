"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import time_machine
from django.test import Client
from django.utils import timezone, translation

from accounts.models import UserSession
from smartplus import sessions
from tests import memories
from tests.copies import Kept
from tests.people import NOW, People, Person, create_people

pytest_plugins = (
    "tests.databases",
    "tests.fixtures.auto_renewals",
    "tests.fixtures.carts",
    "tests.fixtures.gateways",
    "tests.fixtures.handovers",
    "tests.fixtures.payments",
    "tests.fixtures.sites",
    "tests.fixtures.subscriptions",
    "tests.guards.walker_fixtures",
    "tests.unproven",
)


# Whether an example is slow depends on the machine, so no deadline is set.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)


hypothesis.settings.load_profile("suite")

CAST = Kept(create_people)


@pytest.fixture(autouse=True)
def speaks_english_in_utc() -> Iterator[None]:
    """Reset the language and time zone that a test activated in its thread, so that tests do not depend on each other."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def process_forgets() -> Iterator[None]:
    """Clear the caches of the process before each test."""
    memories.forget()
    yield
    memories.forget()


@pytest.fixture(scope="session")
def heads_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A path for each test; a folder for each would let pytest search all of them for a free name."""
    folder = tmp_path_factory.mktemp("heads")
    return (folder / str(number) / "audit-heads.jsonl" for number in count())


@pytest.fixture(autouse=True)
def audit_begins_anew(settings: Any, heads_of_all: Iterator[Path]) -> None:
    """Each test has its own audit, so heads kept by another test must not be compared with it."""
    settings.AUDIT_HEADS = next(heads_of_all)


@pytest.fixture
def now() -> datetime:
    """The instant of all stories: a Sunday morning in November 2026."""
    return NOW


@pytest.fixture
def people(db: None) -> People:
    """All people of the stories."""
    return CAST.put()


@pytest.fixture
def sign_in() -> Callable[[Person], Client]:
    """A test client in which this person is signed in."""

    def enter(person: Person) -> Client:
        client = Client()
        client.force_login(person.membership.user, backend="accounts.backends.EmailBackend")
        session = client.session
        session[sessions.SESSION_KEY] = person.membership.pk
        session.save()
        UserSession.objects.create(
            user=person.membership.user, membership=person.membership, session_key=session.session_key or "", created_at=NOW, last_seen_at=NOW
        )  # fmt: skip
        return client

    return enter


@pytest.fixture
def time_machine_at_noon() -> Iterator[None]:
    """The clock stands at NOW, because pages read the clock themselves."""
    with time_machine.travel(NOW, tick=False):
        yield
