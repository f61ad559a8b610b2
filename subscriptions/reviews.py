"""The billing review of a site: what is switched on, what is paid for, until when and by whom, and the orders behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, FilteredRelation, IntegerField, Max, Min, Q, QuerySet, Sum, Value
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor
from accounts.typed.keys import natural_key
from communities import catalogue
from communities.models import Entitlement, Site, State, state_of, status, targets
from communities.reports import WARNING, Alike, PaidProgress, progress_of
from payments import money
from subscriptions.cycles import total_of
from subscriptions.lines import target_names
from subscriptions.models import Order, OrderLine
from subscriptions.prices import MissingPrice, PriceTable, Product
from subscriptions.reports import Payer, Payers, payers_of
from subscriptions.summary import What, worth_of
from subscriptions.tables import table_for

AHEAD = timedelta(days=60)  # what ends within it has a filter of its own
NAMED = 4  # targets that are listed; more are counted
NAMED_GROUPS = 60  # groups whose targets are listed, so that one statement stays readable for the database
GROUP_ORDER = ("paid", "new", "lapsed", "off")


@dataclass(frozen=True, slots=True)
class Holding:
    """Items of a site that stand alike. Per 30 days and at today's prices: `amount_minor` is what renewing them costs as they are
    switched, `paid_minor` what of that is paid now, `more_minor` what is on and not paid; 0 when nothing is on, None when unknown."""

    service_type: str
    variant: str
    renewed: str  # the variant that a renewal pays for
    paid_variant: str
    expires_at: datetime | None
    instants: tuple[datetime, ...]  # the exact ends behind the day
    auto_renewal_id: int | None
    is_per_apartment: bool
    count: int
    state: State
    payer: Payer
    amount_minor: int | None = None
    paid_minor: int | None = None
    more_minor: int | None = None
    targets: str = ""

    def product(self, site: Site) -> Product:
        """What is renewed, as the price list of the site's project type names it."""
        return Product(self.service_type, self.renewed, site.kind)

    @property
    def group(self) -> str:
        """Under which head it stands: paid, not activated, lapsed, or paid and switched off."""
        if not self.variant:
            return "off"
        return "paid" if self.is_in_force else "new" if self.state is State.NEW else "lapsed"

    @property
    def entry(self) -> catalogue.Entry:
        """What the catalogue knows of the service type."""
        return catalogue.BY_TYPE[self.service_type]

    @property
    def service_label(self) -> str:
        """The service type in words."""
        return str(catalogue.SERVICE_TYPE_LABELS[self.service_type])

    @property
    def variant_label(self) -> str:
        """What is switched on, in words."""
        return catalogue.variant_label(self.service_type, self.variant)

    @property
    def paid_label(self) -> str:
        """What was paid for, in words."""
        return catalogue.variant_label(self.service_type, self.paid_variant)

    @property
    def is_in_force(self) -> bool:
        """Paid, grace included."""
        return self.state in {State.ACTIVE, State.GRACE}

    @property
    def missing(self) -> str:
        """What is on and not paid for, in words; "" when everything is."""
        parts = catalogue.uncovered(self.service_type, self.variant, self.paid_variant, is_in_force=self.is_in_force)
        return ", ".join(catalogue.part_labels(self.service_type, parts))

    @property
    def unused(self) -> str:
        """What is paid for and not on, in words. A variant that costs less than the paid one is no loss of a service."""
        if not self.is_in_force:
            return ""
        return catalogue.unused_label(self.service_type, self.variant, self.paid_variant)

    @property
    def differs(self) -> bool:
        """Whether what is on and what is paid for are not the same, in either direction."""
        return bool(self.missing or self.unused)

    def is_ending(self, now: datetime, within: timedelta = AHEAD) -> bool:
        """Whether it runs out within a time, or has, in grace."""
        return self.expires_at is not None and self.is_in_force and self.expires_at <= now + within

    def status(self, now: datetime) -> tuple[str, str]:
        """How it stands: (tone, word)."""
        if self.state is State.NEW:
            return "inactive hollow", _("Not activated")
        if self.state is State.LAPSED:
            return "lapsed", _("Lapsed")
        if not self.variant:
            return "pending", _("Not used")
        if self.missing:
            return "expiring", _("Not all paid")
        if self.state is State.GRACE:
            return "expiring", _("In grace")
        if self.payer.mode == "auto":
            return "auto", _("Auto-renew")
        if self.payer.mode == "failing":
            return "expiring", _("Auto-renew fails")
        return ("expiring", _("Expiring")) if self.is_ending(now, WARNING) else ("active", _("Active"))


@dataclass(frozen=True, slots=True)
class Ending:
    """A day on which paid time ends, and what the next 30 days of it cost. `what` names its items, or counts them; `charge_at` is
    when a card is charged for them, if `is_auto`."""

    at: datetime
    charge_at: datetime | None
    amount_minor: int | None
    count: int
    what: str
    is_auto: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Everything the billing page of a site says about money. Amounts are None when a price is missing; `refused` says which.

    `paid_minor` is what is paid of what is on, every 30 days, `more_minor` what everything that is on would cost more.
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
    """Gather a site's items by service, variant, paid variant, state, day of expiry and payer; three statements and the prices'.

    The site comes with its installer and distributor, and has so many apartments; it has no auto-renewals unless it `is_agreed`. `reader` is
    only asked who "you" is.
    """
    payers = payers_of(site, now=now, is_agreed=is_agreed)
    rows = _rows(site, now, is_agreed=bool(payers.by_auto_renewal))
    found = _gathered(site, rows, payers, now)
    refused, is_invented = None, False
    try:
        prices = table_for(site.distributor, at=now)
        prices.refuse_missing(row.product(site) for row in found if row.variant)
        found, is_invented = _priced(site, found, prices, now), prices.is_invented
    except MissingPrice as missing:
        refused = missing
    found = _named(site, found, apartments, reader)
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
    """What is paid for apartments, shared by all of them, rounded once."""
    return money.divide_half_up(sum(row.paid_minor or 0 for row in wanted if row.is_per_apartment), apartments)


def _rows(site: Site, now: datetime, *, is_agreed: bool) -> list[tuple[Alike, str, int | None]]:
    """The site's items that stand alike to the second, the variant they are renewed in, and the auto-renewal they are under, which is looked for
    where there is any."""
    items = (
        _with_auto_renewals(site)
        if is_agreed
        else Entitlement.objects.filter(site=site).annotate(renewed=status.renewed())
    )
    auto_renewal = F("auto_renewal_item__auto_renewal_id") if is_agreed else Value(None, IntegerField())
    rows = (
        items.annotate(auto_renewal_id=auto_renewal)
        .filter(~Q(variant="") | status.in_force(now))
        .order_by()
        .values_list(
            "service_type", "variant", "paid_variant", "expires_at", "works_until", "renewed", "auto_renewal_id"
        )
        .annotate(n=Count("pk"), loose=Count("pk", filter=status.LOOSE))
    )
    return [
        (Alike(kind, variant, paid, expires_at, works_until, n, loose), renewed, auto_renewal_id)
        for kind, variant, paid, expires_at, works_until, renewed, auto_renewal_id, n, loose in rows
    ]


def _gathered(site: Site, rows: list[tuple[Alike, str, int | None]], payers: Payers, now: datetime) -> list[Holding]:
    zone = ZoneInfo(site.time_zone)
    found: dict[tuple[object, ...], Holding] = {}
    for alike, renewed, auto_renewal_id in rows:
        expires_at, paid = alike.expires_at, alike.paid_variant
        state = state_of(expires_at, alike.works_until, now)
        key = (
            alike.service_type,
            alike.variant,
            renewed,
            paid,
            state,
            expires_at and expires_at.astimezone(zone).date(),
            auto_renewal_id,
        )
        row = found.get(key)
        instants = (*(row.instants if row else ()), *((expires_at,) if expires_at else ()))
        found[key] = Holding(
            service_type=alike.service_type,
            variant=alike.variant,
            renewed=renewed,
            paid_variant=paid if expires_at else "",
            expires_at=min(instants, default=None),
            instants=instants,
            auto_renewal_id=auto_renewal_id,
            is_per_apartment=alike.service_type in catalogue.PER_APARTMENT,
            count=alike.count + (row.count if row else 0),
            state=state,
            payer=payers.of(auto_renewal_id),
        )
    return sorted(
        found.values(),
        key=lambda row: (
            GROUP_ORDER.index(row.group),
            catalogue.rank(row.service_type),
            -row.count,
            row.expires_at.timestamp() if row.expires_at else 0,
            row.variant,
            row.renewed,
            row.paid_variant,
            row.auto_renewal_id or 0,
        ),
    )


def _with_auto_renewals(site: Site) -> QuerySet[Any]:
    """The items with `auto_renewal_item`, their place in the live auto-renewal they are under, if any, and the variant they are `renewed` in."""
    return Entitlement.objects.filter(site=site).annotate(
        auto_renewal_item=FilteredRelation("auto_renewal_items", condition=Q(auto_renewal_items__is_live=True)),
        renewed=status.renewed(),
    )


def _named(site: Site, found: list[Holding], apartments: int, reader: Actor) -> list[Holding]:
    """Say what each row is for: few targets by name, many by number; one statement."""
    few = [row for row in found if row.count <= NAMED][:NAMED_GROUPS]
    conditions = Q(pk=None)
    for row in few:
        ends = Q(expires_at__in=row.instants) if row.instants else status.NEVER
        conditions |= (
            Q(
                service_type=row.service_type, variant=row.variant, renewed=row.renewed,
                auto_renewal_item__auto_renewal_id=row.auto_renewal_id,
            ) & ends
            & (Q(paid_variant=row.paid_variant) if row.instants else Q())
        )  # fmt: skip
    listed = list(
        _with_auto_renewals(site)
        .filter(conditions)
        .order_by(*targets.order(), "pk")
        .values_list(
            "service_type", "variant", "renewed", "paid_variant", "expires_at", "auto_renewal_item__auto_renewal_id",
            "target__building", "target__number", targets.member(), targets.words(),
        )
    )  # fmt: skip
    has_several_buildings = len({row[6] for row in listed if row[6]}) > 1
    names: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for service_type, variant, renewed, paid, expires_at, auto_renewal_id, building, number, member_id, name in listed:
        label = (number if building else "") or name
        if member_id and member_id == reader.membership_id:
            label = _("%(name)s, you") % {"name": label}
        key = (service_type, variant, renewed, paid if expires_at else "", expires_at, auto_renewal_id)
        names.setdefault(key, []).append((building or "" if has_several_buildings else "", label))
    return [replace(row, targets=_words(row, names, apartments)) for row in found]


def _words(row: Holding, names: dict[tuple[object, ...], list[tuple[str, str]]], apartments: int) -> str:
    ends: Iterable[datetime | None] = row.instants or (None,)
    mine = [
        name
        for end in dict.fromkeys(ends)
        for name in names.get(
            (row.service_type, row.variant, row.renewed, row.paid_variant, end, row.auto_renewal_id), []
        )
    ]
    if row.count <= NAMED and mine:
        *first, last = _by_building(mine)
        return _("%(first)s and %(last)s") % {"first": ", ".join(first), "last": last} if first else last
    if not row.is_per_apartment:
        return targets.how_many(catalogue.BY_TYPE[row.service_type].target, row.count)
    if row.count == apartments:
        return ngettext("The only apartment", "All %(n)s apartments", row.count) % {"n": row.count}
    return targets.how_many(catalogue.Target.APARTMENT, row.count)


def _by_building(targets: list[tuple[str, str]]) -> list[str]:
    """Each building is named once, before its first apartment: "Pier House 1.01", "1.02", "Quay House 1.01"."""
    words, last = [], ""
    for building, label in sorted(targets, key=lambda target: natural_key(target[0])):
        words.append(f"{building} {label}" if building and building != last else label)
        last = building
    return words


def _endings(found: list[Holding], now: datetime, zone: str, payers: Payers) -> list[Ending]:
    """The days on which something wanted ends, the earliest first; what is in grace has ended already."""
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


# --- orders -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderShare:
    """What an order has for one site; nothing of its other lines (R1)."""

    order: Order
    count: int
    amount_minor: int
    ends_at: datetime
    service_label: str
    target: str


OF_ORDER = ("id", "number", "type", "state", "currency", "created_at")  # what is shown of one


def orders_of(actor: Actor, site: Site, *, limit: int) -> list[OrderShare]:
    """The newest orders with lines of the site, each with the site's lines and their sum only; one statement (R1)."""
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
