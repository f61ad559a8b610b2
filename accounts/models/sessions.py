"""Where people are signed in: one row for each session in the store, so that it can be shown and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.sessions.models import Session
from django.db import models

from accounts.models.people import Membership, User


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    """Sessions of people. Each person sees its own only, so `of` takes the place of `visible_to`."""

    def of(self, user: User) -> Self:
        """A person's own sessions, the one used last first."""
        return self.filter(user=user).order_by("-last_seen_at", "-pk")

    def alive(self, now: datetime) -> Self:
        """Those whose session is still in the store. A closed browser leaves its row until the session expires."""
        return self.filter(session_key__in=Session.objects.filter(expire_date__gt=now).values("session_key"))


class UserSession(models.Model):
    """One sign-in. Invariants: `session_key` is the key in the session store; `last_seen_at` is at most a minute late; the address is
    stored masked only."""

    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    # The membership at sign-in
    membership = models.ForeignKey(Membership, models.SET_NULL, null=True, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)  # masked: "84.17.x.x"
    device = models.CharField(max_length=40, blank=True)  # in words: "Windows PC"
    browser = models.CharField(max_length=60, blank=True)  # in words: "Firefox 145"

    objects = UserSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        indexes = [models.Index(fields=["created_at"], name="user_session_by_age")]

    def __str__(self) -> str:
        return f"{self.user}: {self.browser}, {self.device}"
