"""Payments: one attempt to collect money for one subject through one gateway."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from accounts.scope import Actor
from payments import gateways, reasons
from payments.models.methods import PaymentMethod
from payments.models.scope import payers_of


class Purpose(models.TextChoices):
    """What a payment is for; it decides what `subject` names."""

    ORDER = "order", _("Order")  # `subject` is the order's number
    AUTO_RENEWAL = "auto-renewal", _("Auto-renewal")  # `subject` is the id of the auto-renewal whose method is replaced


class Kind(models.TextChoices):
    """How the money is collected."""

    CHECKOUT = "checkout", _("At the payment page")
    OFF_SESSION = "off_session", _("With the stored card")
    SETUP = "setup", _("Storing a card, without a charge")


class State(models.TextChoices):
    """Where a payment stands."""

    CREATED = "created", _("Created")  # the row is written; the gateway may or may not have received the request
    PENDING = "pending", _("Waiting for payment")
    ACTION_REQUIRED = "action_required", _("Waiting for confirmation")  # waits for the customer, such as for 3-D Secure
    SUCCEEDED = "succeeded", _("Paid")
    DECLINED = "declined", _("Declined")
    UNKNOWN = "unknown", _("Being checked")  # the gateway did not answer; only its answer ends this state
    EXPIRED = "expired", _("Expired")


LIVE = (State.CREATED, State.PENDING, State.ACTION_REQUIRED, State.UNKNOWN)


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments, limited to what the actor may see."""

    def unclosed(self) -> Self:
        """Payments that ended here without money, while the gateway has not confirmed that its object is closed for good."""
        ended = self.filter(state__in=[State.DECLINED, State.EXPIRED], closed_at=None)
        return ended.exclude(gateway_ref="").exclude(kind=Kind.SETUP)

    def of_order(self, number: str | models.F | models.OuterRef) -> Self:
        """The payments of the order with this number."""
        return self.filter(purpose=Purpose.ORDER, subject=number)

    def visible_to(self, actor: Actor) -> Self:
        """What the actor's subtree pays; a manager sees its own only, a technician none (R1)."""
        bound = payers_of(actor, "payer")
        return self.none() if bound is None else self.filter(bound)


class Payment(models.Model):
    """One attempt to pay. Invariants: one live payment per purpose and subject; `request_key` and everything that is sent to the
    gateway are fixed at creation, so that a repeated request is the same request; `succeeded` is final.
    """

    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    subject = models.CharField(max_length=40)  # the name of what it is for, within its purpose
    request_key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.CHECKOUT)
    gateway = models.CharField(max_length=16)
    gateway_ref = models.CharField(max_length=255, blank=True)  # Checkout Session; off session the PaymentIntent
    gateway_payment_ref = models.CharField(max_length=255, blank=True)  # PaymentIntent
    gateway_account = models.CharField(max_length=64, blank=True)  # in which these refs mean something; "" is not known
    checkout_url = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.CREATED)
    payer = models.ForeignKey(Organization, models.PROTECT, related_name="payments")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # As the gateway reports, even if it differs from what was asked for
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    is_live_mode = models.BooleanField(default=False)  # the mode of our key at creation
    decline_reason = models.CharField(
        max_length=250, blank=True
    )  # the gateway's own message, for support; it is not shown to people
    decline_code = models.CharField(max_length=64, blank=True)
    is_hard_decline = models.BooleanField(default=False)  # the bank says that this card must not be tried again

    method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, related_name="payments")  # charged off session
    # "" lets a checkout that saves a method create a customer
    gateway_customer = models.CharField(max_length=255, blank=True)
    saves_method = models.BooleanField(default=False)
    consent_text_version = models.CharField(max_length=16, blank=True)
    consent_at = models.DateTimeField(null=True)
    consent_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    description = models.CharField(max_length=250)
    customer_email = models.CharField(max_length=254, blank=True)
    return_url = models.TextField(blank=True)  # none off session
    cancel_url = models.TextField(blank=True)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)  # when the gateway was asked last
    closed_at = models.DateTimeField(null=True)  # the gateway reported that its object takes no more money
    expires_at = models.DateTimeField()  # end of the gateway's page; off session: no charge is sent after it

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "purpose"],
                condition=models.Q(state__in=["created", "pending", "action_required", "unknown"]),
                name="payment_one_live_per_subject",
                violation_error_message=_("A payment for this is under way."),
            ),
            models.CheckConstraint(condition=models.Q(amount_minor__gte=0), name="payment_amount_not_negative"),
            models.CheckConstraint(condition=models.Q(captured_minor__gte=0), name="payment_captured_not_negative"),
            models.CheckConstraint(
                condition=models.Q(refunded_minor__gte=0, refunded_minor__lte=models.F("captured_minor")),
                name="payment_refunded_within_captured",
            ),
            models.CheckConstraint(condition=models.Q(currency__length=3), name="payment_currency_iso"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["checkout", "setup"], method=None)
                | models.Q(kind="off_session", method__isnull=False),
                name="payment_off_session_has_method",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="setup") | models.Q(amount_minor=0, saves_method=True),
                name="payment_setup_takes_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(saves_method=False) | models.Q(consent_at__isnull=False, consent_by__isnull=False),
                name="payment_saves_with_consent",
            ),
        ]
        indexes = [
            models.Index(fields=["subject", "purpose"], name="payment_by_subject"),
            models.Index(fields=["gateway_ref"], name="payment_by_gateway_ref"),
            models.Index(fields=["gateway_payment_ref"], name="payment_by_payment_ref"),
            models.Index(
                fields=["checked_at", "id"],
                condition=models.Q(state__in=["created", "pending", "action_required", "unknown"]),
                name="payment_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.get_state_display()})"

    @property
    def reference(self) -> str:
        """The text that gateway and payer see as the reference: an order's number, otherwise purpose and subject."""
        return self.subject if self.purpose == Purpose.ORDER else f"{self.purpose}-{self.subject}"

    @property
    def gateway_label(self) -> str:
        """The name of the gateway that people see."""
        return gateways.label(self.gateway)

    @property
    def decline_words(self) -> str:
        """Why it was declined, in the reader's words."""
        return reasons.decline(self.decline_code)

    @property
    def is_live(self) -> bool:
        """Whether money may still arrive by it."""
        return self.state in LIVE
