"""Ticks of a list as the script keeps them: all that match, and rows that are taken out of it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.installation import Installation


def test_a_row_that_is_unticked_is_taken_out_of_all_that_match(installation: Installation) -> None:
    page = installation.visit("distributor")
    page.goto(f"{installation.url}/subscription/")
    every = page.locator("input[name=all]")
    rows = page.locator("input[name=item]")
    found = re.search(r"Select all ([0-9]+) matching", page.locator(".selbar").inner_text())
    assert found
    total = int(found[1])
    every.check()
    cart = page.locator("#cart")
    expect(cart).to_contain_text(f"Activate {total} items")
    for row in (rows.first, rows.last):
        expect(row).to_be_checked()
    rows.nth(1).uncheck()
    expect(cart).to_contain_text(f"Activate {total - 1} items")
    expect(every).to_be_checked()
    assert every.evaluate("box => box.indeterminate")
    rows.nth(1).check()
    expect(cart).to_contain_text(f"Activate {total} items")
    assert not every.evaluate("box => box.indeterminate")
    every.evaluate("box => { box.form.elements.elsewhere.value = '7'; }")  # taken out on another page
    rows.nth(1).uncheck()
    rows.nth(1).check()
    assert every.evaluate("box => box.indeterminate")
    every.uncheck()
    expect(rows.first).not_to_be_checked()
    rows.nth(2).check()
    expect(cart).to_contain_text("Activate 1 item")
    expect(every).not_to_be_checked()
