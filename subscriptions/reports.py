"""Read-only views of money: totals by site, order lines in groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum, Value, When

from accounts.models import Organization
from accounts.scope import Actor, by_tenant_keys
from accounts.typed.keys import natural_key
from communities import catalogue
from communities.models import Entitlement, Site, status, targets
from payments.models import BillingProfile, usable_method
from subscriptions import payers
from subscriptions.cycles import recurring_total
from subscriptions.lines import target_names
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order, OrderLine
from subscriptions.periods import days_of, term_of
from subscriptions.prices import MissingPrice, PriceTable, Product
from subscriptions.quotes import Group, Line, Quote, Why, why_code
from subscriptions.tables import table_for
from subscriptions.taxes import Tax, tax_for

NAMED = 12  # names of a group


@dataclass(frozen=True, slots=True)
class SiteTotal:
    """The part of a quote that belongs to one site."""

    site_id: int
    site_name: str
    groups: list[Group]
    count: int
    amount_minor: int


def by_site(quote: Quote) -> list[SiteTotal]:
    """The quote's lines grouped by site and variant, sites by name; one statement."""
    lines: dict[int, list[Line]] = {}
    for line in quote.lines:
        lines.setdefault(line.item.site_id or 0, []).append(line)
    names = dict(Site.every.filter(pk__in=lines).values_list("pk", "name"))
    totals = [
        SiteTotal(
            site_id=site_id,
            site_name=names[site_id],
            groups=of_site.groups(),
            count=of_site.count,
            amount_minor=of_site.subtotal_minor,
        )
        for site_id, of_site in ((site_id, Quote(quote.currency, tuple(found))) for site_id, found in lines.items())
    ]
    return sorted(totals, key=lambda total: (natural_key(total.site_name), total.site_id))


def named(actor: Actor, sites: list[SiteTotal]) -> list[tuple[SiteTotal, list[tuple[Group, list[str], int]]]]:
    """Add to each group of a site the names of its first items, apartments with their family master, and the number of the others;
    one statement."""
    first = {int(str(key)) for site in sites for group in site.groups for key in group.keys[:NAMED]}
    rows = Entitlement.objects.visible_to(actor).filter(pk__in=first)
    names = {
        pk: f"{target} {master or ''}".strip()
        for pk, target, master in rows.values_list("pk", targets.words(), targets.master())
    }
    return [
        (
            site,
            [
                (group, [names[int(str(key))] for key in group.keys[:NAMED]], max(0, group.count - NAMED))
                for group in site.groups
            ],
        )
        for site in sites
    ]


@dataclass(frozen=True, slots=True)
class LineGroup:
    """Lines of an order that differ only in their target."""

    site_id: int
    site_name: str
    service_label: str
    variant_label: str
    count: int
    each_minor: int
    amount_minor: int
    ends_at: datetime | None
    zone: str
    first_target: str
    last_target: str
    why: Why | None


GATHERED = (  # the columns that lines of one group share
    "site_id", "site__name", "site__time_zone", "service_type", "variant", "paid_variant", "term_kind",
    "term_count", "term_day", "project_type", "price_class", "amount_minor", "ends_at",
)  # fmt: skip


def gathered_lines(order: Order, lines: QuerySet[OrderLine]) -> list[LineGroup]:
    """An order's lines (limited to the reader before) grouped by site, service, variant and price; one statement."""
    rows = (
        lines.order_by()
        .values(*GATHERED)
        .annotate(
            count=Count("pk"),
            starts_at=Min("starts_at"),
            amount=Sum("amount_minor"),
            first=Min(target_names()),
            last=Max(target_names()),
            at=Min("pk"),
        )
        .order_by("site__name_order", "site_id", "at")
    )
    return [
        LineGroup(
            site_id=row["site_id"],
            site_name=row["site__name"],
            service_label=str(catalogue.SERVICE_TYPE_LABELS[row["service_type"]]),
            variant_label=catalogue.variant_label(row["service_type"], row["variant"]),
            count=row["count"],
            each_minor=row["amount_minor"],
            amount_minor=row["amount"],
            ends_at=row["ends_at"],
            zone=row["site__time_zone"],
            first_target=row["first"],
            last_target=row["last"],
            why=why_of(order, row),
        )
        for row in rows
    ]


def why_of(order: Order, line: Mapping[str, Any]) -> Why | None:
    """The reasons of a line's price, stored with the order; the line is a row of `gathered_lines`."""
    product = Product(line["service_type"], line["variant"], line["project_type"], line["price_class"])
    kept = order.why.get(why_code(product, line["paid_variant"]))
    term = term_of(line["term_kind"], line["term_count"], line["term_day"])
    if kept is None or term is None:
        return None
    return Why(
        service_type=product.service_type,
        parts=tuple((part, amount) for part, amount in kept["parts"]),
        term=term,
        days=days_of(term, line["starts_at"], line["ends_at"], line["site__time_zone"]),
        currency=order.currency,
        price_list=str(order.price_list),
        paid_parts=tuple((part, amount) for part, amount in kept.get("paid_parts", ())),
    )


def applied_until(lines: QuerySet[OrderLine]) -> tuple[datetime | None, str]:
    """The latest end of paid time that these lines bought, and the time zone of its site."""
    applied = lines.filter(periods__is_revoked=False).order_by("-periods__ends_at", "-pk")
    return applied.values_list("periods__ends_at", "site__time_zone").first() or (None, "UTC")


def next_charges(
    auto_renewals: Iterable[AutoRenewal], renewed: Mapping[int, Renewed], *, now: datetime
) -> dict[int, int | None]:
    """The next charge of each active auto-renewal, in minor units at today's prices with its payer's tax; None where it has no price or has
    ended. Auto-renewals that are charged together round their tax once.

    The auto-renewals come with their installers, the distributors of these, and what they renew. One statement for billing information, two
    for the prices of each distributor.
    """
    found: dict[int, int | None] = {row.pk: None for row in auto_renewals}
    active = {row.pk: row for row in auto_renewals if row.state == AutoRenewal.State.ACTIVE}
    billed = BillingProfile.objects.in_bulk({row.payer_id for row in active.values()}, field_name="organization_id")
    tables: dict[int, PriceTable | None] = {}
    same: dict[
        tuple[int, int, frozenset[tuple[Product, int]]], int | None
    ] = {}  # many auto-renewals renew the same as others
    for pk, auto_renewal in active.items():
        distributor = auto_renewal.installer.distributor
        if distributor is None:
            continue
        if distributor.pk not in tables:
            tables[distributor.pk] = _table_or_none(distributor, now)
        charged = renewed[pk].charged
        kind = distributor.pk, auto_renewal.payer_id, frozenset(charged.items())
        if kind not in same:
            same[kind] = _total(charged, tables[distributor.pk], tax_for(billed.get(auto_renewal.payer_id)), now)
        found[pk] = same[kind]
    return found


def _total(charged: Mapping[Product, int], table: PriceTable | None, tax: Tax, now: datetime) -> int | None:
    if table is None:
        return None
    try:
        return recurring_total(charged.items(), table, now, tax).total_minor
    except MissingPrice:
        return None


def _table_or_none(distributor: Organization, now: datetime) -> PriceTable | None:
    try:
        return table_for(distributor, at=now)
    except MissingPrice:
        return None


# --- auto-renewals ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renewed:
    """The items of an auto-renewal, also of a suspended one: their number, the names of the sites that the reader sees, items that left it
    too; and the products that are charged."""

    count: int
    sites: list[str]
    charged: dict[Product, int]


def renewed_by(actor: Actor, auto_renewals: Iterable[AutoRenewal]) -> dict[int, Renewed]:
    """The items of each of these auto-renewals; one statement. Separate from the query of a page, which would count the items of every
    auto-renewal before it knows which fifty are shown."""
    rows = {row.pk: row for row in auto_renewals}
    bound = by_tenant_keys(actor)
    seen = Case(When(bound, then=True), default=False) if bound else Value(bound is not None)
    kinds = (
        AutoRenewalItem.objects.filter(auto_renewal__in=rows)
        .order_by("site__name_order", "site__name")
        .annotate(is_seen=seen, renewed=status.renewed("entitlement__"))
        .values_list(
            "auto_renewal_id", "is_live", "reason", "is_seen", "site__name", "site__kind", "site__price_class",
            "entitlement__service_type", "entitlement__variant", "renewed",
        )
        .annotate(n=Count("pk"))
    )  # fmt: skip
    live, left = Counter[int](), Counter[int]()
    sites: dict[int, dict[str, None]] = {pk: {} for pk in rows}  # each name once, in order
    charged: dict[int, Counter[Product]] = {pk: Counter() for pk in rows}
    for pk, is_live, reason, is_seen, name, kind, price_class, service_type, configured, variant, n in kinds:
        if is_seen:
            sites[pk][name] = None
        if is_live:
            live[pk] += n
            if configured:
                charged[pk][Product(service_type, variant, kind, price_class)] += n
        elif reason == rows[pk].reason:
            left[pk] += n
    return {pk: Renewed(live[pk] or left[pk], list(sites[pk]), dict(charged[pk])) for pk in rows}


# --- who pays -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays an item, and how: by an action (`manual`), automatically (`auto`), or by an action because the auto-renewal's card can't be
    charged (`failing`) or it was suspended (`stopped`)."""

    organization_id: int
    name: str
    mode: str


@dataclass(frozen=True, slots=True)
class Payers:
    """The payers of a site's items: by auto-renewal, else the default payer."""

    default: Payer
    by_auto_renewal: Mapping[int, Payer]
    next_due: Mapping[int, datetime]  # by auto-renewal: the date of its next charge

    def of(self, auto_renewal_id: int | None) -> Payer:
        """The payer of an item in this auto-renewal, or in none."""
        return self.by_auto_renewal.get(auto_renewal_id or 0, self.default)


def is_agreed() -> Exists:
    """For a query of sites: whether any item there is in an auto-renewal."""
    return Exists(AutoRenewalItem.objects.live().filter(site=OuterRef("pk")))


def payers_of(site: Site, *, now: datetime, is_agreed: bool = True) -> Payers:
    """Who pays for a site: the auto-renewal's payer, else the default payer (`payers`). The site comes with its installer and the firms
    above. With `is_agreed` False no auto-renewals are read."""
    default = payers.default_payer(site.installer, site_kind=site.kind)
    auto_renewals = is_agreed and list(
        AutoRenewal.objects.exclude(state=AutoRenewal.State.ENDED)
        .filter(pk__in=AutoRenewalItem.objects.live().filter(site=site).values("auto_renewal_id"))
        .order_by()
        .annotate(is_sound=Q(usable_method("method__"), tries=0))
        .values_list("pk", "payer_id", "payer__name", "state", "is_sound", "next_due_at")
    )
    return Payers(
        Payer(default.pk, default.name, "manual"),
        {
            pk: Payer(payer_id, name, _mode(state, is_sound=is_sound))
            for pk, payer_id, name, state, is_sound, _due in auto_renewals or ()
        },
        {pk: due for pk, _payer, _name, _state, _sound, due in auto_renewals or () if due},
    )


def _mode(state: str, *, is_sound: bool) -> str:
    if state != AutoRenewal.State.ACTIVE:
        return "stopped"
    return "auto" if is_sound else "failing"
