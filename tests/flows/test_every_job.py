"""Every job, with one failing item first: it stops nobody, is written down, told, tried again, and starves nobody."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from accounts import audit, chain, fences, long_jobs, sent_forms
from accounts import mail as letters
from accounts.actions import sessions
from accounts.actions.long_jobs import start_job
from accounts.models import ItemFailure, Notice
from communities import catalogue, expiries
from communities.actions import apartments, leases, residents, sites
from communities.models import Resident
from payments import actions as payment_actions
from payments import events, gateways
from payments.actions import keys
from payments.models import Kind as PaymentKind
from payments.models import Payment, PaymentMethod
from smartplus import jobs
from smartplus.jobs import JOBS
from smartplus.jobs.kinds import KINDS
from smartplus.portal.operator import queries as work
from subscriptions.actions import renewals, scheduled, settlement, vacancies, variants
from subscriptions.actions.opening import ORDER_CREATED
from subscriptions.models import AutoRenewal, Order
from tests.factories import (
    GatewayEventFactory,
    NoticeFactory,
    OrderFactory,
    PaymentFactory,
    PaymentMethodFactory,
    SubscriptionFactory,
)
from tests.people import NOW, SYSTEM, People, Person
from tests.sites import ADDRESS, OPTIONS

N = 3  # items of each job; the first one fails
LONG_AGO = NOW - timedelta(hours=2)


@dataclass
class FailingWork:
    """Work that raises at one item as long as it `is_broken`, and remembers the other items that were worked."""

    at: Any
    is_broken: bool = True
    worked: list[Any] = field(default_factory=list)

    def on(self, item: Any, answer: Any = None) -> Any:
        """Work on an item."""
        if self.is_broken and item == self.at:
            raise RuntimeError("a failing item")
        self.worked.append(item)
        return answer


@dataclass
class Stage:
    """What a case may use to build its items."""

    people: People
    patch: pytest.MonkeyPatch

    def payers(self) -> list[Person]:
        return [self.people.dora, self.people.sam, self.people.ivan]

    def order(self, n: int, payer: Person, **fields: Any) -> Order:
        return OrderFactory.create(
            number=f"SP-261122-{n:08}", payer=payer.firm, installer=self.people.ivan.firm, distributor=self.people.dora.firm,
            price_list=self.price_list, created_at=LONG_AGO + timedelta(seconds=n), **fields,
        )  # fmt: skip

    @property
    def price_list(self) -> Any:
        from subscriptions.models import PriceList

        found = PriceList.objects.first()
        return found or PriceList.objects.create(
            distributor=None, currency="USD", number=1, valid_from=LONG_AGO, created_at=LONG_AGO
        )

    def payment(self, n: int, payer: Person, **fields: Any) -> Payment:
        given = {"subject": f"SP-261122-{n:08}", "created_at": LONG_AGO, "expires_at": NOW + timedelta(hours=1)}
        return PaymentFactory.create(payer=payer.firm, **{**given, **fields})

    def card(self, n: int, payer: Person, **fields: Any) -> PaymentMethod:
        return PaymentMethodFactory.create(owner=payer.firm, gateway_ref=f"pm_{n}", **fields)


def gateway_events(stage: Stage) -> FailingWork:
    rows = [GatewayEventFactory.create(next_try_at=NOW - timedelta(seconds=10 - n)) for n in range(N)]
    failing = FailingWork(rows[0].pk)
    stage.patch.setattr(events, "payment_of", lambda event: failing.on(event.pk))
    return failing


def due_auto_renewals(stage: Stage) -> FailingWork:
    made = [
        SubscriptionFactory.create(
            payer=payer.firm, installer=stage.people.ivan.firm, distributor=stage.people.dora.firm, method=stage.card(n, payer),
            order=stage.order(n, payer, state=Order.State.SUCCEED), next_due_at=LONG_AGO + timedelta(seconds=n),
        )
        for n, payer in enumerate(stage.payers())
    ]  # fmt: skip
    failing = FailingWork(made[0].pk)

    def prepare(ids: list[int], *, now: datetime) -> Any:
        failing.on(ids[0])
        AutoRenewal.objects.filter(pk__in=ids).update(next_due_at=NOW + timedelta(days=30))
        return SimpleNamespace(pk=ids[0])

    stage.patch.setattr(renewals, "prepare", prepare)
    stage.patch.setattr(payment_actions, "charge", lambda payment_id, *, now: None)
    stage.patch.setattr(settlement, "settle", lambda payment_id, *, now: None)
    return failing


def stale_payments(stage: Stage) -> FailingWork:
    rows = [stage.payment(n, payer) for n, payer in enumerate(stage.payers())]
    return _settling(stage, rows, {"state": "expired"})


def unreported_charges(stage: Stage) -> FailingWork:
    rows: list[Payment] = []
    for n, payer in enumerate(stage.payers()):
        stage.order(n, payer, type=Order.Type.AUTO_RENEWAL)
        rows.insert(
            0, stage.payment(n, payer, kind=PaymentKind.OFF_SESSION, method=stage.card(n, payer), state="declined")
        )
    return _settling(stage, rows, {"subject": "told"})


def _settling(stage: Stage, rows: list[Payment], ends: dict[str, str]) -> FailingWork:
    failing = FailingWork(rows[0].pk)

    def settle(payment_id: int, *, now: datetime) -> None:
        failing.on(payment_id)
        Payment.objects.filter(pk=payment_id).update(**ends)

    stage.patch.setattr(scheduled, "settle", settle)
    return failing


def unpaid_orders(stage: Stage) -> FailingWork:
    rows = [stage.order(n, payer) for n, payer in enumerate(stage.payers())]
    failing = FailingWork(rows[0].pk)

    def close_unpaid(order_id: int, state: str, **_: Any) -> Any:
        failing.on(order_id)
        Order.objects.filter(pk=order_id).update(state=state)
        return SimpleNamespace(state=state)

    stage.patch.setattr(scheduled, "close_unpaid", close_unpaid)
    return failing


def revoked_orders(stage: Stage) -> FailingWork:
    for payer in stage.payers():
        type(payer.firm).objects.filter(pk=payer.firm.pk).update(is_active=False)
    return unpaid_orders(stage)


def mail(stage: Stage) -> FailingWork:
    Notice.objects.all().delete()
    for n, person in enumerate(stage.payers()):
        NoticeFactory.create(
            user=person.membership.user, subject=f"letter {n}", next_try_at=NOW - timedelta(seconds=10 - n)
        )
    failing = FailingWork("letter 0")

    stage.patch.setattr(letters.Batch, "send", lambda _batch, notice: failing.on(notice.subject))
    return failing


def removed_cards(stage: Stage) -> FailingWork:
    for n, payer in enumerate(stage.payers()):
        stage.card(n, payer, removed_at=LONG_AGO + timedelta(seconds=n))
    failing = FailingWork("pm_0")
    stage.patch.setattr(gateways, "vault", lambda name: SimpleNamespace(remove_method=failing.on))
    return failing


def audit_seals(stage: Stage) -> FailingWork:
    chain.seal_due(now=LONG_AGO)
    for payer in stage.payers():
        audit.record(SYSTEM, ORDER_CREATED, payer.firm, now=NOW, tenant=payer.firm)
    failing = FailingWork(stage.people.dora.firm.pk)
    digest = chain.content_digest

    def content_digest(event: Any, salt: str) -> str:
        failing.on(event["organization_id"])
        return digest(event, salt)

    stage.patch.setattr(chain, "content_digest", content_digest)
    return failing


def gateway_keys(stage: Stage) -> FailingWork:
    failing = FailingWork("one")
    stage.patch.setattr(gateways, "names", lambda: ("one", "two", "three"))
    stage.patch.setattr(gateways, "get", lambda name: SimpleNamespace(key_settings={}, secret="s"))
    stage.patch.setattr(keys, "ask", lambda name, **_: failing.on(name))
    return failing


def audit_heads(stage: Stage) -> FailingWork:
    """One line of a file is all its work: the job itself is the item."""
    failing = FailingWork("all")
    stage.patch.setattr(chain, "heads", lambda: failing.on("all", {}))
    return failing


def old_sessions(stage: Stage) -> FailingWork:
    """Rows that nobody needs go by the thousand: the job itself is the item."""
    failing = FailingWork("all")
    stage.patch.setattr(sessions, "_delete_some", lambda rows: failing.on("all", 0))
    return failing


def old_forms(stage: Stage) -> FailingWork:
    """As old sessions."""
    failing = FailingWork("all")
    stage.patch.setattr(sent_forms, "_delete_some", lambda before: failing.on("all", 0))
    return failing


def long_work(stage: Stage) -> FailingWork:
    """Jobs that people started; what they do is replaced."""
    started = [
        start_job(payer.actor, kind="export", subject="list", parameters={}, now=LONG_AGO) for payer in stage.payers()
    ]
    failing = FailingWork(started[0].pk)
    kind = replace(KINDS["export"], run=lambda running: failing.on(running.job.pk))
    stage.patch.setitem(KINDS, "export", kind)
    return failing


def old_long_jobs(stage: Stage) -> FailingWork:
    """As old sessions."""
    failing = FailingWork("all")
    stage.patch.setattr(long_jobs, "_delete_some", lambda before: failing.on("all", 0))
    return failing


def paid_variants(stage: Stage) -> FailingWork:
    """As old sessions."""
    failing = FailingWork("all")
    stage.patch.setattr(variants, "_turn_some", lambda now: failing.on("all", 0))
    return failing


def expiry_days(stage: Stage) -> FailingWork:
    """As old sessions."""
    failing = FailingWork("all")
    stage.patch.setattr(expiries, "_fold_some", lambda: failing.on("all", 0))
    return failing


def due_leases(stage: Stage) -> FailingWork:
    """A site of each of three installers, at which one lease is over."""
    made = []
    for person in (stage.people.ivan, stage.people.ines, stage.people.igor):
        site = sites.create_community(
            person.actor, basics={"name": "Site", **ADDRESS}, free_members=4, switches=catalogue.DEFAULTS, options=OPTIONS, now=NOW
        )  # fmt: skip
        building = sites.add_building(person.actor, site_id=site.pk, name="House", now=NOW)
        flat = apartments.create_apartment(person.actor, building_id=building.pk, floor="1", number="1", now=NOW)
        for name in ("Stays", "Leaves"):
            residents.add_resident(person.actor, apartment_id=flat.pk, name=name, email="r@example.org", now=NOW)
        Resident.objects.filter(site=site, is_master=False).update(lease_until=NOW.date() - timedelta(days=1))
        made.append(site.pk)
    failing = FailingWork(made[0])
    turn = leases.turn_site
    stage.patch.setattr(leases, "turn_site", lambda pk, *, now: failing.on(pk) or turn(pk, now=now))
    return failing


def vacancies_that_end(stage: Stage) -> FailingWork:
    rows = [
        SubscriptionFactory.create(
            payer=payer.firm, installer=stage.people.ivan.firm, distributor=stage.people.dora.firm, method=stage.card(n, payer),
            order=stage.order(n, payer, state=Order.State.SUCCEED), next_due_at=NOW + timedelta(days=30),
        )
        for n, payer in enumerate(stage.payers())
    ]  # fmt: skip
    waiting, failing = {row.pk for row in rows}, FailingWork(rows[0].pk)
    stage.patch.setattr(vacancies, "_back", lambda _items: SimpleNamespace(values=lambda _name: sorted(waiting)))

    def resume(pk: int, *, now: datetime) -> Any:
        failing.on(pk)
        waiting.discard(pk)
        return 1

    stage.patch.setattr(vacancies, "resume", resume)
    return failing


CASES: dict[str, Callable[[Stage], FailingWork]] = {
    "audit_seals": audit_seals,
    "audit_heads": audit_heads,
    "mail": mail,
    "gateway_events": gateway_events,
    "renewals": due_auto_renewals,
    "stale_payments": stale_payments,
    "unreported_charges": unreported_charges,
    "revoked_orders": revoked_orders,
    "order_timeouts": unpaid_orders,
    "gateway_keys": gateway_keys,
    "old_sessions": old_sessions,
    "old_forms": old_forms,
    "paid_variants": paid_variants,
    "leases": due_leases,
    "vacancies": vacancies_that_end,
    "expiry_days": expiry_days,
    "removed_cards": removed_cards,
    "long_jobs": long_work,
    "old_long_jobs": old_long_jobs,
}
ALONE = {
    "audit_heads",
    "old_sessions",
    "old_forms",
    "old_long_jobs",
    "paid_variants",
    "expiry_days",
}  # jobs without items


def test_every_job_has_a_case_and_its_items_have_names() -> None:
    assert set(CASES) == set(JOBS)
    assert set(work.NAMES) == set(JOBS) - ALONE


@pytest.fixture
def stage(people: People, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> Stage:
    settings.AUDIT_HEADS = tmp_path / "heads"
    return Stage(people, monkeypatch)


@pytest.mark.parametrize("name", JOBS)
def test_one_exploding_item_stops_nobody_and_is_written_told_and_tried_again(name: str, stage: Stage) -> None:
    failing = CASES[name](stage)
    told_before = set(Notice.objects.values_list("pk", flat=True))
    others = 0 if name in ALONE else N - 1
    assert jobs.run(name, now=NOW) == (None if name in ALONE else others)
    assert len(set(failing.worked)) == others
    assert failing.at not in failing.worked
    failure = ItemFailure.objects.get(job=name)
    assert (failure.tries, failure.error, failure.is_expected) == (1, "RuntimeError: a failing item", False)
    assert failure.next_try_at is not None
    told = Notice.objects.exclude(pk__in=told_before).filter(email=stage.people.olga.email)
    assert [letter.subject for letter in told] == [f"Background work fails: {JOBS[name].label}"]
    (row,) = work.rows(stage.people.olga.actor, [failure])
    assert (row.name, str(row.label)) != ("", "")

    told.update(next_try_at=None)  # they are not what this is about
    jobs.run(name, now=failure.next_try_at)
    failure.refresh_from_db()
    assert failure.tries == 2  # and told of no second time
    assert Notice.objects.exclude(pk__in=told_before).filter(email=stage.people.olga.email).count() == 1

    failing.is_broken = False
    assert jobs.run(name, now=failure.next_try_at) is not None
    assert failing.at in failing.worked
    assert not ItemFailure.objects.filter(job=name).exists()


@pytest.mark.parametrize("name", [name for name in JOBS if "limit" in inspect.signature(JOBS[name].sweep).parameters])
def test_items_that_always_fail_do_not_starve_those_behind_them(name: str, stage: Stage) -> None:
    failing = CASES[name](stage)
    for _run in range(N):
        JOBS[name].sweep(now=NOW, limit=1)
    assert len(set(failing.worked)) == N - 1


@pytest.mark.parametrize("name", [name for name in JOBS if name not in ALONE])
def test_a_job_stops_between_items_when_its_time_is_over(name: str, stage: Stage) -> None:
    failing = CASES[name](stage)
    failing.is_broken = False
    ticks: Iterable[float] = iter(range(10**6))
    JOBS[name].sweep(now=NOW, budget=fences.Budget(0, clock=lambda: next(ticks)))  # type: ignore[call-overload]
    assert failing.worked == []
    JOBS[name].sweep(now=NOW)
    assert len(set(failing.worked)) == N
