"""API tokens: what a member lets a program read on its behalf."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Membership, User
from accounts.scope import Actor, Grant, Role


class Scope(models.TextChoices):
    """What a token may do."""

    READ_SITES = "read:sites", _("Read sites")
    READ_ORDERS = "read:orders", _("Read orders")


class RevokedFor(models.TextChoices):
    """Why a token ended before its last day."""

    OWNER = "owner", _("revoked by you")
    PASSWORD = "password", _("the password was changed")
    PASSWORD_RESET = "password_reset", _("the password was set anew by mail")
    SECOND_FACTOR = "second_factor", _("the second factor was reset")
    SIGNED_OUT = "signed_out", _("you signed out everywhere")
    ADDRESS = "address", _("the email address was changed")
    DEACTIVATED = "deactivated", _("your access to the firm was deactivated")


def scopes_open_to(actor: Actor) -> tuple[Scope, ...]:
    """The scopes that the actor's own rights cover; a token can't have more (technicians see no payments)."""
    sees_orders = actor.role is not Role.TECHNICIAN and Grant.SEES_INVOICES in actor.grants
    return (Scope.READ_SITES, Scope.READ_ORDERS) if sees_orders else (Scope.READ_SITES,)


def digest(token: str) -> str:
    """The stored digest of a token. A fast hash is enough, since 256 random bits can't be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """The tokens of the membership that the actor works under; nobody else sees them."""
        return self.filter(membership_id=actor.membership_id) if actor.membership_id else self.none()

    def of(self, user: User) -> Self:
        """A person's own, in whichever firm they were made."""
        return self.filter(membership__user=user)

    def usable(self, now: datetime) -> Self:
        """Neither revoked nor expired, and of an active member; where the firm demands two-factor, of a member who has it (R7)."""
        return self.filter(
            models.Q(membership__organization__require_2fa=False)
            | models.Q(membership__user__two_factor_at__isnull=False),
            models.Q(expires_at=None) | models.Q(expires_at__gt=now),
            revoked_at=None,
            membership__is_active=True,
            membership__joined_at__isnull=False,
            membership__organization__is_active=True,
            membership__user__is_active=True,
        )


class ApiToken(models.Model):
    """A token. Invariants: only its SHA-256 is stored; it never outlives its membership; `revoked_at` is final; `last_used_at` is at
    most a minute late."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=60)
    scopes = models.JSONField(default=list)  # values of Scope
    prefix = models.CharField(max_length=12)  # the part by which people tell their tokens apart
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_for = models.CharField(
        max_length=16, choices=RevokedFor.choices, blank=True
    )  # empty for tokens revoked before reasons were stored

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
