"""Messages of gateways: every verified webhook, kept before and after it is processed."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor
from payments import gateways
from payments.kinds import Topic


class EventState(models.TextChoices):
    """Whether an event was processed."""

    NEW = "new", _("New")
    DONE = "done", _("Done")
    IGNORED = "ignored", _("Ignored")
    FAILED = "failed", _("Failed")  # tried again at `next_try_at`; given up where that is empty


class GatewayEventQuerySet(models.QuerySet["GatewayEvent"]):
    """Events, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Only the operator sees the webhook log."""
        return self if actor.sees_all else self.none()

    def due(self, now: datetime) -> Self:
        """Events to be processed now, the longest waiting first."""
        return self.filter(state__in=[EventState.NEW, EventState.FAILED], next_try_at__lte=now).order_by(
            "next_try_at", "pk"
        )


class GatewayEvent(models.Model):
    """A verified message. Invariant: one row per gateway and event id. The row only says that something happened to an object; the
    object itself says what.
    """

    gateway = models.CharField(max_length=16)
    event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=80)
    topic = models.CharField(max_length=8, choices=Topic.choices, default=Topic.PAYMENT)
    object_ref = models.CharField(max_length=255, blank=True)  # a page, a charge or a stored method
    request_key = models.CharField(max_length=64, blank=True)  # of the payment, as the gateway echoes it
    says_paid = models.BooleanField(default=False)  # it claims that money moved; the object has to confirm it
    raw_body = models.BinaryField()
    headers = models.JSONField(default=dict)  # signature and content type, no more
    state = models.CharField(max_length=8, choices=EventState.choices, default=EventState.NEW)
    tries = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = GatewayEventQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="gateway_event_once")]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=models.Q(state__in=["new", "failed"]),
                name="gateway_event_due",
            ),
            models.Index(
                fields=["request_key"],
                condition=models.Q(says_paid=True, state__in=["new", "failed"]),
                name="gateway_event_says_paid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"

    @property
    def gateway_label(self) -> str:
        """The name of the gateway that people see."""
        return gateways.label(self.gateway)
