"""Queries whose SQL is built once per process, for the few queries that every request runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL, its parameters with the positions of the values, and how a row becomes an instance."""

    sql: str
    params: tuple[Any, ...]
    places: dict[int, int]  # index in `params` → index of the value
    converters: tuple[tuple[int, tuple[Callable[..., Any], ...], Any], ...]
    model: Any
    start: int
    attnames: tuple[str, ...]
    related: tuple[Any, ...]
    annotations: tuple[tuple[str, int], ...]


class PreparedQuery(Generic[Row]):
    """`build(*values)` as stored SQL, since Django takes longer to build a join over five tables than the database takes to run it.

    `stand_ins` are values of the same types that occur nowhere else in the query (text or aware datetimes): the values of a call are
    put where the stand-ins appear in the parameters. The shape of the query must not depend on the values.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Row]], *stand_ins: str | datetime) -> None:
        self.build, self.stand_ins = build, stand_ins
        self.statements: dict[str, Statement] = {}  # by database vendor

    def first(self, *values: str | datetime) -> Row | None:
        """The first row for these values, with its joins and annotations; None where there is none. One statement."""
        statement = self.statements.get(connection.vendor) or self._prepare()
        sent = list(statement.params)
        for place, index in statement.places.items():
            sent[place] = _adapted(values[index])
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, sent)
            found = cursor.fetchone()
        return None if found is None else self._instance(statement, list(found))

    def _instance(self, statement: Statement, values: list[Any]) -> Row:
        for index, converters, expression in statement.converters:
            for convert in converters:
                values[index] = convert(values[index], expression, connection)
        end = statement.start + len(statement.attnames)
        row = statement.model.from_db(connection.alias, statement.attnames, values[statement.start : end])
        for populator in statement.related:
            populator.populate(values, row)
        for name, index in statement.annotations:
            setattr(row, name, values[index])
        return row  # type: ignore[no-any-return]

    def _prepare(self) -> Statement:
        rows = self.build(*self.stand_ins)
        compiler: Any = rows.query.get_compiler(rows.db)
        sql, params = compiler.as_sql()
        adapted = [_adapted(value) for value in self.stand_ins]
        places = {at: adapted.index(param) for at, param in enumerate(params) if param in adapted}
        if set(places.values()) != set(range(len(adapted))):
            raise ValueError("a value of the query is not among its parameters")
        fields = compiler.klass_info["select_fields"]
        found = compiler.get_converters([column[0] for column in compiler.select])
        statement = self.statements[connection.vendor] = Statement(
            sql=sql,
            params=tuple(params),
            places=places,
            converters=tuple((at, tuple(convert), expression) for at, (convert, expression) in found.items()),
            model=rows.model,
            start=fields[0],
            attnames=tuple(column[0].target.attname for column in compiler.select[fields[0] : fields[-1] + 1]),
            related=tuple(get_related_populators(compiler.klass_info, compiler.select, rows.db)),  # type: ignore[call-arg]  # the stubs are of a newer Django
            annotations=tuple(compiler.annotation_col_map.items()),
        )
        return statement


def _adapted(value: str | datetime) -> Any:
    """A value as the database driver expects it."""
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
