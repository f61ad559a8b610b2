"""Seals of the audit: a hash chain for each organization, which shows later changes."""

from __future__ import annotations

from django.db import models

from accounts.append_only import AppendOnly
from accounts.models.audit import AuditEvent
from accounts.models.organizations import Organization


class AuditSeal(AppendOnly):
    """One link of a chain. Invariants: append-only; one seal for each event; numbers in a chain are 1, 2, 3… without gaps; `digest` is
    made of `previous`, the event's keys and `content`, the salted digest of the event's words and values.

    Words and values are in the chain only through `content`, because they include names of people: if they and the salt are erased one
    day, the chain still verifies, and nobody can guess the names from the digest.
    """

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", db_index=False
    )  # the unique constraint has an index
    sequence = models.BigIntegerField()
    event = models.OneToOneField(AuditEvent, models.PROTECT, related_name="seal")
    sealed_at = models.DateTimeField(db_index=True)
    salt = models.CharField(max_length=32)
    content = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["organization_id", "sequence"]
        constraints = [models.UniqueConstraint(fields=["organization", "sequence"], name="audit_seal_once_in_chain")]

    def __str__(self) -> str:
        return f"{self.organization_id}/{self.sequence} {self.digest[:12]}"
