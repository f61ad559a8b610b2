"""Whether a gateway accepts this installation's key, as it answered when it was last asked."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import pgettext_lazy as _

from accounts.scope import Actor


class GatewayKeyQuerySet(models.QuerySet["GatewayKey"]):
    """Answers about keys, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Only the operator sees them."""
        return self if actor.sees_all else self.none()


class GatewayKey(models.Model):
    """The last answer of one gateway about our key. Invariants: one row per gateway; valid only for the key with this `print`; holds no
    key.
    """

    class Answer(models.TextChoices):
        """What the gateway answered."""

        ACCEPTED = "accepted", _("gateway key", "Accepted")
        REFUSED = "refused", _("gateway key", "Refused")
        SILENT = "silent", _("gateway key", "No answer")

    gateway = models.CharField(max_length=16, unique=True)
    print = models.CharField(max_length=64)  # of the key, made with this installation's secret
    answer = models.CharField(max_length=8, choices=Answer.choices)
    # As the gateway names the account; "" where the key may not read it
    account = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()

    objects = GatewayKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.gateway}: {self.answer}"

    def age_s(self, now: datetime) -> float:
        """Seconds since it was asked."""
        return (now - self.asked_at).total_seconds()
