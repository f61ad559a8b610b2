"""The kinds of background work, each a query for due rows; Celery and `tick` only say when."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import transaction

from accounts import chain, heads, notify
from payments import actions as payment_actions
from subscriptions.actions import renewals, sweeps

log = logging.getLogger("smartplus.jobs")

# In this order: what money did first, then what waits, then what is given up.
JOBS: dict[str, Callable[..., int]] = {
    "gateway_events": sweeps.work_events,
    "renewals": renewals.renew_due,
    "hanging_payments": sweeps.settle_hanging,
    "revoked_orders": sweeps.close_unpermitted,
    "order_timeouts": sweeps.time_out_orders,
    "mail": notify.send_due,
    "removed_cards": payment_actions.detach_removed,
    "audit_seals": chain.seal_due,
    "audit_heads": heads.keep_daily,
    "gateway_keys": payment_actions.ask_due,
}


def tick(*, now: datetime) -> dict[str, int | None]:
    """Run everything due once; None stands for a job that broke, which does not keep the others from running."""
    return {name: run(name, now=now) for name in JOBS}


def run(name: str, *, now: datetime) -> int | None:
    """Run one job; what it did is its number."""
    try:
        return JOBS[name](now=now)
    except Exception:  # one broken job must not stop the others
        log.exception("job %s broke", name)
        return None


def hurry(name: str) -> None:
    """Wake a worker for a job once the current transaction is committed; without a broker beat finds the rows later."""
    transaction.on_commit(partial(_publish, name))


def _publish(name: str) -> None:
    from smartplus.tasks import run_job

    try:
        run_job.delay(name)
    except Exception as problem:  # whatever the broker's client raises: the rows are safe, beat will look
        log.warning("could not wake a worker for %s: %s", name, problem)


def hurry_order(number: str) -> None:
    """Wake a worker to ask the gateway about one order, because its payer is back from the pay page."""
    from smartplus.tasks import settle_order

    try:
        settle_order.delay(number)
    except Exception as problem:  # as above: the janitor asks in a few minutes anyway
        log.warning("could not wake a worker for order %s: %s", number, problem)
