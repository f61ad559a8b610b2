"""Keys of machines: made, used, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actions import sessions
from accounts.errors import NotPermitted, Refused
from accounts.models import ApiToken, Membership, Scope
from accounts.models.tokens import digest, scopes_open_to
from accounts.scope import Actor

MARK = "sp_"  # so that a token found somewhere says what it is
SHOWN = 8  # characters of a token by which people tell theirs apart
MOST_TOKENS = 20  # of one membership at a time
USED_EVERY = timedelta(minutes=1)  # a request must not cost a write each time


@transaction.atomic
def create_token(
    actor: Actor, *, name: str, scopes: Collection[str], expires_at: datetime | None, now: datetime
) -> tuple[ApiToken, str]:
    """A new token of the actor's membership, and its text, which is never to be had again. Writes audit and a mail.

    NotPermitted: a scope beyond the actor's own rights. Refused: no name, no scope, an end in the past, too many tokens.
    """
    membership = Membership.objects.select_for_update(of=("self",)).select_related("user").get(pk=actor.membership_id)
    if not set(scopes) <= set(scopes_open_to(actor)):
        raise NotPermitted
    if not scopes:
        raise Refused(_("Choose what the token may do."), field="scopes")
    if not name.strip():
        raise Refused(_("Give the token a name."), field="name")
    if expires_at is not None and expires_at <= now:
        raise Refused(_("This day is over. Choose a later one."), field="expires_on")
    if ApiToken.objects.visible_to(actor).usable(now).count() >= MOST_TOKENS:
        raise Refused(_("You have %(n)d tokens. Revoke one first.") % {"n": MOST_TOKENS})
    text = MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        membership=membership,
        name=name.strip()[:60],
        scopes=[scope.value for scope in Scope if scope in scopes],
        prefix=text[: len(MARK) + SHOWN],
        digest=digest(text),
        created_at=now,
        expires_at=expires_at,
    )
    _record(actor, "token.created", token, now=now, after={"name": token.name, "scopes": token.scopes})
    sessions.tell(membership.user, "token_created", key=f"token-{token.pk}", now=now, token=token)
    return token, text


@transaction.atomic
def revoke_token(actor: Actor, *, token_id: int, now: datetime) -> ApiToken:
    """End one of the actor's tokens, at once and for good; a second time changes nothing."""
    token = ApiToken.objects.visible_to(actor).select_for_update().get(pk=token_id)
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        _record(actor, "token.revoked", token, now=now, before={"revoked": False}, after={"revoked": True})
    return token


def revoke_all_tokens(membership: Membership, *, now: datetime) -> int:
    """End what a member's programs hold, as part of another action, which audits it. Returns how many tokens that were."""
    return ApiToken.objects.filter(membership=membership, revoked_at=None).update(revoked_at=now)


def find_token(text: str, *, now: datetime) -> ApiToken | None:
    """The usable token with this text, its use noted; None for any other."""
    if not text.startswith(MARK):
        return None
    found = ApiToken.objects.usable(now).filter(digest=digest(text))
    token = found.select_related("membership__organization", "membership__user").first()
    if token and (token.last_used_at is None or token.last_used_at <= now - USED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _record(
    actor: Actor,
    action: str,
    token: ApiToken,
    *,
    now: datetime,
    after: dict[str, object],
    before: dict[str, object] | None = None,
) -> None:
    assert actor.organization is not None  # whoever has a membership works for one
    audit.record(actor, action, token, now=now, tenant=actor.organization, before=before, after=after)
