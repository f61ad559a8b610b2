"""Dora, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.people import People, Person


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


@pytest.fixture
def dora(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Dora's browser."""
    return sign_in(people.dora)
