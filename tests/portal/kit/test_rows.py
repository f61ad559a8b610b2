"""The markup of rows is written once and as_html for each of them; what people typed stays text."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from django.conf import settings
from django.template import Context, Template, TemplateSyntaxError
from django.template.base import Node
from django.utils import translation

from devices.models import LibraryEntry
from smartplus.portal.kit.markup import as_html, side_by_side, written
from tests.portal.places import stock


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


LISTS = (
    "sheet/_rows.html", "audit/list.html", "equipment/list.html", "commercial/site.html", "components/notice.html", "operator/payments.html",
    "operator/webhooks.html", "library/list.html", "jobs/list.html", "new_site/list.html", "orders/list.html",
    "renewals/list.html", "requests/list.html", "residents/list.html", "sites/list.html", "subscription/activate.html", "users/_firms.html",
    "users/_people.html",
)  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_the_rows_of_a_list_are_filled_in_python(name):
    """Nodes for each row are what made lists dear: fifty times twenty lookups, labels and includes."""
    text = (settings.BASE_DIR / "templates" / name).read_text()
    assert text.count("{% rows cells as row %}") == 1
    inside = text.split("{% rows cells as row %}")[1].split("{% endrows %}")[0]
    assert "{% for " not in inside
    assert "{% include " not in inside


@pytest.mark.django_db
def test_a_list_renders_as_many_nodes_for_forty_rows_as_for_two(people, sign_in, monkeypatch):
    client, rendered = sign_in(people.dora), list[str]()
    plain = Node.render_annotated

    def counted(self, context):
        rendered.append(type(self).__name__)
        return plain(self, context)

    monkeypatch.setattr(Node, "render_annotated", counted)
    nodes = []
    for more in (2, 38):
        stock(people, *(f"0C:11:05:{more:02X}:00:{n:02X}" for n in range(more)))
        rendered.clear()
        assert client.get("/library/").content.decode().count("<tr>") == len(LibraryEntry.objects.all()) + 1
        nodes.append(len(rendered))
    assert nodes[0] == nodes[1] > 100
