"""What a page looks like to the rules of accessibility, and to narrow and wide screens."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.installation import Installation

VENDOR = Path(__file__).parent / "vendor"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BY_COLOUR = ["color-contrast", "link-in-text-block"]  # nothing else depends on the theme
RUN = """async only => {
  const found = await axe.run(document, {runOnly: only, resultTypes: ['violations'], preload: false, iframes: false});
  return found.violations.map(rule => ({
    rule: rule.id,
    nodes: rule.nodes.map(node => [node.target.join(' '), node.failureSummary.split('\\n')[1] || '']),
  }));
}"""
WIDE, PHONE, NARROWEST = 1280, 390, 360
BETWEEN = (
    768,
    820,
    1024,
    1100,
)  # tablets and small windows; measured only, since what axe finds does not depend on them
CUT_OFF = """() => {
  const wide = e => e.scrollWidth > e.clientWidth + 1;
  const found = [...document.querySelectorAll('main *')]
    .filter(e => ['hidden', 'clip'].includes(getComputedStyle(e).overflowX) && wide(e) && e.querySelector('table, .audit-row'))
    .map(e => `hides ${e.scrollWidth - e.clientWidth} px of ${e.querySelector('table, .audit-row').className}`);
  const heading = document.querySelector('.head h1'), acts = document.querySelector('.head .acts');
  if (heading && acts && acts.offsetWidth) {
    const text = document.createRange();
    text.selectNodeContents(heading);
    const a = text.getBoundingClientRect(), b = acts.getBoundingClientRect();
    if (a.right > b.left + 1 && a.left < b.right && a.bottom > b.top && a.top < b.bottom) found.push('writes over its heading');
  }
  return found;
}"""


@cache
def axe() -> str:
    """The script, if it is the one that was vendored."""
    script = (VENDOR / "axe" / "axe.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() in (VENDOR / "README.md").read_text()
    return script.decode()


def faults(page: Page, route: str, look: str, rules: list[str] | None = None) -> list[str]:
    """What axe finds on the page as it stands, all of WCAG 2.2 AA or some rules: one line for each element."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe())  # not by a tag: the content security policy would refuse it, and stays on
    found: list[dict[str, Any]] = page.evaluate(
        RUN, {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    )
    return [
        f"{route} ({look}): {one['rule']} at {target}: {why.strip()}" for one in found for target, why in one["nodes"]
    ]


def sideways(page: Page, route: str) -> list[str]:
    """Whether the narrowest phone has to scroll sideways, and which elements stick out."""
    if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        return []
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
          .map(e => e.tagName.toLowerCase() + '.' + (e.getAttribute('class') || '')).slice(0, 5)"""
    )
    return [f"{route} ({page.viewport_size and page.viewport_size['width']} px): scrolls sideways: {wide}"]


def cut_off(page: Page, route: str) -> list[str]:
    """Columns that nobody can reach since their panel hides what sticks out, and headings under other things."""
    width = page.viewport_size and page.viewport_size["width"]
    return [f"{route} ({width} px): {text}" for text in page.evaluate(CUT_OFF)]


def does_not_fit(page: Page, route: str) -> list[str]:
    """What sticks out of the page at any width, from the narrowest to the widest, where it is left standing."""
    page.set_viewport_size({"width": NARROWEST, "height": 740})
    found = sideways(page, route)
    for width in (*BETWEEN, WIDE):
        page.set_viewport_size({"width": width, "height": 800})
        found += sideways(page, route) + cut_off(page, route)
    return found


def nothing_in(*lists: list[str]) -> None:
    """Fail with one line for each finding."""
    found = [line for one in lists for line in one]
    assert not found, "\n" + "\n".join(found)


def listen(installation: Installation, page: Page) -> list[str]:
    """Whatever the console complains about from now on, a refused style or script included; the gateway's pages aren't ours."""
    heard: list[str] = []

    def hear(text: str) -> None:
        if page.url.startswith(installation.url):
            heard.append(f"{page.url}: {text}")

    page.on("console", lambda said: hear(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: hear(str(error)))
    page.emulate_media(reduced_motion="reduce")
    return heard
