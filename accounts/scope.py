"""The actor, and the condition that limits rows to the actor's tenants (R1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from django.db import models


class Role(enum.StrEnum):
    """The role of a person in one organization (DOMAIN §1)."""

    OPERATOR = "operator"
    DISTRIBUTOR = "distributor"
    SUBDISTRIBUTOR = "subdistributor"
    INSTALLER = "installer"
    TECHNICIAN = "technician"
    MANAGER = "manager"
    SYSTEM = "system"


class Grant(enum.StrEnum):
    """What an organization may allow a member to do; the values are fields of Membership."""

    SEES_PRICES = "sees_prices"
    SEES_INVOICES = "sees_invoices"
    GETS_BILLING_MAIL = "gets_billing_mail"
    MANAGES_SUBSCRIPTIONS = "manages_subscriptions"


MACHINE = "SmartPlus"  # the name for what the system did
# The tenant key column of each role that has a subtree.
TENANT_KEYS = {
    Role.DISTRIBUTOR: "distributor_id",
    Role.SUBDISTRIBUTOR: "subdistributor_id",
    Role.INSTALLER: "installer_id",
}
RESELLERS = frozenset({Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organization, in which role. Passed to every action and every scoped read; never a thread-local. A person's
    actor comes from `Membership.actor()`."""

    role: Role
    user_id: int | None = None
    organization_id: int = 0  # 0: the system works for no organization
    membership_id: int = 0
    path: str = ""  # the organization's path; all paths of its subtree begin with it
    label: str = ""  # the name in the audit
    grants: frozenset[Grant] = frozenset(Grant)
    job: str = ""  # for the system: which job
    distributor_id: int = field(default=0, compare=False)  # the tree; 0 for actors above all trees
    organization: models.Model | None = field(default=None, compare=False, repr=False)  # see `accounts.models.firm_of`

    @classmethod
    def system(cls, job: str) -> Actor:
        """The actor of jobs and commands: it sees everything and belongs to no customer. People see the name SmartPlus; `job` is for
        logs."""
        return cls(role=Role.SYSTEM, label=MACHINE, job=job)

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden from this actor."""
        return self.role in {Role.OPERATOR, Role.SYSTEM}


def by_tenant_keys(actor: Actor) -> models.Q | None:
    """The condition that limits rows with tenant keys to the subtree of a reseller or installer.

    None for roles that see single sites only (technician, manager) or nothing; their models decide themselves.
    """
    if actor.sees_all:
        return models.Q()
    key = TENANT_KEYS.get(actor.role)
    return models.Q((key, actor.organization_id)) if key else None
