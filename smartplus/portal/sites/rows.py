"""Rows of the list of sites."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.typed import postal
from communities.models import Kind
from smartplus.portal.kit.link_tags import address
from smartplus.portal.sites.exports import SiteRow
from smartplus.portal.sites.tabs import home_of
from smartplus.portal.sites.tags import chip, expires


class SiteCells(NamedTuple):
    """One site: where it leads, what it is, and how far it has come."""

    url: str
    name: str
    kind: str
    address: str
    installer: str
    units: SafeString
    monitors: SafeString
    paid: SafeString
    expiry: SafeString


def cells(rows: Iterable[SiteRow], *, shows_installer: bool, now: datetime) -> list[SiteCells]:
    """The cells of these sites."""
    kinds = {kind.value: str(kind.label) for kind in Kind}
    units_label, mac_label, paid_label = _("Units"), _("MAC"), _("Paid")
    units_unit, mac_unit, paid_unit, not_started = _("apartments"), _("required monitors"), _("Apps"), _("Not started")
    found = []
    for site, paid, units in rows:
        flats = address(home_of(site), site.pk)
        found.append(
            SiteCells(
                url=flats,
                name=site.name,
                kind=kinds[site.kind],
                address=postal.short(site),
                installer=site.installer.name if shows_installer else "",
                units=chip(flats, units_label, units_unit, units.units, units.units),
                monitors=chip(f"{flats}?show=no-monitor", mac_label, mac_unit, units.present, units.needed),
                paid=chip(f"{flats}?show=not-paid", paid_label, paid_unit, paid.apps_in_force, paid.apps, "expiring"),
                expiry=expires(
                    paid.next_expiry, paid.next_stop, site.time_zone, now, nothing=not_started, renews=paid.renews
                ),
            )
        )
    return found
