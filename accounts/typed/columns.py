"""Key columns: they are computed from other columns of their row on every save and bulk_create."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.typed import keys

LONGEST = 500  # characters of a sort key, whatever folding made of the text: the limit of a PostgreSQL index


class Keyed(models.Model):
    """A row with key columns: saving some of its columns saves their keys too."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the keys of the saved columns added."""
        if (fields := kwargs.get("update_fields")) is not None:
            wanted = set(fields)
            kwargs["update_fields"] = wanted | {
                column.name for column in keys_of_model(type(self)) if wanted.intersection(column.sources)
            }
        super().save(*args, **kwargs)


class Key(models.TextField):  # type: ignore[type-arg]
    """Base of the key columns: computed from `sources`, columns of the same row, whenever the row is saved."""

    def __init__(self, *sources: str, **options: Any) -> None:
        self.sources = sources or tuple(options.pop("sources", ()))
        options.pop("sources", None)
        super().__init__(**{"default": "", "blank": True, "editable": False, **options})

    def key(self, *texts: str) -> str:
        """The key of these values of the sources."""
        raise NotImplementedError

    def of(self, row: models.Model) -> str:
        """The key of a row with its present values."""
        return self.key(*(getattr(row, name) or "" for name in self.sources))

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Compute the key before the row is saved."""
        value = self.of(model_instance)
        setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        """The column as written into a migration file."""
        name, path, args, kwargs = super().deconstruct()
        for option in ("default", "blank", "editable"):
            kwargs.pop(option, None)
        return name, path, [*args, *self.sources], kwargs


class IdentityKey(Key):
    """A unique key for texts that must be unique."""

    def key(self, *texts: str) -> str:
        """Texts that look the same have the same key (R77)."""
        return keys.identity_key(" ".join(texts))[:LONGEST]


class SortKey(Key):
    """A sort key, compared by code point on both databases, whatever the database's locale is."""

    def key(self, *texts: str) -> str:
        """Numbers inside are sorted by value."""
        return keys.natural_key(" ".join(texts))[:LONGEST]

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """The collation "C"; SQLite compares like that anyway."""
        return {**super().db_parameters(connection), "collation": "C" if connection.vendor == "postgresql" else None}


class FloorKey(SortKey):
    """A sort key for floors."""

    def key(self, *texts: str) -> str:
        """Floors are sorted as people count them."""
        return keys.floor_key(" ".join(texts))[:LONGEST]


class PlaceKey(SortKey):
    """A sort key for places: building, floor, number, if there is one the slot's number, and the name of a piece of equipment; places
    without a building come last. It is `place_key` of the keys of its parts, so one SQL statement can compute it from them."""

    def of(self, row: models.Model) -> str:
        """The key of a row; its last two parts are a number and a name."""
        building, floor, number, slot, *names = (getattr(row, source) for source in self.sources)
        parts = (keys.natural_key(building), keys.floor_key(floor), keys.natural_key(number)) if building else ()
        place = keys.place_key(*(part[:LONGEST] for part in parts), slot=slot)
        return place + keys.natural_key(names[0])[:LONGEST] if names and names[0] else place


class SearchKey(Key):
    """A key for search; each source is a line of it. A migration has to add `TrigramIndex`."""

    def key(self, *texts: str) -> str:
        """The text as people search for it."""
        return "\n".join(filter(None, map(keys.search_key, texts)))


class CompactKey(Key):
    """A key for numbers that are found with any separators or none."""

    def key(self, *texts: str) -> str:
        """Letters and digits only."""
        return keys.compact_key("".join(texts))


def keys_of_model(model: type[models.Model]) -> list[Key]:
    """The key columns of a model."""
    return [field for field in model._meta.concrete_fields if isinstance(field, Key)]


def fill(rows: models.QuerySet[Any], *, batch: int = 1000) -> None:
    """Compute the keys of existing rows, in batches; for migrations.

    Where two rows get the same unique key, the younger one keeps an artificial key until it is saved; only then a new name is asked
    for.
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
                own = f"{keys.LAST}{row.pk}"  # a character that typed names can't contain
                setattr(row, column.attname, f"{getattr(row, column.attname)[: LONGEST - len(own)]}{own}")
        rows.bulk_update([row], names)


def _keep(rows: Iterable[models.Model], columns: list[Key]) -> None:
    for row in rows:
        for column in columns:
            column.pre_save(row, False)
