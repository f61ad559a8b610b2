"""Inserting the rows of requests and orders in bulk: the number of statements does not grow with items, sites or prices. Items with the
same price are sent once, as JSON with their ids; labels and tenants are read inside the statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime

from django.db import connection
from django.db.models import QuerySet, Value

from accounts.typed.keys import search_key
from communities.models import Entitlement, targets
from subscriptions.models import LineKind, Order, RenewalRequest
from subscriptions.models.terms import columns_of
from subscriptions.periods import Rest
from subscriptions.quotes import Line, Quote

TENANTS = ("site_id", "distributor_id", "subdistributor_id", "installer_id")
# Columns that all items of a priced line share, with their types.
SHARED = {
    "kind": "text", "term_kind": "text", "term_count": "int", "term_day": "date", "service_type": "text", "variant": "text",
    "paid_variant": "text", "project_type": "text", "price_class": "text", "starts_at": "timestamptz", "ends_at": "timestamptz",
    "unit_minor": "bigint", "amount_minor": "bigint", "discount_minor": "bigint", "tax_rate_bp": "int", "tax_reason": "text",
    "tax_minor": "bigint", "included_tax_minor": "bigint",
}  # fmt: skip
# A name of these characters only is its own search key in lower case; for other names Python computes it.
PLAIN = r"^[A-Za-z0-9.,:;/()&+#_]+( [A-Za-z0-9.,:;/()&+#_]+)*$"


def insert_lines(order: Order, found: Quote) -> int:
    """Insert the quote's lines as the order's, one for each item, with tenant keys and target label, in quoted order. Returns how many. The
    caller holds the items' locks. Two statements."""
    shared = json.dumps([_shared(line) for line in found.lines])
    keys = [line.item.keys or (line.item.key,) for line in found.lines]
    members = json.dumps(keys)
    bound = [key for some in keys for key in some] if connection.vendor == "postgresql" else members
    items, values = _named_items().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_ODD[connection.vendor].replace("{items}", items), [members, *values, bound, PLAIN])
        odd = json.dumps({label: search_key(label) for (label,) in cursor.fetchall()})
        cursor.execute(
            _LINES[connection.vendor].replace("{items}", items), [shared, members, odd, order.pk, *values, bound]
        )
        return int(cursor.rowcount)


def ask_for(request: RenewalRequest, items: QuerySet[Entitlement]) -> int:
    """Insert the items of a request; returns how many. One statement."""
    asked = items.order_by().annotate(of=Value(request.pk), live=Value(value=True)).values_list("of", "pk", "live")
    sql, values = asked.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO subscriptions_requestitem (request_id, entitlement_id, is_live) {sql}", values)
        return int(cursor.rowcount)


def kind_of(line: Line) -> LineKind:
    """The kind of a priced line: for the rest of a running period an upgrade, for an item's first time its activation (R47)."""
    if isinstance(line.why.term, Rest):
        return LineKind.UPGRADE
    return LineKind.ACTIVATION if line.item.expires_at is None else LineKind.RENEWAL


def _named_items() -> QuerySet[Entitlement, tuple[object, ...]]:
    return Entitlement.objects.order_by().annotate(label=targets.label()).values_list("id", *TENANTS, "label")


def _shared(line: Line) -> Mapping[str, str | int | None]:
    """The values of a line for `SHARED`; amounts are those of one item."""
    n = line.item.count
    values = {
        "kind": kind_of(line).value,
        **columns_of(line.why.term),
        "service_type": str(line.item.service_type),
        "variant": line.item.variant,
        "paid_variant": line.item.paid_variant if isinstance(line.why.term, Rest) else "",
        "project_type": str(line.item.project_type),
        "price_class": str(line.item.price_class),
        "starts_at": line.starts_at,
        "ends_at": line.ends_at,
        "unit_minor": line.unit_minor,
        "amount_minor": line.amount_minor // n,
        "discount_minor": line.discount_minor // n,
        "tax_rate_bp": line.treatment.rate_bp,
        "tax_reason": str(line.treatment.reason or ""),
        "tax_minor": line.tax_minor // n,
        "included_tax_minor": line.included_tax_minor // n,
    }
    return {name: _text(value) if isinstance(value, datetime | date) else value for name, value in values.items()}


def _text(when: datetime | date) -> str:
    """An instant or a day in the database's text format."""
    return str(connection.ops.adapt_datetimefield_value(when)) if isinstance(when, datetime) else when.isoformat()


_MEMBERS = {
    "postgresql": """
  SELECT line.place - 1 AS place, one.id::bigint AS id
  FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS line(ids, place) CROSS JOIN LATERAL jsonb_array_elements_text(line.ids) AS one(id)
""",
    "sqlite": "SELECT line.key AS place, one.value AS id FROM json_each(%s) AS line JOIN json_each(line.value) AS one",
}
# PostgreSQL can't estimate the members of a JSON text; of an array it can, and so reads no more items than these.
_BOUND = {"postgresql": "AND item.id = ANY(%s)", "sqlite": "AND json_array_length(%s) IS NOT NULL"}
_ONE = {
    "postgresql": "(line.one ->> '{name}')::{kind} AS {name}",
    "sqlite": "json_extract(line.value, '$.{name}') AS {name}",
}
_SHARED = {
    "postgresql": """
  SELECT line.place - 1 AS place, {columns} FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS line(one, place)
""",
    "sqlite": "SELECT line.key AS place, {columns} FROM json_each(%s) AS line",
}
_ODD_KEYS = {
    "postgresql": "SELECT one.key AS label, one.value AS found_by FROM jsonb_each_text(%s::jsonb) AS one",
    "sqlite": "SELECT one.key AS label, one.value AS found_by FROM json_each(%s) AS one",
}
_SMALL = {"postgresql": 'lower(item.label COLLATE "C")', "sqlite": "lower(item.label)"}
_MATCHES = {"postgresql": "~", "sqlite": "REGEXP"}
_INSERT = """
INSERT INTO subscriptions_orderline (order_id, entitlement_id, {tenants}, target_label, search_key, {names})
WITH shared AS MATERIALIZED ({shared}), member AS MATERIALIZED ({members}), odd AS MATERIALIZED ({odd})
SELECT %s, item.id, {item_tenants}, item.label, COALESCE(odd.found_by, {small}), {shared_names}
FROM member JOIN shared ON shared.place = member.place JOIN ({items}) AS item ON item.id = member.id {bound}
LEFT JOIN odd ON odd.label = item.label
ORDER BY member.place, item.id
"""
_LINES = {
    vendor: _INSERT.replace("{tenants}", ", ".join(TENANTS))
    .replace("{item_tenants}", ", ".join(f"item.{name}" for name in TENANTS))
    .replace("{names}", ", ".join(SHARED))
    .replace("{shared_names}", ", ".join(f"shared.{name}" for name in SHARED))
    .replace("{shared}", _SHARED[vendor])
    .replace("{columns}", ", ".join(_ONE[vendor].format(name=name, kind=kind) for name, kind in SHARED.items()))
    .replace("{members}", members)
    .replace("{bound}", _BOUND[vendor])
    .replace("{odd}", _ODD_KEYS[vendor])
    .replace("{small}", _SMALL[vendor])
    for vendor, members in _MEMBERS.items()
}
_ODD_ONES = """
WITH member AS MATERIALIZED ({members}) SELECT DISTINCT item.label FROM member JOIN ({items}) AS item ON item.id = member.id {bound}
WHERE NOT item.label {matches} %s
"""
_ODD = {
    vendor: _ODD_ONES.replace("{members}", members)
    .replace("{bound}", _BOUND[vendor])
    .replace("{matches}", _MATCHES[vendor])
    for vendor, members in _MEMBERS.items()
}
