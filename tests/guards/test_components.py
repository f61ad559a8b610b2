"""Components say what they take, and every template gives them that: nothing needed is left out, nothing else is given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import engines
from django.template.base import Lexer, TokenType

from smartplus.portal.styleguide import declarations
from smartplus.portal.styleguide.declarations import Declaration

TEMPLATES = Path(settings.BASE_DIR / "templates")
LIMIT = 140

FRAME = "the frame of every page lives from smartplus.portal.context; requests are counted only where an entry shows their number"
FRAGMENT = "is an answer to htmx too, with the whole context of its page"
ONE_PAGE = "a half of one page, with all its forms"
# Parts that see all of their page.
PARTS = {
    "audit/_detail.html": FRAGMENT,
    "components/side.html": FRAME,
    "components/sub.html": FRAME,
    "components/thumb.html": FRAME,
    "components/waiting.html": FRAME,
    "orders/_timeline.html": FRAGMENT,
    "security/_on.html": ONE_PAGE,
    "security/_steps.html": ONE_PAGE,
    "subscription/_cart.html": FRAGMENT,
}
# Of which one is shown is worked out by the view; each takes the same.
BY_VIEW = {"preview.template": "price_preview/_site.html", "rows": "users/_people.html"}

COMPONENTS = {one.name: one for one in declarations.of_folder(TEMPLATES / "components")}
MARKUP = {one.name: one for one in declarations.of_folder(TEMPLATES / "styleguide" / "markup")}
SHOWN = [*COMPONENTS.values(), *MARKUP.values()]
# Parts of the frame, of an address and of mails: they live from what a whole page knows, and are seen on it.
OF_A_PAGE = {
    "address",
    "address_parts",
    "billing_fields",
    "building_count",
    "building_facade",
    "building_plan",
    "field_words",
    "find",
    "me",
    "mac_said",
    "me_menu",
    "messages",
    "notice",
    "notice_again",
    "monitor_grid",
    "notices",
    "service_card",
    "side",
    "sub",
}
OF_A_PAGE |= {"tenant", "thumb", "waiting", "who"}


def includes_of(source: str) -> Iterator[list[str]]:
    """The words of each include of a template."""
    is_comment = False
    for token in Lexer(source).tokenize():
        if token.token_type is not TokenType.BLOCK:
            continue
        word, *rest = token.split_contents()
        is_comment = word == "comment" or (is_comment and word != "endcomment")
        if word == "include" and not is_comment:
            yield rest


def faults_of(source: str, parts: dict[str, Declaration]) -> Iterator[str]:
    """What is wrong with the includes of a template; `parts` are those that declare what they take, by their file."""
    for name, *rest in includes_of(source):
        file = BY_VIEW.get(name, name.strip('"'))
        if file in PARTS:
            continue
        if "only" not in rest:
            yield f"{file}: sees the whole page"
        if file not in parts:
            yield f"{file}: declares nothing"
            continue
        given = {part.partition("=")[0] for part in rest if part not in {"with", "only"}}
        declared = parts[file]
        yield from (f"{file}: {lacking} is needed" for lacking in sorted(declared.needed - given))
        yield from (f"{file}: {other} is not declared" for other in sorted(given - declared.names))


def declared_parts() -> Iterator[tuple[str, Declaration]]:
    """The templates whose head declares parameters."""
    for file in sorted(TEMPLATES.rglob("*.html")):
        source = file.read_text()
        if declarations.COMMENT.match(source) and "Parameters:" in source.partition("{% endcomment %}")[0]:
            yield str(file.relative_to(TEMPLATES)), declarations.declared(file.stem, source)


DECLARED = dict(declared_parts())


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.html")), ids=lambda file: str(file.relative_to(TEMPLATES)))
def test_an_include_gives_what_a_part_takes(file: Path) -> None:
    if file.parent.name != "mail":
        assert list(faults_of(file.read_text(), DECLARED)) == []


def test_parts_that_see_all_of_their_page_are_included() -> None:
    files = [file for file in TEMPLATES.rglob("*.html") if file.parent.name != "mail"]
    seen = {words[0].strip('"') for file in files for words in includes_of(file.read_text()) if "only" not in words}
    assert seen == set(PARTS)
    assert len(DECLARED) > 90


def test_a_tag_takes_what_its_component_declares() -> None:
    library: Any = engines["django"]
    seen = set[str]()
    for tags in library.engine.template_libraries.values(), library.engine.template_builtins:
        for found in tags:
            for tag in found.tags.values():
                file = inspect.getclosurevars(tag).nonlocals.get("filename", "") if inspect.isfunction(tag) else ""
                if not str(file).startswith("components/"):
                    continue
                component = COMPONENTS[Path(file).stem]
                taken = {
                    name: parameter.default is parameter.empty
                    for name, parameter in inspect.signature(tag).parameters.items()
                    if name != "context" and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                }
                if taken:  # one that takes any number works out what it gives
                    seen.add(component.name)
                    assert {one.name: one.is_needed for one in component.parameters} == taken, component.name
    assert {"field", "switch", "note", "pager"} <= seen


def test_each_example_shows_its_component_rightly() -> None:
    for component in SHOWN:
        for name, code in component.examples:
            assert list(faults_of(code, DECLARED)) == [], f"{component.name}: {name}"
    assert sum(len(component.examples) for component in SHOWN) > 100
    without = {name for name, component in COMPONENTS.items() if not component.examples}
    assert without == OF_A_PAGE


def test_a_button_has_no_other_classes_than_are_declared() -> None:
    button, *others = [one.name for one in MARKUP["button"].classes]
    found = set[str]()
    for file in TEMPLATES.rglob("*.html"):
        for text in re.findall(r'class="([^"]*)"', file.read_text()):
            words = re.sub(r"{[%{].*?[%}]}", " ", text).split()
            found |= set(words[1:]) if words[:1] == [button] else set()
    assert found <= set(others)
    assert {"p", "q", "d", "s", "lg", "w"} <= found


@pytest.mark.parametrize(
    ("include", "fault"),
    [
        ('{% include "a/_box.html" only %}', ["a/_box.html: title is needed"]),
        ('{% include "a/_box.html" with title=name tone="x" only %}', ["a/_box.html: tone is not declared"]),
        ('{% include "a/_bux.html" only %}', ["a/_bux.html: declares nothing"]),
        ('{% include "a/_box.html" with title=name %}', ["a/_box.html: sees the whole page"]),
        ('{% include "a/_box.html" with title=_("A b") text=name|default:"c d" only %}', []),
        ('{% include "security/_on.html" %}', []),
        ('{% comment %}{% include "a/_box.html" %}{% endcomment %}', []),
    ],
)
def test_a_wrong_include_is_seen(include: str, fault: list[str]) -> None:
    box = declarations.declared(
        "box",
        "{% comment %}\nA box.\n\nParameters:\n  title (needed): words\n  text: a sentence\n    of any length\n{% endcomment %}\n<b></b>",
    )
    assert [(one.name, one.is_needed, one.shape) for one in box.parameters] == [
        ("title", True, "words"),
        ("text", False, "a sentence of any length"),
    ]
    assert list(faults_of(include, {"a/_box.html": box})) == fault


def test_a_tag_stands_on_one_line() -> None:
    """One that spans lines is shown as text: Django ends a tag at the line's end."""
    broken = [
        f"{path.relative_to(TEMPLATES)}:{number}"
        for path in sorted(TEMPLATES.rglob("*"))
        if path.suffix in {".html", ".txt"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if any(line.count(opening) != line.count(closing) for opening, closing in (("{%", "%}"), ("{{", "}}")))
    ]
    assert not broken, "\n".join(broken)


def test_no_line_of_a_template_is_long() -> None:
    files = [file for kind in ("*.html", "*.txt") for file in TEMPLATES.rglob(kind)]
    long = [
        f"{file.relative_to(TEMPLATES)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > LIMIT
    ]
    assert not long, "\n".join(long)
    assert len(files) > 170
