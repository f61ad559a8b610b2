"""What tests of the API need: a token, and a way to ask with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.actions import tokens
from tests.api.scopes import BOTH
from tests.people import NOW, PASSWORD, Person

Ask = Callable[..., Any]


settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where nothing was collected yet


@pytest.fixture
def token_of() -> Callable[..., str]:
    """Make a token of a person; returns its text."""

    def make(person: Person, scopes: tuple[str, ...] = BOTH, **more: Any) -> str:
        given = {"name": "Test", "expires_at": None, "now": NOW, **more}
        return tokens.create_token(person.actor, scopes=scopes, password=PASSWORD, **given)[1]

    return make


@pytest.fixture
def ask() -> Ask:
    """GET an address below /api/v1/ with a token."""

    def get(text: str | None, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {text}"} if text is not None else {}
        return Client().get(f"/api/v1/{path}", headers=headers, **more)

    return get
