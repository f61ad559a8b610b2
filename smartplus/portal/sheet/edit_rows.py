"""Fields in the cells of the sheet, for who edits it, under names that `sheet.forms` reads.

A usual page has light rows: what a row was filled with stands in an attribute, and the script puts the fields into its cells from one row of
patterns. Without script the same fields are written by `?edit=1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from communities import catalogue
from communities.models import Apartment, Building, Site
from devices.bulk import SWITCHES
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import icon
from smartplus.portal.sheet.forms import COLUMNS, Was
from smartplus.portal.sheet.groups import Counts
from smartplus.portal.sheet.rows import HeadCells, Unit, UnitCells

LAST_DIGITS = re.compile(r"\d+(?=\D*$)")
NOTHING = as_html("")


@dataclass(frozen=True, slots=True)
class Editor:
    """What a reader may change: family masters alone, or (`is_whole`) everything."""

    site: Site
    is_whole: bool

    def was(self, unit: Unit) -> Was:
        """What the row of an apartment is filled with, as far as its fields are sent."""
        return Was.of(unit.apartment, unit.master, is_whole=self.is_whole)

    def light(self, unit: Unit) -> Was:
        """The same for the script, which sends a number only where it was changed, and the name that stood there."""
        return replace(self.was(unit), number="", master="")

    def marked(self, units: Sequence[Unit], cells: Iterable[UnitCells]) -> list[UnitCells]:
        """Light rows, with what the script needs to put fields into them; which apartment it is stands in the link."""
        rows, words = [], {True: as_html("{}", _("On")), False: as_html("{}", _("Off"))}
        for unit, row in zip(units, cells, strict=True):
            switches = {code: words[on] for code, on in unit.apartment.switches.items()} if self.is_whole else {}
            rows.append(row._replace(edits=as_html(' data-was="{}"', self.light(unit)), **switches))
        return rows

    def filled(self, units: Sequence[Unit], cells: Iterable[UnitCells], *, by_place: bool) -> list[UnitCells]:
        """Rows with their fields. Numbers are edited in the order of places alone, where they stand without their building."""
        patterns = Patterns.of(self.site)
        return [self._filled(patterns, unit, row, by_place=by_place) for unit, row in zip(units, cells, strict=True)]

    def _filled(self, patterns: Patterns, unit: Unit, row: UnitCells, *, by_place: bool) -> UnitCells:
        apartment, no = unit.apartment, unit.apartment.number
        key = str(apartment.pk)
        was = as_html('<input type="hidden" name="cell-{}-was" value="{}">', key, self.was(unit))
        master = as_html("{}{}", patterns.master(key, no, unit.master), _others(unit.others))
        row = row._replace(edits=as_html(' data-row="{}"', key), master=as_html("{}{}", was, master))
        if not self.is_whole:
            return row
        return row._replace(
            number=as_html("{}{}", patterns.number(key, no), _opens(row.url, no)) if by_place else row.number,
            **{code: patterns.switch(key, no, code, is_on=getattr(apartment, code)) for code in SWITCH_CODES},
            fix=NOTHING if unit.monitors else patterns.fix(key, no, waits=apartment.indoor_monitor),
        )

    def pattern(self) -> UnitCells:
        """The row of patterns: fields with `__key__` and `__no__` for what differs."""
        patterns, key, no = Patterns.of(self.site), "__key__", "__no__"
        was = as_html('<input type="hidden" name="cell-{}-was"><input type="hidden" name="cell-{}-shown">', key, key)
        master = as_html("{}{}", was, patterns.master(key, no, ""))
        blank = UnitCells("", "", "", master, NOTHING, NOTHING, NOTHING, NOTHING, "", "", NOTHING)
        if not self.is_whole:
            return blank
        return blank._replace(
            number=as_html("{}{}", patterns.number(key, no), _opens("", no)),
            **{code: patterns.switch(key, no, code, is_on=False) for code in SWITCH_CODES},
            monitors=as_html('<button type="button" class="as-text" data-open-fix></button>'),
        )

    def fix_pattern(self) -> SafeString:
        """The pattern of the row below an apartment without a monitor; the script leaves out what does not fit."""
        patterns = Patterns.of(self.site)
        return patterns.fix("__key__", "__no__") if self.is_whole else NOTHING


SWITCH_CODES = tuple(catalogue.APARTMENT_SWITCHES)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The markup of fields, with the words of the reader's language."""

    words: Mapping[str, str]
    locked: Mapping[str, str]
    nobody: str

    @classmethod
    def of(cls, site: Site) -> Patterns:
        """Those of a site; a service that the community has off is locked in its apartments, with the reason (R22)."""
        reason = _("Off in %(site)s: switch it on there first.") % {"site": site.name}
        return cls(
            {name: str(label) for name, label in COLUMNS.items()},
            {code: reason for code in catalogue.CEILING_SWITCHES if not getattr(site, code)},
            _("Name, email"),
        )

    def number(self, key: str, no: str) -> SafeString:
        """The field of the number."""
        return as_html(
            '<input class="ce" name="cell-{}-number" value="{}" aria-label="{}, {}">',
            key, no, self.words["number"], no,
        )  # fmt: skip

    def master(self, key: str, no: str, name: str) -> SafeString:
        """The field of the family master."""
        return as_html(
            '<input class="ce" name="cell-{}-master" value="{}" aria-label="{}, {}" placeholder="{}">',
            key, name, self.words["master"], no, self.nobody,
        )  # fmt: skip

    def switch(self, key: str, no: str, code: str, *, is_on: bool) -> SafeString:
        """A switch."""
        rest = as_html("{}{}", as_html(" checked") if is_on else NOTHING, self._lock(code))
        return as_html(
            '<input class="sw" type="checkbox" role="switch" name="cell-{}-{}" aria-label="{}, {}"{}>',
            key, code, self.words[code], no, rest,
        )  # fmt: skip

    def _lock(self, code: str) -> SafeString:
        return as_html(' disabled title="{}"', self.locked[code]) if code in self.locked else NOTHING

    def fix(self, key: str, no: str, *, waits: bool | None = None) -> SafeString:
        """The row in which a monitor is entered, or with which the apartment waits for it (R17); both where it is not known."""
        lacks = as_html(
            '<p data-lacks><b>{}</b> {}</p>',
            _("%(apartment)s has no monitor.") % {"apartment": no}, _("The switch needs one before it can be applied."),
        )  # fmt: skip
        waiting = as_html("<p data-waits><b>{}</b></p>", _("%(apartment)s waits for its monitor.") % {"apartment": no})
        ways = as_html(
            '<label class="tick" data-lacks><input class="ck" type="checkbox" name="cell-{}-pending"> <span>{}</span></label>'
            '<button type="button" class="b q s" data-lacks data-off hidden>{}</button>',
            key, _("Mark pending"), _("Leave it off"),
        )  # fmt: skip
        fields = as_html(
            '<input class="in mono" name="cell-{}-mac" aria-label="{}, {}" placeholder="0C:11:05:…" data-mac>'
            '<input class="in" name="cell-{}-monitor_name" aria-label="{}, {}" placeholder="{}">',
            key, self.words["mac"], no, key, self.words["monitor_name"], no, _("Hallway"),
        )  # fmt: skip
        return as_html(
            '<tr class="fix-row" data-fix="{}"><td colspan="8">{}{}<div class="fix-in">{}{}</div>'
            '<p class="said lapsed" data-said role="status"></p></td></tr>',
            key, NOTHING if waits else lacks, NOTHING if waits is False else waiting, fields, NOTHING if waits else ways,
        )  # fmt: skip


def _others(n: int) -> SafeString:
    return as_html('<span class="mute">+{}</span>', n) if n else NOTHING


def _opens(url: str, no: str) -> SafeString:
    label = _("Open %(apartment)s") % {"apartment": no}
    return as_html('<a class="open" href="{}" aria-label="{}">{}</a>', url, label, icon("chevron-right", "s"))


def head_of(counts: Counts, site: Site, of: str, *, building: int | None = None, floor: str = "") -> HeadCells:
    """The head of a building, a floor or the whole sheet: two switches that act on what is below, and Video Storage, which only counts
    (R15). Each leads to its dry run; the script sets the cells where all of them are on the page."""
    words, label_words = _("%(on)s of %(of)s"), _("%(what)s, all in %(of)s")
    where = {**({"building": building} if building else {}), **({"floor": floor} if floor else {})}
    cells = []
    for code in SWITCH_CODES:
        n = getattr(counts, code)
        said = words % {"on": n, "of": counts.all}
        is_locked = code in catalogue.CEILING_SWITCHES and not getattr(site, code)
        if code not in SWITCHES or not counts.all or is_locked:
            cells.append(as_html("{}", said))
            continue
        is_all = n == counts.all
        to = "off" if is_all else "on"
        label = label_words % {"what": COLUMNS[code], "of": of}
        url = f"{address('bulk-change', site.pk)}?{urlencode({code: to, **where})}"
        css = "on" if is_all else "some" if n else ""
        cells.append(
            as_html(
                '<a class="tri {}" href="{}" data-tri="{}" data-of="{}" aria-label="{}"></a> <span>{}</span>',
                css, url, code, counts.all, label, said,
            )
        )  # fmt: skip
    return HeadCells(*cells)


class Ghost(NamedTuple):
    """The last row of a building, which adds an apartment: what it proposes, and the switches that it inherits."""

    prefix: str
    building: str
    floor: str
    number: str
    switches: Sequence[str]
    needs_monitor: bool


def ghost_of(building: Building, last: Apartment | None, site: Site) -> Ghost:
    """The row that adds an apartment to a building: it proposes the number after the last one, on the same floor."""
    number = following(last.number) if last else "1.01"
    words = [_("On") if getattr(site, code) else _("Off") for code in SWITCH_CODES]
    floor = last.floor if last else "1"
    return Ghost(f"new-{building.pk}-0", building.name, floor, number, words, site.indoor_monitor)


def ghost_pattern(site: Site) -> Ghost:
    """The pattern of such a row."""
    return ghost_of(Building(name="__name__"), None, site)._replace(
        prefix="__key__", floor="__floor__", number="__no__"
    )


def following(number: str) -> str:
    """The number after one: 2.03 → 2.04, A9 → A10; "" for one without digits."""
    found = LAST_DIGITS.search(number)
    if found is None:
        return ""
    return f"{number[: found.start()]}{int(found[0]) + 1:0{len(found[0])}}{number[found.end() :]}"
