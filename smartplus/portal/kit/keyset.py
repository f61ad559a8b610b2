"""Lists are sorted by the column that the address names, and paged by key, so that a deep page costs as much as the first one."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.db.utils import DataError

Row = TypeVar("Row", bound=Model)
LONGEST = 4_000  # characters of a page's key; no address is longer
COUNTED = 1_000  # beyond it a list says "1,000+": the exact number is not worth reading all those rows


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of one page; `previous` and `next` are the keys for `?before=` and `?after=`, "" where there is no such page."""

    rows: list[Row]
    previous: str
    next: str

    @property
    def is_only(self) -> bool:
        """Whether everything is on this page."""
        return not self.previous and not self.next


FAR = datetime(9999, 1, 1, tzinfo=UTC)  # where there is no date yet: after all others
Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order of a list. `columns` are the columns by which it can be sorted, each with its sort keys, which are never null."""

    columns: Columns
    column: str
    is_down: bool
    value: str = ""  # what the address says; "" where the list has its own order

    @property
    def by(self) -> tuple[str, ...]:
        """The sort keys for `page`; together they are unique."""
        keys = [*self.columns[self.column], "pk"]
        last = next(place for place, key in enumerate(keys) if key.removeprefix("-") == "pk")
        keys = keys[: last + 1]
        return tuple(_flipped(key) for key in keys) if self.is_down else tuple(keys)


def sorting(query: Mapping[str, str], columns: Columns, *, own: str, hidden: Collection[str] = ()) -> Sorting:
    """Read the order from the address: `?sort=name`, or `?sort=-name` for descending. For any other value it is the list's own order.

    `hidden` are the columns that this reader may not see: the order would reveal their values, and the key of a page contains them.
    """
    asked = query.get("sort", "")
    column = asked.removeprefix("-")
    wanted = asked if column in columns and column not in hidden and asked != own else ""
    chosen = wanted or own
    return Sorting(columns, chosen.removeprefix("-"), chosen.startswith("-"), wanted)


def count(rows: QuerySet[Any], *, by: Sequence[str] = (), most: int = COUNTED) -> int:
    """Count rows, but stop one row after `most`; `shown` and the filter `counted` write the number.

    `by` names the order of an index: without it the database may read the whole table before it has found enough rows.
    """
    return rows.order_by(*by)[: most + 1].count()


def shown(number: int, most: int = COUNTED) -> str:
    """A number from `count`: "1,000+" where counting stopped."""
    return f"{most:,}+" if number > most else str(number)


def page(
    rows: QuerySet[Row], *, by: Sequence[str], query: Mapping[str, str], size: int, under: Sequence[str] = ()
) -> Page[Row]:
    """The page that `query` asks for, in one statement; a key without a meaning is the first page.

    `by` names the fields or annotations that rows are sorted by, which together are unique, with "-" for descending. `under` names the first
    fields of the index, which are equal in all rows and so are in no key.


    """
    after, before = _key(query.get("after", ""), by), _key(query.get("before", ""), by)
    is_back = before is not None and after is None
    start = before if is_back else after
    ordered = [_flipped(name) for name in by] if is_back else list(by)
    wanted = rows.order_by(*(_flipped(name) if is_back else name for name in under), *ordered)
    if start is not None:
        try:
            found = list(wanted.filter(_beyond(ordered, start))[: size + 1])
        except (ValueError, TypeError, OverflowError, ValidationError, DataError):
            start, is_back, found = None, False, list(rows.order_by(*under, *by)[: size + 1])
    else:
        found = list(wanted[: size + 1])
    has_more = len(found) > size
    found = found[:size]
    if is_back:
        found.reverse()
    has_previous, has_next = (has_more, True) if is_back else (start is not None, has_more)
    return Page(
        found,
        _cursor(found[0], by) if found and has_previous else "",
        _cursor(found[-1], by) if found and has_next else "",
    )


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a page: after the row with this key in the order `by`, which is reversed for the page before a row."""

    by: tuple[str, ...]
    key: tuple[Any, ...]  # empty on the first page
    is_back: bool

    @property
    def beyond(self) -> Q:
        """The condition for the rows after that row; on the first page it holds for all rows."""
        return _beyond(self.by, self.key) if self.key else Q()

    def value(self, name: str) -> Any:
        """The value of the key for one of the names in `by`."""
        return next(value for at, value in zip(self.by, self.key, strict=True) if at.removeprefix("-") == name)


def start(query: Mapping[str, str], by: Sequence[str]) -> Start:
    """The beginning of the page that `query` asks for, for lists that first find out where its rows are. Values of the key may have a wrong type."""
    after, before = _key(query.get("after", ""), by), _key(query.get("before", ""), by)
    is_back = before is not None and after is None
    ordered = tuple(_flipped(name) for name in by) if is_back else tuple(by)
    return Start(ordered, tuple((before if is_back else after) or ()), is_back)


def _beyond(ordered: Sequence[str], key: Sequence[Any]) -> Q:
    """The condition (a, b) > (x, y) without row values: a > x, or a = x and b > y.

    It also contains a >= x, so that the database begins reading the index there and a deep page does not read the rows before it.
    """
    condition, same = Q(), Q()
    for name, value in zip(ordered, key, strict=True):
        field, way = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        condition |= same & Q(**{f"{field}__{way}": value})
        same &= Q(**{field: value})
    if len(key) == 1:
        return condition
    field, way = (ordered[0][1:], "lte") if ordered[0].startswith("-") else (ordered[0], "gte")
    return Q(**{f"{field}__{way}": key[0]}) & condition


def _flipped(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _cursor(row: Model, by: Sequence[str]) -> str:
    values = []
    for name in by:
        value: Any = row
        for step in name.removeprefix("-").split("__"):
            value = getattr(value, step)
        values.append(value.isoformat() if isinstance(value, date) else value)
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _key(cursor: str, by: Sequence[str]) -> list[Any] | None:
    if not cursor or len(cursor) > LONGEST:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    fits = isinstance(values, list) and len(values) == len(by)
    return values if fits and all(isinstance(value, str | int) and "\0" not in str(value) for value in values) else None
