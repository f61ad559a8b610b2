"""A page that can be looked at answers HEAD too: monitors, proxies and link checkers ask it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

DOORS = Path(settings.BASE_DIR / "smartplus")


def refusing(source: str) -> Iterator[str]:
    """The functions that take GET and refuse HEAD."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            methods = {one.value for one in ast.walk(decorator) if isinstance(one, ast.Constant)}
            if ast.unparse(decorator) == "require_GET" or ("GET" in methods and "HEAD" not in methods):
                yield node.name


def test_no_view_takes_get_and_refuses_head() -> None:
    found = {
        f"{file.relative_to(DOORS)}: {name}" for file in DOORS.rglob("*.py") for name in refusing(file.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    ("decorators", "is_refusing"),
    [
        ("@require_GET", True),
        ('@require_http_methods(["GET", "POST"])', True),
        ("@require_safe", False),
        ("@require_POST", False),
        ('@require_http_methods(["GET", "HEAD", "POST"])', False),
    ],
)
def test_a_view_that_refuses_head_is_seen(decorators: str, is_refusing: bool) -> None:
    assert list(refusing(f"{decorators}\ndef view(request): ...")) == (["view"] if is_refusing else [])
