"""Words of the audit: each is declared once beside its action, listed by its app, and said in German; nobody else spells its code."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.utils import translation

import smartplus.audit
from accounts.audit import Area, Word
from accounts.models import AuditEvent
from smartplus import vocabulary
from tests.permissions.known import modules

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
OUTSIDE = {"gateways", "sandbox", "migrations"}  # folders that know the names of a gateway's events, and the past
CODE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


def declared() -> Iterator[Word]:
    """Every word of the modules where one may stand."""
    shared = [f"{config.name}.audit" for config in apps.get_app_configs() if config.name in APPS[1:]]
    found = [importlib.import_module(name) for name in shared if importlib.util.find_spec(name)]
    seen = {id(word): word for module in [*modules(), *found, smartplus.audit] for word in vars(module).values()}
    yield from (word for word in seen.values() if isinstance(word, Word))


def test_every_word_is_listed_by_its_app_and_every_code_is_one() -> None:
    assert {word.code for word in declared()} == set(vocabulary.BY_CODE)
    assert len(vocabulary.BY_CODE) == len(vocabulary.WORDS) > 80
    longest = AuditEvent._meta.get_field("action").max_length or 0
    assert [code for code in vocabulary.BY_CODE if not CODE.fullmatch(code) or len(code) > longest] == []


def test_every_word_is_said_in_german() -> None:
    for word in vocabulary.WORDS:
        for text in filter(None, (word.label, word.sentence)):
            with translation.override("en"):
                english = str(text)
            with translation.override("de"):
                assert str(text) != english, f"{word.code}: “{english}” has no German"
                assert english.count("%(what)s") == str(text).count("%(what)s")


def test_a_label_names_the_kind_and_a_sentence_its_subject() -> None:
    for word in vocabulary.WORDS:
        assert "%(what)s" not in str(word.label), word.code
        assert word.sentence is None or "%(what)s" in str(word.sentence), word.code


def test_every_area_has_words() -> None:
    assert {word.area for word in vocabulary.WORDS} == {*Area, None}


def spelled(source: str) -> list[str]:
    """The codes that a file spells, and the heads of those it puts together."""
    found = []
    heads = {code.partition(".")[0] + "." for code in vocabulary.BY_CODE}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value in vocabulary.BY_CODE:
            found.append(str(node.value))
        if (
            isinstance(node, ast.JoinedStr)
            and isinstance(first := node.values[0], ast.Constant)
            and first.value in heads
        ):
            found.append(str(first.value))
    return found


def test_a_code_is_spelled_where_it_is_declared_and_nowhere_else() -> None:
    files = [file for app in APPS for file in (ROOT / app).rglob("*.py") if not OUTSIDE & set(file.parts)]
    found = Counter(code for file in files for code in spelled(file.read_text()))
    assert found == dict.fromkeys(vocabulary.BY_CODE, 1)
    pages = [file for file in (ROOT / "templates").rglob("*") if file.is_file()]
    assert [
        file.name for file in pages if any(f"'{c}'" in t or f'"{c}"' in t for t in [file.read_text()] for c in found)
    ] == []


def test_a_code_in_a_list_or_put_together_is_found() -> None:
    assert sorted(spelled('SAVES = {"site.changed"}\nrecord(f"order.{state}")')) == ["order.", "site.changed"]
