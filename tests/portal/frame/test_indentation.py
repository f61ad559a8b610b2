"""Pages are sent without the indentation of their templates, and nothing is lost by that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from smartplus.template_loaders import unindented

TEMPLATES = sorted(Path(settings.BASE_DIR / "templates").rglob("*.html"))
KEPT = re.compile(r"<(pre|textarea)\b(?P<tag>[^>]*)>(?P<inside>.*?)</\1>", re.DOTALL)
SENTENCE = re.compile(r"{% blocktrans(?:late)?(?P<options>[^%]*)%}(?P<inside>.*?){% endblocktrans", re.DOTALL)


def test_a_page_is_sent_without_indentation(people, sign_in):
    page = sign_in(people.ivan).get("/sites/").content.decode()
    assert not re.search(r"\n[ \t]+<", page)
    assert unindented("<tr>\n    <td>a b</td>\n\n\t</tr>\n") == "<tr>\n<td>a b</td>\n\n</tr>\n"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(settings.BASE_DIR / "templates")))
def test_no_template_means_its_indentation(file):
    text = file.read_text()
    for found in KEPT.finditer(text):
        assert not re.search(r"\n[ \t]", found["inside"]), "it would be seen there"
    for found in SENTENCE.finditer(text):
        assert "\n" not in found["inside"] or "trimmed" in found["options"], "another sentence than in the catalogue"
