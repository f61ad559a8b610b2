"""Every page of every role, light and dark, wide and on a phone: WCAG 2.2 AA by axe, a silent console, no sideways scrolling."""

from __future__ import annotations

import re
import time

import pytest

from accounts.scope import Role
from tests.browser import walk
from tests.browser.installation import Installation
from tests.browser.looks import faults, listen, nothing_in
from tests.browser.page_audit import look_at

# Richest first: a page that several roles share is looked at where most is on it; dashboards differ by role.
ORDER = (Role.INSTALLER, Role.DISTRIBUTOR, Role.OPERATOR, Role.MANAGER, Role.SUBDISTRIBUTOR, Role.TECHNICIAN)
LOOKED_AT: set[str] = set()
# What a walk along links can't find, and why.
BY_FORM_ONLY = {
    "equipment-move": "only a piece of a community moves, and the walk looks at one piece, wherever it is",
    **dict.fromkeys(
        (
            "site-draft-list",
            "site-draft",
            "draft-basics",
            "draft-structure",
            "draft-services",
            "draft-devices",
            "draft-review",
        ),
        "the demo has no draft; tests/browser/test_new_site.py goes there",
    ),
    "cart": "made by ticking and Next; test_the_way_to_the_till goes there",
    "order-returned": "where the payment page leads back to; test_the_way_to_the_till goes there",
    "order-left": "where its Cancel leads back to, which is the order's page; test_the_way_to_the_till goes there",
    "cart-term": "a fragment of the cart",
    "apartment-list": "an address of earlier days, which leads on to the sheet",
    "bulk-change-file": "a file of a dry run, further from the menu than the walk goes",
    **dict.fromkeys(("job-file", "job-failed-rows"), "files of a job"),
    **dict.fromkeys(
        ("import-file", "import-detail"),
        "the check of a file that somebody uploaded; test_an_import_is_checked goes there",
    ),
    **dict.fromkeys(("mac-check", "mac-free"), "what a field for a MAC fetches"),
    **dict.fromkeys(
        ("apartment-delete", "building-delete", "handover-detail", "handover-print"),
        "the demo has nothing unused and no offer; test_what_is_offered_and_what_was_never_used goes there",
    ),
    **dict.fromkeys(
        ("building-codes", "resident-move", "site-pms"),
        "of communities, and the walk's first site is none; test_what_is_offered_and_what_was_never_used goes there",
    ),
    "site-pms-token": "what the form before it leads to, once; tests/portal/pms reads it",
    "site-delete": "looks as that of a building does",
    "job-detail": "the demo has no job; tests/portal/jobs reads it",
    "subscription-sites": "what the field for a site fetches",
    "subscription-installers": "what the field for an installer fetches",
    **dict.fromkeys(
        ("choices-address", "choices-countries", "choices-time-zones", "choices-zones"),
        "a fragment that a form fetches",
    ),
    "accept-terms": "shown where the present terms are not accepted yet; the demo's people have accepted them",
    "sign-in-code": "the second step of a sign-in with two factors; the demo's people have one",
}

# Single rows that the demo has for others only.
NO_ROWS = {
    Role.INSTALLER: {
        "auto-renewal-card",
        "settings-method-remove",
    },  # it may not pay, so it has no card and no auto-renewal
}


@pytest.fixture(scope="module", autouse=True)
def asked(installation: Installation) -> None:
    """Ivan, who may not pay, has asked for an activation: there is a request to look at."""
    ivan = installation.visit("installer")
    ivan.goto(f"{installation.url}/subscription/?q=Harbour")
    ivan.locator("input[name=item]").last.check()
    ivan.locator("#cart .ln").first.wait_for()
    ivan.get_by_role("button", name="Request activation").click()
    ivan.wait_for_url(re.compile("/requests/"))
    ivan.context.close()
    _changed_in_bulk(installation)
    olga = installation.visit("operator")  # the sandbox's messages of the demo's first order come once the web is up
    deadline = time.monotonic() + 90
    while not olga.goto(f"{installation.url}/payments/webhooks/") or not olga.locator("main table tbody tr").count():
        assert time.monotonic() < deadline, "no webhook arrived"
        olga.wait_for_timeout(500)  # polling another process, with a bound
    olga.context.close()


def _changed_in_bulk(installation: Installation) -> None:
    """Ivan switches With Indoor Monitor off and takes that back: there are bulk changes to look at."""
    ivan = installation.visit("installer")
    ivan.goto(f"{installation.url}/sites/?q=Harbour")
    ivan.get_by_role("link", name="Harbour View").first.click()
    ivan.goto(f"{ivan.url}bulk/?indoor_monitor=off")
    ivan.get_by_role("button", name=re.compile("Apply to")).click()
    ivan.get_by_role("button", name=re.compile("Undo in")).click()
    ivan.get_by_text("as they were before").wait_for()
    ivan.context.close()


def test_a_bulk_change_can_be_read_before_and_after(installation: Installation) -> None:
    page = installation.visit("installer")
    heard, found = listen(installation, page), list[str]()
    page.goto(f"{installation.url}/sites/?q=Harbour")
    page.get_by_role("link", name="Harbour View").first.click()
    page.goto(f"{page.url}bulk/?indoor_monitor=off")
    found += look_at(page, "bulk-change, dry run")
    page.get_by_role("button", name=re.compile("Apply to")).click()
    page.get_by_role("button", name=re.compile("Undo in")).wait_for()
    found += look_at(page, "change-detail, to take back")
    page.get_by_role("button", name=re.compile("Undo in")).click()
    page.get_by_text("as they were before").wait_for()
    page.context.close()
    nothing_in(found, heard)


@pytest.mark.parametrize("role", ORDER)
def test_every_page_can_be_read_by_everybody(installation: Installation, role: Role) -> None:
    page = installation.visit(walk.LOGINS[role])
    heard, found, visited = listen(installation, page), list[str](), set[str]()
    for route, _address in walk.pages_of(installation, page):
        visited.add(route.split()[0])
        name = f"{role} {route}" if route == "dashboard" else route
        if name not in LOOKED_AT:
            LOOKED_AT.add(name)
            found += look_at(page, name)
    page.context.close()
    nothing_in(found, heard)
    # the demo's sub-distributor has an installer, and that one no site yet
    missed = {
        route
        for route in walk.pages_for(role, with_rows=role is not Role.SUBDISTRIBUTOR) - visited
        if route not in BY_FORM_ONLY and route not in NO_ROWS.get(role, ())
    }
    assert not missed, f"no link leads {role} to {sorted(missed)}"


def test_the_way_to_the_till(installation: Installation) -> None:
    page = installation.visit("distributor")
    heard, found = listen(installation, page), list[str]()
    page.goto(f"{installation.url}/subscription/?q=Harbour")
    page.locator("input[name=item]").first.check()
    page.locator("#cart .ln").first.wait_for()
    found += look_at(page, "subscription, ticked")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("I accept the").wait_for()
    found += look_at(page, "cart")
    page.get_by_label("I accept the").check()
    page.get_by_role("button", name=re.compile("^Pay US")).click()
    page.get_by_role("link", name="Cancel").or_(page.get_by_role("button", name="Cancel")).first.click()
    page.wait_for_url(re.compile(r"/orders/SP-"))
    found += look_at(page, "order-detail, waiting")
    page.get_by_role("button", name="Cancel order").click()
    found += faults(page, "the question before what can't be taken back", "light")
    page.locator("dialog[open] button[value=yes]").click()
    page.get_by_role("heading", name="Nothing was charged").wait_for()
    page.goto(re.sub(r"(/orders/[^/]+/).*", r"\1returned/", page.url))
    found += look_at(page, "order-returned")
    page.context.close()
    nothing_in(found, heard)


def test_what_is_offered_and_what_was_never_used(installation: Installation) -> None:
    page = installation.visit("installer")
    heard, found = listen(installation, page), list[str]()
    page.goto(f"{installation.url}/sites/?q=Harbour")
    page.get_by_role("link", name="Harbour View").first.click()
    site = page.url
    page.goto(f"{site}buildings/new/")
    page.get_by_label("Name", exact=True).fill("Never Used")
    page.get_by_label("Floors × units").check()
    page.get_by_label("Floors", exact=True).fill("1")
    page.get_by_label("Units a floor").fill("1")
    page.get_by_role("button", name="Add building").last.click()
    page.get_by_text("Never Used is added").wait_for()
    building = page.locator(".house", has_text="Never Used").locator("a.push").get_attribute("href") or ""
    apartment = (page.locator(".units").first.locator("a").first.get_attribute("href") or "").removeprefix(
        installation.url
    )
    for address in (f"{apartment}delete/", f"{building.removesuffix('edit/')}delete/"):
        page.goto(installation.url + address)
        found += look_at(page, re.sub(r"\d+", "N", address))
    page.goto(f"{site}residents/")
    person = page.locator("main table a[href^='/residents/']").first.get_attribute("href") or ""
    for address in (
        person.replace("/edit/", "/move/"),
        f"{building.removesuffix('edit/')}registration/",
        site.removeprefix(installation.url) + "pms/",
    ):
        assert page.goto(installation.url + address).status == 200, address  # type: ignore[union-attr]
        found += look_at(page, re.sub(r"\d+", "N", address))
    page.goto(f"{site}handover/")
    page.get_by_label("Installer that takes it over").fill("Norden Port AS")
    page.get_by_role("button", name="Offer the site").click()
    page.wait_for_url(re.compile(r"/handovers/\d+/"))
    found += look_at(page, "handover-detail")
    page.goto(f"{page.url}print/")
    found += faults(page, "handover-print", "light")
    page.context.close()
    nothing_in(found, heard)


def test_pages_without_a_person(installation: Installation) -> None:
    page = installation.window().new_page()
    heard, found = listen(installation, page), list[str]()
    for address in walk.public_pages():
        page.goto(installation.url + address)
        found += look_at(page, address)
    page.context.close()
    nothing_in(found, heard)


def test_what_goes_wrong_can_be_read_as_well(installation: Installation) -> None:
    page = installation.visit("installer")
    page.emulate_media(reduced_motion="reduce")
    found = []
    for address in ("/nothing/", "/prices/", "/sites/?q=Hafenblick", "/orders/?q=Hafenblick", "/library/?q=Hafenblick"):
        page.goto(installation.url + address)
        found += look_at(page, address)
    page.goto(f"{installation.url}/sites/new/")
    page.locator("#step-form").evaluate("form => { form.noValidate = true }")
    page.get_by_role("button", name="Continue to Structure").click()
    page.get_by_role("alert").wait_for()
    found += look_at(page, "site-new, refused")
    page.context.close()
    nothing_in(found)
