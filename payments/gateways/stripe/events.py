"""Stripe's messages as our plain values: every verified body becomes an event. Uses no network and no SDK."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from payments.gateways.base import Event
from payments.gateways.stripe.objects import request_key_of
from payments.kinds import Topic

KNOWN_KINDS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "payment_method.automatically_updated",
        "payment_method.updated",
        "payment_method.detached",
    }
)
PAID_KINDS = frozenset({"checkout.session.async_payment_succeeded", "payment_intent.succeeded"})


def event_of(body: bytes) -> Event:
    """Any verified message as an event. A message of an unknown shape is kept as not concerning us, so that a person can look at it."""
    try:
        told = _object(json.loads(body))
    except (ValueError, RecursionError):
        told = {}
    target = _object(_object(told.get("data")).get("object"))
    ref, kind, event_id = _text(target.get("id"), 255), _text(told.get("type"), 80), _text(told.get("id"), 255)
    is_known = kind in KNOWN_KINDS and ref != ""
    return Event(
        id=event_id if event_id and event_id == told["id"] else f"unread-{hashlib.sha256(body).hexdigest()}",
        kind=kind or "unreadable",
        object_ref=ref,
        request_key=_text(request_key_of(target), 64),
        is_known=is_known,
        topic=Topic.METHOD if kind.startswith("payment_method.") else Topic.PAYMENT,
        says_paid=is_known and (kind in PAID_KINDS or target.get("payment_status") == "paid"),
        is_odd=not (kind and event_id and target),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object, length: int) -> str:
    """The part of a text that a column can hold: PostgreSQL stores no NUL, and no half of a surrogate pair."""
    text = value if isinstance(value, str) else ""
    return text.encode(errors="replace").decode().replace("\0", "?")[:length]
