"""What a bulk change does, by kind: how many apartments of which building, and what that costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

from communities.audit_sentences import APARTMENT_FIELDS
from communities.models import Building, Resident, Site
from devices.bulk import MONITOR, SWITCHES, DryRun, UndoRun
from smartplus.access import PortalRequest
from subscriptions import price_preview, rights
from subscriptions.bulk_prices import BulkPrice, price_of
from subscriptions.prices import MissingPrice
from subscriptions.tables import table_for

COLUMNS = 4  # buildings with a column of their own; of more only the sum is shown


class Sort(NamedTuple):
    """What happens to apartments that are alike: which switches are set, to what, and whether the apartment then waits for its monitor, so that
    an App that was paid keeps its price."""

    switches: tuple[tuple[str, bool], ...]
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table: what is set, in how many apartments, by the name of each building and in all, and what it costs."""

    said: str
    counts: tuple[tuple[str, int], ...]
    count: int
    price: BulkPrice | None


@dataclass(frozen=True, slots=True)
class Sums:
    """The kinds of a change with their sum, and what the site costs before and after. Without prices, for who sees none or where there are
    none, `refused` says which is missing."""

    kinds: list[Kind]
    buildings: list[str]
    counts: tuple[tuple[str, int], ...]
    price: BulkPrice | None = None
    currency: str = ""
    before_minor: int = 0
    list_label: str = ""
    is_invented: bool = False
    without_master: int = 0  # apartments whose App is counted although nobody lives there yet
    refused: MissingPrice | None = None

    @property
    def count(self) -> int:
        """How many apartments they are."""
        return sum(kind.count for kind in self.kinds)

    @property
    def after_minor(self) -> int:
        """What the site costs every 30 days then."""
        return self.before_minor + (self.price.difference_minor if self.price else 0)


def of_dry_run(
    request: PortalRequest, site: Site, run: DryRun, buildings: Sequence[Building], *, typed: Collection[int]
) -> Sums:
    """The sums of a change that is not applied yet. What has no monitor, and for which none is `typed`, is taken to wait for one."""
    lacking = set(run.lacking) - set(typed)
    wanted = run.wanted.switches
    places = {row.apartment_id: row.building_id for row in run.rows}
    found: dict[Sort, list[int]] = defaultdict(list)
    for row in run.rows:
        switches = tuple(
            (code, wanted[code]) for code in SWITCHES if code in wanted and getattr(row, code) != wanted[code]
        )
        found[Sort(switches, row.apartment_id in lacking)].append(row.apartment_id)
    return _sums(request, site, found, places, buildings)


def of_undo(request: PortalRequest, site: Site, run: UndoRun, buildings: Sequence[Building]) -> Sums:
    """The sums of taking a change back."""
    places = {row.apartment.pk: row.apartment.building_id for row in run.undone}
    found: dict[Sort, list[int]] = defaultdict(list)
    for row in run.undone:
        switches = tuple((code, row.before[code]) for code in row.switches)
        found[Sort(switches, MONITOR in row.switches and row.back["monitor_pending"])].append(row.apartment.pk)
    return _sums(request, site, found, places, buildings)


def _sums(
    request: PortalRequest,
    site: Site,
    found: Mapping[Sort, Collection[int]],
    places: Mapping[int, int],
    buildings: Sequence[Building],
) -> Sums:
    columns = buildings if len(buildings) <= COLUMNS else []
    names = [row.name for row in columns]
    each: dict[Sort, BulkPrice] = {}
    prices, refused, before, alone = None, None, 0, 0
    if rights.sees_prices(request.actor):
        try:
            assert site.distributor is not None
            prices = table_for(site.distributor, at=request.now, with_former=True)
            before = price_preview.site_total_minor(site, prices, as_of=request.now)
            each = {
                sort: price_of(site, ids, dict(sort.switches), prices, waits=sort.waits, as_of=request.now)
                for sort, ids in found.items()
            }
            alone = _without_master(request, places)
        except MissingPrice as missing:
            refused, prices, each = missing, None, {}
    kinds = _kinds(found, places, columns, each)
    total = sum((kind.price for kind in kinds if kind.price), BulkPrice()) if prices else None
    counts = tuple((name, sum(kind.counts[at][1] for kind in kinds)) for at, name in enumerate(names))
    if prices is None:
        return Sums(kinds, names, counts, refused=refused)
    return Sums(kinds, names, counts, total, prices.currency, before, prices.label, prices.is_invented, alone)


def _without_master(request: PortalRequest, apartments: Collection[int]) -> int:
    living = Resident.objects.visible_to(request.actor).filter(apartment__in=apartments, is_master=True)
    return len(apartments) - living.count()


def _kinds(
    found: Mapping[Sort, Collection[int]],
    places: Mapping[int, int],
    columns: Sequence[Building],
    priced: Mapping[Sort, BulkPrice],
) -> list[Kind]:
    kinds = []
    for sort, ids in sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        at = Counter(places[pk] for pk in ids)
        said = words_of(sort.switches)
        if sort.waits:
            said = _("%(what)s, without a monitor yet") % {"what": said}
        kinds.append(Kind(said, tuple((row.name, at[row.pk]) for row in columns), len(ids), priced.get(sort)))
    return kinds


def words_of(switches: Iterable[tuple[str, bool]]) -> str:
    """Which switches are set to what: "With Indoor Monitor on, Landline off"."""
    told = [
        (_("%(what)s on") if value else _("%(what)s off")) % {"what": APARTMENT_FIELDS[code]}
        for code, value in switches
    ]
    return ", ".join(told)
