"""The periods of paid time that orders bought."""

from __future__ import annotations

from django.db import models

from accounts.append_only import AppendOnly
from communities.models import Entitlement
from subscriptions.models.orders import OrderLine


class ServicePeriod(AppendOnly):
    """Paid time of one entitlement in one variant. Invariants: two periods that extend never start at the same instant, which prevents a
    double extension; a period can be revoked, and nothing else of it ever changes, which the database enforces.

    An upgrade's period overlaps those that extend, from its payment on, and decides the variant only. A refunded period is revoked; if a
    part of it stays, a shorter period `replaces` it.
    """

    changeable = ("is_revoked",)

    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="periods")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="periods")
    variant = models.CharField(max_length=200)
    is_upgrade = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    anchor_at = models.DateTimeField(
        null=True
    )  # as on the entitlement, which returns to it when a later period is revoked
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    is_revoked = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["entitlement", "starts_at"],
                condition=models.Q(is_revoked=False, is_upgrade=False),
                name="period_once_per_start",
            ),
            models.UniqueConstraint(fields=["line"], condition=models.Q(is_revoked=False), name="period_one_per_line"),
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="period_has_length"),
        ]

    def __str__(self) -> str:
        return f"period {self.pk} of entitlement {self.entitlement_id}"


class VariantChange(models.Model):
    """The variant that an item has from a later instant on: the running period does not change because the next one is paid already. Rows
    are a queue: `subscriptions.actions.variants.turn_due` writes the variant to the entitlement at that instant and deletes the row."""

    entitlement = models.ForeignKey(Entitlement, models.CASCADE, related_name="variant_changes", db_index=False)
    at = models.DateTimeField()
    variant = models.CharField(max_length=200)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["entitlement", "at"], name="variant_change_once")]
        indexes = [models.Index(fields=["at"], name="variant_change_due")]

    def __str__(self) -> str:
        return f"entitlement {self.entitlement_id} from {self.at:%Y-%m-%d}: {self.variant}"
