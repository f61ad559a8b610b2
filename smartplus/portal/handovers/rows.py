"""Rows of the list of handovers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.status_tags import status
from subscriptions.models import Handover

S = Handover.State
TONES = {S.ASKED: "pending", S.ACCEPTED: "active", S.REFUSED: "lapsed", S.WITHDRAWN: "inactive"}


class HandoverCells(NamedTuple):
    """One handover as its reader sees it."""

    url: str
    name: str
    city: str
    giver: str
    taker: str
    status: SafeString
    asked: str


def state_of(row: Handover, now: datetime) -> str:
    """Its state in words; what nobody answered in time has expired."""
    return _("Expired") if row.state == S.ASKED and not row.is_open(now) else str(S(row.state).label)


def tone_of(row: Handover, now: datetime) -> str:
    """The tone of its state."""
    return "inactive" if row.state == S.ASKED and not row.is_open(now) else TONES[S(row.state)]


def cells(rows: Iterable[Handover], *, now: datetime) -> list[HandoverCells]:
    """The cells of handovers with their firms."""
    return [
        HandoverCells(
            url=address("handover-detail", row.pk),
            name=row.site_name,
            city=row.site_city,
            giver=row.giver.name,
            taker=row.taker.name,
            status=status(tone_of(row, now), state_of(row, now)),
            asked=when(row.asked_at, now),
        )
        for row in rows
    ]
