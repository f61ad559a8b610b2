"""Every action there is."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from django.apps import apps

ACTIONS = ("accounts.actions", "communities.actions", "devices.actions", "payments.actions", "subscriptions.actions")


def modules() -> Iterator[ModuleType]:
    """Every module of actions of the project, those of apps that come later too."""
    for config in apps.get_app_configs():
        if importlib.util.find_spec(f"{config.name}.actions") is None:
            continue
        package = importlib.import_module(f"{config.name}.actions")
        for found in pkgutil.iter_modules(package.__path__):
            yield importlib.import_module(f"{package.__name__}.{found.name}")


def actions_of(found: Iterator[ModuleType]) -> dict[str, Callable[..., Any]]:
    """What somebody does at an instant: public functions that take an actor first, and `now`."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in found
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and next(iter(inspect.signature(function).parameters), "") == "actor"
        and "now" in inspect.signature(function).parameters
    }


KNOWN = actions_of(modules())
