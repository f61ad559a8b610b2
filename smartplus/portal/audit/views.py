"""One change of the audit log: what it was before and after, what it was done to, and its seal."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import AuditEvent, AuditSeal
from accounts.scope import Actor
from smartplus import access
from smartplus.portal.audit import queries as audit_log
from smartplus.portal.audit import values as audit_values
from smartplus.portal.kit import keyset
from subscriptions.models import PriceList

PAGE = 50  # objects of one change


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
    """The currency of a change. Default price lists belong to no tree and have a currency of their own."""
    if event.subject_type == "pricelist":
        lists = PriceList.objects.visible_to(actor).filter(pk=event.subject_id)
        return lists.values_list("currency", flat=True).first() or ""
    return audit_log.currency_of(event)
