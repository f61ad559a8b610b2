"""The token in every form: which form of which person it is, so that the same one sent twice is known, and a form that comes after the
end of its session is given back to nobody else."""

from __future__ import annotations

import secrets

from django.core import signing

FIELD = "form_token"
SALT = "form-token"


def new(user_id: int) -> str:
    """A token for one form as it is written now."""
    return signing.Signer(salt=SALT).sign(f"{user_id}.{secrets.token_urlsafe(9)}")


def owner(token: str) -> int:
    """The person whose page the form stood on; 0 where the token is none of ours."""
    try:
        return int(signing.Signer(salt=SALT).unsign(token).partition(".")[0])
    except (signing.BadSignature, ValueError):
        return 0
