"""Selections: what a person chose, as a filter and exceptions, however many rows that is."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from accounts.scope import Actor
from subscriptions.models.prices import PriceList


class SelectionQuerySet(models.QuerySet["Selection"]):
    """Selections, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the actor's own organization."""
        return self.filter(organization_id=actor.organization_id)


class Selection(models.Model):
    """What a person chose. `filter` is a `subscriptions.selections.Filter`, `exceptions` are ids that it would match and that are left out.
    It is evaluated anew each time, within what the reader may see.

    The other columns keep what was shown with a price, null where nothing was: number, total, version of the price list, and a digest of
    entitlements, variants, ends and all amounts. `shown` has what is needed to describe differences in words.
    """

    class Purpose(models.TextChoices):
        """What it is chosen for."""

        ORDER = "order", _("Order")

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=8, choices=Purpose.choices, default=Purpose.ORDER)
    filter = models.JSONField()
    exceptions = models.JSONField(default=list)
    count = models.PositiveIntegerField(null=True)
    total_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=8, blank=True)
    price_list = models.ForeignKey(PriceList, models.PROTECT, null=True, related_name="+")
    digest = models.CharField(max_length=24, blank=True)
    shown = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    objects = SelectionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(digest="", count=None, total_minor=None, currency="", price_list=None)
                | models.Q(
                    ~models.Q(digest=""),
                    ~models.Q(currency=""),
                    count__gt=0,
                    total_minor__gte=0,
                    price_list__isnull=False,
                ),
                name="selection_shown_as_a_whole",
            )
        ]

    def __str__(self) -> str:
        return f"selection {self.pk}"
