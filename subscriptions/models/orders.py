"""Orders and their lines."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnly
from accounts.models import Kind as OrganizationKind
from accounts.models import Organization, User, firm_of
from accounts.scope import Actor, Role, by_tenant_keys
from accounts.typed.columns import CompactKey, Keyed, SearchKey
from communities import catalogue
from communities.models import Entitlement, PriceClass, Site, assigned_sites
from communities.models import Kind as SiteKind
from payments import money
from subscriptions import words
from subscriptions.models.prices import PriceList
from subscriptions.models.terms import Termed, term_is_one
from subscriptions.taxes import Untaxed


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those that the subtree pays, and those with lines of its sites; technicians see no payments (DOMAIN §1)."""
        if actor.sees_all:
            return self
        if actor.role is Role.SUBDISTRIBUTOR:
            # An order keeps the tenants of its creation; orders that firms below have paid are found by them.
            me = actor.organization_id
            below = Organization.objects.filter(subdistributor_id=me).values("pk")
            own = models.Q(subdistributor_id=me) | models.Q(payer_id=me) | models.Q(payer__in=below)
            return self.filter(own, distributor_id=actor.distributor_id)
        if actor.role is Role.MANAGER:
            # a manager's sites all belong to one installer, whose orders are read from the newest
            lines = OrderLine.objects.filter(order=models.OuterRef("pk"), site__in=assigned_sites(actor))
            firm = firm_of(actor)
            installer = firm.installer_id if firm else None
            return self.filter(models.Exists(lines), **({"installer_id": installer} if installer else {}))
        bound = by_tenant_keys(actor)  # the payer is the installer or above it, in the same tree
        return self.none() if bound is None else self.filter(bound)

    def unpermitted(self) -> Self:
        """Those whose payer may not pay them any more (R5): the firm was deactivated, or the installer lacks the permission for money or
        for credits, whichever the order is in."""
        in_credits = models.Q(currency=money.CREDITS)
        may_not = models.Q(in_credits, payer__pays_credits=False) | models.Q(~in_credits, payer__pays_regular=False)
        return self.filter(models.Q(payer__is_active=False) | models.Q(may_not, payer__kind=OrganizationKind.INSTALLER))


class Order(Termed, Keyed):
    """What is bought, frozen at creation (R40). Invariants: Σ lines − discount + tax = total ≥ 0; `state` changes only through
    `subscriptions.actions.transitions`, under the order's lock (R49); never deleted (R56). The term is the chosen one; each line has its
    own. The tenant keys are those of its lines: the installer's tenants at creation."""

    class Type(models.TextChoices):
        """The kind of order (S2)."""

        ACTIVATION = "activation", _("Activation")
        RENEWAL = "renewal", _("Renewal")
        AUTO_RENEWAL = "auto_renewal", _("Auto Renewal")
        UPGRADE = "upgrade", _("Upgrade")

    class State(models.TextChoices):
        """The states that people see (DOMAIN §4)."""

        PROCESSING = "processing", _("Processing")
        SYSTEM_PROCESSING = "system_processing", _("System Processing")
        SUCCEED = "succeed", _("Succeed")
        FAILED = "failed", _("Failed")
        TIMEOUT = "timeout", _("Time Out")
        CANCELLED = "cancelled", _("Cancelled")
        REVIEW = "review", _("Under Review")
        REFUNDED = "refunded", _("Refunded")

    REFERENCE_LENGTH = 64

    number = models.CharField(_("order number"), max_length=20, unique=True)
    number_key = CompactKey("number")
    type = models.CharField(_("type"), max_length=16, choices=Type.choices)
    state = models.CharField(_("status"), max_length=20, choices=State.choices, default=State.PROCESSING)
    payer = models.ForeignKey(Organization, models.PROTECT, related_name="orders")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    site_kind = models.CharField(max_length=12, choices=SiteKind.choices)
    reference = models.CharField(
        _("your reference"), max_length=REFERENCE_LENGTH, blank=True
    )  # the payer's own, such as a PO number
    reference_key = SearchKey("reference")
    auto_renew = models.BooleanField(default=False)  # once paid, an auto-renewal is created
    renewals_wanted = models.PositiveSmallIntegerField(null=True)  # the number of renewals; null: until it is stopped
    currency = models.CharField(max_length=8)  # ISO 4217, or money.CREDITS
    subtotal_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    # Tax added to net prices; tax contained in gross prices is a separate column
    tax_minor = models.BigIntegerField(default=0)
    included_tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(_("total"))
    line_count = models.PositiveIntegerField()
    price_list = models.ForeignKey(PriceList, models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=24, blank=True)  # of the quote that was shown (`Quote.fingerprint`)
    why = models.JSONField(default=dict)  # by variant: the parts of the 30-day price and the formula
    billing = models.JSONField()  # snapshot of the billing information (R39)
    terms_version = models.CharField(max_length=16)
    terms_accepted_at = models.DateTimeField()
    created_at = models.DateTimeField(_("created"))
    closed_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(
        null=True
    )  # of an auto-renewal between two tries; null while it is being charged

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    total_minor=models.F("subtotal_minor") - models.F("discount_minor") + models.F("tax_minor")
                )
                & models.Q(total_minor__gte=0),
                name="order_adds_up",
            ),
            models.CheckConstraint(
                condition=models.Q(included_tax_minor=0) | models.Q(included_tax_minor__gt=0, tax_minor=0),
                name="order_net_or_gross",
            ),
            term_is_one("order_has_one_term"),
        ]
        indexes = [
            models.Index(fields=["distributor", "-id"], name="order_by_distributor"),
            models.Index(fields=["installer", "-id"], name="order_by_installer"),
            models.Index(fields=["state", "created_at"], name="order_by_state"),
            models.Index(
                fields=["installer"],
                condition=models.Q(state__in=["processing", "system_processing", "review"]),  # MAY_RESERVE
                name="order_reserving",
            ),
            models.Index(
                fields=["distributor", "-id"], condition=models.Q(type="auto_renewal"), name="order_auto_renewals"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def term_words(self) -> str:
        """The term in words."""
        return words.of_term(self.term)

    @property
    def total(self) -> money.Money:
        """What is charged."""
        return money.Money(self.total_minor, self.currency)

    @property
    def is_open(self) -> bool:
        """Whether a payment is still expected."""
        return self.state in {self.State.PROCESSING, self.State.SYSTEM_PROCESSING}


# States in which an order may reserve items; in any other state none are reserved.
MAY_RESERVE = (Order.State.PROCESSING, Order.State.SYSTEM_PROCESSING, Order.State.REVIEW)


class OrderLineQuerySet(models.QuerySet["OrderLine"]):
    """Lines, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Lines of sites that the actor sees, whoever pays (R1)."""
        bound = by_tenant_keys(actor)
        if bound is not None:
            return self.filter(bound) if bound else self
        if actor.role is Role.MANAGER:
            return self.filter(site__in=Site.every.visible_to(actor))
        return self.none()


class LineKind(models.TextChoices):
    """The kind of a line; `subscriptions.actions.fulfilment` has the effect of each when it is paid."""

    ACTIVATION = "activation", _("Activation")
    RENEWAL = "renewal", _("Renewal")
    UPGRADE = "upgrade", _("Upgrade")
    CREDITS = "credits", _("Credits")
    ADJUSTMENT = "adjustment", _("Adjustment")


EXTENDING = (LineKind.ACTIVATION, LineKind.RENEWAL)  # kinds that move an expiry; an upgrade does not
SERVICES = (*EXTENDING, LineKind.UPGRADE)  # kinds that have an item


def _kind_and_target() -> models.CheckConstraint:
    """Constraint: a line of a service has service, target and term; other lines have none of them."""
    keys = ("entitlement", "site", "distributor", "installer", "starts_at", "ends_at")
    texts = ("service_type", "variant", "term_kind")
    whole = models.Q(kind__in=[kind.value for kind in SERVICES], **{f"{name}__isnull": False for name in keys})
    for name in texts:
        whole &= ~models.Q(**{name: ""})
    upgrades = models.Q(
        models.Q(kind="upgrade", term_kind="rest") | ~models.Q(models.Q(kind="upgrade") | models.Q(term_kind="rest"))
    )
    bare = models.Q(kind__in=["credits", "adjustment"], **dict.fromkeys(keys), **dict.fromkeys(texts, ""))
    return models.CheckConstraint(condition=(whole & upgrades) | bare, name="order_line_kind_has_target")


class OrderLine(catalogue.Labelled, Termed, AppendOnly):
    """A line of an order. Invariants: it never changes (R26, R27), which the database enforces. An item is in an order at most once for
    each kind: renewed and upgraded. The item names its open order (`Entitlement.reserved_by`, R48)."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", db_index=False)
    kind = models.CharField(max_length=12, choices=LineKind.choices)
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, null=True, related_name="lines")
    site = models.ForeignKey(Site, models.PROTECT, null=True, related_name="+", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    installer = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    service_type = models.CharField(max_length=16, blank=True)
    variant = models.CharField(max_length=200, blank=True)
    paid_variant = models.CharField(max_length=200, blank=True)  # for an upgrade: the variant paid before, as priced
    project_type = models.CharField(max_length=12, choices=SiteKind.choices)  # with the class: the key of its price
    price_class = models.CharField(max_length=12, choices=PriceClass.choices, default=PriceClass.NORMAL)
    target_label = models.CharField(max_length=160, blank=True)
    search_key = SearchKey("target_label")
    starts_at = models.DateTimeField(null=True)  # as quoted; ServicePeriod has what was applied
    ends_at = models.DateTimeField(null=True)
    unit_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    tax_rate_bp = models.PositiveIntegerField(default=0)  # basis points; 0 has a reason
    tax_reason = models.CharField(  # the reason for the missing rate
        max_length=16, blank=True, choices=[(code.value, code.value) for code in Untaxed], default=Untaxed.NO_RULE.value
    )
    tax_minor = models.BigIntegerField(default=0)
    included_tax_minor = models.BigIntegerField(default=0)

    objects = OrderLineQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "entitlement", "kind"], name="order_line_once"),
            term_is_one("order_line_has_one_term"),
            _kind_and_target(),
            models.CheckConstraint(
                condition=models.Q(
                    amount_minor__gte=models.F("discount_minor"),
                    discount_minor__gte=0,
                    tax_minor__gte=0,
                    included_tax_minor__gte=0,
                ),
                name="order_line_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(~models.Q(tax_reason=""), tax_rate_bp=0, tax_minor=0, included_tax_minor=0)
                | models.Q(tax_rate_bp__gt=0, tax_reason=""),
                name="order_line_tax_or_reason",
            ),
        ]
        indexes = [models.Index(fields=["site", "-id"], name="order_line_by_site")]

    def __str__(self) -> str:
        return f"{self.service_type} {self.target_label}"
