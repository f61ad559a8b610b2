"""The pictures of the documentation, made from a running demo: `make docs-shots`."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import django
from playwright.sync_api import Page

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.browser.installation import Installation, running_installation  # noqa: E402  (the demo's logins stand beside its models)

TARGET = Path(__file__).resolve().parents[2] / "docs" / "images"

WIDE, PHONE = (1280, 800), (390, 844)


@dataclass(frozen=True)
class Shot:
    """A picture: who looks at which address, how, and which link is followed from there first."""

    login: str
    address: str
    theme: str = "light"
    size: tuple[int, int] = WIDE
    follow: str = ""  # selector of the link


SHOTS: dict[str, Shot] = {
    "distributor-dashboard": Shot("distributor", "/dashboard/"),
    "distributor-activate": Shot("distributor", "/subscription/"),
    "distributor-activate-dark": Shot("distributor", "/subscription/", theme="dark"),
    "distributor-order": Shot("distributor", "/orders/", follow="table a[href^='/orders/SP-']"),
    "distributor-auto-renew": Shot("distributor", "/subscription/auto-renew/"),
    "distributor-users": Shot("distributor", "/users/"),
    "distributor-audit": Shot("distributor", "/settings/audit/"),
    "distributor-library": Shot("distributor", "/library/"),
    "installer-dashboard-phone": Shot("installer", "/dashboard/", size=PHONE),
    "installer-community": Shot("installer", "/sites/1/"),
    "installer-services": Shot("installer", "/sites/1/edit/"),
    "installer-apartment": Shot("installer", "/sites/1/apartments/new/"),
    "installer-security": Shot("installer", "/settings/security/"),
    "manager-billing": Shot("pm", "/sites/1/billing/"),
    "technician-sites": Shot("technician", "/sites/"),
    "operator-prices": Shot("operator", "/prices/1/"),
}


def settle(page: Page) -> None:
    """Let the page come to rest: ticked rows show their price, so that the picture shows it too."""
    if page.url.endswith("/subscription/"):
        for row in page.locator("input[name=item]").all()[:3]:
            row.check()
        page.wait_for_function("document.querySelector('#cart .ln')")
    page.evaluate("window.scrollTo(0, 0); document.activeElement && document.activeElement.blur()")


def take(installation: Installation) -> None:
    """Take every picture, the wide ones at 1280 × 800."""
    TARGET.mkdir(exist_ok=True)
    for old in TARGET.glob("*.png"):
        old.unlink()
    for name, shot in SHOTS.items():
        width, height = shot.size
        page = installation.visit(shot.login, theme=shot.theme, width=width, height=height)
        page.goto(installation.url + shot.address)
        if shot.follow:
            page.locator(shot.follow).first.click()
            page.wait_for_url(re.compile(r"/orders/SP-"))
        settle(page)
        page.screenshot(path=TARGET / f"{name}.png")
        print(f"docs/images/{name}.png")
        page.context.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, running_installation(Path(folder)) as running:
        take(running)
