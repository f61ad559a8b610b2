"""How orders are searched."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.scope import Actor, Role
from accounts.typed.finding import holds, matching
from accounts.typed.keys import compact_key
from subscriptions.lines import in_orders
from subscriptions.models import Order


def searched(found: QuerySet[Order], text: str, actor: Actor) -> QuerySet[Order]:
    """Orders whose number contains `text`, however divided, or with a line that the actor sees of such a site, apartment or person, or with
    such a reference, if the actor's firm or one below it pays."""
    wanted = in_orders(actor, text)
    if number := compact_key(text):
        wanted |= holds(number, "number_key")
    paid = Q() if actor.sees_all else Q(payer__path__startswith=actor.path)
    if actor.role is not Role.MANAGER:
        wanted |= paid & matching(text, "reference_key")
    return found.filter(wanted)
