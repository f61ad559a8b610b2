"""An invitation from the button to the first page of who was invited: by the mail that the running installation prints."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from smartplus.demo import PASSWORD
from tests.browser.installation import Installation

EMAIL = "elin@lumen.example"


def printed_link(installation: Installation, email: str) -> str:
    """The link of the last mail to `email` that the installation printed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        mails = installation.log.read_text().split("\n" + "-" * 79 + "\n")  # as the console writes them
        links = [re.search(r"http\S+/invitation/\S+", mail) for mail in mails if f"To: {email}" in mail]
        if links and (link := links[-1]):
            return link[0]
        time.sleep(0.2)  # polling a file that another process writes, with a bound
    pytest.fail("no mail was printed:\n" + installation.log.read_text()[-3000:])


@pytest.mark.rule("R6")
def test_a_new_installer_is_invited_joins_and_adds_its_first_site(installation: Installation) -> None:
    dora = installation.visit("distributor")
    dora.goto(f"{installation.url}/users/new/?kind=installer")
    dora.get_by_label("Name", exact=True).first.fill("Lumen Access AB")
    dora.get_by_label("Country").fill("Sweden")
    dora.get_by_label("Name", exact=True).last.fill("Elin Sjöberg")
    dora.get_by_label("Email").fill(EMAIL)
    dora.get_by_role("button", name=re.compile("invitation")).click()
    expect(dora.get_by_text("is on its way").first).to_be_visible()
    link = printed_link(installation, EMAIL)
    elin = installation.window().new_page()
    elin.goto(link)
    elin.get_by_label("Password", exact=True).first.fill(PASSWORD + "-elin")
    elin.locator("input[type=password]").last.fill(PASSWORD + "-elin")
    elin.get_by_role("button", name=re.compile("^Join")).click()
    for box in elin.get_by_role("checkbox").all():  # the terms of today, before the first page
        box.check()
    elin.get_by_role("button", name=re.compile("Accept|Continue")).click()
    expect(elin.get_by_text("Lumen Access AB").first).to_be_visible()
    elin.goto(f"{installation.url}/sites/new/")
    expect(elin.get_by_role("heading", level=1)).to_contain_text("Basics")
    used = installation.window().new_page()
    assert (answer := used.goto(link)) is not None and answer.status == 410  # once, and for nobody else
    for page in (dora, elin, used):
        page.context.close()
