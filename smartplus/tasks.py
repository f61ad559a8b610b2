"""Celery's shells around the jobs."""

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
    """Run one kind of job now."""
    jobs.run(name, now=timezone.now())


@app.task(name="smartplus.tick")
def tick() -> None:
    """Wake a worker for each job, so that nothing depends on a message that got lost, and no job waits for another one.

    Beat calls it. A job that is still waiting when the next tick comes is not needed any more.
    """
    heartbeats.note(Sign.TICK, now=timezone.now(), is_always=True)
    for name in jobs.JOBS:
        jobs.wake(name, expires_s=TICK_S)


@app.task(name=jobs.SETTLE_ORDER)
def settle_order(number: str) -> None:
    """Ask the gateway about one order; the webhook and the janitor do the same, so a failure here is only slower."""
    try:
        settlement.settle_order(number, now=timezone.now())
    except (GatewayUnavailable, GatewayRefused) as problem:
        log.warning("order %s: %s", number, problem)


@app.task(name=jobs.SETTLE_SETUPS)
def settle_setups(auto_renewal_id: str) -> None:
    """Ask the gateway about the card of one auto-renewal; a failure here is only slower, too."""
    try:
        settlement.settle_setups(int(auto_renewal_id), now=timezone.now())
    except (GatewayUnavailable, GatewayRefused) as problem:
        log.warning("auto-renewal %s: %s", auto_renewal_id, problem)
