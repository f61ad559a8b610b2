"""A browser that checks tokens, how a session ends, and a second firm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import actions
from accounts.models import Membership
from tests.people import NOW, SYSTEM, People


@pytest.fixture(params=[True, False], ids=["session ended", "cookies gone"])
def leave(request: pytest.FixtureRequest) -> Callable[[Client], None]:
    """How a session ends: on the server, while the browser keeps its cookies, or with all cookies of the browser."""

    def end(client: Client) -> None:
        if request.param:
            client.session.flush()
        else:
            client.cookies.clear()

    return end


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def second_firm(people: People) -> Membership:
    """Ivan also works for Norden."""
    return actions.add_member(SYSTEM, organization=people.ines.firm, email=people.ivan.email, name="Ivan", now=NOW)
