"""Whether money, periods and entitlements agree in the whole database; every story may check it at its end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Max

from accounts.models import AuditEvent
from communities import catalogue
from communities.actions.sites import active_pm_apps
from communities.models import Entitlement, Site
from payments.models import LIVE, Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from subscriptions import periods
from subscriptions.models import Cart, LineKind, Order, OrderEvent, OrderLine, ServicePeriod
from subscriptions.quotes import line_amount
from tests.flows.tenants import assert_tenants_consistent

__all__ = ["assert_ledger_agrees", "assert_tenants_consistent"]
S = Order.State
MAY_HOLD_MONEY = frozenset({S.SUCCEED, S.REVIEW, S.REFUNDED})
CLOSED_UNPAID = frozenset({S.FAILED, S.TIMEOUT, S.CANCELLED})


def assert_ledger_agrees(sandbox: Sandbox, *, now: datetime | None = None) -> None:
    """Compare the gateway's payments with our payments, orders, lines, periods, entitlements, timelines and the audit.

    Holds whenever nothing is in progress: everything that the gateway took must be settled. `now` defaults to the instant of the newest
    audit row. Fails with every disagreement, not only the first.
    """
    ledger = Ledger.read(sandbox)
    now = now or AuditEvent.objects.aggregate(newest=Max("at"))["newest"]
    wrong = [
        *pages_and_payments(ledger),
        *(
            f"order {order.number} ({order.state}): {text}"
            for order in ledger.orders
            for text in of_order(order, ledger)
        ),
        *entitlements_and_periods(ledger, now),
        *pm_app_switches(now),
    ]
    assert not wrong, "the books do not agree:\n" + "\n".join(wrong)


@dataclass(frozen=True)
class Ledger:
    """Everything that has to agree, read at once."""

    sessions: list[dict[str, Any]]
    intents: list[dict[str, Any]]
    paid: set[str]  # request keys of the payments that the gateway has taken money for, on a page or off session
    moved: dict[str, dict[str, int]]
    orders: list[Order]
    payments: dict[str, list[Payment]]  # by reference
    lines: dict[int, list[OrderLine]]  # by order
    periods: dict[int, list[ServicePeriod]]  # by line, revoked ones as well
    events: Counter[tuple[int, str]]  # order and kind
    audits: Counter[tuple[int, str]]  # order and action
    carts: dict[int, list[int]]  # order: entitlements of its cart
    reserved: dict[int, int | None]  # entitlement: the order that has it

    @classmethod
    def read(cls, sandbox: Sandbox) -> Ledger:
        """Ten statements, and the state of the sandbox."""
        state = sandbox.state()
        audits = AuditEvent.objects.filter(subject_type="order").values_list("subject_id", "action")
        ticked = Cart.objects.filter(order__isnull=False).values_list("order_id", "selection__filter__ids")
        return cls(
            sessions=state["sessions"],
            intents=state["intents"],
            paid={row["metadata"].get("request_key") for row in state["intents"] if row["status"] == "succeeded"},
            moved=state["moved"],
            orders=list(Order.objects.order_by("pk")),
            payments=_gathered((payment.reference, payment) for payment in Payment.objects.order_by("pk")),
            lines=_gathered((line.order_id, line) for line in OrderLine.objects.order_by("entitlement_id")),
            periods=_gathered((period.line_id, period) for period in ServicePeriod.objects.order_by("pk")),
            events=Counter(OrderEvent.objects.order_by().values_list("order_id", "kind")),
            audits=Counter(audits.order_by()),
            carts={order_id: ids for order_id, ids in ticked if ids is not None},
            reserved=dict(Entitlement.objects.exclude(reserved_by=None).values_list("pk", "reserved_by")),
        )


def _gathered(pairs: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def pages_and_payments(ledger: Ledger) -> Iterator[str]:
    """Every page at the gateway belongs to one payment, and both have the same money."""
    by_key = {payment.request_key: payment for found in ledger.payments.values() for payment in found}
    states = {order.number: order.state for order in ledger.orders}
    for reference in sorted(set(ledger.moved) | set(ledger.payments)):
        if reference not in states:
            yield f"there are pages or payments for {reference!r}, but no such order"
    for session in ledger.sessions:
        payment = by_key.get(session["metadata"].get("request_key"))
        if payment is None:
            yield f"the page {session['id']} is no payment's"
        elif payment.gateway_ref != session["id"]:  # its answer was lost, so nobody was sent there
            if session["status"] == "complete" or (payment.gateway_ref == "" and payment.state == PaymentState.PENDING):
                yield f"payment {payment.pk} points at the page {payment.gateway_ref!r}, its page is {session['id']}"
        elif session["status"] == "open" and not (payment.is_live and states.get(payment.reference) == S.PROCESSING):
            yield f"somebody could still pay for {payment}, whose order is {states.get(payment.reference)}"
    for intent in ledger.intents:
        payment = by_key.get(intent["metadata"].get("request_key"))
        is_known = payment is not None and intent["id"] in {payment.gateway_ref, payment.gateway_payment_ref}
        if intent["status"] == "succeeded" and not is_known:
            yield f"{intent['id']} took money, and {payment} does not know of it"
        if intent["status"] == "requires_confirmation" and is_known and payment is not None and not payment.is_live:
            yield f"{intent['id']} could still be confirmed, and {payment} is over"
    for key, payment in by_key.items():
        if (payment.state == PaymentState.SUCCEEDED) != (key in ledger.paid):
            yield f"payment {payment.pk} is {payment.state}, at the gateway it is paid: {key in ledger.paid}"
        if payment.captured_minor and payment.state != PaymentState.SUCCEEDED:
            yield f"payment {payment.pk} is {payment.state} and has captured {payment.captured_minor}"


def of_order(order: Order, ledger: Ledger) -> Iterator[str]:
    """One order: its sums, its money, its lines, its timeline."""
    yield from _money(order, ledger.payments[order.number], ledger.moved.get(order.number, {"amount": 0, "charges": 0}))
    yield from _lines(order, ledger)
    yield from _timeline(order, ledger)


def _money(order: Order, payments: list[Payment], moved: dict[str, int]) -> Iterator[str]:
    succeeded = [payment for payment in payments if payment.state == PaymentState.SUCCEEDED]
    captured = sum(payment.captured_minor for payment in succeeded)
    if moved["charges"] > 1:
        yield f"charged {moved['charges']} times"
    if moved["charges"] and order.state not in MAY_HOLD_MONEY:
        yield f"{moved['amount']} were charged"
    if captured != moved["amount"]:
        yield f"{captured} captured, at the gateway {moved['amount']}"
    if order.state == S.SUCCEED and captured - sum(payment.refunded_minor for payment in payments) != order.total_minor:
        yield f"{captured} captured for a total of {order.total_minor}"
    if order.state != S.PROCESSING and any(payment.state in LIVE for payment in payments):
        yield "a payment may still bring money"
    for payment in payments:
        theirs = (payment.payer_id, payment.amount_minor, payment.currency)
        if theirs != (order.payer_id, order.total_minor, order.currency):
            yield f"payment {payment.pk} is by, over and in {theirs}"


def _lines(order: Order, ledger: Ledger) -> Iterator[str]:
    lines = ledger.lines[order.pk]
    sums = [
        sum(getattr(line, f"{part}_minor") for line in lines) for part in ("amount", "discount", "tax", "included_tax")
    ]
    told = [order.subtotal_minor, order.discount_minor, order.tax_minor, order.included_tax_minor]
    if sums != told or len(lines) != order.line_count:
        yield f"{len(lines)} lines sum up to {sums}"
    if order.pk in ledger.carts and ledger.carts[order.pk] != [line.entitlement_id for line in lines]:
        yield "holds something else than its cart"
    if order.state == S.SYSTEM_PROCESSING:
        yield "was left half-way"
    reserved = sum(
        line.entitlement_id is not None and ledger.reserved.get(line.entitlement_id) == order.pk for line in lines
    )
    allowed = {S.PROCESSING: {len(lines)}, S.REVIEW: {0, len(lines)}}.get(S(order.state), {0})
    if reserved not in allowed:
        yield f"{reserved} of {len(lines)} items are reserved by it"
    wanted = 1 if order.state == S.SUCCEED else 0
    for line in lines:
        found = ledger.periods[line.pk]
        if len(found) != wanted:
            yield f"line {line.pk} has {len(found)} periods"
        if any(period.entitlement_id != line.entitlement_id for period in found):
            yield f"line {line.pk} has paid for another item"
        if line.kind == LineKind.UPGRADE:
            yield from _upgraded(line)


def _upgraded(line: OrderLine) -> Iterator[str]:
    """An upgrade is priced by the day, at least one, for parts that were not paid before."""
    assert line.starts_at is not None and line.ends_at is not None
    days = periods.days_between(line.starts_at, line.ends_at)
    if days < 1 or not isinstance(line.term, periods.Rest):
        yield f"upgrade line {line.pk} is for {days} days of {line.term}"
    if line.amount_minor != line_amount(periods.Rest(), line.unit_minor, days):
        yield f"upgrade line {line.pk} costs {line.amount_minor} for {days} days at {line.unit_minor}"
    if not catalogue.uncovered(line.service_type, line.variant, line.paid_variant):
        yield f"upgrade line {line.pk} from {line.paid_variant!r} to {line.variant!r} brings nothing"


def _timeline(order: Order, ledger: Ledger) -> Iterator[str]:
    is_done, is_charged = order.state == S.SUCCEED, order.state == S.SUCCEED and order.total_minor > 0
    for kind, times in (("created", 1), ("confirmed", int(is_charged)), ("applied", int(is_done))):
        if ledger.events[order.pk, kind] != times:
            yield f"tells {ledger.events[order.pk, kind]} times that it was {kind}, not {times} times"
    for kind in ("late", "mismatch", "unapplied", "duplicate_payment"):
        if ledger.events[order.pk, kind] > int(
            kind != "duplicate_payment"
        ):  # duplicate-payment: charged twice, which must never happen
            yield f"tells {ledger.events[order.pk, kind]} times of {kind}"
    if ledger.events[order.pk, "sent"] > len(ledger.payments[order.number]):
        yield f"tells {ledger.events[order.pk, 'sent']} times that it was sent to the gateway"
    for action, times in (("order.created", 1), ("order.succeeded", int(is_done))):
        if ledger.audits[order.pk, action] != times:
            yield f"the audit has {action} {ledger.audits[order.pk, action]} times, not {times} times"
    for state in CLOSED_UNPAID:
        told, audited = ledger.events[order.pk, state], ledger.audits[order.pk, f"order.{state}"]
        if told != audited or told > 1 or (order.state == state and told != 1):
            yield f"is told to be {state} {told} times and audited {audited} times"
    if (order.closed_at is None) != (order.is_open or order.state == S.REVIEW):
        yield f"was closed at {order.closed_at}"


def entitlements_and_periods(ledger: Ledger, now: datetime | None) -> Iterator[str]:
    """What works was paid: expiry, variant and reservation follow from periods and open orders."""
    lines = {line.pk: line for found in ledger.lines.values() for line in found}
    orders = {order.pk: order for order in ledger.orders}
    spans: dict[int, list[ServicePeriod]] = defaultdict(list)
    for found in ledger.periods.values():
        for period in found:
            if not period.is_revoked:
                spans[period.entitlement_id].append(period)
    ordered = {(line.order_id, line.entitlement_id) for line in lines.values()}
    for row in Entitlement.objects.select_related("site").order_by("pk"):
        paid = sorted(spans[row.pk], key=lambda period: period.starts_at)
        extending = [period for period in paid if not period.is_upgrade]
        until = extending[-1].ends_at if extending else None
        wanted = {
            "expires_at": until,
            "works_until": catalogue.works_until(row.service_type, until),
            "anchor_at": extending[-1].anchor_at if extending else None,
            "will_have": _counts_at(paid, until - INSTANT, lines) if until else "",
            "last_charged_at": max((_closed(orders, lines[period.line_id]) for period in paid), default=None),
        }
        if row.reserved_by and (row.reserved_by, row.pk) not in ordered:
            yield f"entitlement {row.pk} is reserved by {row.reserved_by}, which does not order it"
        changes = list(row.variant_changes.order_by("at"))
        has = {**vars(row), "will_have": changes[-1].variant if changes else row.paid_variant}
        # A change that the job has not applied yet
        if now and until and now < until and not (changes and changes[0].at <= now):
            wanted["paid_variant"] = _counts_at(paid, now, lines)
        for name, value in wanted.items():
            if has[name] != value:
                yield f"entitlement {row.pk} has {name} {has[name]}, which should be {value}"
        yield from _durations(row, extending, lines)
        for period in paid:
            if period.is_upgrade:
                yield from _upgrade(period, lines[period.line_id], orders, extending)


INSTANT = timedelta(microseconds=1)


def _closed(orders: dict[int, Order], line: OrderLine) -> datetime:
    closed_at = orders[line.order_id].closed_at
    assert closed_at is not None
    return closed_at


def _counts_at(paid: list[ServicePeriod], at: datetime, lines: dict[int, OrderLine]) -> str:
    """The variant that is paid at an instant: that of the newest upgrade that lasts until then, otherwise that of the period."""
    over = [period for period in paid if period.starts_at <= at < period.ends_at]
    newest = max(over, key=lambda period: (period.is_upgrade, period.pk), default=None)
    return lines[newest.line_id].variant if newest else ""


def _durations(row: Entitlement, extending: list[ServicePeriod], lines: dict[int, OrderLine]) -> Iterator[str]:
    """Each period that moved the expiry is as long as was bought, and no two overlap."""
    before = None
    for period in extending:
        line = lines[period.line_id]
        term = line.term
        assert term is not None
        anchor = before.anchor_at if before and before.ends_at == period.starts_at else None
        before = period
        ends_at = periods.end(term, period.starts_at, row.site.time_zone, anchor)
        if isinstance(term, periods.Until) and line.starts_at is not None:
            ends_at = periods.end_as_bought(term, line.starts_at, period.starts_at, row.site.time_zone)
        anchor = periods.anchor_of(term, period.starts_at, row.site.time_zone, anchor)
        if (period.ends_at, period.anchor_at) != (ends_at, anchor):
            yield f"period {period.pk} of entitlement {row.pk} is not the {term} that were bought"
    if any(after.starts_at < before.ends_at for before, after in pairwise(extending)):
        yield f"the periods of entitlement {row.pk} overlap"


def _upgrade(
    period: ServicePeriod, line: OrderLine, orders: dict[int, Order], extending: list[ServicePeriod]
) -> Iterator[str]:
    """An upgrade changes the variant only, from its settlement to the quoted end, within time that other periods paid (R52)."""
    name = f"upgrade {period.pk} of entitlement {period.entitlement_id}"
    if (period.ends_at, period.variant, period.anchor_at) != (line.ends_at, line.variant, None):
        yield f"{name} is another one than its line"
    if period.starts_at != orders[line.order_id].closed_at:
        yield f"{name} begins at {period.starts_at}, not when it was settled"
    if not any(paid.starts_at <= period.starts_at < paid.ends_at for paid in extending):
        yield f"{name} begins in no paid time"
    if not any(paid.starts_at < period.ends_at <= paid.ends_at for paid in extending):
        yield f"{name} ends in no paid time"


def pm_app_switches(now: datetime | None) -> Iterator[str]:
    """While a PM App is active, its community has the switch on (R11, R13); each order switched it on at most once."""
    for site in Site.objects.filter(pm_app=False).order_by("pk"):
        if now is not None and (holders := active_pm_apps(site, now)):
            yield f"site {site.pk} has PM App off, yet active: {', '.join(str(holder) for holder in holders)}"
    switched = AuditEvent.objects.filter(action="site.pm_app_switched_on").order_by()
    for (site_id, order), count in Counter(switched.values_list("subject_id", "after__order")).items():
        if count != 1:
            yield f"order {order} switched PM App on {count} times at site {site_id}"
