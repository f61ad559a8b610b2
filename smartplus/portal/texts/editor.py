"""Terms and privacy notice for the operator: write, preview, compare, publish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import markdown, sellers
from accounts.actions import terms
from accounts.errors import Conflict, Refused
from accounts.models import Acceptance, Document, TextDraft, TextVersion
from accounts.models.terms import FALLBACK
from accounts.scope import Role
from smartplus import access
from smartplus.portal.kit.answers import posted, refill, submitted
from smartplus.portal.texts import changes as text_changes
from smartplus.portal.texts import queries as acceptances
from smartplus.portal.texts.changes import Change
from smartplus.portal.texts.forms import TextForm
from smartplus.statuses import CONFLICT, UNPROCESSABLE

STATES = {terms.IN_FORCE: "active", terms.UPCOMING: "pending", terms.REPLACED: "inactive"}
NAMED = 5  # of those who have not accepted yet


@dataclass(frozen=True, slots=True)
class Page:
    """What the editor works on: the draft that is there, and the versions, the newest first."""

    document: str
    draft: TextDraft | None
    published: list[tuple[TextVersion, str]]

    @property
    def texts(self) -> dict[str, str]:
        """What is written so far: the draft, or what the last version says."""
        if self.draft:
            return dict(self.draft.texts)
        return dict(self.published[0][0].texts) if self.published else {}

    @property
    def in_force(self) -> TextVersion | None:
        """The version that counts now."""
        return next((row for row, state in self.published if state == terms.IN_FORCE), None)


@access.roles(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: access.PortalRequest, document: str) -> HttpResponse:
    """One text: its next version in each language, with preview and what changed; all versions; who has not accepted yet."""
    page = _page(request, document)
    if request.method != "POST":
        form = _form(request, page)
        refill(request, form)
        return _shown(request, page, form)
    form = TextForm(posted(request))
    if form.is_valid() and request.POST.get("do") == "preview":
        return _shown(request, page, form)
    try:
        done = submitted(form, lambda: _done(request, page, form))
    except Conflict:
        return _overtaken(request, page, form)
    return done or _shown(request, page, form, status=UNPROCESSABLE)


@access.roles(Role.OPERATOR)
@require_POST
def preview(request: access.PortalRequest, document: str) -> HttpResponse:
    """The text as people will read it, and what changed, while it is typed."""
    form = TextForm(posted(request))
    form.is_valid()
    return render(
        request, "texts/_preview.html", _seen(request, _page(request, document), form) | {"is_fragment": True}
    )


def _page(request: access.PortalRequest, document: str) -> Page:
    return Page(document, terms.draft_of(request.actor, document), terms.published(document, now=request.now))


def _form(request: access.PortalRequest, page: Page) -> TextForm:
    language = request.GET.get("language", "")
    language = language if language in dict(settings.LANGUAGES) else FALLBACK
    day = page.draft.valid_from if page.draft else None
    begun = {
        "language": language,
        "version": page.draft.version if page.draft else None,
        "text": page.texts.get(language, ""),
        "valid_from": day or request.now.astimezone(UTC).date(),
    }
    return TextForm(initial=begun)


def _done(request: access.PortalRequest, page: Page, form: TextForm) -> HttpResponse:
    """What the pressed button asks for."""
    document, version = page.document, form.cleaned_data["version"]
    texts = page.texts | {form.cleaned_data["language"]: form.cleaned_data["text"]}
    day: date | None = form.cleaned_data["valid_from"]
    address, do = reverse(f"setup-{document}"), request.POST.get("do", "")
    if do == "discard":
        terms.discard_draft(request.actor, document=document, version=version, now=request.now)
        messages.success(request, _("The draft is thrown away."))
        return redirect(address)
    if do == "publish":
        if day is None:
            raise Refused(_("Say from which day it is valid."), field="valid_from")
        made = terms.publish(
            request.actor,
            document=document,
            texts=texts,
            valid_from=terms.starts_at(day, now=request.now),
            version=version,
            now=request.now,
        )
        messages.success(request, _("%(text)s is published.") % {"text": made})
        return redirect(address)
    terms.save_draft(request.actor, document=document, texts=texts, valid_from=day, version=version, now=request.now)
    wanted = request.POST.get("go", form.cleaned_data["language"])
    messages.success(request, _("The draft is saved."))
    return redirect(f"{address}?language={wanted}" if wanted in dict(settings.LANGUAGES) else address)


def _overtaken(request: access.PortalRequest, page: Page, form: TextForm) -> HttpResponse:
    """Somebody saved or published meanwhile: what was typed stays, and it is said how theirs reads; saving again is a decision."""
    language = form.cleaned_data["language"]
    data = request.POST.copy()
    data["version"] = str(page.draft.version) if page.draft else ""
    fresh = TextForm(data)
    fresh.is_valid()
    clash = {
        "clash": page.draft or (page.published[0][0] if page.published else None),
        "clash_is_draft": page.draft is not None,
        "clash_changes": text_changes.changes(page.texts.get(language, ""), form.cleaned_data["text"]),
    }
    return _shown(request, page, fresh, status=CONFLICT, **clash)


def _shown(
    request: access.PortalRequest, page: Page, form: TextForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    document = page.document
    counts = dict(
        Acceptance.objects.visible_to(request.actor)
        .filter(document=document).order_by().values_list("version").annotate(n=Count("pk"))
    )  # fmt: skip
    current = page.in_force
    language = str(form["language"].value() or FALLBACK)
    written = {code for code, text in page.texts.items() if text.strip()}
    context = {
        "area": "setup",
        "section": document,
        "form": form,
        "title": Document(document).label,
        "document": document,
        "language": language,
        "languages": [(code, name, code in written) for code, name in settings.LANGUAGES],
        "draft": page.draft,
        "next_number": page.published[0][0].number + 1 if page.published else 1,
        "versions": [(row, state, STATES[state], counts.get(row.version, 0)) for row, state in page.published],
        "missing": list(acceptances.missing(request.actor, current)[:NAMED]) if current else [],
        "missing_count": acceptances.missing(request.actor, current).count() if current else 0,
        **_seen(request, page, form),
        **more,
    }
    return render(request, "texts/editor.html", context, status=status)


def _seen(request: access.PortalRequest, page: Page, form: TextForm) -> dict[str, Any]:
    """The preview, and what changed against the version in force."""
    text = str(form["text"].value() or "")
    language = str(form["language"].value() or FALLBACK)
    found: list[Change] = []
    if page.in_force:
        found = text_changes.changes(page.in_force.texts.get(language, ""), text)
    return {
        "html": _html(request, form, text),
        "language": language,
        "current": page.in_force,
        "changes": found,
        "document": page.document,
    }


def _html(request: access.PortalRequest, form: TextForm, text: str) -> SafeString:
    day = form.cleaned_data.get("valid_from") if form.is_bound else form["valid_from"].value()
    at = terms.starts_at(day, now=request.now) if isinstance(day, date) else request.now
    return markdown.rendered(markdown.with_seller(text, sellers.in_force(now=max(at, request.now))), below=1)
