"""The page that shows every component with its examples, and the comments that it reads them from."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.urls import Resolver404, resolve

from smartplus.portal.styleguide import declarations, views
from smartplus.portal.styleguide.declarations import Malformed

TEMPLATES = Path(settings.BASE_DIR / "templates")
SHOWN = [
    *declarations.of_folder(TEMPLATES / "components"),
    *declarations.of_folder(TEMPLATES / "styleguide" / "markup"),
]


def test_the_page_of_the_components_is_there_in_debug_only() -> None:
    page = views.index(RequestFactory().get("/styleguide/"))
    assert page.status_code == 200
    assert page.content.decode().count('styleguide-look"') == 2 * sum(len(one.examples) for one in SHOWN)
    with pytest.raises(Resolver404):
        resolve("/styleguide/")


@pytest.mark.parametrize(
    "source",
    [
        "<b></b>",
        "{% comment %}\nA box.\n{% endcomment %}",
        "{% comment %}\nA.\n\nParameters:\n title\n{% endcomment %}",
    ],
)
def test_a_component_without_declaration_is_seen(source: str) -> None:
    with pytest.raises(Malformed):
        declarations.declared("box", source)
