"""What is vendored is what its list says."""

import hashlib
import re

from django.conf import settings

VENDOR = settings.BASE_DIR / "static" / "vendor"


def test_every_vendored_file_has_the_hash_of_its_list():
    rows = re.findall(r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.M)
    assert len(rows) == 1
    for name, sha in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha, name


def test_nothing_is_vendored_without_being_listed():
    listed = (VENDOR / "README.md").read_text()
    for path in VENDOR.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert str(path.relative_to(VENDOR)) in listed


def test_every_mark_that_a_template_asks_for_is_in_the_sprite():
    from smartplus.portal.kit.status_tags import MARKS

    sprite = (settings.BASE_DIR / "static" / "sp" / "icons.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    asked = set(MARKS.values())
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        asked |= set(re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text()))
        asked |= set(re.findall(r'nothing\.html" with icon="([a-z0-9-]+)"', path.read_text()))
    assert {MARKS.get(name, name) for name in asked} <= drawn


def test_colours_are_written_in_the_tokens_only():
    for path in (settings.BASE_DIR / "static" / "sp").glob("*.css"):
        if path.name in {"tokens.css", "errors.css"}:  # the page of the worst case depends on nothing
            continue
        rules = re.sub(r'url\("[^"]*"\)|/\*.*?\*/', "", path.read_text(), flags=re.S)
        assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", rules)) <= {"#fff"}, path.name
