"""A name of a right-to-left script keeps to itself: the words and numbers beside it stay where they are."""

from __future__ import annotations

import re

import pytest
from django.template import Context, Template

from smartplus.bidi import isolate
from tests.portal.html import assert_clean

NAME = "מגדל הים 12"
PAGES = {
    "<td>מגדל 12</td>": "<td><bdi>מגדל 12</bdi></td>",
    "<p>Off in מגדל הים: 3 left</p>": "<p>Off in <bdi>מגדל הים</bdi>: 3 left</p>",
    "<p>מגדל הים 12 is saved.</p>": "<p><bdi>מגדל הים 12</bdi> is saved.</p>",
    "<p>\u2068מגדל 12\u2069: 3 left</p>": "<p><bdi>מגדל 12</bdi>: 3 left</p>",
    "<a title='מגדל > x'>a</a>": "<a title='מגדל > x'>a</a>",
    '<input value="מגדל"><option>מגדל</option>': '<input value="מגדל"><option>מגדל</option>',
    "<bdi>מגדל</bdi> x": "<bdi>מגדל</bdi> x",
    "<p>برج &amp; برج (Dubai)</p>": "<p><bdi>برج &amp; برج</bdi> (Dubai)</p>",
    "<title>מגדל</title><h1>\n מגדל </h1>": "<title>מגדל</title><h1>\n <bdi>מגדל</bdi> </h1>",
    "<script>if (a < b) x('מגדל')</script>": "<script>if (a < b) x('מגדל')</script>",
    "<!-- מגדל --><p>a</p>": "<!-- מגדל --><p>a</p>",
}


@pytest.mark.parametrize("page", PAGES)
def test_names_are_isolated_and_nothing_else_is_touched(page):
    assert isolate(page) == PAGES[page]
    assert isolate(PAGES[page]) == PAGES[page]


def test_a_sentence_isolates_the_whole_name():
    source = "{% blocktranslate with name=name n=3 %}{{ name }} has {{ n }} <b>devices</b>{% endblocktranslate %}"
    assert Template(source).render(Context({"name": NAME})) == f"\u2068{NAME}\u2069 has 3 <b>devices</b>"
    assert Template(source).render(Context({"name": "<A>"})) == "&lt;A&gt; has 3 <b>devices</b>"


def test_every_page_that_shows_such_a_name_isolates_it(people, make_site, make_apartment, sign_in):
    site = make_site(NAME)
    apartment = make_apartment(site, "1.01")
    ivan = sign_in(people.ivan)
    made = ivan.post(
        f"/apartments/{apartment.pk}/residents/new/", {"name": "יעל 7", "email": "y@b.example", "language": "en"}
    )
    assert made.status_code == 302
    seen = 0
    pages = (
        "/dashboard/", "/sites/", "/subscription/", "/search/?q=מגדל", f"/apartments/{apartment.pk}/", f"/apartments/{apartment.pk}/edit/",
        *(f"/sites/{site.pk}/{part}" for part in ("", "facts/", "edit/", "billing/")),
    )  # fmt: skip
    for path in pages:
        answer = ivan.get(path)
        assert answer.status_code == 200
        assert_clean(answer.content)
        page = re.sub(
            r"<(title|textarea|option|bdi)\b.*?</\1>|<script.*?</script>", "", answer.content.decode(), flags=re.DOTALL
        )
        seen += answer.content.decode().count(f"<bdi>{NAME}</bdi>")
        texts = re.sub(r"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""", "", page)
        assert re.findall("[\u0590-\u05ff]+", texts) == [], path
    assert seen > 8


def test_a_name_is_typed_in_its_own_direction(people, make_site, sign_in):
    page = sign_in(people.ivan).get(f"/sites/{make_site(NAME).pk}/edit/").content.decode()
    (line,) = re.findall(r'<input[^>]*name="name"[^>]*>', page)
    assert 'dir="auto"' in line
    assert f'value="{NAME}"' in line
