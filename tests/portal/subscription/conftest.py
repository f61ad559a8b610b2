"""Dora, signed in, and a community with many items to activate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client

from communities.models import Entitlement, Site
from subscriptions.items import free
from subscriptions.models import PriceList
from tests.people import People, Person


@pytest.fixture
def dora(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Dora's browser."""
    return sign_in(people.dora)


@pytest.fixture
def many(harbour_view: Site, price_list: PriceList, make_apartment: Callable[..., object]) -> int:
    """More than two pages of items; how many."""
    with transaction.atomic():
        for number in range(50):
            make_apartment(harbour_view, f"2.{number:02}")
    return free(Entitlement.objects.all()).count()
