"""Form encoding as Stripe's SDKs write it: `line_items[0][price_data][currency]=usd`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl


def decode(text: str) -> dict[str, Any]:
    """The nested value of an encoded form or query: dictionaries, lists and strings."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        keys = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        branch = tree
        for key in keys[:-1]:
            grown = branch.setdefault(key or str(len(branch)), {})
            branch = grown if isinstance(grown, dict) else {}
        branch[keys[-1] or str(len(branch))] = value
    return {name: _with_lists(value) for name, value in tree.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(inner) for key, inner in value.items()}
