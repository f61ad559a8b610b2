"""Classes are whole words that a search finds: each one that a page has is known to a stylesheet, each one of a stylesheet stands on a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
COMMENT = re.compile(r"\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
ATTRIBUTE = re.compile(r"""\bclass="((?:\{%.*?%\}|\{\{.*?\}\}|[^"{]|\{(?![%{]))*)\"""", re.DOTALL)
QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
IN_STYLE = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
NO_SELECTOR = re.compile(r"/\*.*?\*/|\[[^\]]*\]|\"[^\"]*\"", re.DOTALL)
WORDS = re.compile(r"[ \w-]+")
# A cell of a row begins with its own blank (`kit.row_tags`), and so does the size of an icon.
BUILT = re.compile(r"[\w-]\{\{(?! row\.)|\}\}[\w-]|-\{%|%\}-")
BUILT_IN_PYTHON = re.compile(r"[\w-](?<!\bi)\{|\}[\w-]")
LONGEST = 140
BY_OTHERS = {"htmx-request"}  # set by htmx while it fetches


def known() -> set[str]:
    """The classes of the stylesheets."""
    found = set[str]()
    for file in (ROOT / "static" / "sp").glob("*.css"):
        for selector in re.findall(r"([^{}]+)\{", NO_SELECTOR.sub("", file.read_text())):
            found |= set(IN_STYLE.findall(selector))
    return found


def templates() -> Iterator[tuple[str, str]]:
    """The pages and their parts, without what they say of themselves; mail has no stylesheet."""
    for file in sorted((ROOT / "templates").rglob("*.html")):
        if file.parent.name != "mail":
            yield str(file.relative_to(ROOT)), COMMENT.sub("", file.read_text())


def strings() -> Iterator[tuple[str, str]]:
    """The texts in the code of the portal."""
    for file in sorted((ROOT / "smartplus").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(file.relative_to(ROOT)), node.value


def in_tags(html: str) -> set[str]:
    """Words that tags are given, such as `css="col-760"`."""
    return {word for tag in TAG.findall(html) for pair in QUOTED.findall(tag) for word in "".join(pair).split()}


def by_script() -> set[str]:
    return {
        word
        for file in (ROOT / "static" / "sp").glob("*.js")
        for word in re.findall(r"[A-Za-z][\w-]*", file.read_text())
    }


def test_a_class_of_a_page_is_known_to_a_stylesheet() -> None:
    found = {
        (word, name)
        for name, html in templates()
        for text in ATTRIBUTE.findall(html)
        for word in TAG.sub(" ", text).split()
    }
    found |= {
        (word, name)
        for name, text in strings()
        for given in re.findall(r'class="([^"]*)"', text)
        for word in re.sub(r"\{[^}]*\}", " ", given).split()
    }
    assert len(found) > 500
    names = known() | by_script()
    assert {(word, name) for word, name in found if word not in names} == set()


def test_a_class_of_a_stylesheet_stands_on_a_page() -> None:
    said = by_script() | BY_OTHERS
    for _name, html in templates():
        said |= in_tags(html) | {word for text in ATTRIBUTE.findall(html) for word in TAG.sub(" ", text).split()}
    for _name, text in strings():
        said |= set(text.split()) if WORDS.fullmatch(text) else set()
        said |= {
            word for given in re.findall(r'class="([^"]*)"', text) for word in re.sub(r"\{[^}]*\}", " ", given).split()
        }
    assert known() - said == set()
    assert len(known()) > 200


def test_a_mark_of_the_sprite_stands_on_a_page() -> None:
    said = by_script()
    for _name, text in (*templates(), *strings()):
        said |= set(re.findall(r"[a-z][a-z0-9-]*", text))
    marks = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "sp" / "icons.svg").read_text()))
    assert marks - said == set()
    assert len(marks) > 50


def test_no_line_of_a_stylesheet_is_longer_than_140_characters() -> None:
    sheets = sorted((ROOT / "static" / "sp").glob("*.css"))
    assert len(sheets) > 15
    lines = [
        (file.name, n)
        for file in sheets
        for n, line in enumerate(file.read_text().split("\n"), 1)
        if len(line) > LONGEST
    ]
    assert lines == []


def test_no_class_is_put_together() -> None:
    built = [(name, text) for name, html in templates() for text in ATTRIBUTE.findall(html) if BUILT.search(text)]
    built += [
        (name, given)
        for name, text in strings()
        for given in re.findall(r'class="([^"]*)"', text)
        if BUILT_IN_PYTHON.search(given)
    ]
    assert built == []
    assert BUILT.search("tiles-{{ n }}") and BUILT.search("{{ tone }}-x") and BUILT_IN_PYTHON.search("st-{}")
