"""An order is opened in one way, whatever is bought and whoever does it: its row, its frozen lines, its hold on the items, its first step."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organization
from accounts.scope import Actor
from communities.models import Entitlement, targets
from payments.models import BillingProfile
from subscriptions import numbers
from subscriptions.actions import moves
from subscriptions.errors import ItemHeld
from subscriptions.models import LineKind, Order, OrderLine
from subscriptions.models.terms import columns_of
from subscriptions.periods import Rest, Term
from subscriptions.pricing import Line, Quote, why_code

LINES_AT_ONCE = 5000
TENANTS = ("site_id", "distributor_id", "subdistributor_id", "installer_id")


def open_order(
    actor: Actor,
    found: Quote,
    *,
    type: str,
    term: Term,
    payer: Organization,
    installer: Organization,
    site_kind: str,
    billing: BillingProfile,
    terms_version: str,
    terms_accepted_at: datetime,
    reference: str = "",
    now: datetime,
) -> Order:
    """Write an order with its lines as they were quoted, and give it their items (R26, R40, R48). The caller holds the locks of sites, payer
    and items, has quoted under them, and starts the payment. Raises ItemHeld where another open order has an item."""
    assert installer.distributor is not None
    order = Order.objects.create(
        number=numbers.new(now),
        type=type,
        payer=payer,
        created_by_id=actor.user_id,
        installer=installer,
        distributor=installer.distributor,
        site_kind=site_kind,
        **columns_of(term),
        reference=reference,
        currency=found.currency,
        subtotal_minor=found.subtotal_minor,
        discount_minor=found.discount_minor,
        tax_minor=found.tax_minor,
        included_tax_minor=found.included_tax_minor,
        total_minor=found.total_minor,
        line_count=found.count,
        price_list_id=found.price_list_id,
        why=frozen_why(found),
        billing=billing.snapshot(),
        terms_version=terms_version,
        terms_accepted_at=terms_accepted_at,
        created_at=now,
    )
    _insert_lines(order, found)
    if not moves.reserve(order):
        raise ItemHeld(_("Some items are in another open order."))
    moves.tell(order, "created", now=now, actor=actor, items=order.line_count)
    audit.record(
        actor,
        "order.created",
        order,
        now=now,
        tenant=payer,
        after={"total_minor": order.total_minor, "currency": order.currency, "items": order.line_count},
    )
    return order


def _insert_lines(order: Order, found: Quote) -> None:
    """Freeze the quote's lines as the order's, with the tenant keys and what stands on the door of what each is for."""
    at_once = min(LINES_AT_ONCE, connection.features.max_query_params or LINES_AT_ONCE)
    for at in range(0, len(found.lines), at_once):
        lines = found.lines[at : at + at_once]
        rows = Entitlement.objects.filter(pk__in=[line.item.key for line in lines]).annotate(label=targets.label())
        items = {row[0]: row[1:] for row in rows.order_by().values_list("pk", "label", *TENANTS)}
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order,
                kind=kind_of(line),
                **columns_of(line.why.term),
                entitlement_id=int(line.item.key),
                target_label=label,
                **dict(zip(TENANTS, owners, strict=True)),
                service_type=line.item.service_type,
                variant=line.item.variant,
                paid_variant=line.item.paid_variant if isinstance(line.why.term, Rest) else "",
                project_type=line.item.project_type,
                price_class=line.item.price_class,
                starts_at=line.starts_at,
                ends_at=line.ends_at,
                unit_minor=line.unit_minor,
                amount_minor=line.amount_minor,
                discount_minor=line.discount_minor,
                tax_rate_bp=line.treatment.rate_bp,
                tax_reason=line.treatment.reason or "",
                tax_minor=line.tax_minor,
                included_tax_minor=line.included_tax_minor,
            )
            for line in lines
            for label, *owners in (items[line.item.key],)
        )


def kind_of(line: Line) -> LineKind:
    """What a priced line is: the rest of a running period is an upgrade, the first time of an item its activation (R47)."""
    if isinstance(line.why.term, Rest):
        return LineKind.UPGRADE
    return LineKind.ACTIVATION if line.item.expires_at is None else LineKind.RENEWAL


def frozen_why(found: Quote) -> dict[str, object]:
    """The why of each product, and of an upgrade of what was paid before, as JSON: kept once per order, not per line."""
    kept: dict[str, object] = {}
    for line in found.lines:
        code = why_code(line.item.product, line.item.paid_variant if isinstance(line.why.term, Rest) else "")
        if code not in kept:
            kept[code] = {"parts": [list(part) for part in line.why.parts], "days": line.days}
            if line.why.paid_parts:
                kept[code] = {**kept[code], "paid_parts": [list(part) for part in line.why.paid_parts]}  # type: ignore[dict-item]
    return kept
