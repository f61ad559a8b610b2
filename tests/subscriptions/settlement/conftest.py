"""An order that waits for its money."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from communities.models import Site
from payments.sandbox import Sandbox
from subscriptions.models import Cart, Order
from tests.people import People


@pytest.fixture
def order(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> Order:
    """An unpaid order over everything in Harbour View, for one month."""
    return place(fill_cart())
