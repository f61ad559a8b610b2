"""Statements over all lines of an order at once, which the ORM has no form for (DESIGN §9): their number does not grow with lines, sites
or expiries. New ends are worked out in Python, once for each distinct base, and sent as one JSON parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db import connection

from communities.catalogue import BY_TYPE
from subscriptions import periods
from subscriptions.models import Order
from subscriptions.models.orders import EXTENDING


@dataclass(frozen=True, slots=True)
class Base:
    """What a new end depends on: items that agree in it, and their lines in the term, are extended alike."""

    term_kind: str
    term_count: int
    term_day: date | None
    service_type: str
    expires_at: datetime | None
    works_until: datetime | None
    anchor_at: datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class Extension:
    """What the items of one base are paid for now: from, to, and the columns that follow from it (`Entitlement`)."""

    base: Base
    starts_at: datetime
    ends_at: datetime
    works_until: datetime
    anchor_at: datetime | None


def bases(order: Order) -> list[Base]:
    """The distinct bases of the items that an order has and extends; one statement."""
    rows = order.lines.filter(kind__in=EXTENDING, entitlement__reserved_by=order.pk).order_by().distinct()
    columns = ("service_type", "expires_at", "works_until", "anchor_at", "site__time_zone")
    terms = ("term_kind", "term_count", "term_day")
    return [Base(*row) for row in rows.values_list(*terms, *(f"entitlement__{name}" for name in columns))]


def extensions(found: Iterable[Base], *, now: datetime) -> list[Extension]:
    """What its term makes of each base at `now`; pure."""
    made = []
    for base in found:
        term = periods.term_of(base.term_kind, base.term_count, base.term_day)
        assert term is not None  # order_line_kind_has_target
        start, finish, anchor = periods.settled(term, base.expires_at, base.works_until, now, base.zone, base.anchor_at)
        works_until = BY_TYPE[base.service_type].works_until(finish)
        made.append(Extension(base, start, finish, works_until, anchor))
    return made


def apply(order: Order, made: Sequence[Extension], *, now: datetime) -> int:
    """Write the periods of an order's lines, and what they make of its items, which are free afterwards. The caller holds the items' locks.
    Only items that the order has and that still stand at their base are touched: how many lines there were is the caller's to compare.
    What is paid for a period that has not begun yet counts from then on (`VariantChange`). Four statements."""
    sent = json.dumps([_row(extension) for extension in made])
    with connection.cursor() as cursor:
        cursor.execute(_PERIODS[connection.vendor], [sent, order.pk, order.pk])
        periods_written = int(cursor.rowcount)
        cursor.execute(_CHANGES[connection.vendor], [sent, order.pk, order.pk, _text(now)])
        cursor.execute(_OVERTAKEN[connection.vendor], [sent, order.pk, order.pk, _text(now)])
        cursor.execute(_ITEMS[connection.vendor], [_text(now), _text(now), sent, order.pk, order.pk])
        items_written = int(cursor.rowcount)
    return min(periods_written, items_written)


def _row(extension: Extension) -> Mapping[str, str | int | None]:
    values = {**asdict(extension.base), "starts_at": extension.starts_at, "ends_at": extension.ends_at,
              "end_of_grace": extension.works_until, "next_anchor": extension.anchor_at}  # fmt: skip
    named = {name: _text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    named["term_day"] = str(extension.base.term_day or _NO_DAY)
    for name in ("expires_at", "works_until", "anchor_at"):  # compared with `=`, which a join can use and NULL is not
        named[name] = named[name] or _NEVER[connection.vendor]
    return named


def _text(instant: datetime) -> str:
    """An instant as the database writes it."""
    return str(connection.ops.adapt_datetimefield_value(instant))


_NEVER = {"postgresql": "-infinity", "sqlite": ""}
_NO_DAY = date.min

# What was worked out for a base, beside each line of the order whose item it has and which still stands there.
_LINES = """
  JOIN communities_entitlement item ON base.service_type = item.service_type
    AND base.expires_at = COALESCE(item.expires_at, {never}) AND base.works_until = COALESCE(item.works_until, {never})
    AND base.anchor_at = COALESCE(item.anchor_at, {never})
  JOIN communities_site site ON site.id = item.site_id AND site.time_zone = base.zone
  JOIN subscriptions_orderline line ON line.entitlement_id = item.id AND line.kind IN ('activation', 'renewal')
    AND line.term_kind = base.term_kind AND line.term_count = base.term_count
    AND COALESCE(line.term_day, {no_day}) = base.term_day
  WHERE line.order_id = %s AND item.reserved_by = %s
"""
_SENT = {
    "postgresql": """
  jsonb_to_recordset(%s::jsonb) AS base(
    term_kind text, term_count int, term_day date, service_type text,
    expires_at timestamptz, works_until timestamptz, anchor_at timestamptz, zone text,
    starts_at timestamptz, ends_at timestamptz, end_of_grace timestamptz, next_anchor timestamptz)
""",
    "sqlite": """
  (SELECT
    json_extract(value, '$.term_kind') AS term_kind,
    json_extract(value, '$.term_count') AS term_count,
    json_extract(value, '$.term_day') AS term_day,
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
# Also where it is what is paid for now, if something else comes in between.
_WRITE_CHANGES = """
INSERT INTO subscriptions_variantchange (entitlement_id, at, variant)
SELECT item.id, base.starts_at, line.variant FROM {base} AND base.starts_at > %s AND (line.variant <> item.paid_variant
  OR EXISTS (SELECT 1 FROM subscriptions_variantchange earlier WHERE earlier.entitlement_id = item.id))
ON CONFLICT (entitlement_id, at) DO UPDATE SET variant = excluded.variant
"""
# What begins now comes after everything that waited, whether or not its instant was noticed.
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


def _for(vendor: str, statement: str, never: str, false: str) -> str:
    """A statement in the words of one kind of database."""
    base = _SENT[vendor] + _LINES.replace("{never}", never).replace("{no_day}", _DAY[vendor])
    return statement.replace("{base}", base).replace("{false}", false)


_DAY = {"postgresql": f"'{_NO_DAY}'::date", "sqlite": f"'{_NO_DAY}'"}
_WORDS = {"postgresql": ("'-infinity'::timestamptz", "false"), "sqlite": ("''", "0")}
_PERIODS, _CHANGES, _OVERTAKEN, _ITEMS = (
    {vendor: _for(vendor, statement, *words) for vendor, words in _WORDS.items()}
    for statement in (_WRITE_PERIODS, _WRITE_CHANGES, _FORGET_CHANGES, _WRITE_ITEMS)
)
