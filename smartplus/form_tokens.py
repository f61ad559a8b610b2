"""The token in every form. It names the form and the person, so that the same form sent twice is recognized, and a form that is sent after
the end of its session is given back only to the same person and membership."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import NamedTuple

from django.core import signing

FIELD = "form_token"
SALT = "form-token"
GIVEN_BACK_FOR = timedelta(days=1)


class Owner(NamedTuple):
    """The person who opened the page with the form, and its membership then (0 for none)."""

    user: int
    membership: int


NOBODY = Owner(0, 0)


def new(user_id: int, membership_id: int) -> str:
    """A token for a form that is rendered now."""
    return _signer().sign(f"{user_id}.{membership_id}.{secrets.token_urlsafe(9)}")


def owner(token: str, *, within: timedelta | None = None) -> Owner:
    """The person whose page had the form; nobody where the token is not ours, or older than `within`."""
    try:
        user, membership, _chance = _signer().unsign(token, max_age=within).split(".")
        return Owner(int(user), int(membership))
    except (signing.BadSignature, ValueError):
        return NOBODY


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=SALT)
