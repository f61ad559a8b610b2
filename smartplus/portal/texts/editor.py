"""Terms and privacy notice for the operator: write, preview, compare, publish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import markdown, sellers
from accounts.actions import terms
from accounts.models import Acceptance, Document, TextDraft, TextVersion
from accounts.models.terms import FALLBACK
from accounts.scope import Role
from smartplus import access
from smartplus.portal.kit import conflicts, edits
from smartplus.portal.kit.responses import posted
from smartplus.portal.texts import changes as text_changes
from smartplus.portal.texts import queries as acceptances
from smartplus.portal.texts.changes import Change
from smartplus.portal.texts.forms import TextForm

STATES = {terms.IN_FORCE: "active", terms.UPCOMING: "pending", terms.REPLACED: "inactive"}
NAMED = 5  # people who have not accepted yet


@dataclass(frozen=True, slots=True)
class Page:
    """The data of the editor: the draft, if there is one, and the versions, the newest first."""

    document: str
    draft: TextDraft | None
    published: list[tuple[TextVersion, str]]

    @property
    def texts(self) -> dict[str, str]:
        """The present text: that of the draft, otherwise of the last version."""
        if self.draft:
            return dict(self.draft.texts)
        return dict(self.published[0][0].texts) if self.published else {}

    @property
    def in_force(self) -> TextVersion | None:
        """The version in force."""
        return next((row for row, state in self.published if state == terms.IN_FORCE), None)


class Done(NamedTuple):
    """The result of a button: the next address, and the message."""

    to: str
    said: str


@access.roles(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: access.PortalRequest, document: str) -> HttpResponse:
    """One text: its next version in each language, with preview and changes; all versions; who has not accepted yet."""
    return edits.edit(
        request,
        "texts/editor.html",
        edits.Edit(
            row=lambda: _page(request, document),
            form=lambda page, sent: TextForm(sent) if sent is not None else _form(request, page),
            asks=lambda form: form if request.POST.get("do") == "preview" and form.is_valid() else None,
            act=lambda form: _done(request, document, form),
            fresh=lambda page: _form(request, page, sent=TextForm(request.POST)),
            saved_by=_saved_by,
            context=lambda page, form: _context(request, page, form),
            said=lambda done, _form: done.said,
            to=lambda done: done.to,
        ),
    )


@access.roles(Role.OPERATOR)
@require_POST
def preview(request: access.PortalRequest, document: str) -> HttpResponse:
    """The preview and the changes, while the person types."""
    form = TextForm(posted(request))
    form.is_valid()
    return render(
        request, "texts/_preview.html", _seen(request, _page(request, document), form) | {"is_fragment": True}
    )


def _page(request: access.PortalRequest, document: str) -> Page:
    return Page(document, terms.draft_of(request.actor, document), terms.published(document, now=request.now))


def _saved_by(page: Page) -> Q:
    """The person who saved the draft; if it is gone, the person who published or discarded it."""
    if page.draft:
        return conflicts.about(page.draft)
    label = str(TextDraft(document=page.document))
    discarded = Q(action=terms.TEXT_DISCARDED.code, subject_label=label)
    return discarded | conflicts.about(page.published[0][0]) if page.published else discarded


def _form(request: access.PortalRequest, page: Page, *, sent: TextForm | None = None) -> TextForm:
    """The form in the language of the address, with the present text; after a conflict with the text as it was `sent`."""
    language = str(sent["language"].value() if sent else request.GET.get("language", ""))
    language = language if language in dict(settings.LANGUAGES) else FALLBACK
    day = page.draft.valid_from if page.draft else None
    begun = {
        "language": language,
        "version": page.draft.version if page.draft else None,
        "text": sent["text"].value() if sent else page.texts.get(language, ""),
        "valid_from": day or request.now.astimezone(UTC).date(),
    }
    return TextForm(initial=begun)


def _done(request: access.PortalRequest, document: str, form: TextForm) -> Done:
    """Do what the pressed button asks for."""
    version = form.cleaned_data["version"]
    texts = _page(request, document).texts | {form.cleaned_data["language"]: form.cleaned_data["text"]}
    day: date | None = form.cleaned_data["valid_from"]
    address, do = reverse(f"setup-{document}"), request.POST.get("do", "")
    if do == "discard":
        terms.discard_draft(request.actor, document=document, version=version, now=request.now)
        return Done(address, _("The draft is thrown away."))
    if do == "publish":
        made = terms.publish(
            request.actor,
            document=document,
            texts=texts,
            valid_from=terms.starts_at(day, now=request.now),
            version=version,
            now=request.now,
        )
        return Done(address, _("%(text)s is published.") % {"text": made})
    terms.save_draft(request.actor, document=document, texts=texts, valid_from=day, version=version, now=request.now)
    wanted = request.POST.get("go", form.cleaned_data["language"])
    to = f"{address}?language={wanted}" if wanted in dict(settings.LANGUAGES) else address
    return Done(to, _("The draft is saved."))


def _context(request: access.PortalRequest, page: Page, form: TextForm) -> edits.Context:
    document = page.document
    counts = dict(
        Acceptance.objects.visible_to(request.actor)
        .filter(document=document).order_by().values_list("version").annotate(n=Count("pk"))
    )  # fmt: skip
    current = page.in_force
    language = str(form["language"].value() or FALLBACK)
    written = {code for code, text in page.texts.items() if text.strip()}

    def from_theirs() -> list[Change]:
        """The changes between the saved text and the form, after a conflict."""
        return text_changes.changes(page.texts.get(language, ""), str(form["text"].value() or ""))

    return {
        "area": "setup",
        "section": document,
        "from_theirs": from_theirs,
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
    }


def _seen(request: access.PortalRequest, page: Page, form: TextForm) -> dict[str, Any]:
    """The preview, and the changes against the version in force."""
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
