"""Looking at one page in every way that people do: light, dark, on phones, in a narrow font."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser import phone
from tests.browser.looks import BY_COLOUR, NARROWEST, PHONE, WIDE, does_not_fit, faults

BY_SIZE = ["target-size"]  # nothing else depends on the font
FONT = "family => document.documentElement.style.setProperty('--sp-font', family)"  # by script; the policy lets no style in
# What is pinned to the edge covers what one can scroll to; whether it covers just now depends on where the page stands.
PIN = "how => document.querySelectorAll('.foot, .price-aside, .tray, .ph-nav').forEach(bar => { bar.style.position = how; })"
NARROW_FONT = "'Archivo Narrow'"
LIMITS = {"css": 45, "script": 30, "page": 64}  # KB on the line
WEIGHT = """() => {
  const sums = {};
  const add = (kind, size) => { sums[kind] = (sums[kind] || 0) + size; };
  performance.getEntriesByType('navigation').forEach(e => add(e.encodedBodySize < e.decodedBodySize ? 'page' : 'plain page', e.encodedBodySize));
  performance.getEntriesByType('resource').forEach(e => {
    const path = new URL(e.name).pathname;
    if (path.endsWith('.css')) add('css', e.encodedBodySize);
    if (path.endsWith('.js')) add('script', e.encodedBodySize);
  });
  return sums;
}"""


def look_at(page: Page, route: str) -> list[str]:
    """Everything that is wrong with a page: light, dark, on a phone, on the narrowest one, and whether it fits in between."""
    found = faults(page, route, "light")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    found += faults(page, route, "dark", BY_COLOUR)
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.evaluate(PIN, "static")
    found += faults(page, route, f"{PHONE} px")
    page.evaluate(PIN, "")
    page.set_viewport_size({"width": NARROWEST, "height": 740})
    found += phone.lacks(page, route) + does_not_fit(page, route) + too_heavy(page, route)
    page.evaluate(FONT, NARROW_FONT)
    found += faults(page, route, "narrow font", BY_SIZE) + does_not_fit(page, f"{route}, narrow font")
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.evaluate(PIN, "static")
    found += faults(page, route, f"{PHONE} px, narrow font", BY_SIZE)
    page.evaluate(PIN, "")
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.evaluate(FONT, "")
    return found


def too_heavy(page: Page, route: str) -> list[str]:
    """A page that is sent as it is, or with more styles and scripts than the limits of test_weight.py, as they came over the line."""
    weight = page.evaluate(WEIGHT)
    found = [f"{route}: {kind} {size} bytes" for kind, size in weight.items() if size > LIMITS.get(kind, 0) * 1024]
    return found + [f"{route}: {kind} were not loaded" for kind in LIMITS if not weight.get(kind)]
