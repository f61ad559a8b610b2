"""The apartments of a site as a file: every row that matches, in the words of the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed.days import site_day
from communities.models import Apartment, Site
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from smartplus.portal.sites.tags import word_of

CHUNK = 500  # rows looked at together


def columns() -> list[Column]:
    """The columns of a file of apartments."""
    return [
        Column(_("Building")), Column(_("Floor")), Column(_("Apartment")), Column(_("Name")), Column(_("Family master")),
        Column(_("With Indoor Monitor")), Column(_("Landline")), Column(_("Video Storage")), Column(_("Indoor monitor")),
        Column(_("App")), Column(_("Expires"), tables.Kind.DAY),
    ]  # fmt: skip


def rows(found: QuerySet[Apartment], site: Site, now: datetime) -> Iterator[list[object]]:
    """Apartments with `masters`, `monitors` and `apps` as lines."""
    for apartment in found.iterator(chunk_size=CHUNK):
        row: Any = apartment
        apps = [app for app in row.target.apps if app.variant]
        yield [
            apartment.building.name,
            apartment.floor,
            apartment.number,
            apartment.name,
            ", ".join(master.name for master in row.masters),
            *(_yes(apartment.switches[code]) for code in ("indoor_monitor", "landline", "video_storage")),
            ", ".join(str(monitor.address) for monitor in row.monitors),
            ", ".join(str(word_of(app.expires_at, app.works_until, now, renews=app.renews)) for app in apps),
            next((site_day(app.expires_at, site.time_zone) for app in apps if app.expires_at), None),
        ]


def _yes(is_so: bool) -> str:
    return _("Yes") if is_so else _("No")
