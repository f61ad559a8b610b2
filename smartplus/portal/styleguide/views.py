"""The page of the components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.views.decorators.http import require_safe

from smartplus import access
from smartplus.portal.styleguide import declarations, examples

THEMES = ("light", "dark")


@access.public
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every component that has examples, each of them in both themes."""
    templates = Path(settings.BASE_DIR) / "templates"
    components = declarations.of_folder(templates / "components") + declarations.of_folder(
        templates / "styleguide" / "markup"
    )
    shown = [
        (one, [_example(request, f"{one.name}-{at}", *example) for at, example in enumerate(one.examples)])
        for one in components
        if one.examples
    ]
    return render(request, "styleguide/page.html", {"components": shown, "themes": THEMES})


def _example(request: HttpRequest, key: str, name: str, code: str) -> dict[str, Any]:
    template = engines["django"].from_string(code)
    looks = [(theme, template.render(examples.values(f"{key}-{theme}"), request)) for theme in THEMES]
    return {"name": name, "code": code, "looks": looks}
