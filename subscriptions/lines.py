"""The names of order lines, and searching orders by them. A line freezes the label of its target; a person's name is read when it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from accounts.scope import Actor, Role
from accounts.typed import finding
from communities.models import ManagerAssignment, Site, Target, targets
from subscriptions.models import Order, OrderLine

FEW = 200  # sites


def target_names() -> Case:
    """The name of a line's target: the frozen label, or if that is empty, the target's present name."""
    now = Target.objects.filter(entitlements=OuterRef("entitlement_id")).values(called=targets.words(""))
    return Case(
        When(target_label="", then=Coalesce(Subquery(now), Value(""))),
        default=F("target_label"),
        output_field=CharField(),
    )


def in_orders(actor: Actor, text: str) -> Q:
    """Orders with a line that the actor sees in which each word of `text` is in its site or apartment, or in its site or its person's
    present name. Each part uses one index: an OR over a line and its site would read all visible lines."""
    seen, words = OrderLine.objects.visible_to(actor), finding.words(text)
    if not words:
        return finding.NOTHING
    wanted = _in_sites(actor, text, seen)
    for word in words:
        others = Q()
        for other in words:
            others &= finding.holds(other, "site__search_key", "search_key") if other != word else Q()
        wanted |= Q(pk__in=seen.filter(finding.holds(word, "search_key")).filter(others).values("order_id"))
    return wanted | _of_people(actor, words, seen)


def _of_people(actor: Actor, words: list[str], seen: QuerySet[OrderLine]) -> Q:
    """Orders with a line for a person who has at least one of the words, while the site or person has the others; if the site has all of
    them, `_in_sites` finds it. With many assignments the orders are walked, as in `_in_sites`."""
    theirs = Q()
    for word in words:
        others = Q()
        for other in words:
            others &= _of_person(other) if other != word else Q()
        theirs |= targets.person(word, "membership__") & others
    people = ManagerAssignment.objects.visible_to(actor).filter(theirs).order_by().values_list("target_id", flat=True)
    few = list(people[: FEW + 1])
    if len(few) > FEW:
        mine = seen.filter(order=OuterRef("pk"), entitlement__target__in=people).order_by().values("pk")[:1]
        return Q(GreaterThan(Subquery(mine), 0))
    return Q(pk__in=seen.filter(entitlement__target__in=few).values("order_id")) if few else finding.NOTHING


def _in_sites(actor: Actor, text: str, seen: QuerySet[OrderLine]) -> Q:
    """Orders with a line of a site that has all the words. If many sites match, nearly every order has such a line: then the orders are
    walked from the newest until a page is full (with a scalar subquery, because PostgreSQL would turn EXISTS into a list of all of them
    first)."""
    sites = Site.every.visible_to(actor).filter(finding.matching(text, "search_key")).order_by()
    few = list(sites.values_list("pk", flat=True)[: FEW + 1])
    if len(few) > FEW:
        mine = seen.filter(order=OuterRef("pk"), site__in=sites.values("pk")).order_by().values("pk")[:1]
        return Q(GreaterThan(Subquery(mine), 0))
    return Q(pk__in=seen.filter(site__in=few).values("order_id")) if few else finding.NOTHING


def _of_person(word: str) -> Q:
    return finding.holds(word, "site__search_key") | targets.person(word, "membership__")


class SiteShare(NamedTuple):
    """The part of one order that belongs to one site."""

    order_id: int
    site_name: str
    amount_minor: int
    items: int


def shares(actor: Actor, orders: Iterable[Order]) -> list[SiteShare]:
    """The parts of these orders at each site that the actor sees (R1), by site name; one statement, for a manager two: its sites are read
    once, not for each line."""
    lines = OrderLine.objects.filter(order__in=list(orders)).order_by()
    sums = {"amount": Sum("amount_minor"), "n": Count("pk")}
    if actor.role is not Role.MANAGER:
        named = lines.visible_to(actor).values_list("order_id", "site__name").annotate(**sums)
        return [SiteShare(*row) for row in named.order_by("site__name_order", "site__name")]
    at = list(lines.values_list("order_id", "site_id").annotate(**sums))
    seen = Site.every.visible_to(actor).filter(pk__in={site_id for _order, site_id, *_sums in at})
    places = {pk: (order, name) for pk, order, name in seen.values_list("pk", "name_order", "name")}
    found = sorted((places[site_id], order_id, amount, n) for order_id, site_id, amount, n in at if site_id in places)
    return [SiteShare(order_id, name, amount, n) for (_order, name), order_id, amount, n in found]
