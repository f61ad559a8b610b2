"""Scopes of tokens."""

from __future__ import annotations

BOTH = ("read:sites", "read:orders")
