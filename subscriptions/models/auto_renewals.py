"""Auto-renewals: who pays every 30 days, with what, for which items."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from accounts.scope import Actor, Role, by_tenant_keys
from communities.models import Entitlement, Site, assigned_sites
from communities.models import Kind as SiteKind
from payments.models import Payment, PaymentMethod, PaymentQuerySet, Purpose
from subscriptions import reasons
from subscriptions.models.orders import Order


class AutoRenewalQuerySet(models.QuerySet["AutoRenewal"]):
    """Auto-renewals, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those that the actor's subtree pays, and those about sites of the subtree; for a manager those about its sites; none for a
        technician."""
        if actor.sees_all:
            return self
        if actor.role is Role.SUBDISTRIBUTOR:
            # Those it pays itself, and all of its installers', which may have belonged to another firm at creation: all sites of an
            # auto-renewal belong to its installer, and its payer is the installer or above it.
            installers = Organization.objects.filter(subdistributor_id=actor.organization_id).values("pk")
            own = models.Q(payer_id=actor.organization_id) | models.Q(installer__in=installers)
            return self.filter(own, distributor_id=actor.distributor_id)
        if actor.role is Role.MANAGER:
            return self.filter(pk__in=AutoRenewalItem.objects.visible_to(actor).values("auto_renewal_id"))
        bound = by_tenant_keys(actor)  # the payer is the installer or above it, in the same tree
        return self.none() if bound is None else self.filter(bound)


class AutoRenewal(models.Model):
    """An auto-renewal. Invariants: `next_due_at` is the earliest expiry of its live items less the lead, or the next try of its open order,
    of which it has at most one (`renewal`); every action that moves an expiry or changes the items rewrites it. `claimed_until` is a
    worker's lease."""

    class State(models.TextChoices):
        """How an auto-renewal stands."""

        ACTIVE = "active", _("Auto-renew")
        SUSPENDED = "suspended", _("Stopped by a problem")
        ENDED = "ended", _("Ended")

    payer = models.ForeignKey(Organization, models.PROTECT, related_name="auto_renewals", db_index=False)
    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    method = models.ForeignKey(PaymentMethod, models.PROTECT, related_name="auto_renewals")
    currency = models.CharField(max_length=8)  # ISO 4217, or money.CREDITS
    order = models.OneToOneField(
        Order, models.PROTECT, null=True, related_name="auto_renewal"
    )  # the order that created it, if one did
    site_kind = models.CharField(max_length=12, choices=SiteKind.choices)
    # The agreed number of renewals; null: until it is stopped
    renewals_wanted = models.PositiveSmallIntegerField(null=True)
    terms_version = models.CharField(max_length=16)
    renewals_left = models.PositiveSmallIntegerField(null=True)  # null: until it is stopped
    state = models.CharField(max_length=9, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(
        max_length=250, blank=True
    )  # code of the reason for being suspended or ended, or of the last failure
    reason_detail = models.JSONField(default=dict)  # the values of the reason's sentence
    renewal = models.ForeignKey(
        Order, models.PROTECT, null=True, related_name="renews"
    )  # the newest order that renews it
    tries = models.PositiveSmallIntegerField(default=0)  # failed tries since the last success
    next_due_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    claim_key = models.CharField(max_length=32, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = AutoRenewalQuerySet.as_manager()

    class Meta:
        ordering = ["next_due_at", "pk"]
        indexes = [
            models.Index(fields=["next_due_at", "payer"], condition=models.Q(state="active"), name="auto_renewal_due"),
            models.Index(fields=["payer", "state"], name="auto_renewal_by_payer"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="active") | models.Q(next_due_at__isnull=False),
                name="auto_renewal_active_is_due",
            )
        ]

    def __str__(self) -> str:
        return str(_("Auto-renewal %(n)s") % {"n": self.pk})

    @property
    def reason_words(self) -> str:
        """The reason for its state, in the reader's language."""
        return reasons.of_columns(self.reason, self.reason_detail)

    @property
    def setups(self) -> PaymentQuerySet:
        """Payments that only store a card for it."""
        return Payment.objects.filter(purpose=Purpose.AUTO_RENEWAL, subject=str(self.pk))


class AutoRenewalItemQuerySet(models.QuerySet["AutoRenewalItem"]):
    """Items of auto-renewals, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of sites that the actor sees (R1)."""
        bound = by_tenant_keys(actor)
        if bound is not None:
            return self.filter(bound)
        if actor.role is Role.MANAGER:
            return self.filter(site__in=assigned_sites(actor))
        return self.none()

    def live(self) -> Self:
        """Those that are still in their auto-renewal."""
        return self.filter(is_live=True)

    def renewing(self) -> Self:
        """Those of them that are charged: they are not suspended."""
        return self.filter(is_live=True, suspended_at=None)


class AutoRenewalItem(models.Model):
    """One entitlement in an auto-renewal. Invariant: an entitlement is live in at most one active auto-renewal.

    `suspended_at`: since then it is not charged, because nobody lives in its apartment; it continues by itself with the next household, as long
    as it works (R33, R46).
    """

    auto_renewal = models.ForeignKey(AutoRenewal, models.PROTECT, related_name="items")
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="auto_renewal_items")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    is_live = models.BooleanField(default=True)
    reason = models.CharField(max_length=120, blank=True)  # code of the reason why it left
    suspended_at = models.DateTimeField(null=True)

    objects = AutoRenewalItemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["entitlement"], condition=models.Q(is_live=True), name="auto_renewal_item_one_live"
            )
        ]
        indexes = [
            models.Index(
                fields=["auto_renewal"],
                condition=models.Q(is_live=True, suspended_at__isnull=False),
                name="auto_renewal_item_suspended",
            )
        ]

    def __str__(self) -> str:
        return f"{self.entitlement_id} under {self.auto_renewal_id}"
