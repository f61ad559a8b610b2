"""A form that is saved after its session has ended: it comes back filled, says so, and is saved once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from smartplus.demo import PASSWORD
from tests.browser.installation import Installation

SAID = "What you had typed is here again. It is not saved yet."
EMAIL = "installer@demo.smartplus.test"


def enter(page: Page) -> None:
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_a_new_site_survives_the_end_of_the_session(installation: Installation, has_script: bool) -> None:
    context = installation.window(script=has_script)
    page = context.new_page()
    page.goto(f"{installation.url}/sign-in/?next=/sites/new/")
    enter(page)
    name = f"Lost {'and' if has_script else 'or'} Found Court"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Street").fill("Kaistraße 14")
    page.get_by_label("Postal code").fill("20457")
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").fill("Germany")
    page.keyboard.press(
        "Tab"
    )  # what follows a change, the price preview beside the form, is there before the session ends
    page.wait_for_load_state("networkidle")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Continue to Structure").click()
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/sites/new/$"))
    enter(page)
    expect(page).to_have_url(f"{installation.url}/sites/new/")
    expect(page.get_by_text(SAID)).to_have_count(1)
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    expect(page.get_by_label("City")).to_have_value("Hamburg")
    page.get_by_role("button", name="Continue to Structure").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Structure")
    page.goto(f"{installation.url}/sites/drafts/")
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(1)
    context.close()
