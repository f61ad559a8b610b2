"""The page of the components: each in its states, light and dark, wide and on a phone, as photographs and as axe reads it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.installation import ROOT, Installation, two_ports
from tests.browser.looks import BY_COLOUR, PHONE, WIDE, does_not_fit, faults, listen, nothing_in

THEMES = ("light", "dark")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The page, from a process in DEBUG: no other has it."""
    with two_ports() as port:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMARTPLUS_", "DJANGO_"))}
        own = {
            "DEBUG": "1",
            "SECRET_KEY": "styleguide",
            "SITE_URL": f"http://127.0.0.1:{port}",
            "SMARTPLUS_VAR": str(tmp_path),
        }
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=kept | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}/styleguide/"
        finally:
            process.terminate()
            process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)  # polling a process, with a bound
    pytest.fail("the page of the components was not served")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_component_can_be_read_in_every_state(
    installation: Installation, address: str, tmp_path: Path, theme: str, width: int
) -> None:
    page = installation.window(width=width, height=900, theme=theme).new_page()
    heard = listen(installation, page)
    page.goto(address)
    assert page.locator(".styleguide-look").count() > 100
    name = f"styleguide-{theme}-{width}"
    found = faults(page, name, theme)
    page.locator(".styleguide-look .in").first.focus()
    page.locator(".styleguide-look .b").first.hover()
    found += faults(page, f"{name}, pointed at", theme, BY_COLOUR)
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    found += does_not_fit(page, name)
    page.context.close()
    nothing_in(found, heard)
