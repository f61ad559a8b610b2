"""Who may see what belongs to a payer: one rule for bills, payments and stored cards."""

from __future__ import annotations

from django.db.models import Q

from accounts.scope import Actor, Role

BILLED = frozenset({Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER})


def payers_of(actor: Actor, payer: str) -> Q | None:
    """The condition on rows whose field `payer` names an organization: the actor's subtree, a manager's own only (R1).

    None for those who see nothing of it: a technician has nothing to do with money.
    """
    if actor.sees_all:
        return Q()
    if actor.role in BILLED:
        return Q(**{f"{payer}__path__startswith": actor.path})
    if actor.role is Role.MANAGER:
        return Q(**{f"{payer}_id": actor.organization_id})
    return None
