"""Rows of the lists behind the numbers of the dashboard."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from communities.models import Mode
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.money_tags import money
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sites.tags import expires
from subscriptions.dashboard_lists import SiteLine, Waiting


class LineCells(NamedTuple):
    """Like items at one site."""

    url: str
    site: str
    installer: SafeString
    service: str
    variant: str
    items: int
    difference: SafeString
    renewal: SafeString | str
    ends: SafeString
    amount: str


class WaitingCells(NamedTuple):
    """One site where monitors are missing."""

    url: str
    site: str
    installer: SafeString
    monitors: SafeString


def lines(rows: Iterable[SiteLine], *, currency: str, with_installer: bool, now: datetime) -> list[LineCells]:
    """The cells of lines, with amounts in this currency."""
    return [
        LineCells(
            url=address("site-detail", line.site_id),
            site=line.site_name,
            installer=_second_line(line.installer_name if with_installer else ""),
            service=line.service_label,
            variant=line.variant_label,
            items=line.count,
            difference=_difference(line),
            renewal=_renewal(line),
            ends=expires(line.ends_at, line.works_until, line.zone, now, renews=line.renews),
            amount=money(line.amount_minor, currency) or "–",
        )
        for line in rows
    ]


def waiting(rows: Iterable[Waiting], *, with_installer: bool) -> list[WaitingCells]:
    """The cells of sites that wait for monitors."""
    return [
        WaitingCells(
            url=address("site-detail", row.site_id),
            site=row.site_name,
            installer=_second_line(row.installer_name if with_installer else ""),
            monitors=as_html('<a href="{}?show=no-monitor">{}</a>', address("site-detail", row.site_id), row.count),
        )
        for row in rows
    ]


def _difference(line: SiteLine) -> SafeString:
    """What is on and not paid for, and what is paid for and not on."""
    unpaid, unused = line.unpaid_labels, line.unused_labels
    return side_by_side(
        [
            *([status("lapsed", _("On, not paid")), _second_line(", ".join(unpaid))] if unpaid else []),
            *([status("pending", _("Paid, not used")), _second_line(", ".join(unused))] if unused else []),
        ]
    )


def _renewal(line: SiteLine) -> SafeString | str:
    if line.mode is Mode.AUTO:
        return status("auto", _("Auto-renew"))
    return status("lapsed", _("Will fail")) if line.mode is Mode.FAIL else _("By hand")


def _second_line(text: str) -> SafeString:
    return as_html('<span class="t12 mute">{}</span>', text) if text else as_html("")
