"""What the typed changes of a sheet do, in words and in money: for the tray and for the page before they are applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from communities import catalogue
from communities.models import Site
from devices.actions import SheetRun
from smartplus import vocabulary
from smartplus.access import PortalRequest
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.conflicts import ConflictView, Difference
from smartplus.portal.sheet.forms import COLUMNS, CellsForm, Row, RowForm, SheetForm, Was
from smartplus.portal.sheet.strip import prices_for
from subscriptions.bulk_prices import BulkPrice, price_of, price_of_arrivals, price_of_new
from subscriptions.prices import MissingPrice, PriceTable


@dataclass(frozen=True, slots=True)
class Line:
    """One cell that changes; `before` is "" for what is new."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the page before applying: its changes, and what its form still asks for."""

    key: int | str
    label: str
    form: CellsForm
    lines: Sequence[Line]
    is_new: bool
    lacks: bool
    hidden: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """The prefix of its fields."""
        return str(self.form.prefix)


@dataclass(frozen=True, slots=True)
class Why:
    """A kind of change with its part of the sum every 30 days."""

    said: str
    count: int
    minor: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What the changes cost, in minor units; only for who sees prices."""

    price: BulkPrice
    currency: str
    why: Sequence[Why] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Review:
    """A dry run as it is shown: how many changes in how many apartments, the rows, what is wrong, and the sums where prices are shown."""

    run: SheetRun
    rows: Sequence[Shown]
    sums: Sums | None

    @property
    def count(self) -> int:
        """How many changes."""
        return self.run.count

    @property
    def apartments(self) -> int:
        """In how many apartments."""
        return len(self.run.changed) + len(self.run.new)

    @property
    def open(self) -> list[tuple[str, str, str]]:
        """What is still wrong: the field that mends it, the apartment, and the sentence."""
        labels = {row.key: row.label for row in self.rows}
        prefix = {row.key: row.prefix for row in self.rows}
        return [
            (f"{prefix[key]}-{name}", labels[key], str(error))
            for (key, name), error in self.run.errors.items()
            if key in labels
        ]


def review_of(request: PortalRequest, site: Site, form: SheetForm, run: SheetRun) -> Review:
    """The dry run of what a form holds."""
    rows = [*_changed(run, form.rows), *_added(run, form.added)]
    return Review(run, rows, _sums(request, site, run))


def _changed(run: SheetRun, rows: Sequence[Row]) -> Iterator[Shown]:
    lacking = set(run.lacking)
    for row in rows:
        if isinstance(row.form, RowForm) and row.key in run.homes:
            pk = int(row.key)
            label = str(run.homes[pk].apartment)
            lacks = pk in lacking or _asks(row.form)
            yield Shown(
                pk, label, row.form, list(_lines(run, pk)), False, lacks, _hidden(run, pk, row.form, lacks=lacks)
            )


def _added(run: SheetRun, rows: Sequence[Row]) -> Iterator[Shown]:
    for row in rows:
        if row.key in run.new:
            new = run.new[str(row.key)]
            label = f"{run.buildings[new.building_id].name} {new.number}"
            lines = [Line(_("New apartment"), "", _("floor %(floor)s") % {"floor": new.floor})]
            lines += [Line(str(COLUMNS["master"]), "", f"{new.master.name} {new.master.contact}".strip())] * (
                not new.master.is_blank
            )
            lines += [Line(str(COLUMNS["mac"]), "", new.monitor.mac)] if new.monitor else []
            lacks = _asks(row.form) or new.monitor is None
            kept = {
                "number": new.number,
                "floor": new.floor,
                "master": str(row.form["master"].value() or ""),
                "add": "on",
            }
            yield Shown(str(row.key), label, row.form, lines, True, lacks, _without_asked(row.form, kept, lacks=lacks))


def _hidden(run: SheetRun, pk: int, form: RowForm, *, lacks: bool) -> dict[str, str]:
    """What the next form sends of a row, as the apartment is now: cells that were not touched have its present values."""
    home, edit, after = run.homes[pk], run.edits[pk], run.after(pk)
    name = home.master.name if home.master else ""
    kept = {
        "was": str(Was.of(home.apartment, name)),
        "number": home.apartment.number if edit.number is None else edit.number,
        "master": name if edit.master is None else str(form["master"].value() or ""),
        **{code: "on" for code in catalogue.APARTMENT_SWITCHES if after[code]},
        **({"pending": "on"} if edit.may_wait else {}),
    }
    return _without_asked(form, kept, lacks=lacks)


def _without_asked(form: CellsForm, kept: dict[str, str], *, lacks: bool) -> dict[str, str]:
    """Without the fields that the page shows, which are those that are wrong."""
    if lacks:
        kept.pop("pending", None)
    elif form.monitor:
        kept |= {"mac": form.monitor.mac, "monitor_name": form.monitor.name}
        kept |= {"confirmed": "on"} if form.monitor.confirmed else {}
    return {name: value for name, value in kept.items() if name not in form.errors}


def _asks(form: CellsForm) -> bool:
    """Whether the monitor of a row is wrong."""
    return bool(form.errors.get("mac") or form.errors.get("monitor_name"))


def _lines(run: SheetRun, pk: int) -> Iterator[Line]:
    home, edit, after = run.homes[pk], run.edits[pk], run.after(pk)
    words = {True: _("On"), False: _("Off")}
    if pk in run.renumbered:
        yield Line(str(COLUMNS["number"]), home.apartment.number, run.renumbered[pk])
    if pk in run.masters:
        person = run.masters[pk]
        before = home.master.name if home.master else _("nobody")
        yield Line(str(COLUMNS["master"]), before, f"{person.name} {person.contact}".strip())
    for code in catalogue.APARTMENT_SWITCHES:
        if after[code] != home.values[code]:
            yield Line(str(COLUMNS[code]), words[home.values[code]], words[after[code]])
    if edit.monitor:
        yield Line(str(COLUMNS["mac"]), "", f"{edit.monitor.mac} {edit.monitor.name}".strip())
    elif pk in run.waiting:
        yield Line(str(COLUMNS["mac"]), "", _("Monitor pending"))


def _sums(request: PortalRequest, site: Site, run: SheetRun) -> Sums | None:
    """The cost of what changes; None where prices are hidden from the reader, or there are none."""
    prices = prices_for(request, site)
    try:
        return _priced(request, site, run, prices) if prices else None
    except MissingPrice:
        return None


def _priced(request: PortalRequest, site: Site, run: SheetRun, prices: PriceTable) -> Sums:
    alike: dict[tuple[tuple[tuple[str, bool], ...], bool], list[int]] = defaultdict(list)
    waiting = {*run.waiting, *run.lacking}
    for pk in run.switched:
        home, after = run.homes[pk], run.after(pk)
        switches = tuple(
            (code, after[code]) for code in catalogue.APARTMENT_SWITCHES if after[code] != home.values[code]
        )
        alike[switches, pk in waiting].append(pk)
    total, why = BulkPrice(), list[Why]()
    for (switches, waits), ids in alike.items():
        price = price_of(site, ids, dict(switches), prices, waits=waits, as_of=request.now)
        total += price
        why.append(Why(_said(switches, waits), len(ids), price.difference_minor))
    if arrivals := [pk for pk in run.masters if run.homes[pk].master is None]:
        price = price_of_arrivals(site, arrivals, prices, as_of=request.now)
        total += price
        why.append(Why(_("First residents"), len(arrivals), price.difference_minor))
    if run.new:
        price = price_of_new(site, len(run.new), prices, as_of=request.now)
        total += price
        why.append(Why(_("New apartments, as if occupied"), len(run.new), price.difference_minor))
    return Sums(total, prices.currency, why)


def _said(switches: Sequence[tuple[str, bool]], waits: bool) -> str:
    on, off = _("%(what)s on"), _("%(what)s off")
    said = ", ".join((on if value else off) % {"what": COLUMNS[code]} for code, value in switches)
    return _("%(what)s, without a monitor yet") % {"what": said} if waits else said


def conflict_of(request: PortalRequest, run: SheetRun, ids: Sequence[int]) -> ConflictView:
    """Of apartments that somebody else changed: the cells whose saved value now differs from the typed one."""
    masters = [run.homes[pk].master for pk in ids if pk in run.homes]
    people = [person.pk for person in masters if person is not None]
    of = Q(subject_type="apartment", subject_id__in=list(ids)) | Q(subject_type="resident", subject_id__in=people)
    lines = [
        Difference(f"{run.homes[pk].apartment}, {line.column}", None, line.before, line.after, True)
        for pk in ids
        if pk in run.homes
        for line in _lines(run, pk)
    ]
    return conflicts.view_of(request, of & vocabulary.SAVES, lines, again=reverse("site-detail", args=[run.site.pk]))
