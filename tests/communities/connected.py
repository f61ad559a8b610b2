"""Connections to a property management system in tests."""

from __future__ import annotations

from typing import Any

from communities.actions import pms, pms_sync
from communities.actions.pms_sync import Sent, Synced
from communities.models import Apartment, Site
from tests.people import NOW, People


def connected(people: People, site: Site, *, is_beyond_free: bool = False) -> str:
    """The token of a connection that Ivan made and Dora enabled."""
    row, token = pms.connect(people.ivan.actor, site_id=site.pk, is_beyond_free=is_beyond_free, now=NOW)
    pms.enable(people.dora.actor, connection_id=row.pk, now=NOW)
    return token


def sent(key: str, flat: Apartment, **more: Any) -> Sent:
    """A person of an apartment, named by its building and number."""
    given = {
        "name": key.title(),
        "email": f"{key}@example.org",
        "building": flat.building.name,
        "apartment": flat.number,
    }
    return Sent(key=key, **{**given, **more})


def synced(token: str, *people: Sent, dry_run: bool = False) -> Synced:
    """A call with these people."""
    return pms_sync.sync(token=token, people=people, dry_run=dry_run, now=NOW)


def results(token: str, *people: Sent, dry_run: bool = False) -> list[str]:
    """How these people are answered."""
    return [one.result for one in synced(token, *people, dry_run=dry_run).answers]
