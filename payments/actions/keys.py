"""The gateways' keys: whether a key is set, whether the gateway accepts it, and the refusal of payments without a valid key."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts import fences
from payments import gateways
from payments.actions.states import refuse_in_transaction
from payments.errors import GatewayNotSetUp, GatewayUnavailable
from payments.models import GatewayKey

log = logging.getLogger("smartplus.payments")

JOB = "gateway_keys"
ASKED_EVERY = timedelta(hours=1)
Answer = GatewayKey.Answer


def refuse_unconfigured(gateway: str) -> None:
    """Raise GatewayNotSetUp where no key is set. Uses neither network nor database; the missing setting is written to the log."""
    if missing := gateways.missing_setting(gateway):
        log.error("a payment through %s is refused: %s is not set", gateway, missing)
        raise GatewayNotSetUp(f"{missing} is not set")


def refuse_not_set_up(gateway: str, *, now: datetime) -> None:
    """Raise GatewayNotSetUp where no payment is possible: no key, or a key that the gateway refuses. Call it before any row is written.

    The gateway is asked only if it has not accepted this key before. If it does not answer, nothing is proved and the payment may
    begin.
    """
    refuse_unconfigured(gateway)
    known = last_answer(gateway)
    if known is None or known.answer != Answer.ACCEPTED:
        known = ask(gateway, now=now)
    if known.answer == Answer.REFUSED:
        raise GatewayNotSetUp(f"{gateway} refuses the key")


def last_answer(gateway: str) -> GatewayKey | None:
    """The gateway's stored answer about the present key; None where it was never asked about this key."""
    return GatewayKey.objects.filter(gateway=gateway, print=_print(gateway)).first()


def is_live(gateway: str) -> bool:
    """Whether the present key moves real money."""
    return gateways.get(gateway).is_live_mode


def ask_all(*, now: datetime) -> None:
    """Ask every configured gateway now, at a person's request."""
    for gateway in gateways.names():
        if not gateways.missing_setting(gateway):
            ask(gateway, now=now)


def ask(gateway: str, *, now: datetime) -> GatewayKey:
    """Ask the gateway about our key, over the network and outside any transaction, and store the answer. Problems go to the log."""
    refuse_in_transaction()
    account = ""
    try:
        account, answer = gateways.get(gateway).ask_account(), Answer.ACCEPTED
    except GatewayNotSetUp as problem:
        answer = Answer.REFUSED
        log.error("%s does not accept the key of this installation: %s", gateway, problem.detail)
    except GatewayUnavailable as problem:
        answer = Answer.SILENT
        log.warning("%s could not be asked about the key of this installation: %s", gateway, problem.detail)
    row, _is_new = GatewayKey.objects.update_or_create(
        gateway=gateway,
        defaults={"print": _print(gateway), "answer": answer, "account": account[:64], "asked_at": now},
    )
    return row


def ask_due(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Ask each configured gateway once an hour. Returns how many were asked."""
    resting = set(fences.resting(JOB, now).values_list("item_id", flat=True))
    due = [name for name in gateways.names() if _number(name) not in resting and _is_due(name, now)]
    return fences.each(JOB, due, lambda name: _ask_once(name, now=now), now=now, budget=budget, key=_number)


def _ask_once(gateway: str, *, now: datetime) -> int:
    ask(gateway, now=now)
    return 1


def _is_due(gateway: str, now: datetime) -> bool:
    if gateways.missing_setting(gateway):
        return False
    known = last_answer(gateway)
    return known is None or known.asked_at <= now - ASKED_EVERY


def label_of(number: int) -> str:
    """The display name of the gateway with this item number of the job; "" for a gateway that is not in use any more."""
    return dict(enumerate(map(gateways.label, gateways.names()), start=1)).get(number, "")


def _number(gateway: str) -> int:
    """The item number that stands for a gateway in the job."""
    return gateways.names().index(gateway) + 1


def record_refused(gateway: str, *, now: datetime) -> None:
    """Store that the gateway refused our key during another call, so that the next payment checks the key before it begins."""
    GatewayKey.objects.filter(gateway=gateway).update(answer=Answer.REFUSED, asked_at=now)


def _print(gateway: str) -> str:
    """A digest of the key: it tells two keys apart and does not reveal the key."""
    key = gateways.get(gateway).secret
    return salted_hmac("payments.keys", f"{gateway}:{key}", secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
