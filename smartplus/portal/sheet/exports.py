"""The apartments of a site as a file: every row that matches, with the texts of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed.days import site_day
from communities.models import Apartment, Site
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column
from smartplus.portal.sheet.rows import Unit
from smartplus.portal.sites.tags import word_of


def columns() -> list[Column]:
    """The columns of a file of apartments."""
    return [
        Column(_("Building")), Column(_("Floor")), Column(_("Apartment")), Column(_("Name")), Column(_("Family master")),
        Column(_("Other residents"), tables.Kind.NUMBER), Column(_("With Indoor Monitor")), Column(_("Landline")),
        Column(_("Video Storage")), Column(_("Indoor monitor")), Column(_("Model")), Column(_("Monitor pending")),
        Column(_("App")), Column(_("Paid until"), tables.Kind.DAY),
    ]  # fmt: skip


def rows(
    found: QuerySet[Apartment], with_parts: Callable[[list[Apartment]], list[Unit]], site: Site, now: datetime
) -> Iterator[list[object]]:
    """Apartments as lines; `with_parts` reads what belongs to some of them."""
    for apartment, master, others, monitors, app in chain.from_iterable(map(with_parts, tables.in_chunks(found))):
        yield [
            apartment.building.name,
            apartment.floor,
            apartment.number,
            apartment.name,
            master,
            others,
            *(_yes(apartment.switches[code]) for code in ("indoor_monitor", "landline", "video_storage")),
            ", ".join(str(monitor.address) for monitor in monitors),
            ", ".join(monitor.model for monitor in monitors),
            _yes(apartment.indoor_monitor and not monitors),
            str(word_of(app.expires_at, app.works_until, now, renews=app.renews)) if app and app.variant else "",
            site_day(app.expires_at, site.time_zone) if app and app.variant and app.expires_at else None,
        ]


def _yes(is_so: bool) -> str:
    return _("Yes") if is_so else _("No")
