"""The markup of rows is written once and as_html for each of them; what people typed stays text."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation

from smartplus.portal.markup import as_html, side_by_side, written


class Cells(NamedTuple):
    name: object
    mark: object = ""


def rendered(source: str, **context) -> str:
    return Template("{% load rows %}" + source).render(Context(context))


def test_each_row_has_its_cells_and_labels_are_worked_out_once():
    asked = list[int]()

    def asked_once() -> str:
        asked.append(1)
        return "w"

    source = (
        '{% rows some as row %}<tr title="{{ row.name }}">{{ word }}{{ row.name }}{{ row.mark }} 5%</tr>{% endrows %}'
    )
    some = [Cells("<b>\"'&", as_html("<i>{}</i>", "<u>")), Cells(7)]
    page = rendered(source, some=some, word=asked_once)
    text = "&lt;b&gt;&quot;&#x27;&amp;"
    assert page == f'<tr title="{text}">w{text}<i>&lt;u&gt;</i> 5%</tr><tr title="7">w7 5%</tr>'
    assert len(asked) == 1
    assert rendered(source, some=[]) == rendered(source) == ""


def test_what_differs_between_rows_is_no_condition_and_takes_no_filter():
    with pytest.raises(TypeError, match="written once"):
        rendered("{% rows some as row %}{% if row.name %}x{% endif %}{% endrows %}", some=[Cells("")])
    for wrong in ('{% rows some as row %}{{ row.name|default:"–" }}{% endrows %}', "{% rows some %}{% endrows %}"):
        with pytest.raises(TemplateSyntaxError):
            rendered(wrong)


def test_pieces_are_escaped_as_django_does_it():
    assert written("a<b") == "a&lt;b"
    assert written(None) == "None"
    assert as_html("<p>{}{}</p>", "<", as_html("<b>{}</b>", 5)) == "<p>&lt;<b>5</b></p>"
    assert side_by_side([as_html("<b></b>"), "<"]) == "<b></b>&lt;"


def test_a_word_of_a_template_is_looked_up_in_each_language():
    template = Template('{% translate "Settings" %}{% translate "Settings" as kept %}|{{ kept }}|{% translate given %}')
    for language, word in (("en", "Settings"), ("de", "Einstellungen"), ("en", "Settings")):
        with translation.override(language):
            assert template.render(Context({"given": "Settings"})) == f"{word}|{word}|{word}"
