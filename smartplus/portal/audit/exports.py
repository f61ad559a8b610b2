"""The audit log as a file."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import AuditEvent
from accounts.scope import Actor
from smartplus.portal.audit import queries as audit_log
from smartplus.portal.audit import values as audit_values
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column

CHUNK = 1000  # events looked at together


def columns() -> list[Column]:
    """Its columns."""
    return [
        Column(_("Entry"), tables.Kind.NUMBER), Column(_("Time"), tables.Kind.MOMENT), Column(_("Time (UTC)")), Column(_("Who")),
        Column(_("Organization")), Column(_("What")), Column(_("Subject")), Column(_("Where")), Column(_("Before")),
        Column(_("After")), Column(_("Action")), Column(_("Part of entry"), tables.Kind.NUMBER),
    ]  # fmt: skip


def lines(actor: Actor, found: QuerySet[AuditEvent]) -> Iterator[list[object]]:
    """A line for each change, the newest first."""
    for some in tables.in_chunks(found.order_by("-pk"), size=CHUNK):
        for row in audit_log.rows(actor, some):
            event = row.event
            values = audit_values.lines(event, row.names)
            yield [
                event.pk, event.at, event.at.isoformat(timespec="seconds"), event.who, row.firm, row.what, event.subject_label, row.where,
                "; ".join(f"{line.label}: {line.before}" for line in values if line.before is not None),
                "; ".join(f"{line.label}: {line.after}" for line in values if line.after is not None),
                event.action, event.batch_id,
            ]  # fmt: skip
