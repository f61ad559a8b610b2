"""Published texts for everybody: the version in force, and all others."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from accounts import markdown
from accounts.actions import terms
from accounts.models import Document, TextVersion
from smartplus import access


@access.public
def text(request: HttpRequest, document: str, version: int | None = None) -> HttpResponse:
    """A text in the reader's language, or in English where it is missing; without a number the version in force."""
    published = terms.published(document, now=timezone.now())
    wanted = {row.number: row for row, _state in published}.get(version or _in_force(published))
    if wanted is None and version:
        raise Http404
    language = (translation.get_language() or "en").partition("-")[0]
    shown_in = wanted.language_for(language) if wanted else language
    context = {
        "layout": "base.html" if hasattr(request, "actor") else "bare.html",
        "title": Document(document).label,
        "document": document,
        "wanted": wanted,
        "html": markdown.rendered(markdown.with_seller(wanted.text_for(language), wanted.seller)) if wanted else "",
        "has_own_title": bool(wanted and wanted.text_for(language).lstrip().startswith("# ")),
        "shown_in": shown_in,
        "is_fallback": shown_in != language,
        "state": next((state for row, state in published if row is wanted), ""),
        "published": published,
        "route": f"{document}-version",
    }
    return render(request, "texts/text.html", context)


def _in_force(published: list[tuple[TextVersion, str]]) -> int:
    return next((row.number for row, state in published if state == terms.IN_FORCE), 0)
