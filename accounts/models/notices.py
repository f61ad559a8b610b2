"""The outbox for mail: written in the transaction it reports, sent later, kept as proof."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import Organization
from accounts.models.people import User
from accounts.scope import Actor, Role, by_tenant_keys


class Topic(models.TextChoices):
    """What a mail is about; people mute by topic, except topics that can't be muted (R8)."""

    SECURITY = "security", _("Sign-in and security")
    PAYMENT_FAILED = "payment_failed", _("Failed payments")
    ORDERS = "orders", _("Orders and renewals")
    REQUESTS = "requests", _("Requests for activation or renewal")
    SITES = "sites", _("Sites and people")


UNMUTABLE = frozenset({Topic.SECURITY, Topic.PAYMENT_FAILED})


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """A person's own mail, and mail about the actor's subtree; technicians and managers see their own only (R1)."""
        own = models.Q(user_id=actor.user_id) if actor.user_id else models.Q(pk=None)
        bound = by_tenant_keys(actor)
        if bound is None or actor.role is Role.TECHNICIAN:
            return self.filter(own)
        return self.filter(own | bound) if bound else self

    def due(self, now: datetime) -> Self:
        """Those to be sent now, the longest waiting first."""
        return self.filter(state__in=[Notice.State.QUEUED, Notice.State.FAILED], next_try_at__lte=now).order_by(
            "next_try_at", "pk"
        )

    def about(self, *subjects: models.Model | models.QuerySet[Any]) -> Self:
        """Those about one of these rows, or about the rows that a query finds, newest first; one statement."""
        ids: dict[str, set[int]] = defaultdict(set)
        for subject in subjects:
            if isinstance(subject, models.Model):
                ids[subject._meta.model_name or ""].add(subject.pk)
        wanted = models.Q(pk__in=[])
        for kind, found in ids.items():
            wanted |= models.Q(about_type=kind, about_id__in=found)
        parts = [
            self.filter(about_type=subject.model._meta.model_name, about_id__in=subject.values("pk"))
            for subject in subjects
            if isinstance(subject, models.QuerySet)
        ]
        if parts:  # a union whose parts each use the index: an OR over subqueries would read the whole table
            first, *others = (
                part.order_by().values("pk") for part in [*parts, *([self.filter(wanted)] if ids else [])]
            )
            wanted = models.Q(pk__in=first.union(*others, all=True))
        return self.filter(wanted).order_by("-pk")


class Notice(models.Model):
    """One mail to one person, who may have no login. Invariants: `key` is unique, so one event is mailed once; a muted notice is stored and not
    sent; mail of an unmutable topic is never muted (R8). The text of a notice with a secret link is erased once it is sent."""

    class State(models.TextChoices):
        """Whether it was sent."""

        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")  # tried again at `next_try_at`; given up where that is empty
        MUTED = "muted", _("Muted by the recipient")

    key = models.CharField(max_length=120, unique=True)
    topic = models.CharField(max_length=16, choices=Topic.choices)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="notices", db_index=False)
    email = models.EmailField(max_length=254)
    language = models.CharField(max_length=8, blank=True)  # of a recipient without a login; others have their own
    subject = models.TextField()  # may list several names
    body = models.TextField(blank=True)
    has_secret = models.BooleanField(default=False)
    about_type = models.CharField(max_length=40, blank=True)
    about_id = models.BigIntegerField(null=True)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    distributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    installer = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    queued_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"], condition=models.Q(state__in=["queued", "failed"]), name="notice_due"
            ),
            models.Index(fields=["about_type", "about_id", "-id"], name="notice_about"),
            models.Index(fields=["user", "-id"], name="notice_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.email}"

    @property
    def happened_at(self) -> datetime:
        """When it was sent, otherwise when it was written."""
        return self.sent_at or self.queued_at


class Mute(models.Model):
    """A topic that a person has muted. Invariant: never an unmutable one (R8); deleting the row unmutes it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="mutes", db_index=False)
    topic = models.CharField(max_length=16, choices=Topic.choices)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "topic"], name="mute_once"),
            models.CheckConstraint(
                condition=~models.Q(topic__in=["security", "payment_failed"]), name="mute_never_security"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.topic}"
