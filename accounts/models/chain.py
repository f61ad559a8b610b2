"""The seals of the audit: one chain of digests for each organization, so that a quiet change of its past shows."""

from __future__ import annotations

from django.db import models

from accounts.append_only import AppendOnly
from accounts.models.audit import AuditEvent
from accounts.models.organizations import Organization


class AuditSeal(AppendOnly):
    """One link. Invariants: append-only; an event has one seal; the numbers of a chain are 1, 2, 3… without gaps; `digest` is made
    of `previous`, of the event's keys and of `content`, the salted digest of what the event says in words and values.

    Words and values enter the chain only as `content`, because names of people are among them: were they and the salt erased one
    day, the chain would still hold, and nobody could guess them back from the digest.
    """

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", db_index=False
    )  # the constraint has one
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
