"""A commercial site of the installer, who is signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from communities.models import Site
from tests.people import People, Person


@pytest.fixture
def works(make_works: Callable[..., Site]) -> Site:
    """Speicher 7, which pays with credits."""
    return make_works("Speicher 7 Offices")


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """The installer's client."""
    return sign_in(people.ivan)
