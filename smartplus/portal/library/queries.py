"""What of the library its readers see."""

from __future__ import annotations

from accounts.scope import Actor, Role


def reads_notes(actor: Actor) -> bool:
    """Whether the actor keeps the library: its notes are for nobody else."""
    return actor.role is Role.DISTRIBUTOR
