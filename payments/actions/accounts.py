"""In which of a gateway's accounts something lies: an id means nothing in another one, and its absence there proves nothing."""

from __future__ import annotations

from datetime import datetime

from payments import gateways
from payments.actions import keys
from payments.errors import OtherAccount


def account_of(gateway: str, *, now: datetime) -> str:
    """The account of our present key; "" where the gateway does not say. Asks it where nobody has yet: outside any transaction."""
    return (keys.last_answer(gateway) or keys.ask(gateway, now=now)).account


def refuse_other_account(
    account: str, is_live_mode: bool, gateway: str, *, now: datetime, cause: Exception | None = None
) -> None:
    """Raise OtherAccount where what lies in `account` is not what our present key sees.

    With a `cause`, which is the gateway saying that it knows no such thing, an account that is not known proves nothing either.
    """
    ours, is_live = account_of(gateway, now=now), gateways.get(gateway).is_live_mode
    is_other = is_live_mode != is_live or (account != "" and ours not in {"", account})
    is_doubtful = cause is not None and "" in {account, ours}
    if is_other or is_doubtful:
        detail = f"it lies in the account {_named(account, is_live_mode)}, our key is that of {_named(ours, is_live)}"
        raise OtherAccount(detail) from cause


def _named(account: str, is_live_mode: bool) -> str:
    return f"{account or '?'} ({'live' if is_live_mode else 'test'})"
