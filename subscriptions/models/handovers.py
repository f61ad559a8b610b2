"""Handing a site over to another installer of the same distributor: one side asks, the other installer accepts."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from accounts.scope import Actor, Role
from communities.models import Site


class HandoverQuerySet(models.QuerySet["Handover"]):
    """Handovers, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those that an installer gives or gets, and those of installers below a reseller; none for technicians and managers."""
        if actor.sees_all:
            return self
        me = actor.organization_id
        if actor.role is Role.DISTRIBUTOR:
            return self.filter(distributor_id=me)
        if actor.role is Role.SUBDISTRIBUTOR:
            own = models.Q(giver__subdistributor_id=me) | models.Q(taker__subdistributor_id=me)
            return self.filter(own, distributor_id=actor.distributor_id)
        if actor.role is Role.INSTALLER:
            return self.filter(models.Q(giver_id=me) | models.Q(taker_id=me))
        return self.none()

    def open_at(self, now: datetime) -> Self:
        """Those that wait for an answer."""
        return self.filter(state=Handover.State.ASKED, expires_at__gt=now)

    def done(self) -> Self:
        """Those after which the site belongs to the taker."""
        return self.filter(state=Handover.State.ACCEPTED)


class Handover(models.Model):
    """A site that is to go, or went, from one installer to another. Invariants: one is asked for at each site at a time; giver and taker
    belong to the same distributor; a refusal has a reason; `state` changes once, under the lock of the site.

    `expires_at` ends what nobody answered. `site_name` and `site_city` are those of the site when it was asked for, or when it went: what the
    site is called afterwards is no matter of the giver. `counts` is what went along and what ended, by code (`subscriptions.handover`).
    """

    class State(models.TextChoices):
        """Its state."""

        ASKED = "asked", _("Waiting for an answer")
        ACCEPTED = "accepted", _("Handed over")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    site = models.ForeignKey(Site, models.PROTECT, related_name="handovers", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    giver = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    taker = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    site_name = models.CharField(max_length=64)
    site_city = models.CharField(max_length=80, blank=True)
    state = models.CharField(_("status"), max_length=10, choices=State.choices, default=State.ASKED)
    note = models.CharField(_("note"), max_length=500, blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    asker = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")  # the firm of who asked
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)

    objects = HandoverQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["site"], condition=models.Q(state="asked"), name="handover_one_asked"),
            models.CheckConstraint(condition=~models.Q(giver=models.F("taker")), name="handover_to_another"),
            models.CheckConstraint(
                condition=~models.Q(state="refused") | ~models.Q(reason=""), name="handover_refusal_has_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["site", "-id"], name="handover_by_site"),
            models.Index(fields=["distributor", "-id"], name="handover_by_distributor"),
            models.Index(fields=["giver", "-id"], name="handover_by_giver"),
            models.Index(fields=["taker", "-id"], name="handover_by_taker"),
        ]

    def __str__(self) -> str:
        return self.site_name

    def is_open(self, now: datetime) -> bool:
        """Whether it waits for an answer."""
        return self.state == self.State.ASKED and now < self.expires_at
