"""A list of the portal is declared once, reads what the address asks for, and is a page (`templates/list.html`) or a file."""

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
    """A column of the page; one without a label is an order that no head of the table offers.

    `keys` are the sort keys, as in `keyset.Columns`; without keys the list can't be sorted by it. `annotations` gives the keys that are no fields;
    it is called only where the list is sorted by the column. `css` is the class of the head. The label of a column that `is_silent` is read by
    screen readers only, and so is the text `further`.
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
    """A value of a filter with its condition on the rows, which is None where the view filters them itself."""

    label: Text
    where: Q | None = None


def options(field: str, choices: type[Choices]) -> dict[str, Option]:
    """An option for each choice of a field."""
    return {value: Option(label, Q(**{field: value})) for value, label in choices.choices}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter `?name=value`, shown as a chip for each option or as a choice (`is_select`), at the end of the bar if it `is_apart`.

    Screen readers read the `label`.

    `every` is the label of "not filtered"; without it a second click on the chosen chip removes the filter. With an `own` option the list is always
    filtered: by that option where the address names none. `also` maps further words of addresses to options. `clears` are parameters that belong
    to one of the options and are removed when another is chosen.
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
        """The option that the address names, else the own option of the filter; "" where it does not filter."""
        value = query.get(self.name, "")
        value = self.also.get(value, value)
        return value if value in self.options else self.own


@dataclass(frozen=True, slots=True)
class Search:
    """The search `?q=`: the label of its box and a hint what can be typed there.

    `matching` gives the rows that match a text, of those that the actor may search; None where the view searches itself.
    """

    label: Text
    hint: Text
    matching: Callable[[QuerySet[Any], str, Actor], QuerySet[Any]] | None = None


@dataclass(frozen=True, slots=True)
class List:
    """The declaration of a list.

    `own` is the column it is sorted by where the address names none, with "-" for descending; "" where the view sorts the rows itself. `layout` is
    the template that `list.html` extends; `table`, `bar` and `panel` are classes of these parts.
    """

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
        """What the address asks of the list; values without a meaning are ignored.

        `hidden` are the columns that this reader may not see, `kept` are further parameters that a search keeps.
        """
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
        """The heads and labels of these columns, for a page of which the table is a part."""
        columns = [each for each in self.columns if each.name in page]
        return {"heads": [Head(each) for each in columns], "label": {each.name: each.label for each in columns}}


class Head(NamedTuple):
    """The head of a column: `url` sorts by it, and `way` is the present order: ascending, descending or ""."""

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
        """The text of the value in a choice, with its number."""
        return str(self.label) if self.number is None else f"{self.label} ({self.number})"


class Bar(NamedTuple):
    """A filter on the page."""

    filter: Filter
    chips: list[Chip]


@dataclass(frozen=True, slots=True)
class Listing:
    """One request for a list.

    `chosen` has the values of the filters that are used, `columns` are those that the reader sees, `file` is the kind of file that is asked for.
    """

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
        """The page that the address asks for; with `only` it reads these fields and the sort keys alone; `under` is as in `keyset.page`."""
        rows = self._with_keys(rows)
        if only:
            keys = (key.removeprefix("-") for key in self.sorting.by)
            rows = rows.only(*only, *(key for key in keys if key not in rows.query.annotations))
        return keyset.page(rows, by=self.sorting.by, query=self.query, size=self.list.size, under=under)

    def count(
        self, page: keyset.Page[Any], rows: QuerySet[Any], *, by: Sequence[str] = (), most: int = keyset.COUNTED
    ) -> str:
        """The number of rows for the title; they are counted (`keyset.count`) only where there is more than one page."""
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
        """The context of `list.html`; `numbers` are the numbers of rows by filter and value ("" for all), where they were counted."""
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
    """The address with another value of one parameter, "" for none, and without the parameters that it `clears`.

    It leads to the first page, since it is another list.
    """
    changed = query.copy()
    for gone in (*PAGING, *clears, *([name] if not value else [])):
        changed.pop(gone, None)
    if value:
        changed[name] = value
    return f"?{changed.urlencode()}"
