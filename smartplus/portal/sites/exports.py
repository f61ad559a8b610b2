"""Sites as a file: every row that matches, in the words of the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed import postal
from accounts.typed.days import site_day
from communities import reports
from communities.models import Site
from communities.reports import PaidProgress
from devices import reports as device_reports
from devices.reports import UnitProgress
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.exports import Column

SiteRow = tuple[Site, PaidProgress, UnitProgress]


def with_progress(found: list[Site], now: datetime) -> list[SiteRow]:
    """Each site with how far its Apps are paid and its monitors are there; two statements for all of them."""
    ids = [site.pk for site in found]
    paid, units = reports.paid_progress(ids, now), device_reports.unit_progress(ids)
    return [(site, paid.get(site.pk, PaidProgress()), units.get(site.pk, UnitProgress())) for site in found]


def columns(*, shows_installer: bool) -> list[Column]:
    """The columns of a file of sites."""
    return [
        Column(_("Site")), *([Column(_("Installer"))] if shows_installer else []), Column(_("Type")), Column(_("Address")),
        Column(_("Country")), Column(_("Time zone")), Column(_("Apartments"), tables.Kind.NUMBER),
        Column(_("Required monitors"), tables.Kind.NUMBER), Column(_("Monitors there"), tables.Kind.NUMBER),
        Column(_("Apps"), tables.Kind.NUMBER), Column(_("Paid Apps"), tables.Kind.NUMBER),
        Column(_("Next expiry"), tables.Kind.DAY),
    ]  # fmt: skip


def rows(found: QuerySet[Site], now: datetime, *, shows_installer: bool) -> Iterator[list[object]]:
    """Sites as lines."""
    for some in tables.in_chunks(found):
        for site, paid, units in with_progress(some, now):
            yield [
                site.name,
                *([site.installer.name] if shows_installer else []),
                site.get_kind_display(),
                postal.one_line(site),
                site.country,
                site.time_zone,
                units.units,
                units.needed,
                units.present,
                paid.apps,
                paid.apps_in_force,
                site_day(paid.next_expiry, site.time_zone) if paid.next_expiry else None,
            ]
