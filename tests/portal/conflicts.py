"""How tests read the page of a conflict."""

from __future__ import annotations

from typing import Any

from tests.portal.html import assert_clean


def told(page: Any) -> list[tuple[str, str | None, str, str, bool]]:
    """The table of a conflict: label, before, theirs, yours, and whether yours stands in the form."""
    assert page.status_code == 409
    assert_clean(page.content)
    conflict = page.context["conflict"]
    return [(row.label, row.before, row.theirs, row.yours, row.keeps_yours) for row in conflict.differences]
