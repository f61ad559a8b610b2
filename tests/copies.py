"""Rows that many tests begin with: written once by actions, then inserted again as they were, with one statement per table."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models

from communities.models import ExpiryDay

T = TypeVar("T")


@dataclass
class Kept(Generic[T]):
    """The result of `build`, and the rows it wrote, by model in an order in which they can be inserted."""

    build: Callable[[], T]
    result: T | None = None
    rows: dict[type[models.Model], list[models.Model]] | None = None
    statements: list[tuple[str, Any]] | None = None  # statements that insert the rows, built the first time

    def put(self) -> T:
        """Insert the rows into the database of this test, and return a copy of the result, which the test may change."""
        if self.rows is None:
            before = {model: _keys(model) for model in _models()}
            self.result = copy.deepcopy(result := self.build())
            found = {model: [row for row in _all(model) if row.pk not in known] for model, known in before.items()}
            self.rows = {model: rows for model, rows in found.items() if rows}
            return result
        if self.statements is None:
            self.statements = _statements_of(self.rows)
        else:
            with connection.cursor() as cursor:
                for sql, params in self.statements:
                    cursor.execute(sql, params)
        assert self.result is not None
        return copy.deepcopy(self.result)


def _statements_of(kept: dict[type[models.Model], list[models.Model]]) -> list[tuple[str, Any]]:
    """The statements that insert the rows."""
    done: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "SELECT setval", "SELECT pg_catalog.setval")):
            done.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for model, rows in kept.items():
            model._base_manager.bulk_create([copy.copy(row) for row in rows])
        for sql in connection.ops.sequence_reset_sql(no_style(), list(kept)):
            with connection.cursor() as cursor:
                cursor.execute(sql)
    return done


def _models() -> list[type[models.Model]]:
    """All models; a model comes after those that its foreign keys refer to."""
    ordered: list[type[models.Model]] = []

    def add(model: type[models.Model]) -> None:
        if model in ordered or model in under_way:
            return
        under_way.add(model)
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and not isinstance(field.related_model, str):
                add(field.related_model)
        ordered.append(model)

    under_way: set[type[models.Model]] = set()
    for model in apps.get_models():
        # Columns that the database writes itself
        if not model._meta.proxy and model._meta.managed and model is not ExpiryDay:
            add(model)
    return ordered


def _all(model: type[models.Model]) -> list[models.Model]:
    return list(model._base_manager.order_by("pk"))


def _keys(model: type[models.Model]) -> set[object]:
    return set(model._base_manager.values_list("pk", flat=True))
