"""Who locks a row does not hold up those who only name it: rows are locked without their keys, which never change."""

from __future__ import annotations

import ast
from pathlib import Path

from django.apps import apps

from subscriptions import bulk_sql
from tests.permissions.locking import BELOW, FROM_ROWS, ORDER

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")


def test_every_lock_leaves_the_key_free() -> None:
    """With FOR UPDATE, a transaction that inserts a row naming a locked one waits for it when it commits, holding all it has: so do
    two that never lock the same rows in different orders come to a deadlock. FOR NO KEY UPDATE shuts out other locks all the same."""
    found = 0
    for path in (path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "select_for_update"
            ):
                found += 1
                words = {word.arg: word.value for word in node.keywords}
                value = words.get("no_key")
                assert isinstance(value, ast.Constant), f"{path.relative_to(ROOT)}:{node.lineno} locks the key as well"
                assert value.value is True
    assert found > 80


def test_the_order_of_locks_in_the_docs_names_each_table_once_and_only_tables_that_are() -> None:
    tables = {model._meta.db_table for model in apps.get_models()}
    assert len(ORDER) == len(set(ORDER)) > 30
    assert [table for table in ORDER if table not in tables] == []
    assert set(BELOW) | set(BELOW.values()) <= set(ORDER)


def test_rows_that_an_update_takes_from_a_select_are_seen() -> None:
    found = FROM_ROWS.match(bulk_sql._ITEMS["postgresql"])
    assert found is not None
    assert (found[1], found[2].count("%s")) == ("communities_entitlement", 2)
    assert found[3].lstrip().startswith("SELECT item.id AS id") and found[3].count("%s") == 3
