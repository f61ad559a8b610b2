"""The field of a MAC in a real browser: what it says on leaving it, what it offers, and that it says when it could not ask."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.installation import Installation
from tests.browser.lost_connection import SAID, failing


def test_a_mac_is_judged_on_leaving_it_offered_as_one_types_and_taken_over_with_a_click(
    installation: Installation,
) -> None:
    page = installation.visit("installer")
    page.goto(f"{installation.url}/sites/")
    page.get_by_role("link", name="Harbour View").first.click()
    page.goto(f"{page.url}apartments/new/")
    page.get_by_role(
        "button", name="Add monitor"
    ).click()  # rows that came later ask like those that came with the page
    field, said = page.locator("[data-mac]").nth(1), page.locator(".mac-said").nth(1)
    offered = page.locator("datalist").nth(1).locator("option")
    field.focus()
    expect(offered.first).to_have_attribute("value", re.compile("^0C:11:05:"))
    mac = offered.first.get_attribute("value") or ""
    field.press_sequentially(mac.replace(":", "").lower()[:11])
    expect(offered.first).to_have_attribute("value", mac)
    field.fill(f"MAC: D{mac[1:]}")
    field.press("Enter")  # as scanners do
    expect(said).to_contain_text(f"Did you mean {mac}?")
    said.get_by_role("button", name=f"Use {mac}").click()
    expect(field).to_have_value(mac)
    expect(said).to_contain_text("assigned to you")
    expect(said).to_have_role("status")
    assert said.get_attribute("id") in (field.get_attribute("aria-describedby") or "").split()
    works_again = failing(page, "500")
    field.fill("0C1105")
    field.press("Tab")
    expect(said).to_contain_text(SAID)
    works_again()
    said.get_by_role("button", name="Try again").click()
    expect(said).to_contain_text("6 of 12 digits")
    expect(said).not_to_have_class(re.compile("stale"))


def test_what_was_refused_goes_when_the_field_is_asked_about_again(installation: Installation) -> None:
    page = installation.visit("installer")
    page.goto(f"{installation.url}/sites/")
    page.get_by_role("link", name="Harbour View").first.click()
    page.goto(f"{page.url}apartments/new/")
    field = page.locator("[data-mac]").first
    field.fill("0C1105")
    page.get_by_label("Floor").fill("9")
    page.get_by_label("Number").fill("9.99")
    page.get_by_role("button", name="Create apartment").click()
    expect(page.get_by_role("alert").or_(page.locator("[data-focus]")).first).to_contain_text("6 of 12 digits")
    field = page.locator("[data-mac]").first
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("0C:11:05:2A:10:0")
    field.press("Tab")
    expect(page.locator(".mac-said").first).to_contain_text("11 of 12 digits")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator(".f .said.lapsed")).to_have_count(0)
