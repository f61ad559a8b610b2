"""Rows of payments and of the webhook log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from payments.models import GatewayEvent, Payment
from payments.models.events import EventState
from payments.models.payments import State
from smartplus.portal.kit.day_tags import ago
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.money_tags import money
from smartplus.portal.kit.status_tags import status

LONGEST = 90  # characters of an error


class PaymentCells(NamedTuple):
    """One attempt to collect money."""

    reference: SafeString
    payer: str
    gateway: str
    kind: str
    gateway_ref: str
    status: SafeString
    asked: str
    begun: str
    amount: str


class EventCells(NamedTuple):
    """One message of a gateway."""

    url: str
    kind: str
    event_id: str
    gateway: str
    status: SafeString
    error: str
    tries: int
    received: str


def payments(rows: Iterable[tuple[Payment, str]], now: datetime) -> list[PaymentCells]:
    """The cells of payments, with the colour of each state."""
    states = {value: str(label) for value, label in State.choices}
    found, asked = [], _("asked %(when)s")
    for payment, tone in rows:
        note = ""
        if payment.checked_at:
            note = as_html('<span class="t12 mute">{}</span>', _inside(asked, ago(payment.checked_at, now)))
        found.append(
            PaymentCells(
                reference=_reference(payment),
                payer=str(payment.payer),
                gateway=payment.gateway_label,
                kind=payment.get_kind_display(),
                gateway_ref=payment.gateway_ref or "–",
                status=status(tone, states[payment.state]),
                asked=note,
                begun=ago(payment.created_at, now),
                amount=money(payment.amount_minor, payment.currency),
            )
        )
    return found


def _inside(sentence: str, time: str) -> SafeString:
    """A sentence with HTML inserted."""
    before, _place, after = sentence.partition("%(when)s")
    return as_html("{}{}{}", before, time, after)


def _reference(payment: Payment) -> SafeString:
    if payment.purpose != "order":
        return as_html('<span class="mono">{}</span>', payment.reference)
    url = address("order-detail", payment.subject)
    return as_html('<a class="n mono" href="{}">{}</a>', url, payment.reference)


def events(rows: Iterable[tuple[GatewayEvent, str]], now: datetime) -> list[EventCells]:
    """The cells of messages, with the colour of each state."""
    states = {value: str(label) for value, label in EventState.choices}
    return [
        EventCells(
            url=address("webhook-detail", event.pk),
            kind=event.kind,
            event_id=event.event_id,
            gateway=event.gateway_label,
            status=status(tone, states[event.state]),
            error=_error(event.last_error) if event.last_error else "",
            tries=event.tries,
            received=ago(event.received_at, now),
        )
        for event, tone in rows
    ]


def _error(text: str) -> SafeString:
    return as_html('<span class="t12 mute">{}</span>', Truncator(text).chars(LONGEST))
