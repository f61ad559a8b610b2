"""Carts."""

from __future__ import annotations

from typing import Self

from django.db import models

from accounts.models import Organization, User
from accounts.scope import Actor
from communities.models import Kind as SiteKind
from subscriptions.models.orders import Order
from subscriptions.models.selections import Selection


class CartQuerySet(models.QuerySet["Cart"]):
    """Carts, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the actor's own organization."""
        return self.filter(organization_id=actor.organization_id)


class Cart(models.Model):
    """A selection with a term, until it becomes an order. It reserves nothing and fixes no price."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")  # the expected payer
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    installer = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    site_kind = models.CharField(max_length=12, choices=SiteKind.choices)
    months = models.PositiveSmallIntegerField(default=1)
    selection = models.OneToOneField(Selection, models.PROTECT, related_name="cart")
    order = models.OneToOneField("Order", models.SET_NULL, null=True, related_name="cart")
    created_at = models.DateTimeField()

    objects = CartQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"cart {self.pk}"

    @property
    def is_live(self) -> bool:
        """Whether it can be ordered, or has an order that was not cancelled."""
        given_up = {Order.State.FAILED, Order.State.TIMEOUT, Order.State.CANCELLED, Order.State.REFUNDED}
        return self.order is None or self.order.state not in given_up
