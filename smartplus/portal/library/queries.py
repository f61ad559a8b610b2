"""What readers of the library may see."""

from __future__ import annotations

from accounts.scope import Actor, Role


def reads_notes(actor: Actor) -> bool:
    """Whether the actor may read notes: only the distributor that keeps the library."""
    return actor.role is Role.DISTRIBUTOR
