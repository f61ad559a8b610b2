"""Nobody sees, changes or guesses at what belongs to somebody else, wherever the id is put (R1, R3).

Not part of the suite yet: it has to learn the routes of people, sign-in, audit and the API first. Run it by name:
`pytest -p tests.guards.walker_fixtures tests/guards/run_walker.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.scope import Role
from tests.guards import routes as addresses
from tests.guards.browser import Browser
from tests.guards.trier import Trier
from tests.guards.walker import WALKERS, Walker

Record = Callable[[str, object], None]


def told(walker: Walker) -> str:
    """What was found, one a line."""
    return f"{len(walker.faults)} faults\n" + "\n".join(walker.faults[:60])


def test_every_route_declares_a_policy_and_what_its_parameters_name() -> None:
    found = addresses.routes()
    assert addresses.faults(found) == []
    assert len(found) >= 60


@pytest.mark.django_db
@pytest.mark.rule("R1", "R3")
@pytest.mark.parametrize("role", [*WALKERS, None], ids=str)
def test_who_asks_gets_the_own_and_never_learns_of_others(
    role: Role | None, browser: Browser, record_property: Record
) -> None:
    before, forms = browser.requests, 0
    walker = Walker(browser, addresses.routes())
    person = WALKERS[role] if role else None
    walker.walk_addresses(role, person)
    if role and person:
        trier = Trier(walker, person, role)
        trier.run()
        forms = trier.forms

    browser.log.clear()
    record_property("walked", (len(walker.routes), forms, browser.requests - before))
    assert not walker.faults, told(walker)
