"""Puts markup into every text of the world that people or gateways gave, so that a page which forgets to escape one shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from string import ascii_lowercase
from typing import Any

from django.db import connection, models

from accounts.append_only import AppendOnly, guard_sql, unguard_sql
from accounts.typed.columns import Key
from communities.models import Target
from payments.kinds import MethodKind
from payments.models import PaymentMethod
from tests.flows.tenants import Model, project_models

MARKUP = "<b>\"'"
# What no person and no gateway words: keys, codes, digests and addresses, by the name of their column.
CODES = {
    "about_type", "account", "action", "actor_role", "address", "address_from", "checkout_url", "claim", "claim_key", "cancel_url",
    "consent_text_version",
    "blocked", "content", "content_type", "country", "currency", "customer_email", "decline_code", "digest", "email", "email_key", "event_id",
    "file_type",
    "fingerprint", "gateway", "gateway_account", "gateway_customer", "gateway_payment_ref", "gateway_ref", "invited_as_key", "job", "key", "language",
    "last4", "object_ref", "paid_variant", "part", "password", "path", "prefix", "previous", "price_class", "print",
    "privacy_version", "ref", "request_key", "reserved_by", "return_url", "salt", "scopes", "service_type", "session_key",
    "subject_type", "terms_version", "time_zone", "variant", "version", "last_sign_in_from",
}  # fmt: skip
KEYS = {("Order", "number"), ("CircuitBreaker", "name"), ("OrderEvent", "kind"), ("Payment", "subject")}
# Of JSON, what is a text; anything else in there is a code or a number.
IN_JSON = {
    "name", "note", "reason", "remark", "company", "street", "city", "tax_number", "postal_code", "label", "title", "error", "invited_as",
    "serial", "mobile", "en", "de", "User-Agent", "decline_reason", "who", "what",
}  # fmt: skip
NUMBER = re.compile(r"SP-\d{6}-\w{8}")  # of an order: a key, also where it stands as a label


def texts() -> Iterator[tuple[Model, Any, str]]:
    """(model, column, its own sign) of every column that holds what somebody worded."""
    number = 0
    for model in project_models():
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            if not (is_text or isinstance(field, models.JSONField)) or field.attname in CODES or isinstance(field, Key):
                continue
            if (model.__name__, field.attname) not in KEYS:
                yield model, field, f"Z{ascii_lowercase[number // 26]}{ascii_lowercase[number % 26]}"
                number += 1


def plant() -> dict[str, str]:
    """Write markup behind every text of every row; sign → "Model.column" of all that were written."""
    written: dict[str, str] = {}
    # Of what people pay with the newest is an account, which has a holder; cards have none.
    newest = PaymentMethod.objects.order_by("-pk")[:1]
    account = {"kind": MethodKind.ACCOUNT, "last4": "", "exp_month": None, "exp_year": None, "holder": "Payer"}
    PaymentMethod.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).update(**account)
    for model, field, sign in texts():
        with unguarded(model):
            for row in model._default_manager.all():
                if field.attname == "holder" and not getattr(row, "holder", ""):
                    continue
                if isinstance(row, Target) and not getattr(
                    row, field.attname
                ):  # what stands in no building has no texts
                    continue
                value = getattr(row, field.attname)
                planted = _in_json(value, sign) if isinstance(field, models.JSONField) else _text(value, field, sign)
                if planted != value:
                    model._default_manager.filter(pk=row.pk).update(**{field.attname: planted})
                    written[sign] = f"{model.__name__}.{field.attname}"
    return written


def obeyed(html: str) -> list[str]:
    """Where a browser would take the markup for markup: as an element, in a script, or with a quote that ends an attribute."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.last = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.last = tag
        for name, value in attrs:
            runs = name.startswith(("on", "hx-on", "hx-vals", "x-"))
            for match in re.finditer("<b>", value or ""):
                whole = re.match(r"<b>\\?\"'|<b>…", (value or "")[match.start() :])
                if runs or not whole:
                    self.found.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        if (self.last == "b" and data.startswith('"')) or (self.last in {"script", "style"} and "<b>" in data):
            self.found.append(f"<{self.last}>{data[:60]}")
        self.last = self.last if self.last in {"script", "style"} else ""

    def handle_endtag(self, tag: str) -> None:
        self.last = ""


def _text(value: str | None, field: Any, sign: str) -> str | None:
    room = (field.max_length or 10_000) - len(MARKUP)
    if value is None or room < 1 or NUMBER.fullmatch(value):
        return value
    return f"{value[: max(1, room - len(sign))]}{MARKUP}{sign if room > len(sign) else ''}"


def _in_json(value: Any, sign: str, *, is_text: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _in_json(one, sign, is_text=is_text or key in IN_JSON) for key, one in value.items()}
    if isinstance(value, list):
        return [_in_json(one, sign, is_text=is_text) for one in value]
    return f"{value}{MARKUP}{sign}" if isinstance(value, str) and is_text else value


class unguarded:
    """Lift the guard of a frozen table; its markup came with rows that a page will show as well."""

    def __init__(self, model: Model) -> None:
        self.model = model if issubclass(model, AppendOnly) else None

    def __enter__(self) -> None:
        self._run(unguard_sql)

    def __exit__(self, *_problem: object) -> None:
        self._run(lambda database, table: guard_sql(database, table, self.model.changeable if self.model else ()))

    def _run(self, statements: Any) -> None:
        if self.model is None:
            return
        with connection.cursor() as cursor:
            for statement in statements(connection, self.model._meta.db_table):
                cursor.execute(statement)
