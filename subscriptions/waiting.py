"""What waits: requests for the firm that pays, and items that can be activated, requested or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, FilteredRelation, Q

from accounts.scope import Actor
from communities import catalogue
from communities.models import Site
from communities.reports import Group
from subscriptions.items import free_items
from subscriptions.models import RenewalRequest, RequestItem
from subscriptions.periods import Months
from subscriptions.prices import MissingPrice, PriceTable
from subscriptions.pricing import quote
from subscriptions.quotes import Item

Counts = tuple[tuple[str, int], ...]  # (service type, how many)


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be activated of a request: items by service type, the names of their sites, and the price today for the requested months
    (None where it has no price)."""

    counts: Counts = ()
    sites: tuple[str, ...] = ()
    amount_minor: int | None = None
    ends_at: datetime | None = None
    zone: str = "UTC"  # time zone of the site with that end

    @property
    def items(self) -> int:
        """How many items."""
        return sum(n for _kind, n in self.counts)

    @property
    def named(self) -> list[tuple[str, int]]:
        """The counts with the service types in words."""
        return in_words(self.counts)


def in_words(counts: Counts) -> list[tuple[str, int]]:
    """Counts with the service types in words."""
    return [(str(catalogue.SERVICE_TYPE_LABELS[kind]), n) for kind, n in counts]


def asked_in(
    actor: Actor, requests: Iterable[RenewalRequest], *, prices: PriceTable | None, now: datetime
) -> dict[int, Asked]:
    """What requests with one price list ask for, as far as it can be activated; one statement. `prices` None = no amounts."""
    by_id = {request.pk: request for request in requests}
    rows = (
        free_items(actor)
        .filter(requests__request__in=by_id, requests__is_live=True)
        .order_by("service_type", "variant")
        .values_list(
            "requests__request_id",
            "service_type",
            "variant",
            "site__name",
            "site__time_zone",
            "site__kind",
            "site__price_class",
        )
        .annotate(n=Count("pk"))
    )
    found: dict[int, list[tuple[str, str, str, str, str, str, int]]] = {}
    for request_id, *row in rows:
        found.setdefault(request_id, []).append(tuple(row))
    return {pk: _asked(found[pk], request.months, prices, now) for pk, request in by_id.items() if pk in found}


def _asked(
    rows: list[tuple[str, str, str, str, str, str, int]], months: int, prices: PriceTable | None, now: datetime
) -> Asked:
    counts: dict[str, int] = {}
    for kind, _variant, _site, _zone, _type, _class, n in rows:
        counts[kind] = counts.get(kind, 0) + n
    by_type, sites = tuple(counts.items()), tuple(dict.fromkeys(site for _k, _v, site, *_rest in rows))
    if prices is None:
        return Asked(by_type, sites)
    items = [
        Item(at, kind, variant, zone=zone, count=n, project_type=project_type, price_class=price_class)
        for at, (kind, variant, _site, zone, project_type, price_class, n) in enumerate(rows)
    ]
    try:
        priced = quote(items, Months(months), now, prices)
    except MissingPrice:
        return Asked(by_type, sites)
    return Asked(by_type, sites, priced.total_minor, priced.ends_at, priced.zone)


@dataclass(frozen=True, slots=True)
class Open:
    """Never activated items of a site: `free` ones are in no request, `asked` ones are requested (by the request's id)."""

    free: Counts = ()
    asked: Mapping[int, Counts] | None = None

    @property
    def to_activate(self) -> int:
        """How many items are in no request or order."""
        return sum(n for _kind, n in self.free)

    @property
    def requested(self) -> int:
        """How many items are in requests."""
        return sum(n for counts in (self.asked or {}).values() for _kind, n in counts)


def requests_in(found: Open) -> tuple[RenewalRequest, ...]:
    """The requests that contain these items and that the caller may see; the firms that ask and pay may see more of them."""
    return tuple(RenewalRequest.objects.filter(pk__in=found.asked).order_by("pk")) if found.asked else ()


def open_here(actor: Actor, site: Site, groups: Iterable[Group]) -> Open:
    """`open_at` for one site whose items are counted already: a statement only where something may be activated, over the requests of its
    installer."""
    free: dict[str, int] = {}
    for row in sorted(groups, key=lambda row: row.service_type):
        if row.variant and row.free:
            free[row.service_type] = free.get(row.service_type, 0) + row.free
    if not free:
        return Open()
    live = RequestItem.objects.filter(is_live=True, request__installer=site.installer_id)
    asked: dict[int, list[tuple[str, int]]] = {}
    for request_id, kind, n in (
        live.filter(entitlement__in=free_items(actor).filter(site=site))
        .order_by("entitlement__service_type")
        .values_list("request_id", "entitlement__service_type")
        .annotate(n=Count("pk"))
    ):
        asked.setdefault(request_id, []).append((kind, n))
        free[kind] = max(0, free.get(kind, 0) - n)  # the count may have changed between both statements
    counts = tuple((kind, n) for kind, n in free.items() if n)
    return Open(counts, {request_id: tuple(found) for request_id, found in asked.items()})


def open_at(actor: Actor, site_ids: Iterable[int]) -> dict[int, Open]:
    """What can be activated at these sites, by site; one statement. Sites without such items are left out."""
    rows = (
        free_items(actor)
        .filter(site_id__in=list(site_ids))
        .annotate(asked=FilteredRelation("requests", condition=Q(requests__is_live=True)))
        .order_by("service_type")
        .values_list("site_id", "asked__request_id", "service_type")
        .annotate(n=Count("pk"))
    )
    found: dict[int, dict[int | None, list[tuple[str, int]]]] = {}
    for site_id, request_id, kind, n in rows:
        found.setdefault(site_id, {}).setdefault(request_id, []).append((kind, n))
    return {
        site_id: Open(
            tuple(of_site.get(None, ())),
            {request_id: tuple(counts) for request_id, counts in of_site.items() if request_id is not None},
        )
        for site_id, of_site in found.items()
    }
