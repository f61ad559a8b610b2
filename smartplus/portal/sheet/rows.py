"""Rows of the sheet: apartments, and the heads of buildings and floors above them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import catalogue
from communities.models import Apartment, Building, Entitlement, Site
from devices.models import Device
from smartplus.portal.kit.contact_tags import mac
from smartplus.portal.kit.day_tags import end_day
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sheet.groups import Counts, House
from smartplus.portal.sites.tags import tone_of, word_of


class Unit(NamedTuple):
    """An apartment of the sheet, with its family master, how many others live there, its monitors and the entitlement of its App."""

    apartment: Apartment
    master: str
    others: int
    monitors: list[Device]
    app: Entitlement | None


class UnitCells(NamedTuple):
    """One apartment: its number and people, its switches, its monitors (`mono` is the class of MACs), and its App. For who edits, `edits` are
    the attribute of the row, and `fix` is the row below it in which a monitor is entered."""

    url: str
    number: SafeString | str
    name: SafeString | str
    master: SafeString
    indoor_monitor: SafeString
    landline: SafeString
    video_storage: SafeString
    monitors: SafeString
    mono: str
    until: SafeString | str
    status: SafeString
    edits: SafeString | str = ""
    fix: SafeString | str = ""


class HeadCells(NamedTuple):
    """In how many apartments below a head each switch is on."""

    indoor_monitor: SafeString
    landline: SafeString
    video_storage: SafeString


@dataclass(slots=True)
class ShownFloor:
    """A floor on the page, with the cells of readers or of who edits; without them it is folded, and `url` leads to its apartments."""

    key: str
    name: str
    n: int
    head: HeadCells
    is_open: bool
    url: str
    cells: Sequence[Any] = field(default_factory=list)


@dataclass(slots=True)
class ShownHouse:
    """A building on the page, as far as the page shows its floors; `paid` says in words how many of its items are
    paid, `ghost` is the row that adds an apartment where the building ends here."""

    building: Building
    n: str
    head: HeadCells
    paid: str
    floors: list[ShownFloor]
    ghost: Any = None


def cells(found: Iterable[Unit], site: Site, now: datetime, *, by_place: bool) -> list[UnitCells]:
    """The cells of apartments; if not sorted `by_place`, with the building before the number."""
    marks = {
        True: as_html('<i class="mk on">{}</i>', _("On")),
        False: as_html('<i class="mk">{}</i>', _("Off")),
    }
    nobody, nothing = as_html('<span class="mute">{}</span>', _("nobody")), as_html("{}", "")
    waits, none = status("pending", _("Monitor pending")), as_html('<span class="mute">{}</span>', _("none required"))
    no_resident = as_html('<span class="mute">{}</span>', _("no resident"))
    rows = []
    for apartment, master, others, monitors, app in found:
        is_billed = app is not None and bool(app.variant)
        url = address("apartment-detail", apartment.pk)
        rows.append(
            UnitCells(
                url=url,
                number=as_html('<a href="{}">{}</a>', url, apartment.number if by_place else str(apartment)),
                name=as_html(' <span class="mute">{}</span>', apartment.name) if apartment.name else "",
                master=as_html("{}{}", master or nobody, _more(others)) if master else nobody,
                indoor_monitor=marks[apartment.indoor_monitor],
                landline=marks[apartment.landline],
                video_storage=marks[apartment.video_storage],
                monitors=_monitors(monitors) if monitors else (waits if apartment.indoor_monitor else none),
                mono=" mono" if monitors else "",
                until=end_day(app.expires_at, site.time_zone) if app and is_billed else "–",
                status=_status(app, now) if app and is_billed else (nothing if master else no_resident),
            )
        )
    return rows


def _more(others: int) -> SafeString:
    return as_html(' <span class="mute">+{}</span>', others) if others else as_html("")


def _monitors(monitors: list[Device]) -> SafeString:
    """The first monitor with its model, and how many more there are."""
    first, *others = monitors
    model = ", ".join(filter(None, [first.model, f"+{len(others)}" if others else ""]))
    return as_html(
        "{}{}",
        mac(first.mac),
        as_html(" <small>{}</small>", model) if model else "",
    )


def _status(app: Entitlement, now: datetime) -> SafeString:
    return status(
        tone_of(app.expires_at, app.works_until, now, renews=app.renews),
        word_of(app.expires_at, app.works_until, now, renews=app.renews),
    )


def head_of(counts: Counts) -> HeadCells:
    """The head of a building, a floor or the whole sheet, for who only looks."""
    words = _("%(on)s of %(of)s")
    return HeadCells(
        *(
            as_html("{}", words % {"on": getattr(counts, code), "of": counts.all})
            for code in catalogue.APARTMENT_SWITCHES
        )
    )


def number_of(matching: int, every: int) -> str:
    """How many apartments a building has, and how many of them are looked at where those are not all."""
    words = ngettext("%(n)s apartment", "%(n)s apartments", every) % {"n": every}
    return words if matching == every else _("%(all)s, %(n)s match") % {"all": words, "n": matching}


def paid_words(paid: int, unpaid: int) -> str:
    """How many items of a building are paid, and how many are not."""
    parts = []
    if paid:
        parts.append(ngettext("Paid: %(n)s item", "Paid: %(n)s items", paid) % {"n": paid})
    if unpaid:
        parts.append(ngettext("Not paid: %(n)s item", "Not paid: %(n)s items", unpaid) % {"n": unpaid})
    return ". ".join(parts)


def shown_floor(
    building_id: int, at: int, name: str, counts: Counts, *, head: HeadCells, url: str, is_open: bool
) -> ShownFloor:
    """The head of a floor. The page calls it by its place in the building, since its name may have any signs."""
    return ShownFloor(f"f{building_id}-{at}", name, counts.all, head, is_open, url)


def shown_houses(
    houses: Iterable[House],
    every: Mapping[int, int],
    paid: Mapping[str, tuple[int, int]],
    head: Callable[[House], HeadCells],
) -> dict[int, ShownHouse]:
    """The heads of the buildings by their ids, without floors yet. `every` are their apartments, matching or not; `paid` are their paid and
    unpaid items by the building's name, `head` gives the cells of a building."""
    return {
        house.building.pk: ShownHouse(
            house.building,
            number_of(house.counts.all, every.get(house.building.pk, 0)),
            head(house),
            paid_words(*paid.get(house.building.name, (0, 0))),
            [],
        )
        for house in houses
    }
