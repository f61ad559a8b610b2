"""Requests for activation: an installer that may not pay asks, whoever pays above it approves or refuses (R5)."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from accounts.scope import Actor, by_tenant_keys
from communities.models import Entitlement
from communities.models import Kind as SiteKind
from subscriptions.models.carts import Cart
from subscriptions.periods import MAX_MONTHS


class RenewalRequestQuerySet(models.QuerySet["RenewalRequest"]):
    """Requests, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the installers in the subtree; none for technicians and managers (R1)."""
        bound = by_tenant_keys(actor)
        return self.none() if bound is None else self.filter(bound)

    def waiting(self) -> Self:
        """Those that need an action: not decided, or approved and not ordered yet."""
        undecided = models.Q(state=RenewalRequest.State.OPEN)
        return self.filter(undecided | models.Q(state=RenewalRequest.State.APPROVED, cart__order=None))


class RenewalRequest(models.Model):
    """What an installer asks to have paid. Invariants: a refusal has a reason; an approved request is paid through `cart`; when the cart's
    order succeeds the request is done, and when the order ends unpaid it is open again. `version` counts the decisions."""

    class Kind(models.TextChoices):
        """What is requested."""

        ACTIVATION = "activation", _("Activation")
        RENEWAL = "renewal", _("Renewal")
        UPGRADE = "upgrade", _("Upgrade")

    class State(models.TextChoices):
        """Its state."""

        OPEN = "open", _("Waiting")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        DONE = "done", _("Paid")

    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ACTIVATION)
    site_kind = models.CharField(max_length=12, choices=SiteKind.choices)
    months = models.PositiveSmallIntegerField(_("months"))  # 0 for an upgrade: the rest of the paid time
    note = models.CharField(_("note"), max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    cart = models.OneToOneField(Cart, models.SET_NULL, null=True, related_name="request")
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = RenewalRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="refused") | ~models.Q(reason=""), name="request_refusal_has_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(months=0, kind="upgrade")
                | models.Q(~models.Q(kind="upgrade"), months__gte=1, months__lte=MAX_MONTHS),
                name="request_months_in_range",
            ),
        ]
        indexes = [
            models.Index(fields=["distributor", "-id"], name="request_by_distributor"),
            models.Index(fields=["subdistributor", "-id"], name="request_by_subdistributor"),
            models.Index(fields=["installer", "-id"], name="request_by_installer"),
        ]

    def __str__(self) -> str:
        return str(_("Request %(n)s") % {"n": self.pk})

    @property
    def is_live(self) -> bool:
        """Whether it is neither refused, withdrawn nor paid."""
        return self.state in {self.State.OPEN, self.State.APPROVED}


class RequestItem(models.Model):
    """One requested item. Invariant: an item is in at most one request that is not closed; `is_live` says so."""

    request = models.ForeignKey(RenewalRequest, models.CASCADE, related_name="items", db_index=False)
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="requests")
    is_live = models.BooleanField(default=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["entitlement"], condition=models.Q(is_live=True), name="request_item_one_live"
            ),
            models.UniqueConstraint(fields=["request", "entitlement"], name="request_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.entitlement_id} in {self.request_id}"
