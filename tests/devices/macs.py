"""MAC addresses of stories, rows of the form, and what no refusal may change."""

from __future__ import annotations

from accounts.models import AuditEvent
from communities.models import Apartment
from devices.actions import MonitorEntry
from devices.models import Device, LibraryEntry

FIRST, SECOND, THIRD = "0C1105000001", "0C1105000002", "0C1105000003"


def monitor(mac: str = FIRST, name: str = "Hall", model: str = "", confirmed: bool = False) -> MonitorEntry:
    """A row of the form."""
    return MonitorEntry(mac, name, model, confirmed)


def counts() -> tuple[int, int, int, int]:
    """Apartments, devices, audit rows, and library entries that are registered: none may change on a refusal."""
    return (
        Apartment.objects.count(),
        Device.objects.count(),
        AuditEvent.objects.count(),
        LibraryEntry.objects.filter(status="registered").count(),
    )
