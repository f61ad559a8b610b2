"""Rows of the sheet for who edits it: a field in each cell, under names that `sheet.forms` reads, and a row that adds an apartment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from communities import catalogue
from communities.models import Apartment, Building, Site
from devices.bulk import SWITCHES
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sheet.forms import COLUMNS, Was
from smartplus.portal.sheet.groups import Counts
from smartplus.portal.sheet.rows import HeadCells, Unit, UnitCells

LAST_DIGITS = re.compile(r"\d+(?=\D*$)")


class EditCells(NamedTuple):
    """One apartment with its fields; `fix` is the row below it in which a monitor is entered, "" where one is there."""

    pk: int
    url: str
    open: str
    select: str
    was: Was
    number: SafeString
    master: SafeString
    indoor_monitor: SafeString
    landline: SafeString
    video_storage: SafeString
    monitors: SafeString
    mono: str
    until: SafeString | str
    status: SafeString
    fix: SafeString


class Ghost(NamedTuple):
    """The last row of a building, which adds an apartment: what it proposes, and the switches that it inherits."""

    prefix: str
    floor: str
    number: str
    needs_monitor: bool
    indoor_monitor: bool
    landline: bool
    video_storage: bool


def editable(units: Sequence[Unit], cells: Iterable[UnitCells], site: Site) -> list[EditCells]:
    """The cells of apartments with their fields, from those that a reader sees."""
    words = {name: str(label) for name, label in COLUMNS.items()}
    reasons = dict.fromkeys(catalogue.APARTMENT_SWITCHES, "")
    for code in catalogue.CEILING_SWITCHES:
        if not getattr(site, code):
            reasons[code] = _("Off in %(site)s: switch it on there first.") % {"site": site.name}
    opens, selects, nobody = _("Open %(apartment)s"), _("Select %(apartment)s"), _("Name, email")
    fixes, pending = _fix_words(), as_html("{}", status("pending", _("Monitor pending")))
    found = []
    for unit, row in zip(units, cells, strict=True):
        apartment, number = unit.apartment, unit.apartment.number
        pk, lacks = apartment.pk, not unit.monitors
        wait = as_html(
            '<button type="button" class="as-text" data-open-fix>{}</button>',
            pending if apartment.indoor_monitor else row.monitors,
        )
        found.append(
            EditCells(
                pk=pk,
                url=row.url,
                open=opens % {"apartment": number},
                select=selects % {"apartment": number},
                was=Was.of(apartment, unit.master),
                number=as_html(
                    '<input class="ce" name="cell-{}-number" value="{}" aria-label="{}, {}" autocomplete="off">',
                    pk, number, words["number"], number,
                ),
                master=as_html(
                    '<input class="ce" name="cell-{}-master" value="{}" aria-label="{}, {}" placeholder="{}" autocomplete="off">{}',
                    pk, unit.master, words["master"], number, nobody, _others(unit.others),
                ),
                indoor_monitor=_switch(pk, "indoor_monitor", apartment, words, reasons),
                landline=_switch(pk, "landline", apartment, words, reasons),
                video_storage=_switch(pk, "video_storage", apartment, words, reasons),
                monitors=wait if lacks else row.monitors,
                mono=row.mono,
                until=row.until,
                status=row.status,
                fix=_fix(apartment, fixes, words) if lacks else as_html(""),
            )
        )  # fmt: skip
    return found


def _others(n: int) -> SafeString:
    return as_html('<span class="mute">+{}</span>', n) if n else as_html("")


def _switch(pk: int, code: str, apartment: Apartment, words: dict[str, str], reasons: dict[str, str]) -> SafeString:
    """A switch; locked, with its reason, where the community has the service off (R22)."""
    rest = as_html(' disabled title="{}"', reasons[code]) if reasons[code] else as_html("")
    return as_html(
        '<input class="sw" type="checkbox" role="switch" name="cell-{}-{}" aria-label="{}, {}"{}{}>',
        pk, code, words[code], apartment.number, as_html(" checked") if getattr(apartment, code) else as_html(""), rest,
    )  # fmt: skip


def _fix_words() -> dict[str, str]:
    return {
        "lacks": _("%(apartment)s has no monitor."),
        "needs": _("The switch needs one before it can be applied."),
        "waits": _("%(apartment)s waits for its monitor."),
        "pending": _("Mark pending"),
        "off": _("Leave it off"),
    }


def _fix(apartment: Apartment, said: dict[str, str], words: dict[str, str]) -> SafeString:
    """The row in which a monitor is entered, or with which the apartment waits for it (R17)."""
    pk, number, waits = apartment.pk, apartment.number, apartment.indoor_monitor
    head = as_html("<b>{}</b>", said["waits" if waits else "lacks"] % {"apartment": number})
    ways = as_html("") if waits else as_html(
        '<label class="tick"><input class="ck" type="checkbox" name="cell-{}-pending"> <span>{}</span></label>'
        '<button type="button" class="b q s" data-off hidden>{}</button>',
        pk, said["pending"], said["off"],
    )  # fmt: skip
    return as_html(
        '<tr class="fix" data-fix="{}"><td></td><td colspan="8"><p>{} {}</p><div class="fix-in">'
        '<input class="in mono" name="cell-{}-mac" aria-label="{}, {}" placeholder="0C:11:05:…" autocomplete="off" data-mac>'
        '<input class="in" name="cell-{}-monitor_name" aria-label="{}, {}" placeholder="{}" autocomplete="off">{}</div>'
        '<p class="said lapsed" data-said role="status"></p></td></tr>',
        pk, head, "" if waits else said["needs"], pk, words["mac"], number, pk, words["monitor_name"], number, _("Hallway"), ways,
    )  # fmt: skip


def head_of(counts: Counts, site: Site, of: str, *, building: int | None = None, floor: str = "") -> HeadCells:
    """The head of a building, a floor or the whole sheet: two switches that act on what is below, and Video Storage, which only counts
    (R15). Each leads to its dry run."""
    words, on, off = _("%(on)s of %(of)s"), _("Switch %(what)s on: %(of)s"), _("Switch %(what)s off: %(of)s")
    cells = []
    for code in catalogue.APARTMENT_SWITCHES:
        n = getattr(counts, code)
        said = words % {"on": n, "of": counts.all}
        is_locked = code in catalogue.CEILING_SWITCHES and not getattr(site, code)
        if code not in SWITCHES or not counts.all or is_locked:
            cells.append(as_html("{}", said))
            continue
        is_all = n == counts.all
        query = {
            code: "off" if is_all else "on",
            **({"building": building} if building else {}),
            **({"floor": floor} if floor else {}),
        }
        label = (off if is_all else on) % {"what": COLUMNS[code], "of": of}
        cells.append(
            as_html(
                '<a class="tri {}" href="{}?{}" data-tri="{}" data-to="{}" data-n="{}" aria-label="{}" title="{}"></a> {}',
                "on" if is_all else "some" if n else "off", address("bulk-change", site.pk), urlencode(query), code,
                query[code], counts.all, label, label, said,
            )
        )  # fmt: skip
    return HeadCells(*cells)


def ghost_of(building: Building, last: Apartment | None, site: Site) -> Ghost:
    """The row that adds an apartment to a building: it proposes the number after the last one, on the same floor."""
    number = following(last.number) if last else "1.01"
    return Ghost(
        f"new-{building.pk}-0", last.floor if last else "1", number, site.indoor_monitor, site.indoor_monitor, site.landline,
        site.video_storage,
    )  # fmt: skip


def following(number: str) -> str:
    """The number after one: 2.03 → 2.04, A9 → A10; "" for one without digits."""
    found = LAST_DIGITS.search(number)
    if found is None:
        return ""
    return f"{number[: found.start()]}{int(found[0]) + 1:0{len(found[0])}}{number[found.end() :]}"
