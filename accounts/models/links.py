"""Links that are mailed, work once and for a short time, and prove whose mailbox it is; and how often somebody failed to sign in."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from accounts.models.people import User


class MailLinkQuerySet(models.QuerySet["MailLink"]):
    """Links by what they still do. They are found by their token, or below a person one sees."""

    def open(self, now: datetime) -> Self:
        """Neither used nor closed, and in time."""
        return self.filter(used_at=None, closed_at=None, expires_at__gt=now)


class MailLink(models.Model):
    """A link sent to one address. Invariants: of a person at most one of each purpose is open; the token itself is in the mail only.

    Of a new address `email` is that address; whether somebody has it already is not told here.
    """

    class Purpose(models.TextChoices):
        """What the link is for."""

        SIGN_IN = "sign_in"  # past the throttle, to the password
        ADDRESS = "address"  # the person's new address

    user = models.ForeignKey(User, models.CASCADE, related_name="mail_links")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    digest = models.CharField(max_length=64, unique=True)
    email = models.EmailField(max_length=254)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)  # withdrawn, or replaced by a newer one

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
    """How often signing in failed from one network address, or for one account, as a bucket that leaks: each failure moves `clears_at`
    on by the time one failure weighs, and what lies behind now counts for nothing. Accounts are kept as digests, known or not."""

    key = models.CharField(max_length=80, unique=True)
    clears_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key} until {self.clears_at:%Y-%m-%d %H:%M}"
