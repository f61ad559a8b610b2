"""A list of the portal: declared once, read from the address, and shown as a page (`templates/list.html`) or answered as a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, NamedTuple, TypeVar

from django.db.models import Choices, Model, Q, QuerySet
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.scope import Actor
from accounts.typed.text import sought
from smartplus.access import PortalRequest
from smartplus.portal.kit import exports, keyset

Row = TypeVar("Row", bound=Model)
Text = Promise | str
PAGING = ("before", "after")
ALL = gettext_lazy("All")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the page. A column without a label is an order that no table head offers.

    `keys` are what rows are sorted by, as in `keyset.Columns`, none where they can't be. `annotations` gives those keys that are no fields, and
    is asked only where the list is sorted so. `css` is the class of the head; the label of one that `is_silent` is for screen readers alone, as
    is what `further` says.
    """

    name: str
    label: Text = ""
    _: KW_ONLY
    keys: Sequence[str] = ()
    css: str = ""
    annotations: Callable[[Actor], Mapping[str, Any]] | None = None
    is_silent: bool = False
    further: Text = ""


class Option(NamedTuple):
    """A value of a filter, and the condition on the rows; None where the view filters the rows itself."""

    label: Text
    where: Q | None = None


def options(field: str, choices: type[Choices]) -> dict[str, Option]:
    """An option for each choice of a field."""
    return {value: Option(label, Q(**{field: value})) for value, label in choices.choices}


@dataclass(frozen=True, slots=True)
class Filter:
    """`?name=value`: a chip for each option, or a choice (`is_select`), which stands at the end of the bar where it `is_apart`. The `label`
    is for screen readers.

    `every` says what is not narrowed; without it the chosen chip takes itself back. With an `own` option there is no such state: that one
    holds where the address names none. `also` are further words that addresses have for options; `clears` are parameters that say more about
    one of the options, and go when another is chosen.
    """

    name: str
    options: Mapping[str, Option]
    _: KW_ONLY
    label: Text = ""
    every: Text = ALL
    own: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    clears: Sequence[str] = ()
    is_select: bool = False
    is_apart: bool = False

    def chosen(self, query: Mapping[str, str]) -> str:
        """The option that the address names, otherwise the filter's default; "" for a filter that is not used."""
        value = query.get(self.name, "")
        value = self.also.get(value, value)
        return value if value in self.options else self.own


@dataclass(frozen=True, slots=True)
class Search:
    """`?q=`: the label of the box, what may be typed there, and the rows of those given that match a text, as far as the actor may ask: None
    where the view searches itself."""

    label: Text
    hint: Text
    matching: Callable[[QuerySet[Any], str, Actor], QuerySet[Any]] | None = None


@dataclass(frozen=True, slots=True)
class List:
    """What a list is. `own` is its order where the address names none: a column, "-" before it for downwards; none where the view
    sorts its rows itself. `layout` is the template that
    `list.html` extends; `table`, `bar` and `panel` are classes of these."""

    title: Text
    columns: Sequence[Column]
    own: str = ""
    search: Search | None = None
    filters: Sequence[Filter] = ()
    size: int = 50  # rows of a page
    layout: str = "base.html"
    table: str = ""
    bar: str = ""
    panel: str = ""
    has_file: bool = False

    def asked(
        self, request: PortalRequest, *, hidden: Collection[str] = (), kept: Mapping[str, str] | None = None
    ) -> Listing:
        """What the address asks of it; what means nothing there is as if it were not there. `hidden` are the columns that this reader does not
        see, `kept` further parameters that a search takes along."""
        query = request.GET
        chosen = {each.name: each.chosen(query) for each in self.filters}
        return Listing(
            list=self,
            query=query,
            actor=request.actor,
            request=request,
            text=sought(query.get("q", "")) if self.search else "",
            chosen={name: value for name, value in chosen.items() if value},
            sorting=keyset.sorting(query, {each.name: each.keys for each in self.columns if each.keys}, own=self.own, hidden=hidden),
            file=exports.asked(request) if self.has_file else "",
            columns=[each for each in self.columns if each.name not in hidden],
            further=kept or {},
        )  # fmt: skip

    def shown_in(self, page: Collection[str]) -> dict[str, Any]:
        """The heads and labels of these columns, where the table is a part of another page."""
        columns = [each for each in self.columns if each.name in page]
        return {"heads": [Head(each) for each in columns], "label": {each.name: each.label for each in columns}}


class Head(NamedTuple):
    """The head of a column; `url` sorts by it, `way` says how it is sorted now."""

    column: Column
    url: str = ""
    way: str = ""


class Chip(NamedTuple):
    """One value of a filter on the page."""

    value: str
    label: Text
    url: str
    is_on: bool
    number: object

    @property
    def as_option(self) -> str:
        """What a choice says of it."""
        return str(self.label) if self.number is None else f"{self.label} ({self.number})"


class Bar(NamedTuple):
    """A filter on the page."""

    filter: Filter
    chips: list[Chip]


@dataclass(frozen=True, slots=True)
class Listing:
    """What an address asks of a list. `chosen` has the values of the filters that narrow it, `columns` those its reader sees, `file` the kind
    of file that is asked for."""

    list: List
    query: QueryDict
    actor: Actor
    request: PortalRequest
    text: str
    chosen: Mapping[str, str]
    sorting: keyset.Sorting
    file: str
    columns: Sequence[Column]
    further: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_narrowed(self) -> bool:
        """Whether the address asks for a search or a filter."""
        own = {each.name: each.own for each in self.list.filters if each.own}
        return bool(self.text) or any(own.get(name) != value for name, value in self.chosen.items())

    def narrowed(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows that match the filters and the search."""
        for each in self.list.filters:
            value = self.chosen.get(each.name)
            if value is not None and (where := each.options[value].where) is not None:
                rows = rows.filter(where)
        if self.text and self.list.search and self.list.search.matching:
            rows = self.list.search.matching(rows, self.text, self.actor)
        return rows

    def sorted(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """All rows in the order that the address asks for."""
        return self._with_keys(rows).order_by(*self.sorting.by)

    def page(self, rows: QuerySet[Row], *, only: Sequence[str] = (), under: Sequence[str] = ()) -> keyset.Page[Row]:
        """The page that the address asks for. With `only` just these fields and the sort keys are read. `under` as in `keyset.page`."""
        rows = self._with_keys(rows)
        if only:
            keys = (key.removeprefix("-") for key in self.sorting.by)
            rows = rows.only(*only, *(key for key in keys if key not in rows.query.annotations))
        return keyset.page(rows, by=self.sorting.by, query=self.query, size=self.list.size, under=under)

    def count(
        self, page: keyset.Page[Any], rows: QuerySet[Any], *, by: Sequence[str] = (), most: int = keyset.COUNTED
    ) -> str:
        """How many rows there are, as the title says it: they are counted, as `keyset.count` does it, only where one page is not all."""
        return keyset.shown(len(page.rows) if page.is_only else keyset.count(rows, by=by, most=most), most)

    def answer(
        self,
        name: str,
        columns: Sequence[exports.Column],
        lines: Iterable[Sequence[object]],
        *,
        of: QuerySet[Any] | None = None,
    ) -> HttpResponseBase:
        """The file that is asked for. `of` are the rows, for a long job that tells how far it is."""
        count = of.order_by().count if of is not None else None
        return exports.answer(self.request, self.file, name, columns, lines, count=count)

    def context(
        self, page: keyset.Page[Any], cells: Sequence[Any], *, numbers: Mapping[str, Mapping[str, object]] | None = None
    ) -> dict[str, Any]:
        """What `list.html` shows. `numbers` are those of filters by their values, "" for all, where rows were counted for them."""
        bars = [self._bar(each, (numbers or {}).get(each.name, {})) for each in self.list.filters]
        return {
            "list": self.list,
            "listing": self,
            "page": page,
            "cells": cells,
            "label": {each.name: each.label for each in self.columns},
            "bars": [bar for bar in bars if not bar.filter.is_apart],
            "apart": [bar for bar in bars if bar.filter.is_apart],
            "has_choice": any(bar.filter.is_select for bar in bars),
        }

    @property
    def heads(self) -> Sequence[Head]:
        """The heads of the columns."""
        return [self._head(each) for each in self.columns if each.label]

    @property
    def kept(self) -> Sequence[tuple[str, str]]:
        """The parameters that a search keeps, besides the selects beside the search box."""
        selects = {each.name for each in self.list.filters if each.is_select}
        chosen = [(name, value) for name, value in self.chosen.items() if name not in selects]
        return [*self.further.items(), *chosen, *([("sort", self.sorting.value)] if self.sorting.value else [])]

    def _with_keys(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        column = next(each for each in self.list.columns if each.name == self.sorting.column)
        return rows.annotate(**column.annotations(self.actor)) if column.annotations else rows

    def _head(self, column: Column) -> Head:
        if not column.keys:
            return Head(column)
        is_here, is_down = column.name == self.sorting.column, self.sorting.is_down
        url = address(self.query, "sort", f"-{column.name}" if is_here and not is_down else column.name)
        return Head(column, url, ("descending" if is_down else "ascending") if is_here else "")

    def _bar(self, of: Filter, numbers: Mapping[str, object]) -> Bar:
        chosen, chips = self.chosen.get(of.name, ""), []
        if of.every and not of.own:
            chips.append(Chip("", of.every, address(self.query, of.name, "", of.clears), not chosen, numbers.get("")))
        for value, option in of.options.items():
            is_on = value == chosen
            takes_back = is_on and not of.every and not of.own
            url = address(self.query, of.name, "" if takes_back else value, of.clears)
            chips.append(Chip(value, option.label, url, is_on, numbers.get(value)))
        return Bar(of, chips)


def address(query: QueryDict, name: str, value: str, clears: Sequence[str] = ()) -> str:
    """The address with another value of one parameter, "" for none, and without those it `clears`; of another list than this page's, so
    from its beginning."""
    changed = query.copy()
    for gone in (*PAGING, *clears, *([name] if not value else [])):
        changed.pop(gone, None)
    if value:
        changed[name] = value
    return f"?{changed.urlencode()}"
