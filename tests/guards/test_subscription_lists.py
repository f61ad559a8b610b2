"""What the lists of Subscription read: as many statements as their guard says, and of what they join only what a row shows."""

from __future__ import annotations

import pytest

from accounts.scope import Role
from smartplus.portal.kit.list_tags import counted
from smartplus.portal.orders.lists import OF_MANAGER
from tests.guards.browser import Browser
from tests.guards.costs import Cost, visit
from tests.guards.crowd import FIRST, crowd

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("list-costs")]


@pytest.fixture
def grown(browser: Browser) -> Browser:
    for number, (estate, payer) in enumerate((("hafen", "dora"), ("norden", "sam"))):
        crowd(browser.world, estate=estate, payer=payer, count=60, first=FIRST + 1000 * number)
    return browser


def cost_of(browser: Browser, role: Role, path: str) -> Cost:
    status, cost = visit(browser, role, path, reading=False)
    assert status == 200
    return cost


def naming(cost: Cost, *names: str) -> list[str]:
    """The statements that name all of these."""
    return [sql for sql in cost.statements if all(f'"{name}"' in sql for name in names)]


@pytest.mark.parametrize("role", [Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR])
def test_auto_renewals_are_ranked_by_themselves(grown: Browser, role: Role) -> None:
    cost = cost_of(grown, role, "/subscription/auto-renew/")
    assert len(cost.statements) <= 12, "\n".join(cost.statements)
    assert (
        len(naming(cost, "subscriptions_autorenewalitem")) == 1
    )  # what those of the page renew; nobody's sight asks for it
    ranking, page = naming(cost, "rank")
    assert '"search_key"' not in ranking
    assert '"terms_version"' not in page


@pytest.mark.parametrize("role", [Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR])
def test_requests_bring_what_their_rows_show(grown: Browser, role: Role) -> None:
    cost = cost_of(grown, role, "/subscription/requests/")
    assert len(cost.statements) <= 9, "\n".join(cost.statements)
    (page,) = [sql for sql in naming(cost, "requested_by_id") if not sql.startswith("SELECT COUNT")]
    assert '"note"' not in page
    assert '"password"' not in page  # what of a person the row does not show


@pytest.mark.parametrize("role", [Role.DISTRIBUTOR, Role.MANAGER])
def test_orders_bring_what_their_rows_show(grown: Browser, role: Role) -> None:
    cost = cost_of(grown, role, "/orders/")
    assert len(cost.statements) <= 5, "\n".join(cost.statements)
    assert not [sql for sql in naming(cost, "subscriptions_order") if '"billing"' in sql or '"postal_code"' in sql]
    (lines,) = naming(cost, "subscriptions_orderline", "amount")
    assert '"communities_managerassignment"' not in lines  # asked once for each site, not for each line
    if role is Role.MANAGER:
        (counting,) = [sql for sql in naming(cost, "subscriptions_orderline") if sql.startswith("SELECT COUNT")]
        assert f"LIMIT {OF_MANAGER + 1}" in counting
        assert (counted(OF_MANAGER, OF_MANAGER), counted(OF_MANAGER + 1, OF_MANAGER)) == ("200", "200+")
