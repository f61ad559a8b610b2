"""The jobs: each is a query for due rows. Celery and `tick` only decide when they run. Long jobs, which people start, are one of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit, chain, fences, heads, long_jobs, notify, sent_forms
from accounts.actions import sessions
from accounts.errors import NotPermitted
from accounts.models import ItemFailure, Organization
from accounts.scope import Actor, Role
from communities.actions import leases
from payments import actions as payment_actions
from payments import events
from smartplus import failures, wakeups
from smartplus.audit import WORK_TRIED_AGAIN
from smartplus.jobs import long
from subscriptions.actions import modes, renewals, scheduled, vacancies, variants

log = logging.getLogger("smartplus.jobs")

# Names of Celery's tasks (smartplus/tasks.py), so that senders need not import them.
RUN_JOB, SETTLE_ORDER, SETTLE_SETUPS = "smartplus.run_job", "smartplus.settle_order", "smartplus.settle_setups"
GATEWAYS = "gateways"  # the queue of jobs that may wait for a gateway; mail and seals have workers of their own


@dataclass(frozen=True, slots=True)
class Job:
    """A job. `sweep(now=, budget=)` works on what is due and returns how many; it fences its items (accounts/fences.py)."""

    sweep: Callable[..., int]
    label: Promise
    budget_s: float  # what is left when the time is over waits for the next run, 20 seconds later
    asks_gateways: bool = True
    again: Callable[..., None] | None = None  # `again(item_id, now=)` for tables that store their own next try


# In this order: first jobs that can't hang for long, then effects of money, then waiting work, then what is given up.
JOBS: dict[str, Job] = {
    "audit_seals": Job(chain.seal_due, _("Sealing the audit log"), 30, asks_gateways=False),
    "audit_heads": Job(heads.keep_daily, _("Keeping the heads of the audit log"), 30, asks_gateways=False),
    "mail": Job(notify.send_due, _("Sending mail"), 30, asks_gateways=False, again=notify.try_again),
    "paid_variants": Job(variants.turn_due, _("What later periods paid for"), 10, asks_gateways=False),
    "expiry_days": Job(modes.gather_due, _("Counting expiries by day"), 10, asks_gateways=False),
    "long_jobs": Job(
        long.run_due,
        _("What people started: imports, bulk changes, files"),
        60,
        asks_gateways=False,
        again=long_jobs.try_again,
    ),
    "leases": Job(leases.turn_due, _("Leases of residents"), 10, asks_gateways=False),
    "vacancies": Job(vacancies.resume_due, _("Items of apartments that are lived in again"), 10, asks_gateways=False),
    "gateway_events": Job(scheduled.process_events, _("Messages of the gateways"), 30, again=events.try_again),
    "renewals": Job(renewals.renew_due, _("Auto-renewals"), 60),
    "stale_payments": Job(scheduled.reconcile_stale_payments, _("Asking about payments"), 30),
    "unreported_charges": Job(scheduled.reconcile_unreported_charges, _("Charges without a reported end"), 30),
    "revoked_orders": Job(scheduled.cancel_unauthorized_orders, _("Orders whose payer may not pay any more"), 30),
    "order_timeouts": Job(scheduled.expire_unpaid_orders, _("Orders that nobody paid"), 30),
    "gateway_keys": Job(payment_actions.ask_due, _("Asking whether the gateway takes our key"), 30),
    "old_sessions": Job(sessions.forget_old, _("Deleting old sessions"), 10, asks_gateways=False),
    "old_long_jobs": Job(long.forget_old, _("Deleting old jobs and their files"), 10, asks_gateways=False),
    "old_forms": Job(sent_forms.forget_old, _("Forgetting which forms were sent"), 10, asks_gateways=False),
    "removed_cards": Job(payment_actions.detach_removed, _("Removing cards at the gateways"), 30),
}


def tick(*, now: datetime) -> dict[str, int | None]:
    """Run every job once. None stands for a job that failed, which does not stop the others.

    Jobs that ask no gateway run first, so that they never wait for one, and once more at the end, for what the others wrote.
    """
    local = [name for name, job in JOBS.items() if not job.asks_gateways]
    did: dict[str, int | None] = {}
    for name in (*JOBS, *local):
        count = run(name, now=now)
        did[name] = None if count is None or did.get(name, 0) is None else count + (did.get(name) or 0)
    return did


def run(name: str, *, now: datetime) -> int | None:
    """Run one job within its time; returns its number. Failures are reported to the operator."""
    job = JOBS[name]
    count: int | None = None
    try:
        fences.mend_connections()
        count = job.sweep(now=now, budget=fences.Budget(job.budget_s))
    except Exception as problem:  # one failing job must not stop the others
        log.exception("job %s broke", name)
        failures.record_broken(name, problem, now=now)
    else:
        failures.record_whole(name)
    failures.tell(name, job.label, now=now)
    return count


@transaction.atomic
def try_again(actor: Actor, *, failure_id: int, now: datetime) -> ItemFailure:
    """Try a failed item now; its number of tries starts again at zero. Operator only. ItemFailure.DoesNotExist where the item was
    successful meanwhile."""
    if actor.role is not Role.OPERATOR:
        raise NotPermitted
    failure = ItemFailure.objects.visible_to(actor).select_for_update(no_key=True).get(pk=failure_id)
    before = audit.fields_of(failure, ["tries", "next_try_at"])
    failure.tries, failure.next_try_at = 0, now
    failure.save(update_fields=["tries", "next_try_at"])
    job = JOBS.get(failure.job)
    if job is not None and job.again is not None:
        job.again(failure.item_id, now=now)
    audit.record(
        actor,
        WORK_TRIED_AGAIN,
        failure,
        now=now,
        tenant=Organization.objects.get(pk=actor.organization_id),
        before=before,
        after=audit.fields_of(failure, ["tries", "next_try_at"]),
    )
    return failure


def hurry(name: str) -> None:
    """Start a job in a worker after the current transaction is committed. Without a broker, beat starts it later."""
    transaction.on_commit(partial(wake, name))


def wake(name: str, *, expires_s: int | None = None) -> None:
    """Start a job in a worker now. The message may get lost, since beat starts the same job."""
    queue = GATEWAYS if JOBS[name].asks_gateways else None
    wakeups.publish(RUN_JOB, name, queue=queue, expires_s=expires_s)


def hurry_order(number: str) -> None:
    """Let a worker ask the gateway about one order, because its payer came back from the payment page."""
    wakeups.publish(SETTLE_ORDER, number, queue=GATEWAYS)


def hurry_setups(auto_renewal_id: int) -> None:
    """Let a worker ask the gateway about the card of an auto-renewal, because its payer came back from the page that stores it."""
    wakeups.publish(SETTLE_SETUPS, str(auto_renewal_id), queue=GATEWAYS)
