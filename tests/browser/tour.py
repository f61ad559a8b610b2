"""A picture of every page as every role, to look at: `python -m tests.browser.tour FOLDER [ADDRESS OF A RUNNING DEMO]`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Page, sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.browser import walk  # noqa: E402  (the routes need settings)
from tests.browser.installation import FLAGS, Installation, chromium, running_installation  # noqa: E402

LOOKS = (("wide", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light"))


def shoot(page: Page, folder: Path, name: str) -> None:
    """The page as it stands, light and dark, wide and on a phone."""
    for look, width, theme in LOOKS:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 844 if width < 768 else 800})
        page.screenshot(path=folder / f"{name}.{look}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


def tour(installation: Installation, folder: Path) -> None:
    """Every role along its links, then what nobody is signed in for and what goes wrong."""
    for role, login in walk.LOGINS.items():
        page = installation.visit(login)
        for route, address in walk.pages_of(installation, page):
            shoot(page, folder, f"{role}-{re.sub(r'[^a-z-]+', '-', route)}")
            print(f"{role}: {route} {address}")
        page.goto(f"{installation.url}/nothing/")
        shoot(page, folder, f"{role}-404")
        if role.value == "technician":
            page.goto(f"{installation.url}/dashboard/")
            shoot(page, folder, f"{role}-403")
        if role.value == "installer":
            page.goto(f"{installation.url}/sites/?q=Hafenblick")
            shoot(page, folder, f"{role}-no-result")
            page.goto(f"{installation.url}/sites/new/")
            page.locator("#step-form").evaluate("form => { form.noValidate = true }")
            page.get_by_role("button", name="Continue to Structure").click()
            page.get_by_role("alert").wait_for()
            shoot(page, folder, f"{role}-refused")
        page.context.close()
    page = installation.window().new_page()
    for address in walk.public_pages():
        page.goto(installation.url + address)
        shoot(page, folder, f"public-{address.strip('/').replace('/', '-')}")
    page.context.close()


def main(folder: Path, address: str = "") -> None:
    """Visit the given demo, or start one."""
    folder.mkdir(parents=True, exist_ok=True)
    if not address:
        with tempfile.TemporaryDirectory() as var, running_installation(Path(var)) as installation:
            return tour(installation, folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        tour(Installation(address.rstrip("/"), browser, folder / "none.log"), folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
