"""Reading the rows of the differences, a page at a time: by kind, then by site, then by apartment. What is unpaid or unused is grouped by site; what
needs a person at one door is a row for each apartment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet, Sum

from communities import vacancy
from communities.models import Apartment, Entitlement, Site, status, targets
from communities.models.entitlements import EntitlementQuerySet
from subscriptions.cycles import list_amounts, total_of
from subscriptions.difference_lines import Counts, Empty, Line, Missing, Place, Unit, Unpaid, Unused
from subscriptions.differences import Alike, Kind, Scope, alike, worth
from subscriptions.prices import MissingPrice, Product, unit_price
from subscriptions.summary import PRODUCT

FEW = 3  # targets that a row names; of more it says how many


def page(
    scope: Scope, items: Sequence[Alike], kinds: Collection[Kind], *, after: Place | None = None, size: int
) -> tuple[list[Unit], Place | None]:
    """A page of rows of these kinds, and the place of its last one where there are more. `items` are all of `alike`. The number of statements
    does not depend on the number of rows."""
    found: list[Unit] = []
    for kind in Kind:
        if kind not in kinds or (after is not None and list(Kind).index(kind) < list(Kind).index(Kind(after.kind))):
            continue
        behind = after if after is not None and after.kind == kind else None
        found += READ[kind](scope, items, behind, size + 1 - len(found))
        if len(found) > size:
            return found[:size], found[size - 1][0]
    return found, None


def every(scope: Scope, kinds: Collection[Kind]) -> Iterator[Unit]:
    """All rows, read in pages."""
    items, after = alike(scope), None
    while True:
        units, after = page(scope, items, kinds, after=after, size=500)
        yield from units
        if after is None:
            return


# --- by site ------------------------------------------------------------------------------------------------------------


def _unpaid(scope: Scope, items: Sequence[Alike], after: Place | None, limit: int) -> list[Unit]:
    return _by_site(scope, Kind.UNPAID, [row for row in items if row.is_unpaid], after, limit)


def _unused(scope: Scope, items: Sequence[Alike], after: Place | None, limit: int) -> list[Unit]:
    return _with_names(scope, _by_site(scope, Kind.UNUSED, [row for row in items if row.is_unused], after, limit))


Groups = list[tuple[Alike, str]]  # with what blocks them


def _by_site(scope: Scope, kind: Kind, kinds: Sequence[Alike], after: Place | None, limit: int) -> list[Unit]:
    """The next sites that have items like `kinds`, each with its lines: which sites have them, and what they have there."""
    if not kinds or limit <= 0:
        return []
    rows = scope.by_site().filter(_one_of(kinds)).order_by()
    behind = rows if after is None else rows.filter(_behind(after, "site__name_order", "site_id"))
    names = behind.values_list("site__name_order", "site_id").annotate(n=Sum("count")).exclude(n=0)
    ids = [pk for _name, pk, _n in names.order_by("site__name_order", "site_id")[:limit]]
    sites = Site.objects.visible_to(scope.actor).select_related("installer__distributor", "installer__subdistributor")
    known = sites.in_bulk(ids)
    found: dict[int, Groups] = {}
    columns = ("site_id", "variant", "paid_variant", "alive", "day", "blocked", *PRODUCT)
    here = rows.filter(site_id__in=ids).values_list(*columns).annotate(n=Sum("count")).exclude(n=0)
    for site_id, variant, paid, alive, day, blocked, *product, n in here.order_by("service_type", "day"):
        one = Alike(Product(*product), variant, paid, alive, day if alive else None, n)
        found.setdefault(site_id, []).append((one, blocked))
    lines = _unpaid_of if kind is Kind.UNPAID else _unused_of
    return [
        (Place(kind, known[pk].name_order, pk), lines(scope, known[pk], found[pk]))
        for pk in ids
        if pk in known and pk in found
    ]


def _one_of(kinds: Iterable[Alike]) -> Q:
    """The condition for rows of the summary that are like one of these."""
    found = Q(pk=None)
    for service_type, variant, paid, alive in sorted(
        {(row.product.service_type, row.variant, row.paid_variant, row.is_alive) for row in kinds}
    ):
        found |= Q(service_type=service_type, variant=variant, paid_variant=paid, alive=alive)
    return found


def _unpaid_of(scope: Scope, site: Site, groups: Groups) -> list[Line]:
    states: dict[tuple[bool, bool], Groups] = {}
    for row, blocked in groups:
        # what was never activated was never paid for either
        states.setdefault((row.is_alive, bool(row.paid_variant)), []).append((row, blocked))
    return [
        Unpaid(
            site,
            _by_type(row for row, _blocked in found),
            sum(row.count for row, _blocked in found),
            sum(row.count for row, blocked in found if blocked),
            worth(Kind.UNPAID, (row for row, _blocked in found), scope),
            has_ended=was_paid and not runs,
            runs=runs,
        )
        for (runs, was_paid), found in sorted(states.items())
    ]


def _by_type(rows: Iterable[Alike]) -> Counts:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.product.service_type] = counts.get(row.product.service_type, 0) + row.count
    return tuple(counts.items())


def _unused_of(scope: Scope, site: Site, groups: Groups) -> list[Line]:
    like: dict[tuple[str, str, str], list[Alike]] = {}
    for row, _blocked in groups:
        like.setdefault((row.product.service_type, row.variant, row.paid_variant), []).append(row)
    found: list[Line] = []
    for (service_type, variant, paid), rows in like.items():
        days = [row.ends for row in rows if row.ends]
        ends, amount = (min(days), max(days)), worth(Kind.UNUSED, rows, scope)
        count = sum(row.count for row in rows)
        found.append(Unused(site, service_type, variant, paid, count, ends, amount))
    return found


def _with_names(scope: Scope, units: list[Unit]) -> list[Unit]:
    """The same rows with the names of what they are about, where these are few; two statements."""
    few = [line for _place, lines in units for line in lines if isinstance(line, Unused) and line.count <= FEW]
    if not few:
        return units
    wanted = Q(pk=None)
    for line in few:
        wanted |= _like(line)
    rows = Entitlement.objects.visible_to(scope.actor).in_force(scope.now).filter(wanted)
    named: dict[tuple[int, str, str, str], list[Entitlement]] = {}
    for item in rows.select_related(*targets.home_relations(), *targets.named()).order_by("target__sort_key", "pk"):
        named.setdefault((item.site_id, item.service_type, item.variant, item.paid_variant), []).append(item)
    return [(place, [_named(line, named) for line in lines]) for place, lines in units]


def _like(line: Unused) -> Q:
    return Q(site=line.site.pk, service_type=line.service_type, variant=line.variant, paid_variant=line.paid_variant)


def _named(line: Line, named: Mapping[tuple[int, str, str, str], list[Entitlement]]) -> Line:
    if not isinstance(line, Unused):
        return line
    items = named.get((line.site.pk, line.service_type, line.variant, line.paid_variant), [])
    homes = tuple(item.target.apartment for item in items if hasattr(item.target, "apartment"))
    return replace(line, apartments=homes, names=tuple(str(item.target) for item in items))


# --- by apartment ---------------------------------------------------------------------------------------------------------

BY_DOOR = ("site__name_order", "site_id", "target__sort_key", "pk")


def _missing(scope: Scope, _items: Sequence[Alike], after: Place | None, limit: int) -> list[Unit]:
    rows = _doors(scope.waiting.annotate(master=targets.master()), after, limit)
    items = _items_of(scope, rows)
    return [
        (_place(Kind.MONITORS, row), [Missing(row, row.master or "", *_dearer(scope, items.get(row.target_id, ())))])
        for row in rows
    ]


def _dearer(scope: Scope, items: Iterable[Entitlement]) -> tuple[bool, int | None]:
    """Whether something waits there to be activated, and by how much what runs is dearer than what is configured."""
    blocked = [item for item in items if item.blocked and item.variant]
    is_new = any(item.expires_at is None for item in blocked)
    more = 0
    for item in blocked:
        renewed = item.renewed_variant  # type: ignore[attr-defined]  # annotated by `_items_of`
        if item.expires_at is None or renewed == item.variant or scope.prices is None:
            continue
        try:
            more += unit_price(_parts(scope, item, renewed), _parts(scope, item, item.variant))
        except MissingPrice:
            return is_new, None
    return is_new, more or None


def _parts(scope: Scope, item: Entitlement, variant: str) -> Any:
    assert scope.prices is not None
    return scope.prices.as_paid().parts(Product(item.service_type, variant, item.site.kind, item.site.price_class))


def _empty(scope: Scope, _items: Sequence[Alike], after: Place | None, limit: int) -> list[Unit]:
    rows = _doors(scope.empty, after, limit)
    items = _items_of(scope, rows, lambda found: vacancy.going_on(found, scope.now))
    return [
        (_place(Kind.EMPTY, row), [Empty(row, tuple(found), _recurring(scope, found))])
        for row in rows
        if (found := items.get(row.target_id, []))
    ]


def _recurring(scope: Scope, items: Iterable[Entitlement]) -> int | None:
    products = (
        Product(row.service_type, row.renewed_variant, row.site.kind, row.site.price_class)  # type: ignore[attr-defined]
        for row in items
    )
    return (
        total_of(list_amounts(((product, 1) for product in products), scope.prices, scope.now))
        if scope.prices
        else None
    )


def _doors(rows: QuerySet[Apartment], after: Place | None, limit: int) -> list[Any]:
    """The next apartments, by site and door."""
    if limit <= 0:
        return []
    if after is not None:
        rows = rows.filter(_behind(after, *BY_DOOR))
    return list(rows.select_related("building", "site__installer", "target").order_by(*BY_DOOR)[:limit])


def _items_of(
    scope: Scope,
    rows: Sequence[Apartment],
    narrow: Callable[[EntitlementQuerySet], QuerySet[Entitlement]] = lambda items: items,
) -> dict[int, list[Entitlement]]:
    """What is billed for these apartments, by target, with the variant that a renewal pays for; one statement."""
    if not rows:
        return {}
    items = Entitlement.objects.visible_to(scope.actor).filter(target__in=[row.target_id for row in rows])
    found: dict[int, list[Entitlement]] = {}
    for item in (
        narrow(items).annotate(renewed_variant=status.renewed()).select_related("site").order_by("service_type")
    ):
        found.setdefault(item.target_id, []).append(item)
    return found


def _place(kind: Kind, row: Apartment) -> Place:
    return Place(kind, row.site.name_order, row.site_id, row.target.sort_key, row.pk)


def _behind(place: Place, *names: str) -> Q:
    """After the place in this order: (a, b) > (x, y) in SQL without row values."""
    condition, same = Q(), Q()
    for name, value in zip(names, place[1:], strict=False):
        condition |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return condition


READ: Mapping[Kind, Callable[[Scope, Sequence[Alike], Place | None, int], list[Unit]]] = {
    Kind.UNPAID: _unpaid,
    Kind.UNUSED: _unused,
    Kind.MONITORS: _missing,
    Kind.EMPTY: _empty,
}
