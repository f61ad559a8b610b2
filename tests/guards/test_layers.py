"""What import-linter can't see: foreign keys point down as imports do."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {
    "accounts": 1,
    "communities": 2,
    "devices": 3,
    "credits": 3,
    "payments": 3,
    "subscriptions": 4,
    "smartplus": 5,
}


def relations():
    for app in LAYERS:
        if apps.is_installed(app):
            for model in apps.get_app_config(app).get_models():
                for field in model._meta.get_fields():
                    if isinstance(field, models.ForeignKey | models.ManyToManyField):
                        yield model, field


def test_foreign_keys_point_down() -> None:
    checked = 0
    for model, field in relations():
        source, target = model._meta.app_label, field.related_model._meta.app_label
        if target not in LAYERS:
            continue
        checked += 1
        is_down = LAYERS[target] < LAYERS[source] or target == source
        assert is_down, f"{model.__name__}.{field.name} points from {source} to {target}"
        assert not (source == "payments" and target == "communities")
    assert checked > 40


def test_no_foreign_key_names_a_model_of_another_app_by_a_string() -> None:
    found = []
    for app in LAYERS:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                    ("ForeignKey", "OneToOneField", "ManyToManyField")
                ):
                    target = node.args[0] if node.args else None
                    if isinstance(target, ast.Constant) and "." in str(target.value):
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


def test_nobody_imports_the_doors() -> None:
    pattern = re.compile(r"^\s*(from|import) smartplus\b", re.M)
    assert not [
        path
        for app in LAYERS
        if app != "smartplus"
        for path in (ROOT / app).rglob("*.py")
        if pattern.search(path.read_text())
    ]


@pytest.mark.parametrize("app", [app for app in LAYERS if apps.is_installed(app)])
def test_every_module_opens_with_a_sentence(app: str) -> None:
    for path in (ROOT / app).rglob("*.py"):
        if "migrations" in path.parts or not path.read_text().strip():
            continue
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_no_signals() -> None:
    pattern = re.compile(r"django\.dispatch|db\.models\.signals|@receiver|\.connect\(")
    for app in LAYERS:
        for path in (ROOT / app).rglob("*.py"):
            for line in path.read_text().splitlines():
                if "signal" in line or "receiver" in line:
                    assert not pattern.search(line), f"{path}: {line}"
