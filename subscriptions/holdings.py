"""A site's items in groups: by service, variant, paid variant, state, day of expiry and payer, with the names of their targets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, FilteredRelation, IntegerField, Q, QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor
from accounts.typed.keys import natural_key
from communities import catalogue
from communities.models import Entitlement, Site, State, state_of, status, targets
from communities.reports import WARNING, Alike
from subscriptions.prices import Product
from subscriptions.reports import Payer, Payers

AHEAD = timedelta(days=60)  # items that end within it have their own filter
NAMED = 4  # targets that are named; more are counted
NAMED_GROUPS = 60  # groups whose targets are named, which limits the length of the statement
GROUP_ORDER = ("paid", "new", "lapsed", "off")


@dataclass(frozen=True, slots=True)
class Holding(catalogue.PaidLabelled):
    """A group of like items of a site. Per 30 days at today's prices: `amount_minor` is the renewal in the configured variant, `paid_minor`
    the part of it that is paid now, `more_minor` what is on and not paid; 0 when nothing is on, None when unknown."""

    service_type: str
    variant: str
    renewed: str  # the variant that a renewal pays for
    paid_variant: str
    expires_at: datetime | None
    instants: tuple[datetime, ...]  # the exact ends on that day
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
        """What is renewed, as in the price list of the site's project type."""
        return Product(self.service_type, self.renewed, site.kind, site.price_class)

    @property
    def group(self) -> str:
        """The heading it belongs under: paid, not activated, lapsed, or paid and switched off."""
        if not self.variant:
            return "off"
        return "paid" if self.is_in_force else "new" if self.state is State.NEW else "lapsed"

    @property
    def is_in_force(self) -> bool:
        """Paid, grace included."""
        return self.state in {State.ACTIVE, State.GRACE}

    @property
    def missing(self) -> str:
        """What is on and not paid for, in words; "" when all is paid."""
        parts = catalogue.uncovered(self.service_type, self.variant, self.paid_variant, is_in_force=self.is_in_force)
        return ", ".join(catalogue.part_labels(self.service_type, parts))

    @property
    def unused(self) -> str:
        """What is paid for and not on, in words. A cheaper variant of the same service is no unused part."""
        if not self.is_in_force:
            return ""
        return catalogue.unused_label(self.service_type, self.variant, self.paid_variant)

    @property
    def differs(self) -> bool:
        """Whether what is on and what is paid for differ, in either direction."""
        return bool(self.missing or self.unused)

    def is_ending(self, now: datetime, within: timedelta = AHEAD) -> bool:
        """Whether it ends within a time, or is in grace."""
        return self.expires_at is not None and self.is_in_force and self.expires_at <= now + within

    def status(self, now: datetime) -> tuple[str, str]:
        """Its state as (tone, word)."""
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


def holding_rows(site: Site, now: datetime, *, is_agreed: bool) -> list[tuple[Alike, str, int | None]]:
    """The site's items, grouped by the exact second, with the variant they are renewed in and their auto-renewal. `is_agreed` False: there
    is none."""
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


def gathered(site: Site, rows: list[tuple[Alike, str, int | None]], payers: Payers, now: datetime) -> list[Holding]:
    """Groups of items that end on the same day at the site, in page order: by heading, service and number."""
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
    """The items with `auto_renewal_item`, their row in an active auto-renewal, if any, and the variant they are `renewed` in."""
    return Entitlement.objects.filter(site=site).annotate(
        auto_renewal_item=FilteredRelation("auto_renewal_items", condition=Q(auto_renewal_items__is_live=True)),
        renewed=status.renewed(),
    )


def named(site: Site, found: list[Holding], apartments: int, reader: Actor) -> list[Holding]:
    """The names of each group's targets: a few by name, many as a number; one statement."""
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
            "target__building", "target__number", "target__name", targets.member(), targets.words(),
        )
    )  # fmt: skip
    has_several_buildings = len({row[6] for row in listed if row[6]}) > 1
    names: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for (
        service_type,
        variant,
        renewed,
        paid,
        expires_at,
        auto_renewal_id,
        place,
        number,
        piece,
        member_id,
        name,
    ) in listed:
        building = "" if piece else place  # equipment is called by its place and its name
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
