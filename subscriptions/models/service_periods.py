"""The periods that orders paid for."""

from __future__ import annotations

from django.db import models

from accounts.append_only import AppendOnly
from communities.models import Entitlement
from subscriptions.models.orders import OrderLine


class ServicePeriod(AppendOnly):
    """Paid time of one entitlement in one variant. Invariants: of the periods that extend, no second one starts where one does, the fence
    against double extension; a period can be revoked, and nothing else of it ever changes: the database refuses it.

    An upgrade's period lies over those that extend, from when it was paid, and says the variant only. What is given back is revoked, and
    where a part of it stays, a shorter period `replaces` it.
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
    )  # as on the entitlement, which goes back to it when a later period is revoked
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
    """What an item is paid for from a later instant on: a period that has begun does not change because the next one is paid already.
    A queue: `subscriptions.actions.variants.turn_due` writes the variant to the entitlement when the instant comes, and the row goes."""

    entitlement = models.ForeignKey(Entitlement, models.CASCADE, related_name="variant_changes", db_index=False)
    at = models.DateTimeField()
    variant = models.CharField(max_length=200)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["entitlement", "at"], name="variant_change_once")]
        indexes = [models.Index(fields=["at"], name="variant_change_due")]

    def __str__(self) -> str:
        return f"entitlement {self.entitlement_id} from {self.at:%Y-%m-%d}: {self.variant}"
