"""If the operator opens pages of a tenant, this is written to that tenant's audit log."""

from __future__ import annotations

from django.db import models

from accounts import audit
from accounts.actions import support
from accounts.models import Organization
from smartplus.access import PortalRequest


def record_view(
    request: PortalRequest,
    subject: models.Model,
    *,
    tenant: audit.Tenanted | Organization,
    site_id: int | None = None,
    label: str | None = None,
) -> None:
    """Note that the page of `subject` is shown, also where it answers a form that was not accepted. A subject that was read with
    `support.noted` as `is_noted` knows whether that is done."""
    known = bool(getattr(subject, "is_noted", False))
    support.record_view(
        request.actor, tenant=tenant, subject=subject, now=request.now, site_id=site_id, label=label, is_noted=known
    )
