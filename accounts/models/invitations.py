"""Invitations: one-time links by which a person takes up a membership."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Self

from django.db import models

from accounts.models.people import Membership, User

VALID_FOR = timedelta(days=7)


def digest_of(token: str) -> str:
    """The stored digest of a token; the link can't be rebuilt from it."""
    return hashlib.sha256(token.encode()).hexdigest()


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations by their state. They are found by their token, or through a membership that the actor sees."""

    def open(self) -> Self:
        """Neither accepted nor withdrawn; their time may be over."""
        return self.filter(accepted_at=None, closed_at=None)

    def working(self, now: datetime) -> Self:
        """Those whose link can be used: open, in time, and of an active firm and membership."""
        return self.open().filter(
            expires_at__gt=now,
            membership__joined_at=None,
            membership__is_active=True,
            membership__organization__is_active=True,
            membership__user__is_active=True,
        )


class Invitation(models.Model):
    """A link sent to one address. Invariants: a membership has at most one open invitation; the token itself is in the mail only.

    `name` and `email` are stored as the inviting person entered them. Until the person has joined, the firm sees nothing else, since
    the login may exist already and belong to other firms.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    email = models.EmailField(max_length=254)
    invited_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)  # cancelled, or replaced by a newer link

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["membership"],
                condition=models.Q(accepted_at=None, closed_at=None),
                name="invitation_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(closed_at=None), name="invitation_one_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"
