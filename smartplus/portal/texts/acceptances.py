"""Who has accepted which version of a text, and who has not; as a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.actions import terms
from accounts.models import Acceptance, Document, TextVersion
from accounts.scope import Actor, Role
from smartplus import access
from smartplus.portal.kit.exports import Column as Head
from smartplus.portal.kit.exports import Kind
from smartplus.portal.kit.lists import Column, List, Listing
from smartplus.portal.texts import queries as acceptances

LOOKED_UP = 500  # rows of a file whose firms are read in one statement
MISSING = "missing"
PERSON = Column("person", gettext_lazy("Person"), keys=["user__name_order"])
EMAIL = Column("email", gettext_lazy("Email"), keys=["user__email_key"])
GIVEN = List(
    title=gettext_lazy("Accepted"),
    columns=(
        PERSON,
        EMAIL,
        Column("firms", gettext_lazy("Organizations")),
        Column("at", gettext_lazy("Accepted"), keys=["pk"]),
    ),
    own="-at",
    table="cards",
    has_file=True,
)
NOT_GIVEN = List(
    title=gettext_lazy("Not yet accepted"),
    columns=(PERSON, EMAIL, Column("firm", gettext_lazy("Organization"), keys=["organization__name_order"])),
    own="person",
    table="cards",
    has_file=True,
)


@access.roles(Role.OPERATOR)
@require_safe
def acceptance_list(request: access.PortalRequest, document: str) -> HttpResponseBase:
    """`?version=` names a version, otherwise the one in force; `?show=missing` lists people who have not accepted the one in force."""
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
    listing = (NOT_GIVEN if is_missing else GIVEN).asked(request)
    if listing.file:
        return _file(listing, document, version, current if is_missing else None)
    context: dict[str, Any] = {
        "area": "setup",
        "section": document,
        "text": Document(document).label,
        "document": document,
        "versions": known,
        "version": version,
        "current": current,
        "is_missing": is_missing,
        "shown": None if is_missing else version,
        "is_kept": any(row.version == version for row, _state in published),
        "missing_count": acceptances.missing(request.actor, current).count() if current else 0,
    }
    if is_missing and current:
        missing = listing.page(acceptances.missing(request.actor, current))
        return render(request, "texts/acceptances.html", {**context, **listing.context(missing, missing.rows)})
    page = listing.page(acceptances.given(request.actor, document, version))
    firms = acceptances.firms_of(request.actor, {row.user_id for row in page.rows})
    cells = [(row, firms.get(row.user_id, "")) for row in page.rows]
    return render(request, "texts/acceptances.html", {**context, **listing.context(page, cells)})


def _older(actor: Actor, document: str) -> list[str]:
    """All versions that people accepted, also those whose text is not stored here."""
    found = Acceptance.objects.visible_to(actor).filter(document=document).order_by()
    return list(found.values_list("version", flat=True).distinct())


def _file(listing: Listing, document: str, version: str, missing_of: TextVersion | None) -> HttpResponseBase:
    if missing_of is not None:
        heads = [Head(_("Person")), Head(_("Email")), Head(_("Organization")), Head(_("Version not accepted yet"))]
        rows: Iterator[list[object]] = (
            [row.user.name, row.user.email, row.organization.name, missing_of.number]
            for row in acceptances.missing(listing.actor, missing_of).iterator(chunk_size=LOOKED_UP)
        )
        return listing.answer(f"{document}-{missing_of.number}-missing", heads, rows)
    heads = [
        Head(_("Person")), Head(_("Email")), Head(_("Organizations")), Head(_("Version")),
        Head(_("Accepted"), Kind.MOMENT), Head(_("Accepted (UTC)")), Head(_("Address")),
    ]  # fmt: skip
    return listing.answer(f"{document}-{version}-accepted", heads, _given(listing.actor, document, version))


def _given(actor: Actor, document: str, version: str) -> Iterator[list[object]]:
    """In chunks, so that neither all rows nor all firms are in memory at once."""
    found, last = acceptances.given(actor, document, version), None
    while rows := list((found.filter(pk__lt=last) if last else found)[:LOOKED_UP]):
        firms = acceptances.firms_of(actor, {row.user_id for row in rows})
        for row in rows:
            yield [
                row.user.name, row.user.email, firms.get(row.user_id, ""), row.version, row.accepted_at,
                row.accepted_at.isoformat(timespec="seconds"), row.address,
            ]  # fmt: skip
        last = rows[-1].pk
