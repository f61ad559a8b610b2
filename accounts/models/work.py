"""Background work: items that failed, and servers whose circuit breaker is open."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from accounts.scope import Actor


class ItemFailureQuerySet(models.QuerySet["ItemFailure"]):
    """Failures, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Only the operator sees background work."""
        return self if actor.sees_all else self.none()

    def due(self, now: datetime) -> Self:
        """Those whose next try has come, the longest waiting first."""
        return self.filter(next_try_at__lte=now).order_by("next_try_at", "pk")


class ItemFailure(models.Model):
    """One item at which a job failed. Invariants: one row per job and item, kept until the item succeeds or needs no work any more;
    `next_try_at` is empty when it was given up; then only a person starts it again. `item_id` 0 is the job itself."""

    job = models.CharField(max_length=32)  # a key of smartplus.jobs.JOBS
    item_id = models.BigIntegerField()  # id in the table that the job works on
    tries = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500)
    is_expected = models.BooleanField(default=False)  # a server did not answer: such an item is never given up
    failed_at = models.DateTimeField()  # the first time
    tried_at = models.DateTimeField()  # the last time
    next_try_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when the operator was told

    objects = ItemFailureQuerySet.as_manager()

    class Meta:
        ordering = ["-tried_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["job", "item_id"], name="item_failure_once")]
        indexes = [
            models.Index(fields=["job", "next_try_at"], name="item_failure_due"),
            models.Index(fields=["-tried_at", "-id"], name="item_failure_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.item_id}"

    @property
    def is_given_up(self) -> bool:
        """Whether it is no longer tried without a person."""
        return self.next_try_at is None


class CircuitBreakerQuerySet(models.QuerySet["CircuitBreaker"]):
    """Breakers, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Only the operator sees them."""
        return self if actor.sees_all else self.none()


class CircuitBreaker(models.Model):
    """A server that did not answer several times in a row is not called until `open_until`; all processes read this row. Invariant:
    `open_until` is empty while the server answers."""

    name = models.CharField(max_length=32, unique=True)  # a gateway
    failures = models.PositiveIntegerField(default=0)  # in a row
    error = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField(null=True)  # since when the server does not answer
    open_until = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    objects = CircuitBreakerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
