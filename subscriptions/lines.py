"""How order lines are called, and by whom they are found: a line freezes what stands on a door, a person's name is read."""

from __future__ import annotations

from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.scope import Actor
from accounts.typed import finding
from communities.models import ManagerAssignment, Target, targets
from subscriptions.models import OrderLine


def called() -> Case:
    """What a line is for, in words: as it was frozen, and where that names nothing, by the name that the target has now."""
    now = Target.objects.filter(entitlements=OuterRef("entitlement_id")).values(called=targets.words(""))
    return Case(
        When(target_label="", then=Coalesce(Subquery(now), Value(""))),
        default=F("target_label"),
        output_field=CharField(),
    )


def searched(actor: Actor, text: str) -> list[QuerySet[OrderLine]]:
    """The lines the actor sees with each word of `text` in their site or their apartment, and those with it in their site or the name that
    their person has now; two queries, each of which looks into one index."""
    seen = OrderLine.objects.visible_to(actor)
    people = ManagerAssignment.objects.visible_to(actor).filter(finding.every_word(text, _of_person))
    return [
        seen.filter(finding.matching(text, "site__search_key", "search_key")),
        seen.filter(entitlement__target__in=people.values("target_id")),
    ]


def _of_person(word: str) -> Q:
    return finding.holds(word, "site__search_key") | targets.person(word, "membership__")
