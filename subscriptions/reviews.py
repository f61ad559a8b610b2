"""The billing review of a site: what is switched on, what is paid for, until when and by whom, and the orders behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor
from communities import catalogue
from communities.models import Site
from communities.reports import PaidProgress, progress_of
from payments import money
from subscriptions.cycles import total_of
from subscriptions.holdings import Holding, gathered, holding_rows, named
from subscriptions.lines import target_names
from subscriptions.models import Order, OrderLine
from subscriptions.prices import MissingPrice, PriceTable
from subscriptions.reports import Payer, Payers, payers_of
from subscriptions.summary import What, worth_of
from subscriptions.tables import table_for


@dataclass(frozen=True, slots=True)
class Ending:
    """A day on which paid time ends, and the price of the next 30 days. `what` names its items, or counts them; `charge_at` is when a card
    is charged, if `is_auto`."""

    at: datetime
    charge_at: datetime | None
    amount_minor: int | None
    count: int
    what: str
    is_auto: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that the billing page of a site shows about money. Amounts are None when a price is missing; `refused` says which.

    `paid_minor` is the paid part of what is on, every 30 days; `more_minor` what the unpaid part would cost more.
    """

    holdings: tuple[Holding, ...]
    endings: tuple[Ending, ...]
    payers: tuple[Payer, ...]
    currency: str
    apartments: int
    progress: PaidProgress
    paid_minor: int | None
    more_minor: int | None
    per_apartment_minor: int | None
    is_invented: bool
    refused: MissingPrice | None


def review_of(site: Site, *, apartments: int, now: datetime, reader: Actor, is_agreed: bool = True) -> Review:
    """Group a site's items by service, variant, paid variant, state, day of expiry and payer; three statements and those for the prices.

    The site comes with its installer and distributor, and has `apartments` apartments. With `is_agreed` False it has no auto-renewals.
    `reader` is only used for the word "you".
    """
    payers = payers_of(site, now=now, is_agreed=is_agreed)
    rows = holding_rows(site, now, is_agreed=bool(payers.by_auto_renewal))
    found = gathered(site, rows, payers, now)
    refused, is_invented = None, False
    try:
        prices = table_for(site.distributor, at=now)
        prices.refuse_missing(row.product(site) for row in found if row.variant)
        found, is_invented = _priced(site, found, prices, now), prices.is_invented
    except MissingPrice as missing:
        refused = missing
    found = named(site, found, apartments, reader)
    wanted = [row for row in found if row.variant]
    return Review(
        holdings=tuple(found),
        endings=tuple(_endings(found, now, site.time_zone, payers)),
        payers=tuple(dict.fromkeys(replace(row.payer, mode="") for row in wanted)),
        currency=site.distributor.currency,
        apartments=apartments,
        progress=progress_of((alike for alike, *_rest in rows), now),
        paid_minor=total_of(row.paid_minor for row in wanted),
        more_minor=total_of(row.more_minor for row in wanted),
        per_apartment_minor=_per_apartment(wanted, apartments) if apartments and not refused else None,
        is_invented=is_invented,
        refused=refused,
    )


def _priced(site: Site, found: list[Holding], prices: PriceTable, now: datetime) -> list[Holding]:
    rows = [(row.product(site), row.paid_variant, row.is_in_force, row.count) for row in found]
    columns = (worth_of(what, rows, prices, now) for what in (What.ALL, What.PAID, What.UNPAID))
    return [
        replace(row, amount_minor=amount, paid_minor=paid if row.group == "paid" else 0, more_minor=more)
        for row, amount, paid, more in zip(found, *columns, strict=True)
    ]


def _per_apartment(wanted: list[Holding], apartments: int) -> int:
    """What is paid for apartments, divided by their number, rounded once."""
    return money.divide_half_up(sum(row.paid_minor or 0 for row in wanted if row.is_per_apartment), apartments)


def _endings(found: list[Holding], now: datetime, zone: str, payers: Payers) -> list[Ending]:
    """The days on which wanted items end, the earliest first; items in grace have ended already."""
    days: dict[date, list[Holding]] = {}
    for row in found:
        if row.variant and row.is_in_force and row.expires_at:
            days.setdefault(row.expires_at.astimezone(ZoneInfo(zone)).date(), []).append(row)
    endings = []
    for _day, rows in sorted(days.items()):
        count, first = sum(row.count for row in rows), rows[0]
        if count == 1:
            what = _("%(service)s of %(target)s") % {"service": first.service_label, "target": first.targets}
        else:
            what = ngettext("%(n)s item", "%(n)s items", count) % {"n": count}
        at = min(row.expires_at for row in rows if row.expires_at)
        is_auto = all(row.payer.mode in {"auto", "failing"} for row in rows)
        charges = [due for row in rows if (due := payers.next_due.get(row.auto_renewal_id or 0))]
        charge_at = min(charges, default=None) if is_auto else None
        endings.append(
            Ending(at, charge_at, total_of(row.amount_minor for row in rows), count, what, is_auto, is_past=at <= now)
        )
    return endings


@dataclass(frozen=True, slots=True)
class OrderShare:
    """The part of an order that belongs to one site; nothing of its other lines (R1)."""

    order: Order
    count: int
    amount_minor: int
    ends_at: datetime
    service_label: str
    target: str


OF_ORDER = ("id", "number", "type", "state", "currency", "created_at")  # columns of an order that are shown


def orders_of(actor: Actor, site: Site, *, limit: int) -> list[OrderShare]:
    """The newest orders with lines of the site, each with the lines of this site and their sum only; one statement (R1)."""
    rows = (
        OrderLine.objects.visible_to(actor)
        .filter(site=site, order__in=Order.objects.visible_to(actor))
        .order_by("-order_id")
        .values_list("order_id", *(f"order__{name}" for name in OF_ORDER[1:]))
        .annotate(
            n=Count("pk"),
            amount=Sum("amount_minor"),
            until=Max("ends_at"),
            service=Min("service_type"),
            target=Min(target_names()),
        )[:limit]
    )
    return [
        OrderShare(
            order=Order.from_db(rows.db, OF_ORDER, order),
            count=n,
            amount_minor=amount,
            ends_at=until,
            service_label=str(catalogue.SERVICE_TYPE_LABELS[service]),
            target=target,
        )
        for *order, n, amount, until, service, target in rows
    ]
