"""Billing information: whom an invoice is made out to (R39)."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organization
from accounts.scope import Actor
from payments.models.scope import payers_of

FIELDS = ["company", "tax_number", "email", "street", "postal_code", "city", "state", "country"]
REQUIRED = [
    "company",
    "email",
    "street",
    "country",
]  # and what an address of the country needs, which `save_billing` asks for


class BillingProfileQuerySet(models.QuerySet["BillingProfile"]):
    """Billing information, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """That of the actor's subtree; a manager sees its own only, a technician none (R1)."""
        bound = payers_of(actor, "organization")
        return self.none() if bound is None else self.filter(bound)


class BillingProfile(models.Model):
    """The name and address of an organization on invoices. Invariant: `version` grows with every change; invoices keep a snapshot."""

    organization = models.OneToOneField(Organization, models.PROTECT, related_name="billing")
    company = models.CharField(_("company"), max_length=120)
    tax_number = models.CharField(_("tax number"), max_length=32, blank=True)
    email = models.EmailField(_("email for invoices"), max_length=254)
    street = models.CharField(_("street"), max_length=120)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    state = models.CharField(pgettext_lazy("address", "state"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    objects = BillingProfileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.company

    @property
    def is_complete(self) -> bool:
        """Whether an order may be billed to it (R39)."""
        return all(getattr(self, name) for name in REQUIRED)

    def snapshot(self) -> dict[str, str]:
        """The values as they are now, for an order or invoice to keep (R55)."""
        return {name: getattr(self, name) for name in FIELDS}
