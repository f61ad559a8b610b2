"""Rows of the page that activates: what can be ticked, each with its price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.utils.translation import gettext as _

from communities import catalogue
from payments import money
from smartplus.portal.kit.ticks import Ticks
from smartplus.portal.subscription.to_activate import Item

CHECKED = " checked"


class ItemCells(NamedTuple):
    """One item; `checked` is the attribute of its box."""

    id: int
    checked: str
    target: str
    place: str
    service: str
    variant: str
    price: str


def cells(found: Iterable[Item], ticked: Ticks, each: Mapping[int, int], *, currency: str) -> list[ItemCells]:
    """What the table says of each item. `each` has the prices of those that have one and may be shown."""
    rows = list(found)
    amounts = {minor: money.show(minor, currency) for minor in set(each.values())}
    labels = {kind: catalogue.variant_label(*kind) for kind in {(row.service_type, row.variant) for row in rows}}
    services = {code: str(catalogue.SERVICE_TYPE_LABELS[code]) for code, _variant in labels}
    nobody = _("no family master yet: the Premium Plan belongs to the apartment")
    filled = []
    for row in rows:
        master = row.master or (nobody if row.target.is_home else "")
        filled.append(
            ItemCells(
                id=row.pk,
                checked=CHECKED if ticked.has(row.pk) else "",
                target=str(row.target),
                place=f"{row.site.name}, {master}" if master else row.site.name,
                service=services[row.service_type],
                variant=labels[row.service_type, row.variant],
                price=amounts.get(each.get(row.pk, -1), "–"),
            )
        )
    return filled
