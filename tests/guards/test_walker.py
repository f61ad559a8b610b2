"""Nobody sees, changes or guesses at what belongs to somebody else, wherever the id is put (R1, R3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.scope import Role
from tests.guards import routes as addresses
from tests.guards.browser import Browser
from tests.guards.form_walker import FormWalker
from tests.guards.walker import WALKERS, Walker

Record = Callable[[str, object], None]
# Two halves of about the same length, so that two workers share them and each builds the world once.
FIRST, SECOND = pytest.mark.xdist_group("walker-1"), pytest.mark.xdist_group("walker-2")
pytestmark = pytest.mark.walk
HALF = {None: FIRST, Role.OPERATOR: FIRST, Role.DISTRIBUTOR: FIRST, Role.SUBDISTRIBUTOR: FIRST}


def told(walker: Walker) -> str:
    """What was found, one a line."""
    return f"{len(walker.faults)} faults\n" + "\n".join(walker.faults[:60])


def test_every_route_declares_a_policy_and_what_its_parameters_name() -> None:
    found = addresses.routes()
    assert addresses.faults(found) == []
    assert len(found) >= 60


@pytest.mark.django_db
@pytest.mark.rule("R1", "R3")
@pytest.mark.parametrize(
    "role", [pytest.param(role, marks=HALF.get(role, SECOND), id=str(role)) for role in (*WALKERS, None)]
)
def test_who_asks_gets_the_own_and_never_learns_of_others(
    role: Role | None, browser: Browser, record_property: Record
) -> None:
    before, forms = browser.requests, 0
    walker = Walker(browser, addresses.routes())
    person = WALKERS[role] if role else None
    walker.walk_addresses(role, person)
    if role and person:
        trier = FormWalker(walker, person, role)
        trier.run()
        forms = trier.forms

    record_property("walked", (len(walker.routes), forms, browser.requests - before))
    assert not walker.faults, told(walker)


@SECOND
@pytest.mark.django_db
@pytest.mark.urls("tests.guards.leaky")
@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("shows", "shows 'nordenmark'"),
        ("tells", "is told apart from what never was"),
        ("takes", "wrote communities.Entitlement"),
        ("searches", "is told apart from"),
    ],
)
def test_a_careless_page_turns_it_red(page: str, found: str, browser: Browser) -> None:
    leaky = [route for route in addresses.routes("tests.guards.leaky") if route.name == f"leaky-{page}"]
    walker = Walker(browser, leaky)
    walker.walk_addresses(Role.INSTALLER, "ivan")
    FormWalker(walker, "ivan", Role.INSTALLER).run()
    assert [fault for fault in walker.faults if found in fault], told(walker)


def test_a_route_without_a_policy_or_with_an_unknown_parameter_turns_it_red() -> None:
    told_of = "\n".join(addresses.faults(addresses.routes("tests.guards.leaky")))
    assert "/leaky/undeclared/ (tests.guards.leaky.undeclared) declares no policy" in told_of
    assert "/leaky/unknown/<int:thing_id>/ has the parameter 'thing_id'" in told_of
    assert len(told_of.splitlines()) == 2
