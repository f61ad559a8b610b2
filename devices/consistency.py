"""Checks of `verify_ledger` for devices."""

from __future__ import annotations

from collections.abc import Iterator

from communities.models import Apartment
from devices.reports import wrongly_pending


def verify() -> Iterator[str]:
    """Apartments whose stored `monitor_pending` is wrong; it decides what can be activated and in which variant an App renews (R17)."""
    for pk in wrongly_pending(Apartment.objects.order_by("pk")).values_list("pk", flat=True):
        yield f"apartment {pk}: whether it waits for its monitor is not what its devices say"
