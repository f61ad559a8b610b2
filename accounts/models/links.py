"""One-time links that prove a mailbox and work for a short time; and counts of failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from accounts.models.people import User


class MailLinkQuerySet(models.QuerySet["MailLink"]):
    """Links by their state. They are found by their token, or through a person that the actor sees."""

    def open(self, now: datetime) -> Self:
        """Neither used nor closed, and in time."""
        return self.filter(used_at=None, closed_at=None, expires_at__gt=now)


class MailLink(models.Model):
    """A link sent to one address. Invariants: a person has at most one open link of each purpose; the token itself is in the mail only.

    For a new address `email` is that address; whether it belongs to another login is not told here.
    """

    class Purpose(models.TextChoices):
        """What the link is for."""

        SIGN_IN = "sign_in"  # to sign in although the account is throttled
        ADDRESS = "address"  # to confirm the person's new address

    user = models.ForeignKey(User, models.CASCADE, related_name="mail_links")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    digest = models.CharField(max_length=64, unique=True)
    email = models.EmailField(max_length=254)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)  # withdrawn, or replaced by a newer link

    objects = MailLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "purpose"],
                condition=models.Q(used_at=None, closed_at=None),
                name="mail_link_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of #{self.user_id}"


class FailureCount(models.Model):
    """Failed sign-ins from one network address, or for one account, as a leaky bucket: each failure moves `clears_at` forward by its
    weight; an instant in the past means empty. Accounts are stored as digests, whether they exist or not."""

    key = models.CharField(max_length=80, unique=True)
    clears_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key} until {self.clears_at:%Y-%m-%d %H:%M}"
