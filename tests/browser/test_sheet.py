"""The sheet of a community in a real browser: cells by keyboard, the tray, a broken rule with its fix, applying and taking back."""

from __future__ import annotations

import re

from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.installation import Installation
from tests.browser.looks import listen, nothing_in
from tests.browser.page_audit import look_at
from tests.browser.pasting import paste


def open_sheet(installation: Installation, who: str) -> Page:
    """The sheet of Harbour View, as who is signed in sees it."""
    page = installation.visit(who)
    page.goto(f"{installation.url}/sites/?q=Harbour")
    page.get_by_role("link", name="Harbour View").first.click()
    expect(page.get_by_role("heading", name="Harbour View")).to_be_visible()
    return page


def cell(page: Page, column: str, number: str) -> Locator:
    """The cell of an apartment of Pier House."""
    return page.get_by_label(f"{column}, {number}", exact=True).first


def test_cells_are_edited_by_keyboard_and_applied_as_one_batch(installation: Installation) -> None:
    page = open_sheet(installation, "installer")
    heard, found, tray = listen(installation, page), list[str](), page.locator("#tray")
    first, second = cell(page, "Family master", "1.01"), cell(page, "Family master", "1.02")
    names = [first.input_value(), second.input_value()]
    expect(tray).to_be_hidden()
    first.focus()
    expect(first).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Ada Byron")
    expect(first).to_have_value("Ada Byron")
    page.keyboard.press("Enter")
    expect(second).to_be_focused()
    page.keyboard.type("Ben Okri")
    page.keyboard.press("ArrowRight")  # behind the last letter it leads to the next cell
    switch = cell(page, "With Indoor Monitor", "1.02")
    expect(switch).to_be_focused()
    page.keyboard.press("Space")
    expect(tray).to_contain_text("3 changes, apartments: 2")
    expect(tray).to_contain_text("+US$1.00")  # an App without a monitor costs more
    expect(page.get_by_label("With Indoor Monitor, all in Pier House", exact=True)).to_have_attribute(
        "aria-checked", "mixed"
    )
    page.keyboard.press("ArrowDown")
    third = cell(page, "Family master", "1.03")
    third.fill("Nobody at all")
    third.press("Escape")
    expect(third).not_to_have_value("Nobody at all")
    # a new apartment without its monitor breaks a rule, which is said where it is mended
    page.get_by_label("Family master, new in Pier House", exact=True).fill("Cleo, cleo@example.org")
    expect(tray).to_contain_text("A new apartment needs the MAC address and the name of its monitor.")
    apply = tray.get_by_role("button", name="Apply 4 changes")
    expect(apply).to_have_attribute("aria-disabled", "true")
    found += look_at(page, "site-detail, with changes")
    apply.click(force=True)  # it says that it waits, and leads to what is wrong
    expect(page.get_by_label("MAC address, new in Pier House", exact=True)).to_be_focused()
    page.get_by_label("Family master, new in Pier House", exact=True).press("Escape")
    tray.get_by_role("button", name="Apply 3 changes").click()
    expect(page.locator(".flash")).to_contain_text("3 changes are applied.")
    expect(first).to_have_value("Ada Byron")
    expect(switch).not_to_be_checked()
    page.get_by_role("link", name="Undo", exact=True).click()
    page.get_by_role("button", name=re.compile("Undo in")).click()
    page.get_by_text(re.compile("as (it was|they were) before")).wait_for()
    _named(installation, names)
    page.context.close()
    nothing_in(found, heard)


def _named(installation: Installation, names: list[str]) -> None:
    """Paste the former names downwards, as the property manager, who edits residents alone."""
    page = open_sheet(installation, "pm")
    heard = listen(installation, page)
    assert page.locator("#sheet-form input.sw").count() == 0
    expect(cell(page, "Family master", "1.01")).to_have_value("Ada Byron")
    paste(cell(page, "Family master", "1.01"), names)
    expect(page.locator("#tray")).to_contain_text("2 changes, apartments: 2")
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.get_by_role("heading", name="Review changes")).to_be_visible()
    found = look_at(page, "sheet-changes, review")
    page.get_by_role("button", name="Apply 2 changes").last.click()
    expect(page.locator(".flash")).to_contain_text("2 changes are applied.")
    expect(cell(page, "Family master", "1.02")).to_have_value(names[1])
    page.context.close()
    nothing_in(found, heard)


def test_leaving_a_sheet_with_changes_asks(installation: Installation) -> None:
    page = open_sheet(installation, "installer")
    cell(page, "Family master", "2.01").fill("Somebody else")
    asked = list[str]()

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("link", name="Billing", exact=True).click()
    expect(cell(page, "Family master", "2.01")).to_have_value("Somebody else")
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="Discard").click()
    expect(page.locator("#tray")).to_be_hidden()
    page.get_by_role("link", name="Billing", exact=True).click()
    page.wait_for_url(re.compile("/billing/"))
    page.context.close()
