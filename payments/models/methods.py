"""Stored payment methods: what a payer allowed us to charge later, and the payer's customer id at the gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from django.db import models

from accounts.models import Organization, User
from accounts.scope import Actor
from payments import gateways, reasons
from payments.kinds import MethodKind
from payments.models.scope import payers_of


class GatewayCustomerQuerySet(models.QuerySet["GatewayCustomer"]):
    """Customers, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the actor's subtree; a manager sees its own only (R1)."""
        bound = payers_of(actor, "owner")
        return self.none() if bound is None else self.filter(bound)


class GatewayCustomer(models.Model):
    """An organization as a gateway knows it. Invariant: one per organization, account and mode; the first one stays."""

    owner = models.ForeignKey(Organization, models.PROTECT, related_name="gateway_customers", db_index=False)
    gateway = models.CharField(max_length=16)
    account = models.CharField(max_length=64, blank=True)  # of the gateway; "" where it did not say
    is_live_mode = models.BooleanField(default=False)
    ref = models.CharField(max_length=255)

    objects = GatewayCustomerQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "gateway", "account", "is_live_mode"], name="gateway_customer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.ref}"


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    """Stored cards, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the actor's subtree; a manager sees its own only, a technician none (R1)."""
        bound = payers_of(actor, "owner")
        return self.none() if bound is None else self.filter(bound)

    def usable(self) -> Self:
        """Methods that may be charged: not removed and not refused for good by the bank. The printed expiry is not checked: banks renew
        stored cards.
        """
        return self.filter(usable_method())


def usable_method(method: str = "") -> models.Q:
    """`PaymentMethodQuerySet.usable` as a condition on rows that refer to a method through `method` ("method__"). The join reads only
    the cards of these rows; a subquery would read the cards of all payers.
    """
    return models.Q(**{f"{method}removed_at": None, f"{method}failed_at": None})


class PaymentMethod(models.Model):
    """A card, or an account at a gateway, that may be charged without its holder. Invariants: it was stored with consent, and the text
    and time of the consent are kept; a removed method is never charged again and never returns under the same reference.
    """

    owner = models.ForeignKey(Organization, models.PROTECT, related_name="payment_methods")
    gateway = models.CharField(max_length=16)
    gateway_account = models.CharField(max_length=64, blank=True)  # where the gateway keeps it; "" where it did not say
    is_live_mode = models.BooleanField(default=False)
    gateway_customer = models.CharField(max_length=255)
    gateway_ref = models.CharField(max_length=255)
    kind = models.CharField(max_length=8, choices=MethodKind.choices, default=MethodKind.CARD)
    brand = models.CharField(max_length=32)  # as the gateway names it: "visa"; of an account the service
    last4 = models.CharField(max_length=4, blank=True)  # of a card
    exp_month = models.PositiveSmallIntegerField(null=True)
    exp_year = models.PositiveSmallIntegerField(null=True)
    holder = models.CharField(max_length=254, blank=True)  # of an account: how people know it
    consent_text_version = models.CharField(max_length=16)
    consent_at = models.DateTimeField()
    consent_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    detached_at = models.DateTimeField(null=True)  # deleted at the gateway too
    failed_at = models.DateTimeField(null=True)  # the bank refused it for good
    failed_reason = models.CharField(max_length=250, blank=True)  # the decline's code

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "gateway_ref"], condition=models.Q(removed_at=None), name="payment_method_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="card", holder="", exp_month__range=(1, 12), exp_year__isnull=False)
                | models.Q(kind="account", last4="", exp_month=None, exp_year=None) & ~models.Q(holder=""),
                name="payment_method_of_its_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["gateway", "gateway_ref"], name="payment_method_by_ref"),
            models.Index(
                fields=["removed_at"],
                condition=models.Q(removed_at__isnull=False, detached_at=None),
                name="payment_method_to_detach",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name that people know it by: “Visa ending 4242”, “PayPal ivan@hafen.example”."""
        return str(reasons.shown(self.named))

    @property
    def named(self) -> dict[str, str]:
        """The method as a stored reason names it."""
        if self.kind == MethodKind.ACCOUNT:
            return {"brand": self.brand, "holder": self.holder}
        return {"brand": self.brand, "last4": self.last4}

    @property
    def gateway_label(self) -> str:
        """The name of the gateway that stores it."""
        return gateways.label(self.gateway)

    @property
    def failed_words(self) -> str:
        """Why the bank refused it for good, in the reader's words; "" when it did not."""
        return reasons.decline(self.failed_reason) if self.failed_at else ""

    @property
    def is_usable(self) -> bool:
        """Whether it may be charged."""
        return self.removed_at is None and self.failed_at is None

    def is_past(self, now: datetime) -> bool:
        """Whether the printed month is over. Only a warning, since many banks renew stored cards. An account has no expiry."""
        day = now.astimezone(UTC)
        return self.exp_year is not None and (self.exp_year, self.exp_month or 12) < (day.year, day.month)
