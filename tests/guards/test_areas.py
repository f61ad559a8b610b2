"""What an area of the portal keeps to itself: its views, its lists and its forms. What two areas need is in the kit, or read by `queries`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PORTAL = Path(__file__).parents[2] / "smartplus" / "portal"
OWN_NAMES = {"views", "lists", "forms"}  # whether or not an address leads there


def imported(file: Path) -> Iterator[tuple[str, str]]:
    """The modules of areas that a module imports, as (area, module)."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("smartplus.portal."):
            area, *module = (node.module or "").split(".")[2:]
            yield from ((area, name) for name in (module[:1] or [alias.name for alias in node.names]))
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("smartplus.portal."):
                    area, *module = name.name.split(".")[2:]
                    yield area, module[0] if module else ""


def own_modules() -> set[tuple[str, str]]:
    """The modules that hold views, lists or forms of an area."""
    return {
        (file.parent.name, module)
        for file in PORTAL.glob("*/urls.py")
        for area, module in imported(file)
        if area == file.parent.name
    }


def test_no_area_imports_the_views_lists_or_forms_of_another() -> None:
    own = own_modules()
    assert ("orders", "views") in own
    assert ("sites", "managers") in own
    faults = [
        f"{file.relative_to(PORTAL)}: {area}.{module}"
        for file in PORTAL.glob("*/*.py")
        for area, module in imported(file)
        if area not in {file.parent.name, "kit"}
        and ((area, module) in own or module.rpartition("_")[2] in OWN_NAMES or file.name == "urls.py")
    ]
    assert not faults, "\n".join(sorted(faults))


def test_what_every_page_is_framed_by_imports_no_area() -> None:
    found = [area for area, _module in imported(PORTAL / "context.py")]
    assert set(found) == {"kit"}
