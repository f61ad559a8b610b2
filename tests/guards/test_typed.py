"""Nothing that people type goes around the room of typed text (`accounts.typed`): no form field, option, parameter or action."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django import forms
from django.core.management import get_commands, load_command_class

import smartplus.api.urls  # noqa: F401  (its routes declare themselves)
from smartplus import portal
from smartplus.api.house import api
from smartplus.portal.kit.fields import SecretField, TypedField

ROOT = Path(__file__).resolve().parents[2]
# What has to come exactly as it was made.
SECRETS = {
    "password": "a password", "password1": "a password", "password2": "a password", "old_password": "a password",
    "new_password1": "a password", "new_password2": "a password",
    "key": "signed by us", "shown": "compared with what the page showed", "fingerprint": "compared with what the page showed",
    "terms_version": "compared with what the page showed",
}  # fmt: skip
# Fields of Django that hold text and are no CharField of ours: their values are chosen, or read as numbers and dates.
NO_TEXT = (
    forms.ChoiceField,
    forms.IntegerField,
    forms.DateField,
    forms.BooleanField,
    forms.FileField,
    forms.ModelChoiceField,
)
PLAIN = {
    "CharField",
    "EmailField",
    "RegexField",
    "SlugField",
    "URLField",
    "GenericIPAddressField",
    "JSONField",
    "UUIDField",
    "ComboField",
}
# Options of commands, and who reads them.
OPTIONS = {
    "add_operator email": "accounts.typed.mail", "add_operator name": "the action", "add_operator firm": "the action",
    "add_operator language": "one of ours or English", "tick now": "an instant", "up port": "a number", "up bind": "an address to listen on",
}  # fmt: skip
# Texts that the API takes.
PARAMETERS = {"after": "a cursor of ours", "number": "looked for as it is"}
LAYERS = ("accounts", "communities", "devices", "payments", "subscriptions")


def _forms() -> list[type[forms.BaseForm]]:
    for module in pkgutil.walk_packages(portal.__path__, f"{portal.__name__}."):
        importlib.import_module(module.name)
    found: list[type[forms.BaseForm]] = []
    waiting: list[type[forms.BaseForm]] = [forms.BaseForm]
    while waiting:
        for form in waiting.pop().__subclasses__():
            waiting.append(form)
            if form.__module__.startswith(portal.__name__):
                found.append(form)
    return found


FIELDS = {
    f"{form.__name__}.{name}": field for form in _forms() for name, field in getattr(form, "base_fields", {}).items()
}


def test_every_text_field_of_a_form_is_one_of_the_room() -> None:
    wrong = [
        place
        for place, field in FIELDS.items()
        if not isinstance(field, (TypedField, *NO_TEXT))
        and not (place.rpartition(".")[2] in SECRETS and isinstance(field, forms.CharField))
    ]
    assert len([field for field in FIELDS.values() if isinstance(field, TypedField)]) > 30
    assert wrong == [], "use LineField, BlockField, IdentifierField or MailField of smartplus.portal.kit.fields"


@pytest.mark.parametrize("place", [place for place, field in FIELDS.items() if isinstance(field, TypedField)])
def test_a_typed_field_has_a_limit_that_no_browser_cuts_at(place: str) -> None:
    field = FIELDS[place]
    assert isinstance(field, TypedField)
    assert field.max_length, "how long may it be?"
    assert "maxlength" not in field.widget.render("x", "")


def test_no_template_or_script_cuts_what_is_pasted() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static/sp").glob("*.js")]
    assert [str(file.relative_to(ROOT)) for file in files if "maxlength" in file.read_text().lower()] == []


def test_fields_made_on_the_way_are_of_the_room_too() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} forms.{node.attr}"
        for path, tree in _trees("smartplus")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in PLAIN and getattr(node.value, "id", "") == "forms"
    ]
    own = [place for place in found if place.startswith("smartplus/portal/kit/fields.py")]
    assert sorted(set(found) - set(own)) == []
    assert set(SECRETS) >= {
        place.rpartition(".")[2] for place, field in FIELDS.items() if isinstance(field, SecretField)
    }


def test_texts_that_the_api_takes_are_known() -> None:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    found, bodies = set(), []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies += [f"{method} {path}"] if "requestBody" in operation else []
            found |= {one["name"] for one in operation.get("parameters", []) if one["schema"].get("type") == "string"}
    assert found == set(PARAMETERS)
    read = [
        "post /api/v1/pms/residents/"
    ]  # by `cleaned`, `text.line` and identity keys, in communities/actions/pms_sync.py
    assert bodies == read, "its texts are to be read by accounts.typed"


def test_texts_that_commands_take_are_known() -> None:
    found = set()
    own = {name: app for name, app in get_commands().items() if app in {"smartplus", *LAYERS}}
    for name, app in own.items():
        usual = {"settings", "pythonpath", "verbosity", "help", "version"}
        for action in load_command_class(app, name).create_parser("manage.py", name)._actions:
            is_text = action.nargs != 0 and action.type is None and action.choices is None
            if is_text and action.dest not in usual and name not in {"flush", "sandbox"}:
                found.add(f"{name} {action.dest}")
    assert found == set(OPTIONS)


def test_actions_strip_no_text_by_themselves() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for layer in LAYERS
        for path, tree in _trees(layer)
        if "actions" in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"strip", "casefold"}
        and not _is_read_first(node.func.value)
    ]
    assert found == [], "use accounts.typed.text and accounts.typed.mail"


def test_what_is_searched_for_is_read_by_the_room() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "smartplus").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"""\.get\(["']q["']""", line) and "sought(" not in line
    ]
    assert found == []


def _is_read_first(value: ast.expr) -> bool:
    """Whether what is stripped comes from the room: `text.block(note).strip()`."""
    return isinstance(value, ast.Call) and ast.unparse(value.func) in {
        "text.block",
        "block",
        "text.line",
        "line",
        "text.code",
    }


def _trees(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path, ast.parse(path.read_text())
