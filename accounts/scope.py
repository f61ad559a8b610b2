"""Who is asking: the Actor, and the one way in which lists of tenants' rows are bounded by it (R1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from django.db import models


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
    """Who acts, for which organization, as what. Passed to every action and every scoped read; never a thread-local. A person's comes from
    `Membership.actor()`."""

    role: Role
    user_id: int | None = None
    organization_id: int = 0  # 0 is nobody's: the system works for no organization
    membership_id: int = 0
    path: str = ""  # of the organization: its subtree is everything that starts with it
    label: str = ""  # how the audit names the actor
    grants: frozenset[Grant] = frozenset(Grant)
    job: str = ""  # of the system: which part of it
    distributor_id: int = field(default=0, compare=False)  # in whose tree; 0 for those above all trees
    organization: models.Model | None = field(default=None, compare=False, repr=False)  # see `accounts.models.firm_of`

    @classmethod
    def system(cls, job: str) -> Actor:
        """The actor of background work and commands: sees everything, is nobody's customer. People read SmartPlus wherever it is named;
        `job` is for logs and debuggers."""
        return cls(role=Role.SYSTEM, label=MACHINE, job=job)

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
