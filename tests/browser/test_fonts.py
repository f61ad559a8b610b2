"""The browser of the tests has our two fonts and no other, so that what it finds is the same on every machine."""

import hashlib
import re
from pathlib import Path

from tests.browser.installation import Installation

VENDOR = Path(__file__).parent / "vendor"
WIDTH = """family => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = `100px ${family}`;
  return Math.round(pen.measureText('Hamburgefonstiv 0123').width);
}"""


def test_every_font_is_the_one_that_was_vendored():
    rows = dict(re.findall(r"^\| (fonts/\S+) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.M))
    files = {f"fonts/{path.name}" for path in (VENDOR / "fonts").glob("*.ttf")}
    assert files and files == set(rows)
    for name, sha in rows.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha, name


def test_pages_are_drawn_with_the_wide_font_and_measured_with_the_narrow_one(installation: Installation):
    page = installation.window().new_page()
    page.goto(f"{installation.url}/sign-in/")
    width = {family: page.evaluate(WIDTH, family) for family in ("sans-serif", "'DejaVu Sans'", "'Archivo Narrow'")}
    assert page.evaluate(WIDTH, page.evaluate("getComputedStyle(document.body).fontFamily")) == width["'DejaVu Sans'"]
    assert width["sans-serif"] == width["'DejaVu Sans'"]
    assert width["'Archivo Narrow'"] < width["sans-serif"] * 0.75
    for installed in ("'Liberation Sans'", "Arial", "'Segoe UI'", "Roboto", "'Liberation Mono'", "'Noto Sans'"):
        assert page.evaluate(WIDTH, f"{installed}, 'Archivo Narrow'") == width["'Archivo Narrow'"], installed
    page.context.close()
