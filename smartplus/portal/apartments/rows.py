"""Rows of the list of a site's apartments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from communities.models import Apartment, Entitlement, Site
from devices.models import Device
from smartplus.portal.kit.contact_tags import mac
from smartplus.portal.kit.day_tags import end_day
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sites.tags import tone_of, word_of

BREAK = as_html("<br>")


class Unit(NamedTuple):
    """An apartment of a list, with the names of its family masters, its monitors, and the entitlement of its App."""

    apartment: Apartment
    masters: list[str]
    monitors: list[Device]
    app: Entitlement | None


class ApartmentCells(NamedTuple):
    """One apartment: its name, people, switches, monitors (`mono` is the class of MACs) and App; `group` is the heading above the first one
    of a floor."""

    group: str
    url: str
    number: str
    name: str
    masters: str
    indoor_monitor: SafeString
    landline: SafeString
    video_storage: SafeString
    monitors: str
    mono: str
    app: str


def cells(found: Iterable[Unit], site: Site, now: datetime, *, by_place: bool) -> list[ApartmentCells]:
    """The cells of apartments; if sorted `by_place`, with a heading for each floor."""
    marks = {
        True: as_html('<i class="mk on">{}</i>', _("On")),
        False: as_html('<i class="mk">{}</i>', _("Off")),
    }
    nobody, dash = as_html('<span class="mute">{}</span>', _("nobody")), as_html('<span class="mute">{}</span>', "–")
    needed, floor = status("expiring", _("MAC needed")), _("floor %(floor)s")
    rows, above = [], None
    for apartment, masters, monitors, app in found:
        group, here = "", (apartment.building_id, apartment.floor)
        if by_place and here != above:
            words = floor % {"floor": apartment.floor}
            group = as_html('<tr class="grp"><td colspan="7"><b>{}</b>, {}</td></tr>', apartment.building.name, words)
        above = here
        rows.append(
            ApartmentCells(
                group=group,
                url=address("apartment-detail", apartment.pk),
                number=apartment.number if by_place else str(apartment),
                name=as_html(' <span class="mute">{}</span>', apartment.name) if apartment.name else "",
                masters="".join(masters) or nobody,
                indoor_monitor=marks[apartment.indoor_monitor],
                landline=marks[apartment.landline],
                video_storage=marks[apartment.video_storage],
                monitors=side_by_side(
                    [as_html("{}{}", BREAK if at else "", mac(device.mac)) for at, device in enumerate(monitors)]
                )
                or (needed if apartment.indoor_monitor else dash),
                mono=" mono" if monitors else "",
                app=_app(app, site, now) if app and app.variant else dash,
            )
        )
    return rows


def _app(app: Entitlement, site: Site, now: datetime) -> SafeString:
    """The state of the App in a word, with its end."""
    word = word_of(app.expires_at, app.works_until, now, renews=app.renews)
    mark = status(tone_of(app.expires_at, app.works_until, now, renews=app.renews), word)
    if not app.expires_at:
        return mark
    return as_html('{} <span class="mute nw">{}</span>', mark, end_day(app.expires_at, site.time_zone))
