"""Rows of the stored cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments.models import PaymentMethod
from smartplus.portal.kit.day_tags import day
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.status_tags import status


class MethodCells(NamedTuple):
    """One stored card."""

    card: str
    valid: str
    state: SafeString
    stored: str
    agreed: str
    renews: object
    unit: str
    url: str


def methods(rows: Iterable[PaymentMethod], renews: Mapping[int, int], now: datetime) -> list[MethodCells]:
    """The cells of cards, each with the number of auto-renewals that charge it."""
    agreed, renewals = _("agreed by %(name)s, %(day)s"), address("auto-renewal-list")
    found = []
    for card in rows:
        n = renews.get(card.pk, 0)
        found.append(
            MethodCells(
                card=card.label,
                valid=f"{card.exp_month:02d}/{card.exp_year}" if card.exp_year else "–",
                state=_state(card, now),
                stored=day(card.created_at),
                agreed=agreed % {"name": card.consent_by or "", "day": day(card.consent_at)},
                renews=as_html('<a href="{}">{}</a>', renewals, n) if n else 0,
                unit=ngettext("auto-renewal", "auto-renewals", n),
                url=address("settings-method-remove", card.pk),
            )
        )
    return found


def _state(card: PaymentMethod, now: datetime) -> SafeString:
    """Whether the card can be charged, with the bank's reason if it can't."""
    if not card.is_usable:
        return _explained(status("lapsed", _("Can't be charged")), card.failed_words)
    if card.is_past(now):
        told = _("Many banks renew stored cards by themselves; the bank decides.")
        return _explained(status("expiring", _("Date is over")), told)
    return status("active", _("Usable"))


def _explained(state: SafeString, words: str) -> SafeString:
    return side_by_side([state, as_html('<span class="t12 mute">{}</span>', words)]) if words else state
