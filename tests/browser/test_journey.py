"""A whole journey in a real browser: from an empty community to a paid one, on real processes."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from smartplus.demo import FIRST_MAC
from tests.browser.installation import Installation

FREE_MAC = f"{FIRST_MAC + 20:012x}"  # in the installer's library, not in use


def add_community(page: Page, name: str) -> None:
    page.locator("summary", has_text="Add site").click()
    page.get_by_role("link", name="Add Community Site").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Street").fill("Am Sandtorkai 41")
    page.get_by_label("Postal code").fill("20457")
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").fill("germany")
    page.get_by_label("Country").blur()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    expect(page.locator("#id_country_list option")).not_to_have_count(0)
    page.get_by_role("button", name="Continue to Structure").click()
    page.get_by_role("button", name="Remove this building").click()
    expect(page.get_by_text("No building yet")).to_be_visible()
    page.get_by_role("button", name="Continue to Services").click()
    expect(page.get_by_role("switch", name="Require at Least One Indoor Monitor")).to_be_checked()
    for off in ("Landline Service (For Residents)", "PM App", "Booking Service", "Video Storage", "Smart Parking"):
        expect(page.get_by_role("switch", name=off, exact=True)).not_to_be_checked()
    page.get_by_role("switch", name="Booking Service").check()
    page.get_by_role("button", name="Continue to Devices").click()
    page.get_by_role("button", name="Continue to Review").click()
    page.get_by_role("button", name="Create site with 0 apartments").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def add_apartment(page: Page, name: str) -> None:
    page.get_by_role("link", name="Apartments").first.click()
    page.get_by_role("link", name=re.compile("building", re.I)).first.click()
    page.get_by_label("Name", exact=True).fill("Lagerhaus")
    page.get_by_role("main").get_by_role("button", name=re.compile("building", re.I)).click()
    page.get_by_label("Floor").fill("9")
    page.get_by_label("Number").fill("9.01")
    page.get_by_role("button", name="Create apartment").click()
    expect(page.get_by_role("alert")).to_be_visible()  # no monitor, no apartment (R18)
    page.get_by_label("MAC address").first.fill("DC1105-2A1014")  # misread from the label, and not in the library
    page.get_by_role("main").locator("input[name$='name']").last.fill("Hallway")
    page.get_by_role("button", name="Create apartment").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("MAC address").first.fill(FREE_MAC)
    page.get_by_role("button", name="Create apartment").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_text("9.01").first).to_be_visible()


def test_from_an_empty_community_to_a_paid_one(installation: Installation) -> None:
    name = "Speicherhof"
    ivan = installation.visit("installer")
    add_community(ivan, name)
    site = re.sub(r"(/sites/\d+/).*", r"\1", ivan.url)
    add_apartment(ivan, name)
    ivan.goto(f"{site}apartments/")
    ivan.get_by_role("link", name="9.01").first.click()
    ivan.get_by_role("link", name=re.compile("resident", re.I)).first.click()
    ivan.get_by_label("Name", exact=True).fill("Anneke Voss")
    ivan.get_by_label("Email").fill("anneke@example.org")
    ivan.get_by_role("main").get_by_role("button", name=re.compile("resident|Add|Save", re.I)).last.click()
    expect(ivan.get_by_text("Anneke Voss").first).to_be_visible()
    ivan.goto(f"{site}managers/")
    ivan.get_by_role("checkbox", name=re.compile("Petra Holm")).first.check()
    ivan.get_by_role("checkbox", name=re.compile(r"PM App.*Petra|Petra.*PM App")).first.check()
    ivan.get_by_role("main").get_by_role("button", name=re.compile("Save|Submit")).last.click()
    expect(ivan.get_by_text("PM App").first).to_be_visible()

    dora = installation.visit("distributor")
    dora.goto(f"{installation.url}/subscription/?q={name}")
    expect(dora.get_by_text("Lagerhaus 9.01").first).to_be_visible()
    dora.get_by_role("checkbox", name=re.compile("Select all 3 matching")).check()
    expect(dora.locator("#cart")).to_contain_text("US$6.80")  # App 1.50, Booking 0.30, PM App 5.00
    dora.locator("#cart summary").first.click()
    expect(dora.locator("#cart")).to_contain_text("1 month × US$1.50")
    dora.get_by_role("radio", name=re.compile(r"\+3")).check()
    expect(dora.locator("#cart")).to_contain_text("US$20.40")
    dora.get_by_role("button", name="Next").click()
    expect(dora.get_by_label("Company")).to_have_value("Nordlys Distribution AS")
    dora.get_by_label("I accept the").check()
    dora.get_by_role("button", name="Pay US$20.40").click()
    expect(dora.get_by_text("no real money")).to_be_visible()
    dora.get_by_role("button", name="Decline").click()
    expect(dora.get_by_text("no real money")).to_be_visible()
    dora.get_by_role("link", name="Cancel").or_(dora.get_by_role("button", name="Cancel")).first.click()
    dora.wait_for_url(re.compile(r"/orders/SP-"))
    expect(
        dora.get_by_role("heading", name=re.compile("What now"))
    ).to_be_visible()  # cancelling at Stripe closes nothing
    dora.get_by_role("button", name="Pay US$20.40").click()
    dora.get_by_role("button", name="Approve").click()
    dora.wait_for_url(re.compile(r"/returned/"))
    expect(dora.get_by_role("heading", name=re.compile("Done: 3 items are active until"))).to_be_visible(timeout=30_000)
    expect(dora.locator("h1")).to_contain_text("Succeed")
    for step in ("Order created", "Sent to Stripe", "Stripe confirmed the payment", "Paid time applied"):
        expect(dora.get_by_text(step).first).to_be_visible()
    expect(dora.get_by_text("Sent to Stripe again, attempt 2")).to_be_visible()
    order = re.search(r"SP-\d{6}-\w{8}", dora.url)
    assert order

    ivan.goto(f"{site}edit/")
    lock = ivan.get_by_role("switch", name="PM App", exact=True)
    expect(lock).to_be_checked()
    expect(lock).to_be_disabled()
    expect(ivan.get_by_text(re.compile(r"Locked on.*Petra Holm until"))).to_be_visible()

    petra = installation.visit("pm")
    petra.goto(site)
    expect(petra.get_by_role("heading", level=1)).to_contain_text(name)

    stranger = installation.visit("distributor.other")
    for address in (site, f"{installation.url}/orders/{order[0]}/"):
        response = stranger.goto(address)
        assert response is not None
        assert response.status == 404


def test_the_journey_works_without_script(installation: Installation) -> None:
    page = installation.window(script=False).new_page()
    page.goto(f"{installation.url}/sign-in/")
    page.get_by_label("Email").fill("distributor@demo.smartplus.test")
    page.get_by_label("Password", exact=True).fill("smartplus-demo")
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{installation.url}/subscription/?q=Harbour")
    page.locator("input[name=item]").first.check()
    page.get_by_role("button", name="Show the price").click()
    expect(page.locator("#cart")).to_contain_text("Activate 1 item")
    page.get_by_role("button", name="Next").click()
    page.locator("#id_terms").check()
    page.get_by_role("button", name=re.compile("^Pay US")).click()
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(re.compile(r"/returned/"))
    for _ in range(40):
        if page.get_by_text("Done: 1 item is active").count():
            break
        page.reload()
        page.wait_for_timeout(250)
    expect(page.get_by_text("Done: 1 item is active")).to_be_visible()
