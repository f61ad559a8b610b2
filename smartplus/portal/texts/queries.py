"""Who accepted a text, and who has not yet."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from accounts.actions.terms import LATEST
from accounts.models import Acceptance, Membership, TextVersion
from accounts.scope import Actor


def given(actor: Actor, document: str, version: str) -> QuerySet[Acceptance]:
    """The acceptances of one version, the newest first."""
    found = Acceptance.objects.visible_to(actor).filter(document=document, version=version)
    return found.select_related("user").order_by("-pk")


def missing(actor: Actor, version: TextVersion) -> QuerySet[Membership]:
    """Active people who have not accepted this version, one row for each of their firms."""
    found = Membership.objects.visible_to(actor).usable()
    found = found.exclude(**{f"user__{LATEST[version.document]}": version.version})
    return found.select_related("user", "organization").order_by("user__name_order", "pk")


def firms_of(actor: Actor, user_ids: Iterable[int]) -> dict[int, str]:
    """The firms of each person, in one statement."""
    found: dict[int, list[str]] = {}
    rows = (
        Membership.objects.visible_to(actor)
        .filter(user_id__in=list(user_ids))
        .order_by("organization__name_order", "pk")
    )
    for user_id, name in rows.values_list("user_id", "organization__name"):
        found.setdefault(user_id, []).append(name)
    return {user_id: ", ".join(names) for user_id, names in found.items()}
