"""The token in every form: which form of which person it is, so that the same one sent twice is known, and a form that comes after the
end of its session is given back to nobody else, and under no other membership."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import NamedTuple

from django.core import signing

FIELD = "form_token"
SALT = "form-token"
GIVEN_BACK_FOR = timedelta(days=1)


class Owner(NamedTuple):
    """Who had the page with the form open, and the membership the person worked under then (0 for none yet)."""

    user: int
    membership: int


NOBODY = Owner(0, 0)


def new(user_id: int, membership_id: int) -> str:
    """A token for one form as it is written now."""
    return _signer().sign(f"{user_id}.{membership_id}.{secrets.token_urlsafe(9)}")


def owner(token: str, *, within: timedelta | None = None) -> Owner:
    """Whose page the form stood on; nobody's where the token is none of ours, or older than `within`."""
    try:
        user, membership, _chance = _signer().unsign(token, max_age=within).split(".")
        return Owner(int(user), int(membership))
    except (signing.BadSignature, ValueError):
        return NOBODY


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=SALT)
