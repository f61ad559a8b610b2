"""The list of what can be activated: how many items there are, as far as they are counted, and the rows of a page.

Up to `keyset.COUNTED` items are read by their ids and sorted. A longer list is never sorted as a whole: the page is filled site by site, in the
order of their names, and from a large site target by target, both in the order of an index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from django.core.exceptions import ValidationError
from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.utils import DataError

from accounts.scope import Actor
from communities import catalogue
from communities.models import Entitlement, Site, Target, targets
from smartplus.portal.kit import keyset
from subscriptions.id_digests import Mark
from subscriptions.items import never_activated_at
from subscriptions.selections import Filter

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

BY = ("site__name_order", "site_id", "target__sort_key", "person", "service_type", "pk")
SHOWN = (
    "service_type", "variant", "installer_id", "site__name", "site__name_order", "site__kind", "site__price_class", "site__time_zone",
    "target__kind", "target__building", "target__number", "target__slot", "target__name", "target__sort_key",
)  # fmt: skip
SITES = 8  # that are looked at first
AT_FIRST = 64  # of those where something waits, for counting
TIED = (
    20  # targets at one place by their key, at most: namesakes, doors 1 and 01, and the one that the last page ended in
)


class Named(TypedDict):
    """Further values of a row: the sort name of its person, and the family master of its apartment."""

    person: str
    master: str | None


Item: TypeAlias = "WithAnnotations[Entitlement, Named]"


@dataclass(frozen=True, slots=True)
class Found:
    """The items of a list as (id, service type, site); at most `keyset.COUNTED` + 1 of them are read."""

    items: tuple[tuple[int, str, int], ...]

    @property
    def count(self) -> int:
        """The number of items, as `keyset.count` gives it."""
        return len(self.items)

    @property
    def is_whole(self) -> bool:
        """Whether all items were read."""
        return self.count <= keyset.COUNTED

    @property
    def ids(self) -> list[int]:
        """The ids of the items that were read."""
        return [pk for pk, _service, _site in self.items]

    @property
    def mark(self) -> Mark | None:
        """The mark of the list; None where it is too long to be read as a whole."""
        return Mark.of_ids(self.ids) if self.is_whole else None

    @property
    def by_service(self) -> Mapping[str, int] | None:
        """The number of items of each service type; None where not all were read."""
        return Counter(service for _pk, service, _site in self.items) if self.is_whole else None

    def narrowed(self, wanted: Filter) -> Found | None:
        """The items that a filter selects; None where only the database can select them."""
        if not wanted.is_narrow:
            return self
        if not self.is_whole or wanted.search or wanted.site_search:
            return None
        return Found(
            tuple(
                (pk, service, site)
                for pk, service, site in self.items
                if (not wanted.service_type or service in catalogue.types_of(wanted.service_type))
                and wanted.site_id in {None, site}
            )
        )


def find(items: QuerySet[Entitlement], installer_id: int) -> Found:
    """The items of an installer, in two statements, or four where many sites have few items each.

    Only sites where something waits are read, and the query names them: without their ids the database reads everything that the firm has.
    """
    most = keyset.COUNTED + 1
    waiting = never_activated_at(installer_id).order_by("site_id").values_list("site_id", flat=True).distinct()
    there = items.order_by().values_list("pk", "service_type", "site_id")
    for at_once in (AT_FIRST, most):
        sites = list(waiting[:at_once])
        found = tuple(there.filter(site_id__in=sites)[:most]) if sites else ()
        if len(found) == most or len(sites) < at_once:
            break
    if len(found) < most == len(sites):  # much is reserved or blocked at these, and there are more
        found = tuple(there.filter(site_id__in=waiting)[:most])
    return Found(found)


def page(
    actor: Actor, matching: QuerySet[Entitlement], found: Found, wanted: Filter, *, query: Mapping[str, str], size: int
) -> keyset.Page[Item]:
    """The page that `query` asks for, in one statement, for long lists in three or four."""
    rows = matching.select_related("site", *targets.person_relations()).only(*SHOWN, *targets.person_columns())
    named = rows.annotate(person=targets.person_order(), master=targets.master())
    shown = _page(actor, matching, named, found, wanted, query=query, size=size)
    for row in shown.rows:
        row.target.site = row.site  # its name is read where it is what the target is called
    return shown


def _page(
    actor: Actor,
    matching: QuerySet[Entitlement],
    rows: QuerySet[Item],
    found: Found,
    wanted: Filter,
    *,
    query: Mapping[str, str],
    size: int,
) -> keyset.Page[Item]:
    if found.is_whole:
        return keyset.page(rows.filter(pk__in=found.ids), by=BY, query=query, size=size)
    start = keyset.start(query, BY)
    try:
        near = _near(actor, matching, wanted, start, size)
    except (ValueError, TypeError, OverflowError, ValidationError, DataError):  # the key of a page that never was
        query, start = {}, keyset.start({}, BY)
        near = _near(actor, matching, wanted, start, size)
    return keyset.page(rows.filter(near), by=BY, query=query, size=size)


class _UpTo(Subquery):
    """The number of rows of a subquery that has a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) few)"
    output_field = IntegerField()


def _near(actor: Actor, matching: QuerySet[Entitlement], wanted: Filter, start: keyset.Start, size: int) -> Q:
    """The condition for the rows among which the page is: the rest of the site in which the last page ended, and the next sites.

    Of a large site only the next targets belong to it. If the list has a further page, the condition holds for at least that many rows.
    """
    sites = Site.objects.visible_to(actor).filter(installer_id=wanted.installer_id, kind=wanted.project_type)
    if wanted.site_id:
        sites = sites.filter(pk=wanted.site_id)
    near = Q(pk__in=())
    if start.key:
        last = start.value("site_id")
        way = "lt" if start.is_back else "gt"
        by_name = {"name_order": start.value("site__name_order")}
        further = Q(**by_name, **{f"pk__{way}": last}) | Q(**{f"name_order__{way}": by_name["name_order"]})
        sites = sites.filter(further, **{f"name_order__{way}e": by_name["name_order"]})
        near = Q(site_id=last, target_id__in=_targets(matching, last, start, size))
    waiting = never_activated_at(wanted.installer_id).filter(site_id=OuterRef("pk"))
    there = matching.filter(site_id=OuterRef("pk")).order_by()
    few = _UpTo(there.values("pk")[: size + 1])
    order = ("-name_order", "-pk") if start.is_back else ("name_order", "pk")
    likely = sites.filter(Exists(waiting)).order_by(*order)
    if (
        wanted.is_narrow
    ):  # else hardly a site where something waits has nothing, and to ask for it would look at the items of all of them
        likely = likely.filter(Exists(there))
    whole, n, looked, at_once = list[int](), 0, 0, SITES
    while True:
        some = Site.objects.visible_to(actor).filter(pk__in=likely.values("pk")[looked:at_once]).order_by(*order)
        counts = list(some.values_list("pk", few))
        for site_id, count in counts:
            if count > size:
                return near | Q(site_id__in=whole) | Q(
                    site_id=site_id, target_id__in=_targets(matching, site_id, start, size)
                )  # fmt: skip
            whole += [site_id] if count else []
            n += count
            if n > size:
                return near | Q(site_id__in=whole)
        if len(counts) < at_once - looked:
            return near | Q(site_id__in=whole)
        looked, at_once = at_once, max(size + 1, 4 * at_once)  # where each has one item only, a page has so many sites


def _targets(matching: QuerySet[Entitlement], site_id: int, start: keyset.Start, size: int) -> list[int]:
    """The next targets of a site that have items of the list; enough for a page, even if the last page had all items of the first."""
    found = Target.objects.filter(Exists(matching.filter(target_id=OuterRef("pk")).order_by()), site_id=site_id)
    named = found.annotate(person=targets.person_order(""))
    order = ["sort_key", "person", "pk"]
    if start.is_back:
        order = [f"-{name}" for name in order]
    if start.key and start.value("site_id") == site_id:
        way = "lt" if start.is_back else "gt"
        place, person = start.value("target__sort_key"), start.value("person")
        behind = Q(**{f"sort_key__{way}": place}) | Q(sort_key=place, **{f"person__{way}e": person})
        named = named.filter(behind, **{f"sort_key__{way}e": place})
    return list(named.order_by(*order).values_list("pk", flat=True)[: size + 1 + TIED])
