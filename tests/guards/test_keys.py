"""Nothing sorts or searches by text as it was typed, but by a stored key, so that both databases answer alike (accounts.typed.keys)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from accounts.typed.columns import Key, keys_of_model

HOUSE = Path(__file__).resolve().parents[2]
OURS = ("accounts", "communities", "devices", "payments", "subscriptions")
FILES = sorted(
    file
    for part in (*OURS, "smartplus")
    for file in (HOUSE / part).rglob("*.py")
    if "migrations" not in file.parts and file != HOUSE / "accounts" / "typed" / "finding.py"
)
PART = re.compile(r"(?:^|__)(\w+?)__(?:i?contains|i?startswith|i?endswith|iexact|i?regex|search|unaccent|trigram\w*)$")
# What looks into a text nobody typed, by its column.
CODES = {
    "path": "ids of the organizations above",
    "action": "the audit's own words",
    "email_key": "the key of an address",
    "number_key": "the key of an order's number",
    "username": "an address as the throttle wrote it",
    "before_text": "values of the audit, where MACs and order numbers stand as they are printed",
    "after_text": "values of the audit, where MACs and order numbers stand as they are printed",
}
# What is sorted by a text nobody typed: a code, or a number of ours.
SORTED = {
    "action", "currency", "document", "gateway", "job", "mode", "number", "paid_variant", "part", "path", "reference", "service_type", "time_zone",
    "variant",    "email_key", "number_key",
}  # fmt: skip
# Where a plain name may stand.
EXCEPTIONS = {
    ("accounts/models/work.py", "name"): "of a circuit breaker: a code",
    ("smartplus/portal/operator/views.py", "state"): "of a payment or a message: a code",
    ("smartplus/portal/operator/views.py", "kind"): "of a message: a code",
    ("smartplus/portal/operator/views.py", "subject"): "of a payment: the number of what it pays",
    ("smartplus/portal/commercial/lists.py", "kind"): "of an account: a code",
    ("smartplus/portal/handovers/lists.py", "state"): "of an offer: a code",
    ("smartplus/portal/jobs/lists.py", "state"): "of a job: a code",
    ("smartplus/portal/orders/lists.py", "state"): "of an order: a code",
    ("smartplus/portal/requests/lists.py", "state"): "of a request: a code",
    ("smartplus/portal/sites/lists.py", "kind"): "of a site: a code",
}


def typed() -> set[str]:
    """The columns that hold texts, less codes and keys."""
    return {
        field.name
        for model in apps.get_models()
        if model._meta.app_label in OURS
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and not field.choices and not isinstance(field, Key)
    } - SORTED


def keys() -> set[str]:
    """The columns that hold keys."""
    return {key.name for model in apps.get_models() for key in keys_of_model(model)}


def looked_into(source: str) -> Iterator[tuple[int, str]]:
    """Line and column of each lookup into a text that is no key: keywords, and names put together for `**`."""
    known = keys() | set(CODES)
    for node in ast.walk(ast.parse(source)):
        name = ""
        if isinstance(node, ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.JoinedStr) and isinstance(last := node.values[-1], ast.Constant):
            name = str(last.value).removeprefix("__") if len(node.values) > 1 else ""
            name = name if "__" in name else f"?__{name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            name = node.value
        found = PART.search(name.replace("?", "unknown"))
        if found and found[1].rsplit("__", 1)[-1] not in known:
            yield getattr(node, "lineno", 0), name


def sorted_by(source: str) -> Iterator[tuple[int, str]]:
    """Line and column of each sorting by a text that is no key, where its key does not come before it."""
    raw = typed()
    for node in ast.walk(ast.parse(source)):
        texts: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in {"order_by", "earliest", "latest"}:
                texts = list(node.args)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Column":
            texts = [given.value for given in node.keywords if given.arg == "keys"]
        elif value := _declared(node):
            texts = [value]
        before: list[str] = []
        for part in texts:
            for each in ast.walk(part):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    path = each.value.removeprefix("-")
                    if path.rsplit("__", 1)[-1] in raw and f"{path}_order" not in before and not _is_key(each, node):
                        yield each.lineno, path
                    before.append(path)


def _declared(node: ast.AST) -> ast.expr | None:
    """The order of a model, or the columns of a list."""
    if isinstance(node, ast.Assign):
        return node.value if any(isinstance(t, ast.Name) and t.id == "ordering" for t in node.targets) else None
    is_list = isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).endswith("Columns")
    return node.value if is_list else None  # type: ignore[attr-defined]


def _is_key(text: ast.AST, node: ast.AST) -> bool:
    """Whether a text is the key of a dict, the name of a column in the address."""
    return any(text in each.keys for each in ast.walk(node) if isinstance(each, ast.Dict))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_nothing_goes_around_the_keys(file: Path) -> None:
    source, name = file.read_text(), str(file.relative_to(HOUSE))
    assert [f"{name}:{line}: {text}" for line, text in looked_into(source)] == []
    assert [
        f"{name}:{line}: {text}"
        for line, text in sorted_by(source)
        if (name, text.rsplit("__", 1)[-1]) not in EXCEPTIONS
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "rows.filter(name__icontains=text)", "Q(site__name__contains=text)", "rows.exclude(city__istartswith='x')",
        "Q(**{f'{field}__icontains': text})", "Q(**{'name__icontains': text})", "rows.filter(serial__regex='x')",
    ],
)  # fmt: skip
def test_a_lookup_into_typed_text_is_found(text: str) -> None:
    assert len(list(looked_into(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "rows.order_by('name')", "rows.order_by('-site__name', 'pk')", "ordering = ['company']", "rows.latest('street')",
        "rows.order_by(F('city').desc())", "COLUMNS: keyset.Columns = {'name': ['name']}", "Column('city', 'City', keys=['city'])",
    ],
)  # fmt: skip
def test_a_sorting_by_typed_text_is_found(text: str) -> None:
    assert len(list(sorted_by(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "rows.filter(search_key__contains=word)", "rows.filter(path__startswith=path)", "rows.order_by('site__name_order', 'site__name')",
        "rows.order_by('-pk')", "COLUMNS: keyset.Columns = {'name': ['name_order']}",
        "Column('city', 'City', keys=['name_order'])", "Q(**{f'{payer}__path__startswith': path})",
    ],
)  # fmt: skip
def test_a_key_is_fine(text: str) -> None:
    assert [*looked_into(text), *sorted_by(text)] == []
