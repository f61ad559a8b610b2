"""Whether a gateway accepts this installation's key, as it answered when it was last asked."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import pgettext_lazy as _

from accounts.scope import Actor


class GatewayKeyQuerySet(models.QuerySet["GatewayKey"]):
    """Answers, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """The operator's business."""
        return self if actor.sees_all else self.none()


class GatewayKey(models.Model):
    """The last answer of one gateway. Invariants: one row per gateway; it counts for the key of this `print` only, and holds no key."""

    class Answer(models.TextChoices):
        """What it said."""

        ACCEPTED = "accepted", _("gateway key", "Accepted")
        REFUSED = "refused", _("gateway key", "Refused")
        SILENT = "silent", _("gateway key", "No answer")

    gateway = models.CharField(max_length=16, unique=True)
    print = models.CharField(max_length=64)  # of the key, made with this installation's secret
    answer = models.CharField(max_length=8, choices=Answer.choices)
    account = models.CharField(max_length=64, blank=True)  # as the gateway names it; "" where the key may not ask
    asked_at = models.DateTimeField()

    objects = GatewayKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.gateway}: {self.answer}"

    def age_s(self, now: datetime) -> float:
        """Seconds since it was asked."""
        return (now - self.asked_at).total_seconds()
