"""Deactivating logins with a publicly known password (those of the demo), all at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions import revocation
from accounts.actions.members import MEMBER_DEACTIVATED, record
from accounts.errors import NotPermitted, Refused
from accounts.models import Kind, Membership
from accounts.scope import Actor


@transaction.atomic
def deactivate_logins(actor: Actor, *, addresses: Collection[str], now: datetime) -> int:
    """Deactivate every membership of the people with these addresses (casefolded). Their sessions end with the next request, their
    tokens now.

    Operator only. A firm may be left without an administrator, unlike in `set_member_active`: these are not firms of real people.
    Refuses the actor's own login, and, in the portal, leaving the operator without people. Returns the number of deactivated
    memberships.
    """
    if not actor.sees_all:
        raise NotPermitted
    found = list(
        Membership.objects.visible_to(actor)
        .filter(is_active=True, user__email_key__in=addresses)
        .select_related("organization", "user")
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    if actor.user_id in {member.user_id for member in found}:
        raise Refused(_("You are signed in as one of them. Invite yourself with an address of your own first."))
    operators = Membership.objects.usable().filter(organization__kind=Kind.OPERATOR)
    if actor.user_id and not operators.exclude(pk__in=[member.pk for member in found]).exists():
        raise Refused(_("Nobody would be left who works for the operator."))
    for member in found:
        revoked = revocation.revoke_tokens_of_membership(member, now=now)
        member.is_active = False
        member.version += 1
        member.save(update_fields=["is_active", "version"])
        after: dict[str, object] = {"is_active": False, **({"tokens": revoked} if revoked else {})}
        record(actor, MEMBER_DEACTIVATED, member, now=now, before={"is_active": True}, after=after)
    return len(found)
