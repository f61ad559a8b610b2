"""Columns that keep a key of other columns of their row, in step with every save and bulk_create."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.typed import keys

LONGEST = (
    500  # characters of a key that is sorted by: what an index of PostgreSQL takes, whatever folding made of the text
)


class Keyed(models.Model):
    """A row with keys: saving some of its columns saves their keys too."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the keys of what is saved."""
        if (fields := kwargs.get("update_fields")) is not None:
            wanted = set(fields)
            kwargs["update_fields"] = wanted | {
                column.name for column in keys_of_model(type(self)) if wanted.intersection(column.sources)
            }
        super().save(*args, **kwargs)


class Key(models.TextField):  # type: ignore[type-arg]
    """Base of the keys: worked out from `sources`, columns of the same row, whenever the row is saved."""

    def __init__(self, *sources: str, **options: Any) -> None:
        self.sources = sources or tuple(options.pop("sources", ()))
        options.pop("sources", None)
        super().__init__(**{"default": "", "blank": True, "editable": False, **options})

    def key(self, *texts: str) -> str:
        """The key of these texts, the values of the sources."""
        raise NotImplementedError

    def of(self, row: models.Model) -> str:
        """The key of a row as it is now."""
        return self.key(*(getattr(row, name) or "" for name in self.sources))

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Keep the key in step."""
        value = self.of(model_instance)
        setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        """How the column is written into a migration."""
        name, path, args, kwargs = super().deconstruct()
        for option in ("default", "blank", "editable"):
            kwargs.pop(option, None)
        return name, path, [*args, *self.sources], kwargs


class IdentityKey(Key):
    """A key that is unique where the text has to be."""

    def key(self, *texts: str) -> str:
        """What is the same, looks the same (R77)."""
        return keys.identity_key(" ".join(texts))[:LONGEST]


class SortKey(Key):
    """A key that rows are sorted by: sign by sign, on PostgreSQL too, whatever the language of the database is."""

    def key(self, *texts: str) -> str:
        """As people count."""
        return keys.natural_key(" ".join(texts))[:LONGEST]

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """The plain order of signs, which SQLite has anyway."""
        return {**super().db_parameters(connection), "collation": "C" if connection.vendor == "postgresql" else None}


class FloorKey(SortKey):
    """A key that floors are sorted by."""

    def key(self, *texts: str) -> str:
        """As people count floors."""
        return keys.floor_key(" ".join(texts))[:LONGEST]


class PlaceKey(SortKey):
    """A key that places are sorted by: building, floor, number and, where there is one, the number of a slot; what stands in no building
    comes last. It is `place_key` of the parts' own keys, so that it can be put together from theirs by a statement."""

    def of(self, row: models.Model) -> str:
        """The key of a row: the last part is a number."""
        building, floor, number, slot = (getattr(row, name) for name in self.sources)
        parts = (keys.natural_key(building), keys.floor_key(floor), keys.natural_key(number))
        return keys.place_key(*(part[:LONGEST] for part in parts), slot=slot) if building else keys.place_key(slot=slot)


class SearchKey(Key):
    """A key that rows are found by, each source a line of it; a migration adds `TrigramIndex`."""

    def key(self, *texts: str) -> str:
        """As people search."""
        return "\n".join(filter(None, map(keys.search_key, texts)))


class CompactKey(Key):
    """A key that numbers are found by, with any separators or none."""

    def key(self, *texts: str) -> str:
        """Letters and digits alone."""
        return keys.compact_key("".join(texts))


def keys_of_model(model: type[models.Model]) -> list[Key]:
    """The keys that rows of a model keep."""
    return [field for field in model._meta.concrete_fields if isinstance(field, Key)]


def fill(rows: models.QuerySet[Any], *, batch: int = 1000) -> None:
    """Work the keys of existing rows out, some at a time; for migrations.

    Where two rows became the same, the younger keeps a key of its own until somebody saves it: only then is another name asked for.
    """
    columns, names = keys_of_model(rows.model), [column.name for column in keys_of_model(rows.model)]
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:batch]):
        _keep(found, columns)
        try:
            with transaction.atomic(using=rows.db):
                rows.bulk_update(found, names, batch_size=200)
        except IntegrityError:
            for row in found:
                _keep_one(rows, row, columns)
        last = found[-1].pk


def _keep_one(rows: models.QuerySet[Any], row: models.Model, columns: list[Key]) -> None:
    names = [column.name for column in columns]
    try:
        with transaction.atomic(using=rows.db):
            rows.bulk_update([row], names)
    except IntegrityError:
        for column in columns:
            if isinstance(column, IdentityKey):
                own = f"{keys.LAST}{row.pk}"  # no typed name holds this sign
                setattr(row, column.attname, f"{getattr(row, column.attname)[: LONGEST - len(own)]}{own}")
        rows.bulk_update([row], names)


def _keep(rows: Iterable[models.Model], columns: list[Key]) -> None:
    for row in rows:
        for column in columns:
            column.pre_save(row, False)
