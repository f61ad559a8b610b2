"""Sites, the apartments of one, the MAC library and the orders as files: every row that matches, in the words of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.typed import postal
from accounts.typed.days import site_day
from communities.models import Apartment, Site
from communities.reports import PaidProgress
from devices.models import LibraryEntry
from devices.reports import UnitProgress
from payments.money import Money
from smartplus.portal import tables
from smartplus.portal.tables import Column
from smartplus.templatetags.sites import word_of
from subscriptions.models import Order

CHUNK = 500  # rows looked at together


SiteRow = tuple[Site, PaidProgress, UnitProgress]


def site_columns(*, shows_installer: bool) -> list[Column]:
    """The columns of a file of sites."""
    return [
        Column(_("Site")), *([Column(_("Installer"))] if shows_installer else []), Column(_("Type")), Column(_("Address")),
        Column(_("Country")), Column(_("Time zone")), Column(_("Apartments"), tables.Kind.NUMBER),
        Column(_("Required monitors"), tables.Kind.NUMBER), Column(_("Monitors there"), tables.Kind.NUMBER),
        Column(_("Apps"), tables.Kind.NUMBER), Column(_("Paid Apps"), tables.Kind.NUMBER),
        Column(_("Next expiry"), tables.Kind.DAY),
    ]  # fmt: skip


def sites(
    found: QuerySet[Site], with_progress: Callable[[list[Site]], list[SiteRow]], *, shows_installer: bool
) -> Iterator[list[object]]:
    """Sites as lines; `with_progress` counts what is in some of them."""
    waiting = found.iterator(chunk_size=CHUNK)
    while some := list(islice(waiting, CHUNK)):
        for site, paid, units in with_progress(some):
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


def apartment_columns() -> list[Column]:
    """The columns of a file of apartments."""
    return [
        Column(_("Building")), Column(_("Floor")), Column(_("Apartment")), Column(_("Name")), Column(_("Family master")),
        Column(_("With Indoor Monitor")), Column(_("Landline")), Column(_("Video Storage")), Column(_("Indoor monitor")),
        Column(_("App")), Column(_("Expires"), tables.Kind.DAY),
    ]  # fmt: skip


def apartments(found: QuerySet[Apartment], site: Site, now: datetime) -> Iterator[list[object]]:
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


def library_columns(*, shows_installer: bool, shows_note: bool) -> list[Column]:
    """The columns of a file of the MAC library; the form that adds MACs takes them back."""
    return [
        Column(_("MAC")), Column(_("Model")), Column(_("Type")), Column(_("Serial number")),
        *([Column(_("Note"))] if shows_note else []), *([Column(_("Installer"))] if shows_installer else []),
        Column(_("Status")), Column(_("Where")), Column(_("Site")),
    ]  # fmt: skip


def library(found: QuerySet[LibraryEntry], *, shows_installer: bool, shows_note: bool) -> Iterator[list[object]]:
    """Library entries with `places` as lines."""
    for entry in found.iterator(chunk_size=CHUNK):
        places = entry.places  # type: ignore[attr-defined]
        yield [
            str(entry.address),
            entry.model,
            entry.get_type_display(),
            entry.serial,
            *([entry.note] if shows_note else []),
            *([entry.installer.name if entry.installer else ""] if shows_installer else []),
            entry.get_status_display(),
            ", ".join(device.place for device in places),
            ", ".join(device.site.name for device in places),
        ]


def order_columns() -> list[Column]:
    """The columns of a file of orders."""
    return [
        Column(_("Order")), Column(_("Type")), Column(_("Site")), Column(_("Installer")), Column(_("Items"), tables.Kind.NUMBER),
        Column(_("Status")), Column(_("Created"), tables.Kind.MOMENT), Column(_("Total"), tables.Kind.MONEY), Column(_("Currency")),
        Column(_("Your reference")),
    ]  # fmt: skip


def orders(found: QuerySet[Order], as_seen: Callable[[list[Order]], list[dict[str, Any]]]) -> Iterator[list[object]]:
    """Orders as lines; `as_seen` tells what of each the reader may see."""
    waiting = found.iterator(chunk_size=CHUNK)
    while some := list(islice(waiting, CHUNK)):
        for row in as_seen(some):
            order: Order = row["order"]
            amount: int | None = row["amount"]
            yield [
                order.number,
                order.get_type_display(),
                ", ".join(row["sites"]),
                order.installer.name,
                row["items"],
                order.get_state_display(),
                order.created_at,
                None if amount is None else Money(amount, order.currency),
                order.currency,
                order.reference if row["is_mine"] else "",
            ]


def _yes(is_so: bool) -> str:
    return _("Yes") if is_so else _("No")
