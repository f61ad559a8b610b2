"""The meaning of a selection: its filter, its items at present, and how they differ from what was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Aggregate, Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Actor
from accounts.typed import finding
from communities import catalogue
from communities.models import Entitlement, status, targets
from communities.models import Kind as SiteKind
from payments import money
from subscriptions import rights
from subscriptions.id_digests import IdDigest
from subscriptions.models import RequestItem, Selection
from subscriptions.quotes import Item, Quote

MOST_TICKED = 1_000  # ids that are stored one by one; larger selections use filters
NAMED = 5  # items that a sentence names; more are counted


@dataclass(frozen=True, slots=True)
class Filter:
    """What is chosen: by installer and project type, limited by what else is set. `search` matches targets and sites, `site_search` sites
    only. `ids` are exactly these items, `request_id` the live items of a request, `up_to` the newest id when the list was shown."""

    installer_id: int
    project_type: str
    site_id: int | None = None
    service_type: str = ""
    search: str = ""
    site_search: str = ""
    ids: tuple[int, ...] | None = None
    request_id: int | None = None
    up_to: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for an invalid filter."""
        numbers = (self.site_id, self.request_id, self.up_to, *(self.ids or ()))
        if any(type(number) is not int or number < 0 for number in (self.installer_id, *numbers) if number is not None):
            raise ValueError("an id is a number")
        if self.project_type not in SiteKind.values or not all(
            isinstance(text, str) for text in (self.search, self.site_search)
        ):
            raise ValueError("no project type, or no search")
        if self.service_type and self.service_type not in catalogue.CHOICES:
            raise ValueError(f"no service type: {self.service_type}")

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """The filter in a stored row."""
        ids = stored.get("ids")
        return cls(**{**stored, "ids": None if ids is None else tuple(ids)})

    @property
    def stored(self) -> dict[str, Any]:
        """The JSON for a row, with the fields that are set."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value not in {None, ""}}

    @property
    def is_narrow(self) -> bool:
        """Whether anything is set besides installer and project type."""
        return len(self.stored) > len(("installer_id", "project_type"))

    def narrow(self, items: QuerySet[Entitlement]) -> QuerySet[Entitlement]:
        """The items that it matches."""
        wanted = Q(installer_id=self.installer_id, site__kind=self.project_type)
        if self.site_id:
            wanted &= Q(site_id=self.site_id)
        if self.service_type:
            wanted &= Q(service_type__in=catalogue.types_of(self.service_type))
        if self.ids is not None:
            wanted &= Q(pk__in=self.ids)
        if self.request_id:
            asked = RequestItem.objects.filter(request=self.request_id, is_live=True, entitlement=OuterRef("pk"))
            wanted &= Q(Exists(asked))
        if self.up_to is not None:
            wanted &= Q(pk__lte=self.up_to)
        if self.site_search:
            wanted &= finding.matching(self.site_search, "site__search_key")
        if self.search:
            wanted &= finding.every_word(self.search, _found)
        return items.filter(wanted)


def _found(word: str) -> Q:
    """By target and site."""
    return finding.holds(word, "site__search_key") | targets.found(word)


# --- the items, gathered ------------------------------------------------------------------------------------------------


class _Ids(Aggregate):
    """The ids of a group, in any order."""

    function = "ARRAY_AGG"
    name = "Ids"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Concatenated as text, because SQLite has no arrays."""
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **context)

    def convert_value(self, value: Any, expression: Any, connection: Any) -> tuple[int, ...]:
        """In ascending order."""
        return tuple(sorted(map(int, value.split(",") if isinstance(value, str) else value)))


ALIKE = (
    "site_id",
    "service_type",
    "renewed",
    "expires_at",
    "works_until",
    "anchor_at",
    "site__time_zone",
    "site__kind",
    "site__price_class",
    "installer_id",
)


def alike(items: QuerySet[Entitlement], *, with_keys: bool = True) -> list[Item]:
    """Entitlements as items for `quote`, equal ones in one item, in the order of a price preview; one statement. Without keys, which the fingerprint
    needs, no ids are read. Items paid before are priced as they are renewed (`status.renewed`)."""
    rows = items.annotate(renewed=status.renewed()).order_by(*ALIKE).values_list(*ALIKE)
    counted = rows.annotate(found=_Ids("pk")) if with_keys else rows.annotate(found=Count("pk"))
    made: list[Item] = []
    for (
        site_id,
        service_type,
        variant,
        expires_at,
        works_until,
        anchor,
        zone,
        kind,
        priced_as,
        installer_id,
        found,
    ) in counted:
        item = Item(
            len(made), service_type, variant, expires_at, zone, count=1 if with_keys else found, anchor_at=anchor,
            works_until=works_until, project_type=kind, price_class=priced_as,
            site_id=site_id, installer_id=installer_id,
        )  # fmt: skip
        made.append(item.of_all(found) if with_keys else item)
    return made


# --- what was shown, and what is different ------------------------------------------------------------------------------


def keep_shown(selection: Selection, quote: Quote | None) -> None:
    """Store in an unsaved or locked selection what is shown with its price; with None that nothing is. The caller saves it."""
    if quote is None or not quote.lines:
        selection.count = selection.total_minor = selection.price_list_id = None
        selection.currency = selection.digest = ""
        selection.shown = {}
        return
    selection.count, selection.total_minor, selection.currency = quote.count, quote.total_minor, quote.currency
    selection.price_list_id, selection.digest = quote.price_list_id, quote.fingerprint()
    selection.shown = {
        "ids": IdDigest.of(_keys(quote)).text,
        "kinds": dict(sorted(_kinds(quote).items())),
        "discount": quote.discount_minor,
        "tax": quote.tax_minor + quote.included_tax_minor,
    }


def difference(actor: Actor, selection: Selection, now: Quote) -> str:
    """How the present state differs from what was shown, in sentences; "" where nothing was shown or nothing differs."""
    before = IdDigest.read(selection.shown.get("ids", ""))
    if before is None or selection.count is None or selection.digest == now.fingerprint():
        return ""
    moved = before.until(IdDigest.of(_keys(now)))
    more = now.count - selection.count
    went, came = (len(moved.went), len(moved.came)) if moved.is_whole else (max(0, -more), max(0, more))
    kinds = Counter(selection.shown["kinds"])
    switched = sum((_kinds(now) - kinds).values()) - came
    taxed = (now.discount_minor, now.tax_minor + now.included_tax_minor)
    said = []
    if went:
        names = _named(actor, moved.went, whole=moved.is_whole)
        said.append(
            ngettext("%(n)s item is not there any more%(names)s.", "%(n)s items are not there any more%(names)s.", went)
            % {"n": went, "names": names}
        )
    if came:
        names = _named(actor, moved.came, whole=moved.is_whole)
        said.append(
            ngettext("%(n)s item came in%(names)s.", "%(n)s items came in%(names)s.", came)
            % {"n": came, "names": names}
        )
    if switched > 0:
        said.append(
            ngettext(
                "%(n)s item is configured differently now.", "%(n)s items are configured differently now.", switched
            )
            % {"n": switched}
        )
    if selection.price_list_id != now.price_list_id:
        said.append(_("There is another price list now."))
    if (selection.shown["discount"], selection.shown["tax"]) != taxed:
        said.append(_("Tax or discounts are different now."))
    if rights.sees_prices(actor) and selection.total_minor != now.total_minor:
        sums = (money.show(selection.total_minor or 0, selection.currency), money.show(now.total_minor, now.currency))
        said.append(_("%(old)s before, %(new)s now.") % dict(zip(("old", "new"), sums, strict=True)))
    return " ".join(said)


def _keys(quote: Quote) -> list[int]:
    return [key for line in quote.lines for key in line.item.keys]


def _kinds(quote: Quote) -> Counter[str]:
    """The number of items by service and variant."""
    found: Counter[str] = Counter()
    for line in quote.lines:
        found[f"{line.item.service_type}/{line.item.variant}"] += line.item.count
    return found


def _named(actor: Actor, ids: Collection[int], *, whole: bool) -> str:
    """The names of a few items, in brackets; "" where there are too many, or some are not known."""
    if not whole or len(ids) > NAMED:
        return ""
    items = Entitlement.objects.visible_to(actor).filter(pk__in=ids).order_by("pk")
    names = [str(item) for item in items.select_related(*targets.named())]
    return f" ({'; '.join(names)})" if names else ""
