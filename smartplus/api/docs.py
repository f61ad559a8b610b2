"""The description of the API: as OpenAPI for programs, and as a page without external scripts for people."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from smartplus import access
from smartplus.api.house import api

PREFIX = "/api/v1/"


@access.public
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document; it contains no tenant data."""
    return JsonResponse(_document())


@access.public
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The routes, with the fields of each answer."""
    document = _document()
    layout = "base.html" if hasattr(request, "actor") else "bare.html"
    base = settings.SITE_URL + PREFIX
    context = {"layout": layout, "groups": _groups(document), "base": base, "openapi_url": reverse("api:api-openapi")}
    return render(request, "api/docs.html", context)


def _document() -> dict[str, Any]:
    return dict(api.get_openapi_schema(path_prefix=PREFIX))


def _groups(document: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = operation["responses"][200]["content"]["application/json"]["schema"]
            groups.setdefault(operation["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": _(operation["summary"]),
                    "text": _(operation.get("description", "")),
                    "parameters": operation.get("parameters", []),
                    "sent": _fields(document, _body(operation)),
                    "fields": _fields(document, answer),
                }
            )
    return list(groups.items())


def _fields(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> list[dict[str, Any]]:
    """The fields of an answer in order; fields of the objects in a list follow the list."""
    known = _resolved(document, schema)
    rows = []
    for name, field in known.get("properties", {}).items():
        rows.append({"name": name, "type": _type(field), "text": _(field.get("description", "")), "depth": depth})
        inner = _resolved(document, field.get("items", {}))
        if "properties" in inner:
            rows += _fields(document, inner, depth + 1)
    return rows


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    """The description of what is sent; empty for calls that only read."""
    return dict(operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}))


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(document["components"]["schemas"][name]) if name else schema


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " | ".join(_type(one) for one in field["anyOf"])
    if field.get("type") == "array":
        return "list"
    return str(field.get("format") or field.get("type") or "object")
