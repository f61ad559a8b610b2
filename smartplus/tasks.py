"""Celery tasks that run the jobs."""

import logging

from django.utils import timezone

from payments.errors import GatewayRefused, GatewayUnavailable
from smartplus import heartbeats, jobs
from smartplus.celery import app
from smartplus.heartbeats import Sign
from subscriptions.actions import settlement

log = logging.getLogger("smartplus.jobs")

TICK_S = 20


@app.task(name=jobs.RUN_JOB)
def run_job(name: str) -> None:
    """Run one job now."""
    jobs.run(name, now=timezone.now())


@app.task(name="smartplus.tick")
def tick() -> None:
    """Start a task for each job, so that nothing depends on a lost message and no job waits for another one.

    Called by beat. A task that still waits when the next tick comes is dropped.
    """
    heartbeats.note(Sign.TICK, now=timezone.now(), is_always=True)
    for name in jobs.JOBS:
        jobs.wake(name, expires_s=TICK_S)


@app.task(name=jobs.SETTLE_ORDER)
def settle_order(number: str) -> None:
    """Ask the gateway about one order. Webhooks and `reconcile_stale_payments` do the same, so a failure here only costs time."""
    try:
        settlement.settle_order(number, now=timezone.now())
    except (GatewayUnavailable, GatewayRefused) as problem:
        log.warning("order %s: %s", number, problem)


@app.task(name=jobs.SETTLE_SETUPS)
def settle_setups(auto_renewal_id: str) -> None:
    """Ask the gateway about the card of one auto-renewal. A failure here only costs time, too."""
    try:
        settlement.settle_setups(int(auto_renewal_id), now=timezone.now())
    except (GatewayUnavailable, GatewayRefused) as problem:
        log.warning("auto-renewal %s: %s", auto_renewal_id, problem)
