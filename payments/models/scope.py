"""Who sees what belongs to a payer: one rule for billing information, payments and stored cards."""

from __future__ import annotations

from django.db.models import Q

from accounts.scope import Actor, Role

BILLED = frozenset({Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER})


def payers_of(actor: Actor, payer: str) -> Q | None:
    """The condition that limits rows by their field `payer` to the actor's subtree; for a manager to its own organization (R1).

    None for a technician, who sees nothing about money.
    """
    if actor.sees_all:
        return Q()
    if actor.role in BILLED:
        return Q(**{f"{payer}__path__startswith": actor.path})
    if actor.role is Role.MANAGER:
        return Q(**{f"{payer}_id": actor.organization_id})
    return None
