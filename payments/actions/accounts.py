"""Which account of a gateway holds an object. An id is valid in one account only; that another account does not have it proves nothing."""

from __future__ import annotations

from datetime import datetime

from payments import gateways
from payments.actions import keys
from payments.errors import OtherAccount


def account_of(gateway: str, *, now: datetime) -> str:
    """The gateway account of our present key; "" where the gateway does not say. Asks the gateway if no answer is stored, so call it
    outside any transaction.
    """
    return (keys.last_answer(gateway) or keys.ask(gateway, now=now)).account


def refuse_other_account(
    account: str, is_live_mode: bool, gateway: str, *, now: datetime, cause: Exception | None = None
) -> None:
    """Raise OtherAccount where an object of `account` is out of reach of our present key.

    `cause` is the gateway's answer that it does not know the object. With a `cause`, an unknown account raises too: it proves nothing.
    """
    ours, is_live = account_of(gateway, now=now), gateways.get(gateway).is_live_mode
    is_other = is_live_mode != is_live or (account != "" and ours not in {"", account})
    is_doubtful = cause is not None and "" in {account, ours}
    if is_other or is_doubtful:
        detail = f"it lies in the account {_named(account, is_live_mode)}, our key is that of {_named(ours, is_live)}"
        raise OtherAccount(detail) from cause


def _named(account: str, is_live_mode: bool) -> str:
    return f"{account or '?'} ({'live' if is_live_mode else 'test'})"
