"""The two ways to say which registration code one has: the token of the QR code, and a short code to type. Only digests of both are stored."""

from __future__ import annotations

import secrets

from django.utils.crypto import salted_hmac

from accounts.typed.text import sought

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without letters that are read as others
LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
OF_SITE, LENGTH = 3, 10  # characters that all codes of a site begin with, and of the whole; the other seven are 35 bits
GROUP = 5
TOKEN_BYTES = 32  # 256 bits


def new_token() -> str:
    """The token of a QR code."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def new_typed(site_id: int) -> str:
    """A code to type, in two groups. It begins as every code of the site does, so that wrong ones are counted by site."""
    code = _of_site(site_id) + "".join(secrets.choice(ALPHABET) for _n in range(LENGTH - OF_SITE))
    return f"{code[:GROUP]}-{code[GROUP:]}"


def read(typed: str) -> str:
    """A typed code as it is compared; "" for what can be none. Case, blanks, hyphens and letters that look like digits do not matter."""
    code = "".join(sign for sign in sought(typed).upper() if sign.isalnum()).translate(LOOKALIKES)
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else ""


def site_part(code: str) -> str:
    """What the code says of its site: nothing that tells which."""
    return code[:OF_SITE]


def typed_digest(code: str) -> str:
    """The stored digest of a code as `read` gives it. Codes are short, so it needs the key of the installation."""
    return salted_hmac("communities.registration", code, algorithm="sha256").hexdigest()


def _of_site(site_id: int) -> str:
    number = int(salted_hmac("communities.registration.site", str(site_id), algorithm="sha256").hexdigest(), 16)
    return "".join(ALPHABET[(number >> (5 * place)) % len(ALPHABET)] for place in range(OF_SITE))
