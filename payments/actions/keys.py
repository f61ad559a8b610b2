"""The gateways' keys: whether there are any, whether the gateway accepts them, and no payment begun without."""

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
    """Raise GatewayNotSetUp where there is no key at all. Touches neither network nor database; the cause is in the log."""
    if missing := gateways.missing_setting(gateway):
        log.error("a payment through %s is refused: %s is not set", gateway, missing)
        raise GatewayNotSetUp(f"{missing} is not set")


def refuse_not_set_up(gateway: str, *, now: datetime) -> None:
    """Raise GatewayNotSetUp where nothing can be paid: no key, or one that the gateway refuses. Before any row is written.

    The gateway is asked only when it has not accepted this very key yet. One that does not answer proves nothing: the payment is
    begun, and what becomes of it is found out.
    """
    refuse_unconfigured(gateway)
    known = last_answer(gateway)
    if known is None or known.answer != Answer.ACCEPTED:
        known = ask(gateway, now=now)
    if known.answer == Answer.REFUSED:
        raise GatewayNotSetUp(f"{gateway} refuses the key")


def last_answer(gateway: str) -> GatewayKey | None:
    """What the gateway answered about the present key; None where it was never asked about this one."""
    return GatewayKey.objects.filter(gateway=gateway, print=_print(gateway)).first()


def is_live(gateway: str) -> bool:
    """Whether the present key moves real money."""
    return gateways.get(gateway).is_live_mode


def ask_all(*, now: datetime) -> None:
    """Ask every configured gateway now, because a person wants to know."""
    for gateway in gateways.names():
        if not gateways.missing_setting(gateway):
            ask(gateway, now=now)


def ask(gateway: str, *, now: datetime) -> GatewayKey:
    """Ask the gateway about our key, over the network and outside any transaction, and keep the answer. The log says what is wrong."""
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
    """The gateway that an item of the job stands for, in the word of people; "" for one that is none any more."""
    return dict(enumerate(map(gateways.label, gateways.names()), start=1)).get(number, "")


def _number(gateway: str) -> int:
    """A gateway as the item of a job."""
    return gateways.names().index(gateway) + 1


def record_refused(gateway: str, *, now: datetime) -> None:
    """The gateway refused our key in the middle of something else: kept, so that the next payment asks before it begins."""
    GatewayKey.objects.filter(gateway=gateway).update(answer=Answer.REFUSED, asked_at=now)


def _print(gateway: str) -> str:
    """What tells one key from another, and nobody the key."""
    key = gateways.get(gateway).secret
    return salted_hmac("payments.keys", f"{gateway}:{key}", secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
