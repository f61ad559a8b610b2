"""The audit log: every change in one's subtree, what it was before and after, as a list and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.audit import Area
from accounts.models import AuditEvent, AuditSeal
from accounts.models.audit import tenant_order
from accounts.scope import Actor
from smartplus import access
from smartplus.portal.audit import queries as audit_log
from smartplus.portal.audit import rows as audit_rows
from smartplus.portal.audit import values as audit_values
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit import keyset
from smartplus.portal.kit.exports import Column
from subscriptions.models import PriceList

PAGE = 50
CHUNK = 1000  # events of a file looked at together


@access.roles(*audit_log.READERS)
@require_safe
def audit_list(request: access.PortalRequest) -> HttpResponseBase:
    """The changes asked for, the newest first; with `format=csv` or `xlsx` all of them as a file."""
    asked = audit_log.Asked.of(request.GET)
    file = tables.asked(request)
    found = audit_log.events(request.actor, asked, now=request.now, with_batches=bool(file))
    found = found.select_related("organization", "distributor")
    if file:
        return tables.answer(file, "audit", _columns(), _lines(request.actor, found))
    page = keyset.page(found, under=tenant_order(request.actor), by=("-pk",), query=request.GET, size=PAGE)
    number = len(page.rows) if page.is_only else audit_log.count(request.actor, found)
    rows = audit_log.rows(request.actor, page.rows)
    context = {
        "asked": asked,
        "page": page,
        "rows": rows,
        "cells": audit_rows.cells(rows, asked, request.GET, request.now),
        "count": number,
        "most": keyset.COUNTED,
        "areas": Area.choices,
        "periods": [*audit_log.DAYS, audit_log.ANY_TIME],
        "people": audit_log.WHO.items(),
    }
    return render(request, "audit/list.html", context)


@access.roles(*audit_log.READERS)
@require_safe
def audit_detail(request: access.PortalRequest, event_id: int) -> HttpResponse:
    """One change: its fields before and after, the objects it was done to, and its seal. For htmx only the part that opens under the row."""
    readable = AuditEvent.objects.visible_to(request.actor).select_related("organization", "distributor", "seal")
    event = readable.get(pk=event_id)
    (row,) = audit_log.rows(request.actor, [event])
    names = replace(row.names, currency=_currency(request.actor, event))
    seal: AuditSeal | None = getattr(event, "seal", None)
    batch = keyset.page(audit_log.batch_of(request.actor, event), by=("pk",), query=request.GET, size=PAGE)
    context = {
        "row": row,
        "event": event,
        "lines": audit_values.lines(event, names),
        "unchanged": audit_values.unchanged(event),
        "seal": seal,
        "batch": batch,
        "is_page": not request.htmx,
        "rows": audit_log.rows(request.actor, batch.rows),
    }
    return render(request, "audit/_detail.html" if request.htmx else "audit/detail.html", context)


def _currency(actor: Actor, event: AuditEvent) -> str:
    """Default price lists belong to no tree; their currency is their own."""
    if event.subject_type == "pricelist":
        lists = PriceList.objects.visible_to(actor).filter(pk=event.subject_id)
        return lists.values_list("currency", flat=True).first() or ""
    return audit_log.currency_of(event)


def _columns() -> list[Column]:
    return [
        Column(_("Entry"), tables.Kind.NUMBER), Column(_("Time"), tables.Kind.MOMENT), Column(_("Time (UTC)")), Column(_("Who")),
        Column(_("Organization")), Column(_("What")), Column(_("Subject")), Column(_("Where")), Column(_("Before")),
        Column(_("After")), Column(_("Action")), Column(_("Part of entry"), tables.Kind.NUMBER),
    ]  # fmt: skip


def _lines(actor: Actor, found: QuerySet[AuditEvent]) -> Iterator[list[object]]:
    for some in tables.in_chunks(found.order_by("-pk"), size=CHUNK):
        for row in audit_log.rows(actor, some):
            event = row.event
            lines = audit_values.lines(event, row.names)
            yield [
                event.pk, event.at, event.at.isoformat(timespec="seconds"), event.who, row.firm, row.what, event.subject_label, row.where,
                "; ".join(f"{line.label}: {line.before}" for line in lines if line.before is not None),
                "; ".join(f"{line.label}: {line.after}" for line in lines if line.after is not None),
                event.action, event.batch_id,
            ]  # fmt: skip
