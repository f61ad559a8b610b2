"""SQL for all lines of an order at once, for which the ORM has no form (DESIGN §9): the number of statements does not grow with lines,
sites or expiries. New ends are computed in Python, once for each distinct base, and sent as one JSON parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_date, parse_datetime

from communities.catalogue import BY_TYPE
from subscriptions import periods
from subscriptions.models import LineKind, Order
from subscriptions.models.orders import EXTENDING
from subscriptions.models.terms import TermKind


@dataclass(frozen=True, slots=True)
class Base:
    """What a new end depends on: items with equal values, whose lines have equal terms, are extended alike. `quoted_at` is when a term to a
    date was priced; None for other terms."""

    term_kind: str
    term_count: int
    term_day: date | None
    quoted_at: datetime | None
    service_type: str
    expires_at: datetime | None
    works_until: datetime | None
    anchor_at: datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class Held:
    """How many lines of an order, of one kind, have reserved items with the same base. `turns`: at least one item is paid for another
    variant, now or later; `is_asked`: at least one is in a request."""

    kind: str
    base: Base
    count: int
    turns: bool
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Extension:
    """What the items of one base get: the period, and the columns that follow from it (`Entitlement`)."""

    base: Base
    starts_at: datetime
    ends_at: datetime
    works_until: datetime
    anchor_at: datetime | None


def hold(order: Order) -> list[Held]:
    """Lock the reserved items of an order, in the order of their ids, and group their lines. One statement with one row for each distinct
    base."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD[connection.vendor], [order.pk, order.pk])
        rows = cursor.fetchall()
    return [
        Held(kind, Base(term, count, _date(day), _at(quoted), service_type, _at(until), _at(works), _at(anchor), zone), n, bool(turns), bool(asked))
        for kind, term, count, day, quoted, service_type, until, works, anchor, zone, turns, asked, n in rows
    ]  # fmt: skip


def extensions(found: Iterable[Base], *, now: datetime) -> list[Extension]:
    """The extension of each base by its term at `now`. Pure function."""
    made = []
    for base in found:
        term = periods.term_of(base.term_kind, base.term_count, base.term_day)
        assert term is not None  # order_line_kind_has_target
        start, finish, anchor = periods.settled(term, base.expires_at, base.works_until, now, base.zone, base.anchor_at)
        if isinstance(term, periods.Until) and base.quoted_at is not None:
            finish = periods.end_as_bought(term, base.quoted_at, start, base.zone)
        works_until = BY_TYPE[base.service_type].works_until(finish)
        made.append(Extension(base, start, finish, works_until, anchor))
    return made


def extend(order: Order, made: Sequence[Extension], *, turns: bool, now: datetime) -> int:
    """Write the periods of activation and renewal lines and the new state of their items, and release the items. The caller holds the
    items' locks.

    Only reserved items that still have their base are changed. Returns how many; the caller compares it with the number of lines. The
    variant of a period that has not begun waits in `VariantChange`; `turns` False says that there is none. At most four statements.
    """
    sent = json.dumps([_row(extension) for extension in made])
    with connection.cursor() as cursor:
        cursor.execute(_PERIODS[connection.vendor], [sent, order.pk, order.pk])
        periods_written = int(cursor.rowcount)
        if turns and any(extension.starts_at > now for extension in made):
            cursor.execute(_CHANGES[connection.vendor], [sent, order.pk, order.pk, _text(now)])
        if turns and any(extension.starts_at <= now for extension in made):
            cursor.execute(_OVERTAKEN[connection.vendor], [sent, order.pk, order.pk, _text(now)])
        cursor.execute(_ITEMS[connection.vendor], [_text(now), _text(now), sent, order.pk, order.pk])
        items_written = int(cursor.rowcount)
    return min(periods_written, items_written)


def upgrade(order: Order, *, turns: bool, now: datetime) -> int:
    """Write the periods of upgrade lines, from `now` to their quoted ends, and the new variant of their items; no expiry moves (R52). An
    item is released unless the order renews it too.

    Applied are only lines whose end is in the future and was not revoked, and whose items have the variant that was priced. Returns how
    many. `turns` says that some end before their item does: then the old variant comes back. At most three statements; the caller holds the
    items' locks, and extends afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RAISED_PERIODS[connection.vendor], [_text(now), order.pk, order.pk, _text(now)])
        periods_written = int(cursor.rowcount)
        if turns:
            cursor.execute(_RAISED_CHANGES[connection.vendor], [order.pk, order.pk, _text(now)])
        cursor.execute(_RAISED_ITEMS[connection.vendor], [_text(now), order.pk, order.pk, _text(now)])
        items_written = int(cursor.rowcount)
    return min(periods_written, items_written)


def _row(extension: Extension) -> Mapping[str, str | int | None]:
    values = {**asdict(extension.base), "starts_at": extension.starts_at, "ends_at": extension.ends_at,
              "end_of_grace": extension.works_until, "next_anchor": extension.anchor_at}  # fmt: skip
    named = {name: _text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    named["term_day"] = str(extension.base.term_day or _NO_DAY)
    for name in (
        "quoted_at",
        "expires_at",
        "works_until",
        "anchor_at",
    ):  # compared with `=`, which a join can use; NULL could not be compared
        named[name] = named[name] or _NEVER[connection.vendor]
    return named


def _text(instant: datetime) -> str:
    """An instant in the database's text format."""
    return str(connection.ops.adapt_datetimefield_value(instant))


def _at(value: Any) -> datetime | None:
    """An instant from the database: SQLite stores text, in UTC."""
    found = parse_datetime(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _date(value: Any) -> date | None:
    return parse_date(value) if isinstance(value, str) else value


_NEVER = {"postgresql": "-infinity", "sqlite": ""}
_NO_DAY = date.min
_EXTENDS = f"line.kind IN {tuple(kind.value for kind in EXTENDING)}"
_RAISES = f"line.kind = '{LineKind.UPGRADE.value}'"

_HELD = """
WITH held AS (SELECT item.id, line.kind, line.term_kind, line.term_count, line.term_day,
    CASE WHEN line.term_kind = '{until}' THEN line.starts_at END AS quoted_at,
    item.service_type, item.expires_at, item.works_until, item.anchor_at, site.time_zone,
    CASE WHEN {raises} THEN CASE WHEN line.ends_at < item.expires_at THEN 1 ELSE 0 END
      WHEN item.variant_until IS NOT NULL OR (line.variant <> item.paid_variant AND item.expires_at IS NOT NULL)
      THEN 1 ELSE 0 END AS turns,
    CASE WHEN EXISTS (SELECT 1 FROM subscriptions_requestitem wish WHERE wish.entitlement_id = item.id AND wish.is_live)
      THEN 1 ELSE 0 END AS asked
  FROM "communities_entitlement" item JOIN subscriptions_orderline line ON line.entitlement_id = item.id
  JOIN communities_site site ON site.id = item.site_id
  WHERE line.order_id = %s AND item.reserved_by = %s ORDER BY item.id{locked})
SELECT kind, term_kind, term_count, term_day, quoted_at, service_type, expires_at, works_until, anchor_at, time_zone,
  MAX(turns), MAX(asked), COUNT(*)
FROM held GROUP BY kind, term_kind, term_count, term_day, quoted_at, service_type, expires_at, works_until, anchor_at, time_zone
"""
# The extension of each base, joined to each line whose item is reserved and still has that base.
_LINES = """
  JOIN communities_entitlement item ON base.service_type = item.service_type
    AND base.expires_at = COALESCE(item.expires_at, {never}) AND base.works_until = COALESCE(item.works_until, {never})
    AND base.anchor_at = COALESCE(item.anchor_at, {never})
  JOIN communities_site site ON site.id = item.site_id AND site.time_zone = base.zone
  JOIN subscriptions_orderline line ON line.entitlement_id = item.id AND {extends}
    AND line.term_kind = base.term_kind AND line.term_count = base.term_count
    AND COALESCE(line.term_day, {no_day}) = base.term_day
    AND COALESCE(CASE WHEN line.term_kind = '{until}' THEN line.starts_at END, {never}) = base.quoted_at
  WHERE line.order_id = %s AND item.reserved_by = %s
"""
_SENT = {
    "postgresql": """
  jsonb_to_recordset(%s::jsonb) AS base(
    term_kind text, term_count int, term_day date, quoted_at timestamptz, service_type text,
    expires_at timestamptz, works_until timestamptz, anchor_at timestamptz, zone text,
    starts_at timestamptz, ends_at timestamptz, end_of_grace timestamptz, next_anchor timestamptz)
""",
    "sqlite": """
  (SELECT
    json_extract(value, '$.term_kind') AS term_kind,
    json_extract(value, '$.term_count') AS term_count,
    json_extract(value, '$.term_day') AS term_day,
    json_extract(value, '$.quoted_at') AS quoted_at,
    json_extract(value, '$.service_type') AS service_type,
    json_extract(value, '$.expires_at') AS expires_at,
    json_extract(value, '$.works_until') AS works_until,
    json_extract(value, '$.anchor_at') AS anchor_at,
    json_extract(value, '$.zone') AS zone,
    json_extract(value, '$.starts_at') AS starts_at,
    json_extract(value, '$.ends_at') AS ends_at,
    json_extract(value, '$.end_of_grace') AS end_of_grace,
    json_extract(value, '$.next_anchor') AS next_anchor
  FROM json_each(%s)) AS base
""",
}
_WRITE_PERIODS = """
INSERT INTO subscriptions_serviceperiod (entitlement_id, line_id, variant, is_upgrade, starts_at, ends_at, anchor_at, is_revoked)
SELECT item.id, line.id, line.variant, {false}, base.starts_at, base.ends_at, base.next_anchor, {false} FROM {base}
"""
# Also where it equals the present variant, if another one comes in between.
_WRITE_CHANGES = """
INSERT INTO subscriptions_variantchange (entitlement_id, at, variant)
SELECT item.id, base.starts_at, line.variant FROM {base} AND base.starts_at > %s AND (line.variant <> item.paid_variant
  OR EXISTS (SELECT 1 FROM subscriptions_variantchange earlier WHERE earlier.entitlement_id = item.id))
ON CONFLICT (entitlement_id, at) DO UPDATE SET variant = excluded.variant
"""
# A variant that begins now replaces every one that waited, whether or not its time had come.
_FORGET_CHANGES = """
DELETE FROM "subscriptions_variantchange" WHERE "entitlement_id" IN (SELECT item.id FROM {base} AND base.starts_at <= %s)
"""
_WRITE_ITEMS = """
UPDATE "communities_entitlement" SET
  paid_variant = CASE WHEN source.starts_at > %s THEN "communities_entitlement".paid_variant ELSE source.variant END,
  variant_until = source.turns_at, expires_at = source.ends_at, works_until = source.end_of_grace, anchor_at = source.next_anchor,
  reserved_by = NULL, last_charged_at = %s
FROM (SELECT item.id AS id, base.starts_at, base.ends_at, base.end_of_grace, base.next_anchor, line.variant,
  (SELECT MIN(at) FROM subscriptions_variantchange waiting WHERE waiting.entitlement_id = item.id) AS turns_at FROM {base}) AS source
WHERE "communities_entitlement".id = source.id
"""
# Upgrade lines whose item is reserved, is still paid to the quoted end or longer, and has the variant that was quoted.
_RAISED = """
  communities_entitlement item JOIN subscriptions_orderline line ON line.entitlement_id = item.id AND {raises}
  WHERE line.order_id = %s AND item.reserved_by = %s AND line.ends_at > %s AND item.expires_at >= line.ends_at
    AND item.paid_variant = line.paid_variant AND (item.variant_until IS NULL OR item.variant_until >= line.ends_at)
"""
_RAISE_PERIODS = """
INSERT INTO subscriptions_serviceperiod (entitlement_id, line_id, variant, is_upgrade, starts_at, ends_at, anchor_at, is_revoked)
SELECT item.id, line.id, line.variant, {true}, {instant}, line.ends_at, NULL, {false} FROM {raised}
"""
_RAISE_CHANGES = """
INSERT INTO subscriptions_variantchange (entitlement_id, at, variant)
SELECT item.id, line.ends_at, item.paid_variant FROM {raised} AND line.ends_at < item.expires_at
ON CONFLICT (entitlement_id, at) DO NOTHING
"""
_RAISE_ITEMS = """
UPDATE "communities_entitlement" SET
  paid_variant = source.variant, variant_until = source.turns_at, last_charged_at = %s, reserved_by = source.held_on
FROM (SELECT item.id AS id, line.variant,
  (SELECT MIN(at) FROM subscriptions_variantchange waiting WHERE waiting.entitlement_id = item.id) AS turns_at,
  (SELECT MAX(other.order_id) FROM subscriptions_orderline other
    WHERE other.order_id = line.order_id AND other.entitlement_id = item.id AND other.id <> line.id) AS held_on
  FROM {raised}) AS source
WHERE "communities_entitlement".id = source.id
"""
_WORDS = {
    "postgresql": {
        "never": "'-infinity'::timestamptz", "no_day": f"'{_NO_DAY}'::date", "false": "false", "true": "true",
        "instant": "%s::timestamptz", "locked": " FOR NO KEY UPDATE OF item",
    },
    "sqlite": {"never": "''", "no_day": f"'{_NO_DAY}'", "false": "0", "true": "1", "instant": "%s", "locked": ""},
}  # fmt: skip


def _for(vendor: str, statement: str) -> str:
    """A statement in the SQL of one database vendor."""
    parts = {"base": _SENT[vendor] + _LINES, "raised": _RAISED}
    for name, text in {
        **parts,
        "extends": _EXTENDS,
        "raises": _RAISES,
        "until": TermKind.UNTIL.value,
        **_WORDS[vendor],
    }.items():
        statement = statement.replace(f"{{{name}}}", text)
    return statement


_HOLD, _PERIODS, _CHANGES, _OVERTAKEN, _ITEMS, _RAISED_PERIODS, _RAISED_CHANGES, _RAISED_ITEMS = (
    {vendor: _for(vendor, statement) for vendor in _WORDS}
    for statement in (
        _HELD, _WRITE_PERIODS, _WRITE_CHANGES, _FORGET_CHANGES, _WRITE_ITEMS, _RAISE_PERIODS, _RAISE_CHANGES, _RAISE_ITEMS,
    )
)  # fmt: skip
