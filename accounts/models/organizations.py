"""The organization tree: operator, distributors, sub-distributors, installers, property managers."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_countries import countries

from accounts.scope import Actor, Role
from accounts.typed.columns import Keyed, SearchKey, SortKey

SUBTREES = frozenset({Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER})
LABEL_WIDTH = 8  # characters of one step of the path, decimal: at most 99,999,999 organizations


class Kind(models.TextChoices):
    """The kind of an organization (DOMAIN §1)."""

    OPERATOR = "operator", _("Operator")
    DISTRIBUTOR = "distributor", _("Distributor")
    SUBDISTRIBUTOR = "subdistributor", _("Sub-distributor")
    INSTALLER = "installer", _("Installer")
    MANAGER = "manager", _("Property manager")


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Organizations, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """The actor's own organization and everything below it; a technician sees its own firm only (R1)."""
        if actor.sees_all:
            return self
        # By tenant keys and not by path: the planner has statistics for how many rows a key has
        if actor.role in SUBTREES:
            below = {f"{actor.role.value}_id": actor.organization_id}
            return self.filter(models.Q(pk=actor.organization_id) | models.Q(**below))
        if actor.role in {Role.TECHNICIAN, Role.MANAGER}:
            return self.filter(pk=actor.organization_id)
        return self.none()

    def installers(self) -> Self:
        """Only installers."""
        return self.filter(kind=Kind.INSTALLER)

    def managers(self) -> Self:
        """Only property managers."""
        return self.filter(kind=Kind.MANAGER)


class Organization(Keyed):
    """A node of the tree. Invariant: `path` is the parent's path plus the own zero-padded id, so a subtree is all paths with one prefix."""

    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=120)
    name_order = SortKey("name")
    search_key = SearchKey("name", "city", "state")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=200, unique=True, editable=False)
    distributor = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+")
    subdistributor = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+")
    installer = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+")

    street = models.CharField(_("street"), max_length=120, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    state = models.CharField(pgettext_lazy("address", "state"), max_length=80, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")

    currency = models.CharField(_("currency"), max_length=3, blank=True)  # of a distributor: the currency of its tree
    pays_regular = models.BooleanField(_("may pay by card or PayPal"), default=False)
    pays_credits = models.BooleanField(_("may pay with credits"), default=False)
    sees_prices = models.BooleanField(_("sees prices"), default=True)
    require_2fa = models.BooleanField(_("two-factor demanded"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name_order", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=Kind.OPERATOR, parent=None)
                | ~models.Q(kind=Kind.OPERATOR) & models.Q(parent__isnull=False),
                name="organization_only_operator_is_root",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind=Kind.DISTRIBUTOR) | models.Q(currency__length=3),
                name="organization_distributor_has_currency",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def country_name(self) -> str:
        """The country's name; "" where none is set."""
        return str(countries.name(self.country)) if self.country else ""

    @property
    def may_pay(self) -> bool:
        """Whether this organization may pay an order itself: resellers always, an installer only if it is permitted (R5)."""
        if self.kind == Kind.INSTALLER:
            return self.pays_regular or self.pays_credits
        return self.kind in {Kind.OPERATOR, Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR}


models.CharField.register_lookup(Length)


def firm_of(actor: Actor) -> Organization | None:
    """The row of the organization that the actor works for; the system works for none. Uses no statement."""
    assert actor.organization is None or isinstance(actor.organization, Organization)
    return actor.organization
