"""Who is asking: the Actor, and the one way in which lists of tenants' rows are bounded by it (R1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from accounts.models import Membership, Organization


class Role(enum.StrEnum):
    """What a person is while working for one organization (DOMAIN §1)."""

    OPERATOR = "operator"
    DISTRIBUTOR = "distributor"
    SUBDISTRIBUTOR = "subdistributor"
    INSTALLER = "installer"
    TECHNICIAN = "technician"
    MANAGER = "manager"
    SYSTEM = "system"


class Grant(enum.StrEnum):
    """What an organization may allow a member; the values are fields of Membership."""

    SEES_PRICES = "sees_prices"
    SEES_INVOICES = "sees_invoices"
    GETS_BILLING_MAIL = "gets_billing_mail"
    MANAGES_SUBSCRIPTIONS = "manages_subscriptions"


MACHINE = "SmartPlus"  # how what nobody in person did is signed
# The column that names the firm of who has a subtree.
TENANT_KEYS = {
    Role.DISTRIBUTOR: "distributor_id",
    Role.SUBDISTRIBUTOR: "subdistributor_id",
    Role.INSTALLER: "installer_id",
}
RESELLERS = frozenset({Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organization, as what. Passed to every action and every scoped read; never a thread-local."""

    role: Role
    user_id: int | None = None
    organization_id: int = 0  # 0 is nobody's: the system works for no organization
    membership_id: int = 0
    path: str = ""  # of the organization: its subtree is everything that starts with it
    label: str = ""  # how the audit names the actor
    grants: frozenset[Grant] = frozenset(Grant)
    job: str = ""  # of the system: which part of it
    organization: Organization | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, membership: Membership) -> Actor:
        """The actor of a signed-in person who works for `membership.organization`."""
        organization = membership.organization
        role = Role.TECHNICIAN if membership.is_technician else Role(organization.kind)
        return cls(
            role=role,
            user_id=membership.user_id,
            organization_id=organization.pk,
            membership_id=membership.pk,
            path=organization.path,
            label=membership.user.name or membership.user.email,
            grants=membership.grants,
            organization=organization,
        )

    @classmethod
    def system(cls, job: str) -> Actor:
        """The actor of background work and commands: sees everything, is nobody's customer. People read SmartPlus wherever it is named;
        `job` is for logs and debuggers."""
        return cls(role=Role.SYSTEM, label=MACHINE, job=job)

    @property
    def distributor_id(self) -> int:
        """The distributor in whose tree the actor works; 0 for those above all trees."""
        firm = self.organization
        if firm is None:
            return 0
        return (firm.pk if self.role is Role.DISTRIBUTOR else firm.distributor_id) or 0

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden from this actor."""
        return self.role in {Role.OPERATOR, Role.SYSTEM}


def by_tenant_keys(actor: Actor) -> models.Q | None:
    """The condition on rows with tenant keys that bounds them to a reseller's or installer's subtree.

    None for the roles that see single sites only (technician, manager) or nothing; a model decides about those itself.
    """
    if actor.sees_all:
        return models.Q()
    key = TENANT_KEYS.get(actor.role)
    return models.Q((key, actor.organization_id)) if key else None
