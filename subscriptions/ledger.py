"""Checks of `verify_ledger`: what works was paid for, what was paid works, and no row was changed outside of the actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import AuditEvent
from communities import catalogue
from communities.expiries import faults as faults_of_summary
from communities.models import Entitlement
from payments.models import Kind as PaymentKind
from payments.models import Payment, Refund, RefundState
from payments.models import State as PaymentState
from subscriptions.audit import ORDER_SUCCEEDED
from subscriptions.models import LineKind, Order, OrderEvent, OrderLine, ServicePeriod, VariantChange
from subscriptions.models.orders import MAY_RESERVE, SERVICES
from subscriptions.periods import CYCLE
from subscriptions.renewing import mode_of

S = Order.State
KEEP_MONEY = (S.SUCCEED, S.REVIEW, S.REFUNDED)
SHORTEST_MONTH, LONGEST_MONTH = timedelta(days=28), timedelta(days=31)
CLOCKS = timedelta(hours=3)  # months are counted in local time, and clocks may be set back meanwhile


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that disagrees with others, and how."""

    row: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row}: {self.problem}"


def verify() -> Iterator[Fault]:
    """Every disagreement, check by check. Each check is one statement over the whole database (`lengths` one for each distinct term), so it
    sees one instant and may run at any time; rows arrive one by one. Writes nothing."""
    for check in CHECKS:
        yield from check()


def _rows(found: QuerySet[Any], *names: str) -> Iterator[Any]:
    return found.order_by("pk").values_list("pk", *names, named=True).iterator(chunk_size=1000)


def expiries() -> Iterator[Fault]:
    """Every item is paid until the end of its last period that was not revoked, works for the grace of its service type longer, has the
    variant of that period (now, or once it begins), and counts months from where that period says."""
    counts = ServicePeriod.objects.filter(entitlement=OuterRef("pk"), is_revoked=False)
    last = counts.filter(is_upgrade=False).order_by("-ends_at", "-pk")
    longest = counts.order_by("-ends_at", "-is_upgrade", "-pk")  # an upgrade decides the variant while it lasts
    later = VariantChange.objects.filter(entitlement=OuterRef("pk")).order_by("-at")
    rows = Entitlement.objects.annotate(
        until=Subquery(last.values("ends_at")[:1]),
        what=Subquery(longest.values("variant")[:1]),
        origin=Subquery(last.values("anchor_at")[:1]),
        will=Coalesce(Subquery(later.values("variant")[:1]), "paid_variant"),
    )
    never = Q(until=None, expires_at__isnull=False) | Q(until__isnull=False, expires_at=None)
    for row in _rows(
        rows.filter(never | Q(expires_at__lt=F("until")) | Q(expires_at__gt=F("until"))), "expires_at", "until"
    ):
        yield Fault(f"entitlement {row.pk}", f"expires_at is {row.expires_at}, its periods end at {row.until}")
    for row in _rows(rows.exclude(what=None).exclude(will=F("what")), "will", "what"):
        yield Fault(f"entitlement {row.pk}", f"paid_variant is {row.will!r}, its last period paid {row.what!r}")
    yield from _variants(counts)
    wrong = Entitlement.objects.filter(_another_grace())
    for row in _rows(wrong, "service_type", "expires_at", "works_until"):
        should = catalogue.works_until(row.service_type, row.expires_at)
        yield Fault(f"entitlement {row.pk}", f"works until {row.works_until}, with its grace it should until {should}")
    lost = Q(origin=None, anchor_at__isnull=False) | Q(origin__isnull=False, anchor_at=None)
    other = Q(anchor_at__lt=F("origin")) | Q(anchor_at__gt=F("origin"))
    for row in _rows(rows.filter(lost | other), "anchor_at", "origin"):
        yield Fault(f"entitlement {row.pk}", f"anchor_at is {row.anchor_at}, its last period says {row.origin}")


def _variants(counts: QuerySet[ServicePeriod]) -> Iterator[Fault]:
    """The variant of the present period, and of those that have not begun. `counts` is the condition for periods that were not revoked."""
    until_then = counts.filter(starts_at__lt=OuterRef("variant_until"), ends_at__gte=OuterRef("variant_until"))
    runs = until_then.order_by("-is_upgrade", "-pk").values("variant")[:1]
    waiting = Entitlement.objects.annotate(runs=Subquery(runs))
    for row in _rows(waiting.exclude(runs=None).exclude(paid_variant=F("runs")), "paid_variant", "runs"):
        yield Fault(
            f"entitlement {row.pk}", f"paid_variant is {row.paid_variant!r}, its present period paid {row.runs!r}"
        )
    turns = VariantChange.objects.filter(entitlement=OuterRef("pk")).order_by("at").values("at")[:1]
    known = Entitlement.objects.annotate(turns_at=Subquery(turns))
    agrees = Q(turns_at=None, variant_until=None) | Q(turns_at=F("variant_until"))
    for row in _rows(known.exclude(agrees), "variant_until", "turns_at"):
        yield Fault(
            f"entitlement {row.pk}", f"paid_variant counts until {row.variant_until}, the next one from {row.turns_at}"
        )
    from_then = ServicePeriod.objects.filter(
        entitlement=OuterRef("entitlement"), is_revoked=False, starts_at__lte=OuterRef("at"), ends_at__gt=OuterRef("at")
    ).order_by("-is_upgrade", "-pk")
    paid = VariantChange.objects.annotate(what=Subquery(from_then.values("variant")[:1]))
    for row in _rows(paid.filter(Q(what=None) | ~Q(what=F("variant"))), "entitlement_id", "at", "variant"):
        yield Fault(
            f"entitlement {row.entitlement_id}", f"would have {row.variant!r} from {row.at} on, which no period paid"
        )


def _another_grace() -> Q:
    """Whether the end of grace differs from expiry plus grace of the service type."""
    half = Q(expires_at=None, works_until__isnull=False) | Q(expires_at__isnull=False, works_until=None)
    for entry in catalogue.ENTRIES:
        until = F("expires_at") + entry.grace
        half |= Q(service_type=entry.code) & (Q(works_until__lt=until) | Q(works_until__gt=until))
    return half


def sums() -> Iterator[Fault]:
    """The lines of an order add up to its sums (R41)."""
    rows = Order.objects.annotate(
        n=Count("lines"),
        amount=Coalesce(Sum("lines__amount_minor"), 0),
        less=Coalesce(Sum("lines__discount_minor"), 0),
        plus=Coalesce(Sum("lines__tax_minor"), 0),
        within=Coalesce(Sum("lines__included_tax_minor"), 0),
    )
    agrees = Q(
        n=F("line_count"), amount=F("subtotal_minor"), less=F("discount_minor"), plus=F("tax_minor"),
        included_tax_minor=F("within"), total_minor=F("amount") - F("less") + F("plus"),
    )  # fmt: skip
    for row in _rows(rows.exclude(agrees), "number", "n", "amount", "less", "plus", "total_minor", "line_count"):
        said = f"{row.line_count} lines and a total of {row.total_minor}"
        yield Fault(f"order {row.number}", f"says {said}, its {row.n} lines are {row.amount} − {row.less} + {row.plus}")


def payments() -> Iterator[Fault]:
    """Every order whose money arrived has a state that says so, and every order that succeeded has its money."""
    orders = Order.objects.filter(number=OuterRef("subject"), state__in=KEEP_MONEY)
    taken = Payment.objects.filter(state=PaymentState.SUCCEEDED).exclude(kind=PaymentKind.SETUP)
    for row in _rows(taken.exclude(Exists(orders)), "subject", "captured_minor"):
        yield Fault(
            f"payment {row.pk}",
            f"has succeeded over {row.captured_minor}, but there is no such paid order {row.subject}",
        )
    mine = taken.of_order(OuterRef("number")).order_by().values("subject")
    paid = Order.objects.filter(state=S.SUCCEED, total_minor__gt=0).annotate(
        kept=Coalesce(Subquery(mine.annotate(sum=Sum(F("captured_minor") - F("refunded_minor"))).values("sum")), 0),
        n=Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0),
    )
    assessed = OrderEvent.objects.filter(
        order=OuterRef("pk"), kind="assessed"
    )  # unless the operator accepted another amount
    short = Q(n=0) | Q(Q(kept__lt=F("total_minor")), ~Exists(assessed))
    for row in _rows(paid.filter(short), "number", "total_minor", "kept", "n"):
        yield Fault(f"order {row.number}", f"succeeded over {row.total_minor}, {row.n} payments brought {row.kept}")


def refunds() -> Iterator[Fault]:
    """The refunded amount of a payment is the sum of its refunds, at most what it took; a refunded order has nothing left (R57)."""
    done = Refund.objects.filter(payment=OuterRef("pk"), state=RefundState.SUCCEEDED).order_by().values("payment")
    standing = Refund.objects.standing().filter(payment=OuterRef("pk")).order_by().values("payment")
    rows = Payment.objects.annotate(
        went=Coalesce(Subquery(done.annotate(sum=Sum("amount_minor")).values("sum")), 0),
        may=Coalesce(Subquery(standing.annotate(sum=Sum("amount_minor")).values("sum")), 0),
    )
    wrong = ~Q(went=F("refunded_minor")) | Q(may__gt=F("captured_minor"))
    for row in _rows(rows.filter(wrong), "refunded_minor", "captured_minor", "went", "may"):
        yield Fault(
            f"payment {row.pk}",
            f"took {row.captured_minor} and gave back {row.refunded_minor}, its refunds say {row.went} of {row.may}",
        )
    kept = Payment.objects.of_order(OuterRef("number")).filter(
        state=PaymentState.SUCCEEDED, refunded_minor__lt=F("captured_minor")
    )
    for row in _rows(Order.objects.filter(Exists(kept), state=S.REFUNDED), "number"):
        yield Fault(f"order {row.number}", "is refunded, but one of its payments keeps money")


def successes() -> Iterator[Fault]:
    """Every order that succeeded has its audit row, which can't be changed."""
    told = AuditEvent.objects.filter(subject_type="order", subject_id=OuterRef("pk"), action=ORDER_SUCCEEDED.code)
    for row in _rows(Order.objects.filter(state=S.SUCCEED).exclude(Exists(told)), "number"):
        yield Fault(f"order {row.number}", "succeeded, but the audit does not know of it")


def periods() -> Iterator[Fault]:
    """Every period belongs to a line of an order that succeeded, one for each line, and to that line's item."""
    of_paid = ServicePeriod.objects.filter(is_revoked=False).exclude(line__order__state=S.SUCCEED)
    for row in _rows(of_paid, "entitlement_id", "line__order__number"):
        yield Fault(
            f"period {row.pk}", f"of entitlement {row.entitlement_id}: order {row.line__order__number} did not succeed"
        )
    for row in _rows(ServicePeriod.objects.exclude(entitlement=F("line__entitlement")), "entitlement_id", "line_id"):
        yield Fault(
            f"period {row.pk}", f"is of entitlement {row.entitlement_id}, its line {row.line_id} of another one"
        )
    bought = OrderLine.objects.filter(order__state=S.SUCCEED, kind__in=SERVICES)
    for row in _rows(bought.filter(periods=None), "order__number"):
        yield Fault(f"line {row.pk}", f"of the paid order {row.order__number} has no period")


def lengths() -> Iterator[Fault]:
    """Every period is as long as the line bought, unless a part was given back; an upgrade lasts to its quoted end."""
    counted = {"months": (SHORTEST_MONTH, LONGEST_MONTH), "cycles": (CYCLE, CYCLE)}
    of_lines = OrderLine.objects.filter(term_kind__in=counted).order_by()
    for kind, count in of_lines.values_list("term_kind", "term_count").distinct():
        least, most = counted[kind]
        wrong = Q(ends_at__gt=F("starts_at") + count * most + CLOCKS)
        wrong |= Q(ends_at__lt=F("starts_at") + count * least - CLOCKS, replaces=None)
        found = ServicePeriod.objects.filter(wrong, line__term_kind=kind, line__term_count=count)
        for row in _rows(found, "entitlement_id", "starts_at", "ends_at", "line__order__number"):
            bought = "less" if row.ends_at - row.starts_at > count * most else "more"
            span = f"from {row.starts_at} to {row.ends_at}"
            yield Fault(
                f"period {row.pk}",
                f"of entitlement {row.entitlement_id} lasts {span}, order {row.line__order__number} bought {bought}",
            )
    is_upgrade = Q(line__kind=LineKind.UPGRADE)
    unlike = Q(is_upgrade, is_upgrade=False) | Q(~is_upgrade, is_upgrade=True)
    unlike |= Q(~Q(ends_at=F("line__ends_at")), is_upgrade=True, replaces=None)
    for row in _rows(ServicePeriod.objects.filter(unlike), "entitlement_id", "ends_at", "line__ends_at"):
        yield Fault(
            f"period {row.pk}",
            f"of entitlement {row.entitlement_id} is no upgrade to {row.line__ends_at}, or none was bought: it ends at {row.ends_at}",
        )


def reservations() -> Iterator[Fault]:
    """An item names the open order that has it, and the order has the item (R48)."""
    has_it = OrderLine.objects.filter(
        entitlement=OuterRef("pk"), order=OuterRef("reserved_by"), order__state__in=MAY_RESERVE
    )
    for row in _rows(Entitlement.objects.exclude(reserved_by=None).exclude(Exists(has_it)), "reserved_by"):
        yield Fault(f"entitlement {row.pk}", f"is reserved by order {row.reserved_by}, which is no open order of it")
    waiting = OrderLine.objects.filter(order__state__in=[S.PROCESSING, S.SYSTEM_PROCESSING], kind__in=SERVICES)
    for row in _rows(waiting.exclude(entitlement__reserved_by=F("order_id")), "order__number", "entitlement_id"):
        yield Fault(
            f"line {row.pk}",
            f"of the open order {row.order__number}: entitlement {row.entitlement_id} is not reserved by it",
        )


def modes() -> Iterator[Fault]:
    """Every item's `mode` agrees with its auto-renewal and stored card."""
    wrong = Entitlement.objects.annotate(should=mode_of()).exclude(mode=F("should"))
    for row in _rows(wrong, "mode", "should"):
        yield Fault(f"entitlement {row.pk}", f"renews {row.mode!r}, by its auto-renewal it should {row.should!r}")


def summary() -> Iterator[Fault]:
    """The summary by day agrees with the entitlements; the first group that differs is named."""
    for which, said, counted in islice(faults_of_summary(), 1):
        yield Fault(f"expiries of {which}", f"are {said} in the summary and {counted} in truth")


CHECKS: tuple[Callable[[], Iterator[Fault]], ...] = (
    expiries,
    sums,
    payments,
    refunds,
    successes,
    periods,
    lengths,
    reservations,
    modes,
    summary,
)
