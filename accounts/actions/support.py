"""The support view: what the operator opened in a tenant's firm, recorded so that the tenant can read it (DOMAIN §1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import AuditEvent, Kind, Organization, User
from accounts.scope import Actor, Role

NOTED_EVERY = timedelta(hours=1)  # opening many pages in a row is recorded once
SUPPORT_VIEWED = audit.Word(
    "support.viewed", _("Support view opened"), _("Support view opened: %(what)s"), area=audit.Area.SECURITY
)


def record_view(
    actor: Actor,
    *,
    tenant: audit.Tenanted | Organization,
    subject: models.Model,
    now: datetime,
    site_id: int | None = None,
    label: str | None = None,
    is_noted: bool = False,
) -> None:
    """Audit that the operator opened `subject`, a row of `tenant`: once an hour for each person and object. Other roles are not
    recorded.

    Rows of the operator's own firm are not recorded. `is_noted`: the caller knows already (from `noted`) that it was recorded.
    """
    if actor.role is not Role.OPERATOR or (isinstance(tenant, Organization) and tenant.kind == Kind.OPERATOR):
        return
    if is_noted or _is_noted(actor, subject, now):
        return
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(
            pk=actor.user_id or 0
        )  # two pages opened at once are recorded once
        if not _is_noted(actor, subject, now):
            audit.record(actor, SUPPORT_VIEWED, subject, now=now, tenant=tenant, site_id=site_id, label=label)


def noted(actor: Actor, model: type[models.Model], now: datetime) -> models.Exists | models.Value:
    """For a query of `model`: whether the actor's view of a row is recorded already; for other roles nothing is looked up."""
    if actor.role is not Role.OPERATOR:
        return models.Value(False)
    return models.Exists(_notes(actor, model, now).filter(subject_id=models.OuterRef("pk")))


def _is_noted(actor: Actor, subject: models.Model, now: datetime) -> bool:
    return _notes(actor, type(subject), now).filter(subject_id=subject.pk).exists()


def _notes(actor: Actor, model: type[models.Model], now: datetime) -> models.QuerySet[AuditEvent]:
    of_model = AuditEvent.objects.filter(subject_type=model._meta.model_name, action=SUPPORT_VIEWED.code)
    return of_model.filter(user_id=actor.user_id or 0, at__gt=now - NOTED_EVERY)
