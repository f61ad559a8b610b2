"""Forms of equipment as a browser sends them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from communities.models import Equipment, Site

SENSOR, SPARE = "0C:11:05:4C:00:12", "0C:11:05:4C:00:15"
FORMS: dict[str, dict[str, Any]] = {
    "lock": {"name": "Main entrance", "maker": "iTec", "serial": "IT-204417"},
    "sensor": {"name": "Bedroom", "mac": SENSOR},
    "camera": {"name": "Garage ramp", "maker": "Axis", "address": "rtsp://10.4.0.21", "viewers": "administrators"},
    "door": {"name": "Delivery gate", "model": "", "mac": ""},
}


def add(client: Client, site: Site, kind: str = "lock", **changes: Any) -> Any:
    """Send the form of a new piece."""
    form = {"building": "", "flat": "", **FORMS[kind], **changes}
    return client.post(f"/sites/{site.pk}/equipment/new/{kind}/", form)


def added(client: Client, site: Site, kind: str = "lock", **changes: Any) -> Equipment:
    """A new piece."""
    answer = add(client, site, kind, **changes)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return Equipment.objects.latest("pk")


def act(client: Client, piece: Equipment, what: str) -> Any:
    """Press one of the buttons on the page of a piece."""
    piece.refresh_from_db()
    return client.post(f"/equipment/{piece.pk}/{what}/", {"version": piece.version}, follow=True)
