"""Ending a person's tokens and links after a change of the person's access; used inside other actions."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import audit, notify
from accounts.models import ApiToken, MailLink, Membership, Topic, User
from accounts.models.tokens import RevokedFor
from accounts.scope import Actor

TOKEN_REVOKED = audit.Word(
    "token.revoked", _("API token revoked"), _("API token “%(what)s” revoked"), area=audit.Area.SECURITY
)


def revoke_tokens_of(user: User, *, reason: RevokedFor, now: datetime, by: Actor | None = None) -> int:
    """End every token of a person, in whichever firm it was made, and mail the person which tokens ended and why.

    Audits each token in its firm, done by `by`, or by the person. Returns the number of tokens.
    """
    in_use = Q(expires_at=None) | Q(expires_at__gt=now)
    found = ApiToken.objects.of(user).filter(in_use, revoked_at=None)
    tokens = list(
        found.select_related("membership__organization", "membership__user")
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    if not tokens:
        return 0
    ApiToken.objects.filter(pk__in=[token.pk for token in tokens]).update(revoked_at=now, revoked_for=reason)
    audit.record_all(
        audit.event(
            by or token.membership.actor(),
            TOKEN_REVOKED,
            token,
            now=now,
            tenant=token.membership.organization,
            before={"revoked": False},
            after={"revoked": True, "revoked_for": reason.value},
        )
        for token in tokens
    )
    notify.post(
        key=f"tokens-revoked-{user.pk}-{now.isoformat()}",
        topic=Topic.SECURITY,
        to=user,
        template="tokens_revoked",
        context={"tokens": tokens, "reason": reason.label, "at": now, "site_url": settings.SITE_URL},
        now=now,
        about=user,
    )
    return len(tokens)


def close_links(user: User, *, now: datetime) -> None:
    """Close a person's open links: for another address, and for signing in past the throttle. Used inside other actions."""
    MailLink.objects.filter(user=user, used_at=None, closed_at=None).update(closed_at=now)


def revoke_tokens_of_membership(membership: Membership, *, now: datetime) -> int:
    """End a member's tokens when the firm deactivates it; the audit row of that action says how many. Returns their number."""
    found = ApiToken.objects.filter(membership=membership, revoked_at=None)
    return found.update(revoked_at=now, revoked_for=RevokedFor.DEACTIVATED)
