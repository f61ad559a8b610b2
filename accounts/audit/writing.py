"""Writing the audit: one call per action, inside its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import models

from accounts.audit.words import Word
from accounts.models import AuditEvent, Kind, Organization
from accounts.scope import Actor


class Tenanted(Protocol):
    """A row with tenant keys, as all large tables have them."""

    @property
    def distributor_id(self) -> int | None: ...

    @property
    def subdistributor_id(self) -> int | None: ...

    @property
    def installer_id(self) -> int | None: ...


def record(actor: Actor, word: Word, subject: models.Model, **told: Any) -> AuditEvent:
    """Audit that `actor` did `word` to `subject` (R9); for the other arguments see `event`."""
    row = event(actor, word, subject, **told)
    row.save(force_insert=True)
    return row


def record_all(events: Iterable[AuditEvent]) -> None:
    """Write events made by `event`; one statement for each thousand."""
    AuditEvent.objects.bulk_create(events, batch_size=1000)


def record_batch(of: AuditEvent, rows: Sequence[AuditEvent]) -> None:
    """Write a change of many objects: `of` describes it as a whole, `rows` each object. If it is one object, only its row is written."""
    if len(rows) > 1:
        of.save(force_insert=True)
        for row in rows:
            row.batch = of
    record_all(rows)


def event(
    actor: Actor,
    word: Word,
    subject: models.Model,
    *,
    now: datetime,
    tenant: Tenanted | Organization,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    site_id: int | None = None,
    label: str | None = None,
    batch: AuditEvent | None = None,
) -> AuditEvent:
    """An audit event, not written yet. Of `before` and `after` only the fields that differ are stored.

    `tenant` is the organization the event belongs to, or any row with tenant keys. `batch` is the event of the whole change that this
    row belongs to; it must be written before.
    """
    was, now_is = before or {}, after or {}
    changed = [
        name for name in {**was, **now_is} if was.get(name) != now_is.get(name) or name not in was or name not in now_is
    ]
    keys, owner_id = _tenant(tenant)
    return AuditEvent(
        at=now,
        user_id=actor.user_id,
        actor_label=actor.label,
        actor_role=actor.role.value,
        action=word.code,
        subject_type=subject._meta.model_name or "",
        subject_id=subject.pk,
        subject_label=label or str(subject),
        before={name: was[name] for name in changed if name in was},
        after={name: now_is[name] for name in changed if name in now_is},
        organization_id=owner_id or actor.organization_id,
        site_id=site_id,
        batch=batch,
        **keys,
    )


def _tenant(tenant: Tenanted | Organization) -> tuple[dict[str, int | None], int | None]:
    """The tenant keys of a row and the organization it belongs to; None for a row outside the tree."""
    if isinstance(tenant, Organization):
        return tenant_keys(tenant), tenant.pk
    keys = {f"{level}_id": getattr(tenant, f"{level}_id") for level in ("distributor", "subdistributor", "installer")}
    return keys, keys["installer_id"] or keys["subdistributor_id"] or keys["distributor_id"]


def tenant_keys(organization: Organization) -> dict[str, int | None]:
    """The tenant keys of rows that belong to `organization`, which include the organization itself at its own level."""
    keys: dict[str, int | None] = {
        "distributor_id": organization.distributor_id,
        "subdistributor_id": organization.subdistributor_id,
        "installer_id": organization.installer_id,
    }
    if organization.kind in {Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR, Kind.INSTALLER}:
        keys[f"{organization.kind}_id"] = organization.pk
    return keys


def fields_of(row: models.Model, names: list[str]) -> dict[str, Any]:
    """The named fields of a row as JSON values, for `before` and `after`."""
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | bool | list | dict | None) else str(value)
