"""API tokens: created, used, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actions import revocation, sessions, two_factor
from accounts.errors import NotPermitted, Refused
from accounts.models import ApiToken, Membership, Scope, User, firm_of
from accounts.models.tokens import RevokedFor, digest, scopes_open_to
from accounts.scope import Actor
from accounts.typed.text import line

MARK = "sp_"  # prefix, so that a token that is found somewhere can be recognized
SHOWN = 8  # characters of a token that people see, to tell their tokens apart
MOST_TOKENS = 20  # of one membership at the same time
USED_EVERY = timedelta(minutes=1)  # a request must not cost a write each time
TOKEN_CREATED = audit.Word(
    "token.created", gettext_lazy("API token made"), gettext_lazy("API token “%(what)s” made"), area=audit.Area.SECURITY
)


def create_token(
    actor: Actor,
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    password: str,
    code: str = "",
    now: datetime,
) -> tuple[ApiToken, str]:
    """Create a token of the actor's membership and return it with its text, which is never shown again. Writes audit and a mail.

    Password and, if the person has a second factor, its code are required: a token outlives the session, so an unattended session must
    not be enough. Raises NotPermitted for a scope beyond the actor's rights. Refuses a wrong proof, no name, no scope, an end in the
    past, and too many tokens.
    """
    membership = Membership.objects.select_related("user").get(pk=actor.membership_id)
    if not set(scopes) <= set(scopes_open_to(actor)):
        raise NotPermitted
    two_factor.prove(membership.user, password=password, code=code, now=now)
    return _create(actor, membership.user, name=name, scopes=scopes, expires_at=expires_at, now=now)


@transaction.atomic
def _create(
    actor: Actor, proven: User, *, name: str, scopes: Collection[str], expires_at: datetime | None, now: datetime
) -> tuple[ApiToken, str]:
    """As `create_token`, after the proof was checked. Refuses if the password changed since: that change ended only the tokens it found."""
    membership = (
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .get(pk=actor.membership_id)
    )
    if User.objects.select_for_update(no_key=True).get(pk=membership.user_id).password != proven.password:
        raise Refused(_("This is not your password."), field="password")
    if not scopes:
        raise Refused(_("Choose what the token may do."), field="scopes")
    name = line(name)
    if not name:
        raise Refused(_("Give the token a name."), field="name")
    if expires_at is not None and expires_at <= now:
        raise Refused(_("This day is over. Choose a later one."), field="expires_on")
    if ApiToken.objects.visible_to(actor).usable(now).count() >= MOST_TOKENS:
        raise Refused(_("You have %(n)d tokens. Revoke one first.") % {"n": MOST_TOKENS})
    text = MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        membership=membership,
        name=name,
        scopes=[scope.value for scope in Scope if scope in scopes],
        prefix=text[: len(MARK) + SHOWN],
        digest=digest(text),
        created_at=now,
        expires_at=expires_at,
    )
    _record(actor, TOKEN_CREATED, token, now=now, after={"name": token.name, "scopes": token.scopes})
    sessions.tell(membership.user, "token_created", key=f"token-{token.pk}", now=now, token=token)
    return token, text


@transaction.atomic
def revoke_token(actor: Actor, *, token_id: int, now: datetime) -> ApiToken:
    """Revoke one of the actor's tokens, at once and for good; a second call changes nothing."""
    token = ApiToken.objects.visible_to(actor).select_for_update(no_key=True).get(pk=token_id)
    if token.revoked_at is None:
        token.revoked_at, token.revoked_for = now, RevokedFor.OWNER
        token.save(update_fields=["revoked_at", "revoked_for"])
        after: dict[str, object] = {"revoked": True, "revoked_for": RevokedFor.OWNER.value}
        _record(actor, revocation.TOKEN_REVOKED, token, now=now, before={"revoked": False}, after=after)
    return token


def find_token(text: str, *, now: datetime) -> ApiToken | None:
    """The usable token with this text, with its use recorded; None for any other text."""
    if not text.startswith(MARK):
        return None
    found = ApiToken.objects.usable(now).filter(digest=digest(text))
    token = found.select_related("membership__organization", "membership__user").first()
    if token and (token.last_used_at is None or token.last_used_at <= now - USED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _record(
    actor: Actor,
    word: audit.Word,
    token: ApiToken,
    *,
    now: datetime,
    after: dict[str, object],
    before: dict[str, object] | None = None,
) -> None:
    firm = firm_of(actor)
    assert firm is not None  # a person who has a membership works for an organization
    audit.record(actor, word, token, now=now, tenant=firm, before=before, after=after)
