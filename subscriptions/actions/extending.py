"""Orders for items that were paid before: more time (a renewal), parts that were switched on since (an upgrade), or both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import Refused
from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities import catalogue
from communities.models import Entitlement, Site, status
from payments import actions as payment_actions
from payments import money
from payments.models import BillingProfile
from subscriptions import periods, rights
from subscriptions.actions import auto_renewals, carts, fulfilment, orders, transitions
from subscriptions.actions.opening import Purchase, open_order
from subscriptions.errors import MayNotPay, NotBillable, PriceChanged
from subscriptions.models import AutoRenewalItem, Order
from subscriptions.periods import Cycles, Rest, Term, Until
from subscriptions.pricing import quote, refuse_too_far
from subscriptions.quotes import Item, Quote
from subscriptions.tables import table_for
from subscriptions.taxes import tax_for

AGAIN = timedelta(days=1)  # as long as a sent form is remembered
COLUMNS = (
    "pk", "service_type", "variant", "renewed", "paid_variant", "variant_until", "expires_at", "works_until", "anchor_at", "site_id", "site__kind",
    "site__price_class", "site__time_zone", "installer_id",
)  # fmt: skip


def items_of(chosen: QuerySet[Entitlement], term: Term, *, upgrades: bool, now: datetime) -> list[Item]:
    """These entitlements as items for `quote` with a term. One statement.

    A running item with unpaid parts is upgraded to the end of its paid time, and then renewed with them; without `upgrades` it is renewed
    in the paid variant (R27). In grace there is nothing to upgrade. With the term Rest only upgrades are returned. An item that is paid
    beyond the chosen date gets no time. An item whose next period has begun, while `variants.turn_due` has not yet written its variant, is
    not upgraded until then.
    """
    found = []
    rows = chosen.annotate(renewed=status.renewed()).order_by("site_id", "service_type", "variant", "pk")
    for row in rows.values_list(*COLUMNS, named=True):
        item = Item(
            row.pk, row.service_type, row.variant, row.expires_at, row.site__time_zone, anchor_at=row.anchor_at,
            works_until=row.works_until, project_type=row.site__kind, price_class=row.site__price_class,
            site_id=row.site_id, installer_id=row.installer_id,
        )  # fmt: skip
        runs = row.expires_at is not None and now < row.expires_at
        lacks = runs and catalogue.uncovered(row.service_type, row.variant, row.paid_variant)
        end = row.variant_until or row.expires_at
        if lacks and end > now and (upgrades or isinstance(term, Rest)):
            found.append(replace(item, term=Rest(), paid_variant=row.paid_variant, expires_at=end))
        if isinstance(term, Rest) or (isinstance(term, Until) and not _adds(term, item, now=now)):
            continue
        is_kept = lacks and not upgrades
        kept = catalogue.covered(row.service_type, row.variant, row.paid_variant) if is_kept else row.renewed
        found.append(replace(item, variant=kept))
    return found


def _adds(term: Term, item: Item, *, now: datetime) -> bool:
    """Whether a term adds time to an item."""
    start, finish = periods.span(term, item.expires_at, item.works_until, now, item.zone, item.anchor_at)
    return finish > start


def priced(
    chosen: QuerySet[Entitlement],
    term: Term,
    *,
    upgrades: bool,
    distributor: Organization,
    now: datetime,
    billing: BillingProfile | None = None,
) -> Quote:
    """The price of a term for these, for the payer with `billing`; without billing information tax is left out. Raises CantQuote, also
    where cycles would reach too far ahead (R45), and Refused for days paid in credits, which buy whole periods only (DOMAIN §5)."""
    items = items_of(chosen, term, upgrades=upgrades, now=now)
    # What is paid for keeps its last price, even if the list no longer has it
    prices = table_for(distributor, at=now, with_former=True)
    if prices.currency == money.CREDITS and any(isinstance(item.term or term, Rest | Until) for item in items):
        raise Refused(_("In credits only whole months or periods of 30 days can be paid."))
    found = quote(items, term, now, prices, (), tax_for(billing))
    if isinstance(term, Cycles):  # people chose these items together; an auto-renewal's items are limited one by one
        refuse_too_far([line for line in found.lines if line.why.term == term], now)
    return found


@transaction.atomic
def place_extension(
    actor: Actor,
    *,
    installer_id: int,
    site_kind: str,
    entitlement_ids: Iterable[int],
    term: Term,
    fingerprint: str,
    terms_version: str | None,
    return_base: str,
    now: datetime,
    upgrades: bool = True,
    gateway: str = "",
    reference: str = "",
) -> Order:
    """Place an order for more time or parts, as `priced` showed it, with a payment that waits to be started (R5, R26, R39, R40, R48).

    The `term` Rest is an Upgrade, any other a Renewal; `upgrades` as in `items_of`; for the rest see `orders.place_order`. Refuses
    everything where one item is not available any more. The same request sent again returns the first order, also when both arrive at once.
    Locks: site → payer → auto-renewal → order → payment → entitlement.
    """
    installer = Organization.objects.visible_to(actor).filter(kind=Kind.INSTALLER).get(pk=installer_id)
    if not installer.is_active or not rights.may_pay_for(actor, installer):
        raise MayNotPay
    accepted = orders.accepted_terms(terms_version, now=now)
    ids = sorted(set(entitlement_ids))
    chosen = Entitlement.objects.visible_to(actor).filter(pk__in=ids)
    sites = Site.every.filter(pk__in=chosen.values("site_id")).order_by("pk")
    list(sites.select_for_update(no_key=True).values_list("pk"))
    payer = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization_id)
    if (placed := _placed(actor, ids, fingerprint, now=now)) is not None:
        return placed
    billing = orders.complete_billing(payer)
    renewing = AutoRenewalItem.objects.live().filter(entitlement__in=chosen)
    # Before the items, as in every lock order
    touched = auto_renewals.lock(Q(pk__in=renewing.values("auto_renewal_id")))
    items = Entitlement.objects.filter(pk__in=chosen.values("pk")).order_by("pk")
    list(items.select_for_update(no_key=True).values_list("pk"))
    free = carts.extendable(actor, installer=installer, site_kind=site_kind, term=term, now=now).filter(pk__in=ids)
    distributor = orders.distributor_of(installer)
    found = priced(free, term, upgrades=upgrades, distributor=distributor, now=now, billing=billing)
    _refuse_others(ids, found)
    if found.fingerprint() != fingerprint:
        raise PriceChanged
    if found.total_minor:
        gateway = gateway or payment_actions.proposed()
        payment_actions.refuse_unconfigured(gateway)
        payment_actions.refuse_unpayable(found.total_minor, found.currency, gateway)
    order = open_order(
        actor,
        found,
        Purchase(
            type=Order.Type.UPGRADE if isinstance(term, Rest) else Order.Type.RENEWAL,
            term=term,
            payer=payer,
            installer=installer,
            site_kind=site_kind,
            billing=billing,
            terms_version=accepted,
            terms_accepted_at=now,
            reference=reference,
        ),
        now=now,
    )
    if order.total_minor == 0:
        fulfilment.fulfil(order, now=now, touched=touched)
    else:
        orders.begin_payment(order, billing.email, gateway=gateway, return_base=return_base, now=now)
    return order


def _placed(actor: Actor, ids: list[int], fingerprint: str, *, now: datetime) -> Order | None:
    """The order that this person placed for the same items at the same price within a day, unless it ended without success: then the person
    may want another one. The caller holds the payer's lock, so a second request finds the order of the first."""
    same = Order.objects.filter(
        lines__entitlement__in=ids[:1], payer=actor.organization_id, created_by=actor.user_id, fingerprint=fingerprint,
        created_at__gt=now - AGAIN,
    )  # fmt: skip
    return same.exclude(state__in=transitions.GIVEN_UP).order_by("-pk").first()


def _refuse_others(ids: list[int], found: Quote) -> None:
    """Refuse unless every chosen item has a line."""
    if not ids:
        raise Refused(_("Tick at least one item."))
    bought = {key for line in found.lines for key in (line.item.keys or (line.item.key,))}
    if gone := len(ids) - len(bought):
        raise NotBillable(
            ngettext(
                "%(n)s item can't be ordered any more: it was switched off, is in an open order, or needs nothing.",
                "%(n)s items can't be ordered any more: they were switched off, are in an open order, or need nothing.",
                gone,
            )
            % {"n": gone}
        )
