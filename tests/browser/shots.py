"""The pictures of the documentation, made from a running demo: `make docs-shots`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Page

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.browser.house import House, running_house  # noqa: E402  (the demo's logins stand beside its models)

TARGET = Path(__file__).resolve().parents[2] / "docs" / "images"

# file name → (login, address, theme)
SHOTS: dict[str, tuple[str, str, str]] = {
    "installer-community": ("installer", "/sites/1/", "light"),
    "installer-services": ("installer", "/sites/1/edit/", "light"),
    "installer-apartment": ("installer", "/sites/1/apartments/new/", "light"),
    "distributor-activate": ("distributor", "/subscription/", "light"),
    "distributor-activate-dark": ("distributor", "/subscription/", "dark"),
    "distributor-library": ("distributor", "/library/", "light"),
    "operator-prices": ("operator", "/prices/1/", "light"),
}


def settle(page: Page) -> None:
    """Let the page come to rest: ticked rows show their price, so that the picture shows it too."""
    if "/subscription/" in page.url:
        for row in page.locator("input[name=item]").all()[:3]:
            row.check()
        page.wait_for_function("document.querySelector('#cart .ln')")
    page.evaluate("window.scrollTo(0, 0); document.activeElement && document.activeElement.blur()")


def take(house: House) -> None:
    """Take every picture at 1280 × 800."""
    TARGET.mkdir(exist_ok=True)
    for name, (login, address, theme) in SHOTS.items():
        page = house.visit(login, theme=theme)
        page.goto(house.url + address)
        settle(page)
        page.screenshot(path=TARGET / f"{name}.png")
        print(f"docs/images/{name}.png")
        page.context.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder)) as running:
        take(running)
