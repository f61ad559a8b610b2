"""The world of the walker, built once; and its size at the end of the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
import time_machine
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from payments.sandbox import Sandbox
from tests.guards import world as worlds
from tests.guards.browser import Browser, sign_in
from tests.guards.policies import REACHES
from tests.guards.watch import Ledger
from tests.people import NOW


@pytest.fixture(scope="module")
def walked_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One transaction around a whole module, taken back at its end."""
    with django_db_blocker.unblock():
        around = transaction.atomic()
        around._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase: code that refuses to work in a transaction doesn't mind it
        around.__enter__()
        try:
            yield
        finally:
            transaction.set_rollback(True)
            around.__exit__(None, None, None)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    """A sandbox for the module; its clock and ours stand at NOW."""
    box = Sandbox(secret_key=settings.STRIPE_SECRET_KEY, webhook_secret=settings.STRIPE_WEBHOOK_SECRET)
    box.clock.freeze(NOW)
    box.start()
    with pytest.MonkeyPatch.context() as patch, override_settings(STRIPE_API_BASE=box.url):
        # It would keep a copy of every context, which nobody reads here.
        patch.setattr("django.test.client.store_rendered_templates", lambda *_, **__: None)
        patch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)
        patch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.001)
        with time_machine.travel(NOW, tick=False):
            yield box
    box.stop()


@pytest.fixture(scope="module")
def browser(walked_database: None, gateway: Sandbox) -> Iterator[Browser]:
    """The world, and the one who asks."""
    world = worlds.build()
    sessions = {person: sign_in(world, person) for person in REACHES}
    asking = Browser(world, Ledger(world), sessions)
    logging.disable(logging.CRITICAL)  # thousands of 404s are wanted here
    yield asking
    logging.disable(logging.NOTSET)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how far the walker went."""
    sizes = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in getattr(report, "user_properties", ())
        if name == "walked"
    ]
    if sizes:
        routes, roles, forms, requests = (
            max(one[0] for one in sizes),
            len(sizes),
            *(sum(one[at] for one in sizes) for at in (1, 2)),
        )
        terminalreporter.write_line(
            f"tenancy walker: {routes} routes × {roles} walkers, {forms} forms, {requests:,} requests"
        )  # fmt: skip
