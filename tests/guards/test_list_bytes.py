"""What a list of fifty rows weighs before compression (DESIGN §9)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db.models import F

from accounts.models import Organization
from accounts.scope import Role
from communities.models import Apartment, Entitlement, Mode, Site
from tests.guards.browser import Browser
from tests.guards.costs import NobodyLooks
from tests.guards.crowd import FIRST, crowd
from tests.guards.walker import WALKERS

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("list-costs")]
MOST = 60_000
MORE = {"/library/": 60 * 1024}  # not there yet: a row has a button of its own
LISTS = (
    "/sites/", "/users/", "/users/?tab=people", "/library/", "/orders/", "/settings/audit/?days=all", "/settings/notifications/", "/payments/",
    "/payments/webhooks/", "/sites/{site}/", "/sites/{site}/residents/", "/subscription/", "/subscription/auto-renew/", "/subscription/requests/",
    "/handovers/", "/jobs/", "/sites/drafts/", "/sites/differences/", "/sites/{site}/differences/",
    "/sites/{site}/equipment/", "/sites/{works}/doors-and-people/",
)  # fmt: skip
REFUSED = {302, 403, 404}


def test_no_list_of_fifty_rows_is_heavy(browser: Browser) -> None:
    for number, (estate, payer) in enumerate((("hafen", "dora"), ("hafen", "ivan"), ("norden", "sam"))):
        crowd(browser.world, estate=estate, payer=payer, count=60, first=FIRST + 1000 * number)
    browser = replace(browser, ledger=NobodyLooks(browser.world))
    weighed, full = dict[tuple[Role, str], int](), 0
    for role in WALKERS:
        for listed in LISTS:
            path = listed.format(
                site=browser.world.sites["hafen"].pk, works=browser.world.holdings["hafen"].keys["commercial"][0]
            )
            answer = browser.ask(WALKERS[role], "GET", path)
            if answer.status not in REFUSED:
                weighed[role, path] = len(answer.text.encode())
                full += answer.text.count("<tr>") > 50 or answer.text.count("<details") >= 50
    assert full > 10, "hardly a list has fifty rows"
    assert {what: size for what, size in weighed.items() if size > MORE.get(what[1], MOST)} == {}


@pytest.mark.parametrize("role", [Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR])
def test_the_sites_of_resellers_are_not_heavy_with_names_as_people_give_them(browser: Browser, role: Role) -> None:
    crowd(browser.world, estate="norden", payer="sam", count=60)
    sites = Site.objects.filter(pk__gt=FIRST)
    sites.update(name="Nyhavn Gaarden 7310209", street="Nyhavn 3", city="København", postal_code="1051", country="DK")
    installers = Organization.objects.filter(pk__in=sites.values("installer_id"))
    installers.update(name="Norden Port 10")
    Apartment.objects.filter(pk__in=sites).update(site_id=F("pk"), indoor_monitor=True, monitor_pending=True)
    Entitlement.objects.filter(pk__in=sites).update(site_id=F("pk"), mode=Mode.AUTO)
    answer = replace(browser, ledger=NobodyLooks(browser.world)).ask(WALKERS[role], "GET", "/sites/")
    assert answer.text.count("<tr>") == 51
    assert answer.text.count("<progress") == answer.text.count('class="st auto"') == 50
    assert len(answer.text.encode()) <= MOST
