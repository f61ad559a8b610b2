"""The equipment of a site as a file: every row that matches, with the texts of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed.days import site_day
from communities.models import Equipment, Site
from smartplus.portal.equipment.queries import Fitted
from smartplus.portal.equipment.rows import make_of, standing
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column


def columns() -> list[Column]:
    """The columns of a file of equipment."""
    return [
        Column(_("Kind")), Column(_("Name")), Column(_("Make or model")), Column(_("MAC")), Column(_("Serial number")),
        Column(_("Address")), Column(_("Place")), Column(_("Works")), Column(_("Paid until"), tables.Kind.DAY),
    ]  # fmt: skip


def rows(
    found: QuerySet[Equipment], with_parts: Callable[[list[Equipment]], list[Fitted]], site: Site, now: datetime
) -> Iterator[list[object]]:
    """Pieces as lines; `with_parts` reads what belongs to some of them."""
    for one in chain.from_iterable(map(with_parts, tables.in_chunks(found))):
        piece, item = one.piece, one.item
        yield [
            piece.get_kind_display(),
            piece.name,
            make_of(one),
            str(one.device.address) if one.device else "",
            piece.serial,
            piece.address,
            piece.place,
            standing(piece, item, site, now)[1],
            site_day(item.expires_at, site.time_zone) if item and item.expires_at else None,
        ]
