"""The German catalogue: whole, with the same placeholders, and compiled from what stands in the file."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.utils import translation

from communities import catalogue

FOLDER = Path(__file__).resolve().parents[2] / "locale" / "de" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def messages() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    with (FOLDER / "django.po").open("rb") as source:
        found = read_po(source, locale="de")
    pairs = []
    for message in found:
        if message.id:
            ids = tuple(message.id) if isinstance(message.id, list | tuple) else (message.id,)
            strings = tuple(message.string) if isinstance(message.string, list | tuple) else (message.string or "",)
            pairs.append((ids, strings))
    return pairs


def test_every_text_is_translated_with_its_placeholders() -> None:
    assert len(messages()) > 1000
    for ids, strings in messages():
        assert all(strings), ids
        for source, text in zip(ids, strings, strict=True):
            assert set(PLACEHOLDER.findall(text)) <= {mark for name in ids for mark in PLACEHOLDER.findall(name)}, (
                source
            )


def test_the_compiled_catalogue_is_that_of_the_texts() -> None:
    with (FOLDER / "django.mo").open("rb") as compiled:
        found = gettext.GNUTranslations(compiled)
    with (FOLDER / "django.po").open("rb") as texts:
        catalogue_of_texts = read_po(texts)
    for message in catalogue_of_texts:
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
        one, many = ids[0], ids[-1]
        text = found.npgettext(message.context, one, many, 1) if message.context else found.ngettext(one, many, 1)
        if len(ids) == 1:
            text = found.pgettext(message.context, one) if message.context else found.gettext(one)
        assert text == strings[0], f"run: make messages ({message.context or ''} {one})"


@pytest.mark.parametrize(("language", "label"), [("en", "Booking Service"), ("de", "Buchung")])
def test_the_catalogue_speaks_the_readers_language(language: str, label: str) -> None:
    with translation.override(language):
        assert label in str(catalogue.BY_CODE["booking"].label)
