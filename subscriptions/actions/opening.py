"""Creating an order: its row, its frozen lines, the reservation of its items, its first event. All orders are created here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Refused
from accounts.models import Organization
from accounts.scope import Actor
from accounts.typed import text
from payments.models import BillingProfile
from subscriptions import audit_sentences, numbers, placing
from subscriptions.actions import transitions
from subscriptions.errors import ItemHeld
from subscriptions.models import Order
from subscriptions.models.terms import columns_of
from subscriptions.periods import Rest, Term
from subscriptions.quotes import Quote, why_code

ORDER_CREATED = audit.Word(
    "order.created",
    gettext_lazy("Order placed"),
    gettext_lazy("Order %(what)s placed"),
    area=audit.Area.ORDERS,
    details=audit_sentences.items_and_amount,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What is bought, for whom, who pays, and what was accepted with it."""

    type: str
    term: Term
    payer: Organization
    installer: Organization
    site_kind: str
    billing: BillingProfile
    terms_version: str
    terms_accepted_at: datetime
    reference: str = ""
    auto_renew: bool = False
    renewals_wanted: int | None = None


def open_order(actor: Actor, found: Quote, bought: Purchase, *, now: datetime) -> Order:
    """Create an order with its lines as quoted, and reserve its items (R26, R40, R48). The caller holds the locks of sites, payer and
    items, has quoted under them, and starts the payment. Raises ItemHeld where another open order has an item, and Refused for too long
    a reference."""
    reference = text.code(bought.reference)
    if len(reference) > Order.REFERENCE_LENGTH:
        raise Refused(
            _("The reference has room for %(n)s characters.") % {"n": Order.REFERENCE_LENGTH}, field="reference"
        )
    order = Order.objects.create(
        number=numbers.new(now),
        type=bought.type,
        payer=bought.payer,
        created_by_id=actor.user_id,
        **_tenants(bought.installer.pk),
        site_kind=bought.site_kind,
        **columns_of(bought.term),
        reference=reference,
        auto_renew=bought.auto_renew,
        renewals_wanted=bought.renewals_wanted,
        currency=found.currency,
        subtotal_minor=found.subtotal_minor,
        discount_minor=found.discount_minor,
        tax_minor=found.tax_minor,
        included_tax_minor=found.included_tax_minor,
        total_minor=found.total_minor,
        line_count=found.count,
        price_list_id=found.price_list_id,
        fingerprint=found.fingerprint(),
        why=frozen_why(found),
        billing=bought.billing.snapshot(),
        terms_version=bought.terms_version,
        terms_accepted_at=bought.terms_accepted_at,
        created_at=now,
    )
    items = {key for line in found.lines for key in line.item.keys or (line.item.key,)}
    if placing.insert_lines(order, found) != order.line_count or not transitions.reserve(order, locked=len(items)):
        raise ItemHeld(_("Some items are in another open order."))
    transitions.log_event(order, "created", now=now, actor=actor, items=order.line_count)
    after = {"total_minor": order.total_minor, "currency": order.currency, "items": order.line_count}
    audit.record(actor, ORDER_CREATED, order, now=now, tenant=bought.payer, after=after)
    return order


def _tenants(installer_id: int) -> dict[str, int | None]:
    """The present tenant keys of the installer. Read under the caller's locks, since the installer may have been moved before."""
    keys = ("distributor_id", "subdistributor_id")
    return {"installer_id": installer_id, **Organization.objects.values(*keys).get(pk=installer_id)}


def frozen_why(found: Quote) -> dict[str, object]:
    """The reasons of each product's price, and of each upgrade's, as JSON: stored once per order, not per line."""
    kept: dict[str, object] = {}
    for line in found.lines:
        code = why_code(line.item.product, line.item.paid_variant if isinstance(line.why.term, Rest) else "")
        if code not in kept:
            kept[code] = {"parts": [list(part) for part in line.why.parts], "days": line.days}
            if line.why.paid_parts:
                kept[code] = {**kept[code], "paid_parts": [list(part) for part in line.why.paid_parts]}  # type: ignore[dict-item]
    return kept
