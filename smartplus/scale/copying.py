"""Copying a part of the database many times: one INSERT … SELECT for each table, for any columns and tables of the models.

A part is what was written between two moments, so its rows are found by their ids. A copy has new ids. Foreign keys into the part point
into the copy, those into the part's home (the tree it belongs to) point into the copy's home, and all others stay. Words that name the part
(the number in its names, its order numbers) are replaced in every text and key.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.db.models import Max

from accounts.models import AuditEvent, Organization
from accounts.models.organizations import LABEL_WIDTH
from accounts.typed import keys
from communities.models import ExpiryDay, Site

Model: TypeAlias = type[models.Model]
Marks: TypeAlias = Mapping[Model, int]  # the highest id of each table
MAC = "mac"  # the column of a number that increases from copy to copy
COPIES = "scale_copies"
ROWS_AT_ONCE = 500


def project_models() -> list[Model]:
    """Every model of the project's own apps, with many-to-many tables."""
    own = [config for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
    return [model for config in own for model in config.get_models(include_auto_created=True)]


def marks() -> dict[Model, int]:
    """The highest id of every table now."""
    written = [
        model for model in project_models() if model is not ExpiryDay
    ]  # by the database itself, during the insert
    return {model: model._default_manager.aggregate(last=Max("pk"))["last"] or 0 for model in written}


@dataclass(frozen=True)
class Part:
    """What was written between two moments: for each table the ids above the first number, up to the second. Nothing else was written
    meanwhile."""

    spans: Mapping[Model, tuple[int, int]]

    @classmethod
    def between(cls, before: Marks, after: Marks) -> Part:
        """The rows written between both."""
        return cls({model: (before[model], last) for model, last in after.items() if last > before[model]})

    def rows(self, model: Model) -> models.QuerySet[Any]:
        """The part's rows of one table."""
        after, last = self.spans[model]
        return model._default_manager.filter(pk__gt=after, pk__lte=last)


@dataclass(frozen=True)
class Copy:
    """One copy: its number, its home, how many days before the part it is dated, and its words."""

    number: int
    home: Part
    is_first: bool  # its number in this home: rows that a home has once are copied with the first
    days: int
    words: Sequence[str]


@dataclass
class Copier:
    """Writes copies of a part. `words` are those of the part itself; `macs` is the number of MACs of each copy."""

    part: Part
    home: Part
    words: Sequence[str]
    macs: int
    _first: dict[Model, int] = field(default_factory=dict)

    def write(self, copies: Sequence[Copy]) -> None:
        """Write the copies, each table once. The caller holds the transaction."""
        self._first = marks()
        self._list(copies)
        try:
            for model in self.part.spans:
                self._multiply(model)
            self._mend_paths()
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {COPIES}")

    def _list(self, copies: Sequence[Copy]) -> None:
        """The copies as a table for joins."""
        homes = list(self.home.spans)
        self._forms = list(_forms(self.words))
        columns = ["r bigint", "number bigint", "is_first boolean", "days bigint"]
        columns += [f"{_shift(model)} bigint" for model in homes]
        columns += [f"word{at} text" for at in range(len(self._forms))]
        rows: list[tuple[Any, ...]] = [
            (
                rank, copy.number, copy.is_first, copy.days,
                *(copy.home.spans[model][0] - self.home.spans[model][0] for model in homes),
                *(new for _old, new in _forms(self.words, copy.words)),
            )
            for rank, copy in enumerate(copies)
        ]  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE {COPIES} ({', '.join(columns)})")
            for first in range(0, len(rows), ROWS_AT_ONCE):
                some = rows[first : first + ROWS_AT_ONCE]
                marks_ = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO {COPIES} VALUES ({marks_})", some)  # noqa: S608  (names of ours)

    def _multiply(self, model: Model) -> None:
        fields = model._meta.concrete_fields
        expressions = {str(one.column): self._expression(model, one) for one in fields}
        copies = COPIES
        for alike, where in _unique_together(model):
            said = " ".join(expressions[str(one.column)] for one in alike)
            said_by_all = self.part.rows(model).filter(where, **{f"{one.name}__isnull": False for one in alike})
            if any(f"c.{own}" in said for own in ("r", "number", "word")) or not said_by_all.exists():
                continue
            if "c.shift_" in said:  # one for each home, not for each copy
                copies = f"(SELECT * FROM {COPIES} WHERE is_first)"  # noqa: S608  (names of ours)
                continue
            texts = [str(one.column) for one in alike if isinstance(one, models.CharField | models.TextField)]
            expressions[texts[-1]] += " || '.' || c.number"
        after, last = self.part.spans[model]
        quoted = connection.ops.quote_name
        table = quoted(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(quoted(column) for column in expressions)}) "  # noqa: S608  (as above)
                f"SELECT {', '.join(expressions.values())} FROM {copies} c CROSS JOIN {table} t "
                f"WHERE t.id > {after} AND t.id <= {last} ORDER BY c.r, t.id"
            )

    # --- columns --------------------------------------------------------------------------------------------------------

    def _expression(self, model: Model, one: models.Field[Any, Any]) -> str:
        """The SQL for a column of a copy, from the row `t` and the copy `c`."""
        here = f"t.{connection.ops.quote_name(str(one.column))}"
        if one.primary_key:
            return self._in_copy(model, here)
        if isinstance(one, models.ForeignKey):
            return self._points(one.related_model, here, self.part.rows(model).values_list(one.attname, flat=True))
        if model is AuditEvent and one.column == "site_id":
            return self._points(Site, here, self.part.rows(model).values_list(one.attname, flat=True))
        if model is AuditEvent and one.column == "subject_id":
            return self._points_by_name(here)
        if one.column == MAC:
            return f"{here} + c.number * {self.macs}"
        if isinstance(one, models.DateField):  # instants are dates to Django
            return _earlier(here)
        if isinstance(one, models.CharField | models.TextField | models.JSONField):
            return self._reworded(model, one, here)
        return here

    def _in_copy(self, model: Model, here: str) -> str:
        after, last = self.part.spans[model]
        return f"{here} + {self._first[model] - after} + c.r * {last - after}"

    def _points(self, target: Any, here: str, values: Iterable[int | None]) -> str:
        """A foreign key: into the copy, into its home, or unchanged; only the cases that occur in `values` of the part's own rows."""
        cases, found = "", set(values)
        for part in (self.part, self.home):
            after, last = part.spans.get(target, (0, 0))
            if any(value is not None and after < value <= last for value in found):
                there = self._in_copy(target, here) if part is self.part else f"{here} + c.{_shift(target)}"
                cases += f" WHEN {here} > {after} AND {here} <= {last} THEN {there}"
        return f"CASE{cases} ELSE {here} END" if cases else here

    def _points_by_name(self, here: str) -> str:
        subjects = self.part.rows(AuditEvent).values_list("subject_type", "subject_id").distinct()
        named = {str(model._meta.model_name): model for model in project_models()}
        of_type: dict[str, list[int | None]] = defaultdict(list)
        for name, pk in subjects:
            of_type[name].append(pk)
        cases = "".join(
            f" WHEN t.subject_type = '{name}' THEN {self._points(named[name], here, ids)}"
            for name, ids in of_type.items()
        )
        return f"CASE{cases} ELSE {here} END"

    def _reworded(self, model: Model, one: models.Field[Any, Any], here: str) -> str:
        """A text with the words of the copy, where the part's own rows contain any."""
        is_json = isinstance(one, models.JSONField)
        found = self.part.rows(model).values_list(one.attname, flat=True).distinct()
        texts = "\n".join(json.dumps(value, ensure_ascii=False) if is_json else str(value) for value in found)
        wanted = [at for at, (old, _new) in enumerate(self._forms) if old in texts]
        expression = f"CAST({here} AS text)" if is_json and wanted else here
        for at in wanted:
            expression = f"replace({expression}, '{self._forms[at][0]}', c.word{at})"
        if is_json and wanted and connection.vendor == "postgresql":
            return f"CAST({expression} AS jsonb)"
        return expression

    def _mend_paths(self) -> None:
        """Compute the path of each organization, which is made of ids."""
        added = Organization.objects.filter(pk__gt=self._first[Organization]).select_related("parent").order_by("pk")
        some: list[Organization] = []
        for one in added.iterator():
            assert one.parent is not None  # the root belongs to no part
            one.path = f"{one.parent.path}{one.pk:0{LABEL_WIDTH}d}."
            some.append(one)
        Organization.objects.bulk_update(some, ["path"], batch_size=ROWS_AT_ONCE)


def _unique_together(model: Model) -> Iterator[tuple[list[models.Field[Any, Any]], models.Q]]:
    """The columns that are unique together, and the condition for their rows."""
    named = {one.name: one for one in model._meta.concrete_fields}
    for one in named.values():
        if one.unique and not one.primary_key:
            yield [one], models.Q()
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            yield [named[name] for name in constraint.fields], constraint.condition or models.Q()


def _forms(words: Iterable[str], others: Iterable[str] | None = None) -> Iterator[tuple[str, str]]:
    """The words as written and as folded in keys, each with its replacement."""
    for word, other in zip(words, words if others is None else others, strict=True):
        seen: set[str] = set()
        for fold in (str, keys.identity_key, keys.search_key, keys.compact_key):
            if (old := fold(word)) not in seen:
                seen.add(old)
                yield old, fold(other)


def _shift(model: Model) -> str:
    return f"shift_{model._meta.db_table}"


def _earlier(here: str) -> str:
    if connection.vendor == "postgresql":
        return f"{here} - c.days * interval '1 day'"
    return f"date(substr({here}, 1, 10), '-' || c.days || ' days') || substr({here}, 11)"


# --- PostgreSQL: foreign keys are checked and indexes built once, at the end ------------------------------------------------


@contextmanager
def loaded_at_once() -> Iterator[None]:
    """Inside a transaction on PostgreSQL: drop foreign keys and indexes of the tables and create them again at the end, so that each
    foreign key is checked by one join and each index is built sorted. A violation rolls everything back."""
    if connection.vendor != "postgresql":
        yield
        return
    tables = [model._meta.db_table for model in project_models()]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(
            "SELECT c.conrelid::regclass::text, quote_ident(c.conname), pg_get_constraintdef(c.oid), c.contype = 'f' "
            "FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid "
            "WHERE r.relname = ANY(%s) AND c.contype IN ('f', 'u') ORDER BY c.contype DESC, 1, 2",
            [tables],
        )
        constraints = cursor.fetchall()
        for table, name, _definition, is_key in sorted(constraints, key=lambda row: not row[3]):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}{'' if is_key else ' CASCADE'}")
        cursor.execute(
            "SELECT quote_ident(i.indexname), i.indexdef FROM pg_indexes i JOIN pg_class k ON k.relname = i.indexname "
            "JOIN pg_index x ON x.indexrelid = k.oid WHERE i.tablename = ANY(%s) AND NOT x.indisprimary",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _name, definition in indexes:
            cursor.execute(definition)
        for table, name, definition, _is_key in constraints:  # unique ones first: foreign keys refer to them
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for table in tables:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), (SELECT max(id) FROM \"{table}\"))"  # noqa: S608
            )
            cursor.execute(f'ANALYZE "{table}"')
