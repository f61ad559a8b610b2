"""Every address of a URLconf with its parameters and its policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from smartplus import access
from tests.guards import policies

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """One pattern of the URLconf, whole from the root on: "sites/<int:site_id>/"."""

    pattern: str
    name: str
    view: Callable[..., Any]
    is_simple: bool = True

    @property
    def parameters(self) -> list[str]:
        """Their names, in order."""
        return PARAMETER.findall(self.pattern)

    @property
    def policy(self) -> access.Policy | None:
        """What the view declares; None is a fault."""
        try:
            return access.policy_of(self.view)
        except ImproperlyConfigured:
            return None

    def kind(self, parameter: str) -> str | None:
        """What the parameter names; None when nobody said so."""
        return policies.BY_ROUTE.get(self.name) or policies.PARAMETERS.get(parameter)

    @property
    def kinds(self) -> list[str | None]:
        """The kinds of things the parameters name."""
        return [self.kind(parameter) for parameter in self.parameters]

    def path(self, values: Sequence[int | str]) -> str:
        """The address with these values for its parameters."""
        given = iter(values)
        return "/" + PARAMETER.sub(lambda _found: str(next(given)), self.pattern)


def routes(urlconf: str | None = None) -> list[Route]:
    """All of them, those of included URLconfs too."""
    return list(_walk(get_resolver(urlconf), "", True))


def _walk(resolver: URLResolver, above: str, is_simple: bool) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        simple = is_simple and isinstance(entry.pattern, RoutePattern)
        pattern = above + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, pattern, simple)
        elif isinstance(entry, URLPattern):
            yield Route(pattern, entry.name or "", entry.callback, simple)


def faults(found: list[Route]) -> list[str]:
    """What keeps a route from being walked."""
    told = []
    for route in found:
        if route.policy is None:
            told.append(f"/{route.pattern} ({route.view.__module__}.{route.view.__qualname__}) declares no policy")
        if not route.is_simple:
            told.append(
                f"/{route.pattern} is a regular expression: write it with path(), or teach routes.py to fill it in"
            )
        told += [
            f"/{route.pattern} has the parameter {parameter!r} of which nobody knows what it names: say it in tests/guards/policies.py"
            for parameter in route.parameters
            if route.kind(parameter) is None
        ]
    return told
