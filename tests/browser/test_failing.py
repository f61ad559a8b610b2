"""A server that fails, a session that is lost, a form that is left: what the script says and keeps, tried in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from smartplus.demo import DOMAIN, PASSWORD
from tests.browser.installation import Installation
from tests.browser.lost_connection import SAID, failing

CART = re.compile(r"/subscription/(\?.*)?$")


@pytest.mark.parametrize("how", ["500", "unreachable", "never"])
def test_a_price_that_could_not_be_fetched_says_so_and_next_waits_until_it_works_again(
    installation: Installation, how: str
) -> None:
    page = installation.visit("distributor")
    page.goto(f"{installation.url}/subscription/")
    page.locator("input[name=item]").first.check()
    cart = page.locator("#cart")
    expect(cart).to_contain_text("Activate 1 item")
    works_again = failing(page, how)
    page.locator("input[name=item]").nth(1).check()
    expect(cart.get_by_role("alert")).to_contain_text(SAID)
    expect(cart).to_have_class(re.compile("stale"))
    expect(cart.get_by_role("button", name="Next").first).to_be_disabled()
    with page.expect_event(
        "response" if how == "500" else "requestfailed"
    ):  # or it would be on its way when all works again
        cart.get_by_role("button", name="Try again").click()
    expect(cart.get_by_role("alert")).to_have_count(1)  # still one, not one more
    expect(cart.get_by_role("button", name="Next").first).to_be_disabled()
    works_again()
    cart.get_by_role("button", name="Try again").click()
    expect(cart).to_contain_text("Activate 2 items")
    expect(cart.get_by_role("alert")).to_have_count(0)
    expect(cart).not_to_have_class(re.compile("stale"))
    cart.get_by_role("button", name="Next").first.click()
    page.wait_for_url(re.compile(r"/subscription/carts/\d+/"))


def test_a_bill_that_could_not_be_fetched_says_so_and_saving_still_works(installation: Installation) -> None:
    page = installation.visit("installer")
    page.goto(f"{installation.url}/sites/?q=Harbour")
    page.get_by_role("link", name="Harbour View").first.click()
    page.goto(f"{page.url}edit/")
    works_again = failing(page, "500")
    page.get_by_role("switch", name="Elevator Control").check()
    expect(page.locator("#price-preview").get_by_role("alert")).to_contain_text(SAID)
    expect(page.get_by_role("button", name=re.compile("Create|Add|Save")).last).to_be_enabled()
    works_again()
    page.locator("#price-preview").get_by_role("button", name="Try again").click()
    expect(page.locator("#price-preview")).to_contain_text("Elevator Control")
    expect(page.locator("#price-preview").get_by_role("alert")).to_have_count(0)


def sign_in_again(page: Page, local_part: str) -> None:
    page.get_by_label("Email").fill(f"{local_part}@{DOMAIN}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("lost_by", ["fragment", "saving"])
def test_a_lost_session_leads_to_sign_in_and_back_with_what_was_typed(installation: Installation, lost_by: str) -> None:
    page = installation.visit("installer")
    page.goto(f"{installation.url}/sites/new/")
    page.get_by_label("Name", exact=True).fill("Speicher am Kai")
    page.get_by_label("Street").fill("Am Sandtorkai 1")
    page.get_by_label("Free family members").fill("7")
    page.context.clear_cookies(name=re.compile("session"))
    if lost_by == "fragment":
        page.get_by_label("Country").fill("Germany")
        page.get_by_label("Country").blur()
    else:
        page.evaluate(
            "const form = document.getElementById('step-form'); form.noValidate = true; form.requestSubmit();"
        )
    page.wait_for_url(re.compile(r"/sign-in/\?next=/sites/new/"))
    sign_in_again(page, "installer")
    page.wait_for_url(re.compile(r"/sites/new/$"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("Speicher am Kai")
    expect(page.get_by_label("Street")).to_have_value("Am Sandtorkai 1")
    expect(page.get_by_label("Free family members")).to_have_value("7")
    expect(page.get_by_role("status").filter(has_text="It is not saved yet.")).to_be_visible()
    page.goto(f"{installation.url}/sites/new/")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")  # once is enough


def test_what_one_person_typed_is_not_brought_to_another(installation: Installation) -> None:
    page = installation.visit("installer")
    page.goto(f"{installation.url}/sites/new/")
    page.get_by_label("Name", exact=True).fill("Speicher am Kai")
    page.context.clear_cookies(name=re.compile("session"))
    page.get_by_label("Country").fill("Germany")
    page.get_by_label("Country").blur()
    page.wait_for_url(re.compile(r"/sign-in/"))
    sign_in_again(page, "installer.other")
    page.wait_for_url(re.compile(r"/sites/new/$"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("")


def asked_on_leaving(page: Page, leave: Callable[[], object]) -> bool:
    """Whether the browser asks before it leaves; it leaves all the same."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    leave()
    page.remove_listener("dialog", answer)
    return asked == ["beforeunload"]


def test_leaving_asks_only_when_something_was_changed_and_not_sent(installation: Installation) -> None:
    page = installation.visit("installer")

    def away() -> None:
        page.get_by_role("link", name="Dashboard").first.click()
        page.wait_for_url(re.compile(r"/dashboard/"))

    profile = f"{installation.url}/settings/"
    page.goto(profile)
    name = page.get_by_label("Name", exact=True)
    was = name.input_value()
    assert not asked_on_leaving(page, away)
    page.goto(profile)
    name.fill("Ivan B.")
    name.fill(was)
    assert not asked_on_leaving(page, away)  # changed and changed back
    page.goto(profile)
    name.fill("Ivan B.")
    assert asked_on_leaving(page, away)
    page.goto(profile)
    name.fill("")
    page.locator("main form[method=post]").first.evaluate("form => { form.noValidate = true; }")
    assert not asked_on_leaving(page, lambda: page.get_by_role("button", name="Save").last.click())
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    assert asked_on_leaving(page, away)  # refused, so still not saved
    page.goto(profile)
    expect(name).to_have_value(was)
