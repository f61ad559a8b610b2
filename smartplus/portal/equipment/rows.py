"""Rows of the list of a site's equipment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from communities.models import Entitlement, Equipment, EquipmentKind, Site, State, Viewers
from smartplus.portal.equipment.queries import Fitted
from smartplus.portal.kit.contact_tags import mac
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sites.tags import expires

DASH = "–"


class EquipmentCells(NamedTuple):
    """One piece; `group` is the heading above the first one of a kind."""

    group: str
    url: str
    name: str
    make: str
    number: str
    place: str
    works: SafeString
    until: str


def cells(found: Iterable[Fitted], site: Site, now: datetime, *, by_kind: bool) -> list[EquipmentCells]:
    """The cells of pieces; if sorted `by_kind`, with a heading for each kind."""
    kinds = {kind.value: str(kind.label) for kind in EquipmentKind}
    dash, rows, above = as_html('<span class="mute">{}</span>', DASH), [], None
    for one in found:
        piece, group = one.piece, ""
        if by_kind and piece.kind != above:
            group = as_html('<tr class="grp"><td colspan="6"><b>{}</b></td></tr>', kinds[piece.kind])
        above = piece.kind
        rows.append(
            EquipmentCells(
                group=group,
                url=address("equipment-detail", piece.pk),
                name=piece.name,
                make=make_of(one) or dash,
                number=_number(one) or dash,
                place=piece.place or _("the whole site"),
                works=works(one, site, now),
                until=_until(one.item, site, now) or dash,
            )
        )
    return rows


def make_of(one: Fitted) -> str:
    """The maker, or the model of an own product."""
    return one.piece.maker or (one.device.model if one.device else "") or one.piece.model


def _number(one: Fitted) -> str:
    number = mac(one.device.mac) if one.device else one.piece.serial or one.piece.address
    return as_html('<span class="mono">{}</span>', number) if number else ""


def works(one: Fitted, site: Site, now: datetime) -> SafeString:
    """Whether its service works now, and if not, why."""
    tone, word, below = standing(one.piece, one.item, site, now)
    return as_html('{}<span class="t12 mute">{}</span>', status(tone, word), below) if below else status(tone, word)


def standing(piece: Equipment, item: Entitlement | None, site: Site, now: datetime) -> tuple[str, str, str]:
    """How a piece stands: a tone, a word, and what else there is to say."""
    if piece.is_archived:
        return "inactive", _("Archived"), ""
    if piece.kind == EquipmentKind.DOOR:
        return "active", _("Opens"), _("by card, PIN and button in any case")
    if piece.kind == EquipmentKind.CAMERA:
        viewers = str(Viewers(piece.viewers).label)
        return ("active", _("On"), viewers) if site.third_party_camera else ("inactive", _("Service off"), viewers)
    if item is None or item.expires_at is None:
        waits = _("in an open order") if item and item.reserved_by else _("key and card work") if _locks(piece) else ""
        return "inactive hollow", _("Not activated"), waits
    if item.is_usable(now):
        if item.state(now) is State.GRACE:
            return "expiring", _("In grace"), ""
        return "active", _("Yes"), _("renews by itself") if item.renews else ""
    return "lapsed", _("Lapsed"), _("key and card work") if _locks(piece) else ""


def _locks(piece: Equipment) -> bool:
    return piece.kind == EquipmentKind.LOCK


def _until(item: Entitlement | None, site: Site, now: datetime) -> str:
    if item is None or item.expires_at is None:
        return ""
    return expires(item.expires_at, item.works_until, site.time_zone, now, renews=item.renews)
