"""Rows of the list of a site's equipment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.typed.days import end_date
from communities.models import Entitlement, Equipment, EquipmentKind, Site, State, Viewers
from smartplus.portal.equipment.queries import Fitted
from smartplus.portal.kit.contact_tags import mac
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sites.tags import expires

DASH = "–"
PLURALS = {
    EquipmentKind.LOCK.value: gettext_lazy("Third-party locks"),
    EquipmentKind.SENSOR.value: gettext_lazy("Sensors"),
    EquipmentKind.CAMERA.value: gettext_lazy("Cameras"),
    EquipmentKind.DOOR.value: gettext_lazy("Doors"),
}


class EquipmentCells(NamedTuple):
    """One piece; `group` is the heading above the first one of a kind."""

    group: str
    url: str
    name: str
    below_name: str
    make: str
    number: str
    place: str
    works: SafeString
    until: str


def cells(
    found: Iterable[Fitted], site: Site, now: datetime, *, notes: Mapping[str, str] | None
) -> list[EquipmentCells]:
    """The cells of pieces; with `notes` sorted by kind, with a heading for each kind and what there is to say of it."""
    dash, rows, above = as_html('<span class="mute">{}</span>', DASH), [], None
    for one in found:
        piece, group = one.piece, ""
        if notes is not None and piece.kind != above:
            group = as_html(
                '<tr class="grp"><td colspan="6"><b>{}</b> {}</td></tr>', PLURALS[piece.kind], notes.get(piece.kind, "")
            )
        above = piece.kind
        rows.append(
            EquipmentCells(
                group=group,
                url=address("equipment-detail", piece.pk),
                name=piece.name,
                below_name=as_html('<span class="t12 mute sub-760">{}</span>', make) if (make := make_of(one)) else "",
                make=make or dash,
                number=_number(one) or dash,
                place=_place(piece),
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


def _place(piece: Equipment) -> str:
    if piece.apartment_id:
        return as_html('<a href="{}">{}</a>', address("apartment-detail", piece.apartment_id), piece.place)
    return piece.place or _("the whole site")


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
    lasts = _("key and card work") if piece.kind == EquipmentKind.LOCK else ""
    if item is None or item.expires_at is None:
        waits = _("in an open order") if item and item.reserved_by else lasts
        return "inactive hollow", _("Not activated"), waits
    if item.is_usable(now):
        if item.state(now) is State.GRACE and item.works_until is not None:
            until = _("works until %(date)s") % {"date": end_date(item.works_until, site.time_zone)}
            return "expiring", _("In grace"), until
        return "active", _("Yes"), _("renews by itself") if item.renews else ""
    return "lapsed", _("Lapsed"), lasts


def _until(item: Entitlement | None, site: Site, now: datetime) -> str:
    if item is None or item.expires_at is None:
        return ""
    return expires(item.expires_at, item.works_until, site.time_zone, now, renews=item.renews)
