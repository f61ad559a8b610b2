"""Who has accepted which version of a text, and who has not yet; as a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.actions import terms
from accounts.models import Acceptance, Document, TextVersion
from accounts.scope import Actor, Role
from smartplus import access
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit import keyset
from smartplus.portal.kit.exports import Column
from smartplus.portal.texts import queries as acceptances

PAGE = 50
LOOKED_UP = 500  # rows of a file whose firms are looked up at once
MISSING = "missing"
GIVEN_COLUMNS: keyset.Columns = {"person": ["user__name_order"], "email": ["user__email_key"], "at": ["pk"]}
MISSING_COLUMNS: keyset.Columns = {
    "person": ["user__name_order"],
    "email": ["user__email_key"],
    "firm": ["organization__name_order"],
}


@access.roles(Role.OPERATOR)
@require_safe
def acceptance_list(request: access.PortalRequest, document: str) -> HttpResponseBase:
    """`?version=` names a version, without it the one in force; `?show=missing` those who have not accepted the one in force."""
    published = terms.published(document, now=request.now)
    current = next((row for row, state in published if state == terms.IN_FORCE), None)
    known = sorted(
        {row.version for row, _state in published} | set(_older(request.actor, document)),
        key=lambda v: (len(v), v),
        reverse=True,
    )
    wanted = request.GET.get("version", "")
    version = wanted if wanted in known else (current.version if current else (known[0] if known else ""))
    is_missing = request.GET.get("show") == MISSING and current is not None
    if file := tables.asked(request):
        return _file(file, request, document, version, current if is_missing else None)
    context: dict[str, Any] = {
        "area": "setup",
        "section": document,
        "title": Document(document).label,
        "document": document,
        "versions": known,
        "version": version,
        "current": current,
        "is_missing": is_missing,
        "is_kept": any(row.version == version for row, _state in published),
        "missing_count": acceptances.missing(request.actor, current).count() if current else 0,
    }
    if is_missing and current:
        found = acceptances.missing(request.actor, current)
        sorting = keyset.sorting(request.GET, MISSING_COLUMNS, own="person")
        context["page"] = keyset.page(found, by=sorting.by, query=request.GET, size=PAGE)
    else:
        sorting = keyset.sorting(request.GET, GIVEN_COLUMNS, own="-at")
        given = acceptances.given(request.actor, document, version)
        page = keyset.page(given, by=sorting.by, query=request.GET, size=PAGE)
        firms = acceptances.firms_of(request.actor, {row.user_id for row in page.rows})
        context |= {"page": page, "rows": [(row, firms.get(row.user_id, "")) for row in page.rows]}
    return render(request, "texts/acceptances.html", {**context, "sorting": sorting})


def _older(actor: Actor, document: str) -> list[str]:
    """Versions people accepted, those whose text was never kept here too."""
    found = Acceptance.objects.visible_to(actor).filter(document=document).order_by()
    return list(found.values_list("version", flat=True).distinct())


def _file(
    file: str, request: access.PortalRequest, document: str, version: str, missing_of: TextVersion | None
) -> HttpResponseBase:
    if missing_of is not None:
        heads = [_("Person"), _("Email"), _("Organization"), _("Version not accepted yet")]
        rows: Iterator[list[object]] = (
            [row.user.name, row.user.email, row.organization.name, missing_of.number]
            for row in acceptances.missing(request.actor, missing_of).iterator(chunk_size=LOOKED_UP)
        )
        return tables.answer(file, f"{document}-{missing_of.number}-missing", [Column(head) for head in heads], rows)
    columns = [
        Column(_("Person")), Column(_("Email")), Column(_("Organizations")), Column(_("Version")),
        Column(_("Accepted"), tables.Kind.MOMENT), Column(_("Accepted (UTC)")), Column(_("Address")),
    ]  # fmt: skip
    return tables.answer(file, f"{document}-{version}-accepted", columns, _given(request.actor, document, version))


def _given(actor: Actor, document: str, version: str) -> Iterator[list[object]]:
    """In pieces, so that neither rows nor firms are all held at once."""
    found, last = acceptances.given(actor, document, version), None
    while rows := list((found.filter(pk__lt=last) if last else found)[:LOOKED_UP]):
        firms = acceptances.firms_of(actor, {row.user_id for row in rows})
        for row in rows:
            yield [
                row.user.name, row.user.email, firms.get(row.user_id, ""), row.version, row.accepted_at,
                row.accepted_at.isoformat(timespec="seconds"), row.address,
            ]  # fmt: skip
        last = rows[-1].pk
