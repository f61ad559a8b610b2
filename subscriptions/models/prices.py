"""The price book: versions of price lists; a published price never changes (DOMAIN §3)."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnly
from accounts.models import Organization, User
from accounts.scope import Actor, Role
from communities.models import Kind as ProjectType
from communities.models import PriceClass
from payments import money
from subscriptions.prices import PriceKey


class PriceListQuerySet(models.QuerySet["PriceList"]):
    """Price lists, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """All for the operator; a distributor sees the default lists and its own."""
        if actor.sees_all:
            return self
        if actor.role is Role.DISTRIBUTOR:
            return self.filter(models.Q(distributor=None) | models.Q(distributor_id=actor.organization_id))
        return self.none()

    def in_force(self, distributor_id: int, currency: str, at: datetime) -> PriceList | None:
        """The newest version valid at `at`."""
        return self.newest(distributor_id, currency, at).first()

    def newest(self, distributor_id: int, currency: str, at: datetime) -> Self:
        """The versions valid at `at`, the one in force first: the distributor's own list comes before the default of its currency."""
        own_first = models.F("distributor_id").asc(nulls_last=True)
        candidates = self.that_were_in_force(distributor_id, currency, at)
        return candidates.order_by(own_first, "-valid_from", "-number")

    def that_were_in_force(self, distributor_id: int, currency: str, at: datetime) -> Self:
        """Every version up to `at` of the distributor's own list and of the default of its currency."""
        valid = self.filter(currency=currency, valid_from__lte=at)
        return valid.filter(models.Q(distributor=None) | models.Q(distributor_id=distributor_id))


class PriceList(AppendOnly):
    """One version. Invariant: numbered per owner and currency; valid from an instant until a newer one is valid."""

    distributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="price_lists")
    currency = models.CharField(_("currency"), max_length=8)  # ISO 4217, or money.CREDITS
    number = models.PositiveIntegerField(_("number"))
    valid_from = models.DateTimeField(_("valid from"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    includes_tax = models.BooleanField(default=False)  # gross; for a net list tax is added
    is_invented = models.BooleanField(default=False)  # demo prices are marked wherever they are shown
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    objects = PriceListQuerySet.as_manager()

    class Meta:
        ordering = ["distributor__name_order", "currency", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["distributor", "currency", "number"],
                condition=models.Q(distributor__isnull=False),
                name="price_list_number",
            ),
            models.UniqueConstraint(
                fields=["currency", "number"], condition=models.Q(distributor=None), name="default_price_list_number"
            ),
        ]

    def __str__(self) -> str:
        return str(_("Price list %(number)s, %(currency)s") % {"number": self.number, "currency": self.currency_label})

    @property
    def currency_label(self) -> str:
        """The currency's code, or the word for credits."""
        return str(_("Credits")) if self.currency == money.CREDITS else self.currency


class Price(AppendOnly):
    """An amount per 30 days. Invariant: one per list, project type, service type, part and price class; never negative."""

    price_list = models.ForeignKey(PriceList, models.PROTECT, related_name="prices", db_index=False)
    project_type = models.CharField(max_length=12, choices=ProjectType.choices)
    service_type = models.CharField(max_length=16)
    part = models.CharField(max_length=40)
    price_class = models.CharField(max_length=12, choices=PriceClass.choices, default=PriceClass.NORMAL)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["price_list", "project_type", "service_type", "part", "price_class"], name="price_once_per_list"
            ),
            models.CheckConstraint(condition=models.Q(amount_minor__gte=0), name="price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.project_type} {self.service_type} {self.part} {self.price_class}: {self.amount_minor}"

    @property
    def key(self) -> PriceKey:
        """The key it is the price of."""
        return PriceKey(self.service_type, self.part, self.project_type, self.price_class)
