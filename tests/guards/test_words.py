"""Words that mean two things carry a context, so that a translator sees which: a table of them, held against the whole tree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")

# Word → its senses in this tree. "" is a sense that needs no context, because the others have one.
SENSES: dict[str, set[str]] = {
    "State": {"address"},  # how a thing stands is called Status
    "state": {"address"},
    "Why": {"", "of a price"},  # of a mail: the reason
    "Item": {"", "of work"},  # of an order; of a job that failed
    "Paid": {"", "what is paid for"},  # how a thing stands; the head of a list
    "Search": {"", "to search"},  # the field; the button
}
IN_PYTHON = re.compile(
    r"""\b(?:_|_lazy|gettext|gettext_lazy)\(\s*"(?P<plain>[^"]+)"\s*\)"""
    r"""|\bpgettext(?:_lazy)?\(\s*"(?P<context>[^"]+)",\s*"(?P<word>[^"]+)"\s*\)"""
)
IN_TEMPLATE = re.compile(
    r"""{%\s*translate\s+(?P<q>["'])(?P<word>.+?)(?P=q)(?:\s+context\s+(?P<c>["'])(?P<context>.+?)(?P=c))?[^%]*%}"""
)
HEAD = re.compile(r"<(th|dt|h1|h2|h3|label)\b[^>]*>(.*?)</\1>", re.DOTALL)
BUTTON = re.compile(r'<(button|a)\b(?:(?!>)[^>]*class="b\b[^>]*)>(.*?)</\1>', re.DOTALL)


def used() -> Iterator[tuple[str, str, str]]:
    """(word, context, file) of every text of the pages."""
    for file in (file for app in APPS for file in (ROOT / app).rglob("*.py")):
        for found in IN_PYTHON.finditer(file.read_text()):
            yield found["plain"] or found["word"], found["context"] or "", file.name
    for file in (*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")):
        for found in IN_TEMPLATE.finditer(file.read_text()):
            yield found["word"], found["context"] or "", file.name


def test_a_word_of_the_table_is_used_in_its_senses_only() -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for word, context, file in used():
        if word in SENSES:
            assert context in SENSES[word], f"{file}: “{word}” needs one of the contexts {sorted(SENSES[word])}"
            seen[word].add(context)
    assert seen == SENSES  # nothing in the table that nobody says any more


def test_a_context_is_given_only_to_words_of_the_table() -> None:
    assert {word for word, context, _file in used() if context} <= set(SENSES)


def test_no_text_is_the_name_of_a_field_and_of_a_button_alike() -> None:
    """A noun and a verb may be the same word in English; most languages have two."""
    heads, buttons = set[tuple[str, str]](), set[tuple[str, str]]()
    for file in (ROOT / "templates").rglob("*.html"):
        text = file.read_text()
        for found, pattern in ((heads, HEAD), (buttons, BUTTON)):
            for _tag, body in pattern.findall(text):
                found |= {(match["word"], match["context"] or "") for match in IN_TEMPLATE.finditer(body)}
    same = {(word, context) for word, context in heads & buttons if len(word.split()) == 1 and "-" not in word}
    assert same == set()
    assert len(heads) > 100
    assert len(buttons) > 50
