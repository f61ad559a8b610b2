"""How an entitlement stands at an instant: what is paid, in grace, lapsed, what differs from what is paid, what renews, and until when.

The same words are here for one item (`state_of`) and as conditions for queries of entitlements, which every list of them uses. By day, for
numbers of many sites, `communities.expiries` says it of the summary.
"""

from __future__ import annotations

import enum
from datetime import datetime

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from communities import catalogue


class State(enum.StrEnum):
    """How a billable item stands at one instant."""

    NEW = "new"  # never activated
    ACTIVE = "active"
    GRACE = "grace"
    LAPSED = "lapsed"


STATE_LABELS = {
    State.NEW: _("Not activated"),
    State.ACTIVE: _("Active"),
    State.GRACE: _("In grace"),
    State.LAPSED: _("Lapsed"),
}


class Mode(models.TextChoices):
    """Who has to do something before paid time ends: a person, nobody, or a person although it should run by itself."""

    MANUAL = "manual", _("By hand")
    AUTO = "auto", _("Auto-renew")
    FAIL = "fail", _("Will fail")  # auto-renewal with a card that can't be charged, or was declined


NEVER = Q(expires_at=None)  # activated
LOOSE = ~Q(mode=Mode.AUTO)  # not renewed by itself
DIFFERS = ~Q(variant=F("paid_variant"))  # what is on is not what is paid; the catalogue says which parts are missing


def state_of(expires_at: datetime | None, works_until: datetime | None, now: datetime) -> State:
    """How an item stands that is paid to an instant and works until another one."""
    if expires_at is None or works_until is None:
        return State.NEW
    if now >= works_until:
        return State.LAPSED
    return State.ACTIVE if now < expires_at else State.GRACE


def in_force(now: datetime) -> Q:
    """Paid, grace included."""
    return Q(works_until__gt=now)


def in_grace(now: datetime) -> Q:
    """In force, and its paid time is over; the expiry itself is the first instant."""
    return Q(expires_at__lte=now, works_until__gt=now)


def lapsed(now: datetime) -> Q:
    """Was activated, and is not in force any more."""
    return Q(works_until__lte=now)


def ends_after(now: datetime) -> Q:
    """The end of the paid time is still ahead. What was taken back ends, and is not in force."""
    return Q(expires_at__gt=now)


def paid_until() -> Coalesce:
    """Until when the paid variant is paid for: to the expiry, or before it where a later period was paid for another one."""
    return Coalesce("variant_until", "expires_at")


def renewed(prefix: str = "") -> Case:
    """The variant that a renewal pays for, and nothing else says it: what is configured; but what has no components and waits for
    something that its configured variant needs goes on at what was paid last, which is what works (R17)."""
    whole = [entry.code for entry in catalogue.ENTRIES if not entry.has_components]
    waits = Q(**{f"{prefix}service_type__in": whole}) & ~Q(**{f"{prefix}blocked": ""})
    was_paid = ~Q(**{f"{prefix}variant": ""}) & ~Q(**{f"{prefix}paid_variant": ""})
    return Case(
        When(waits & was_paid, then=F(f"{prefix}paid_variant")),
        default=F(f"{prefix}variant"),
        output_field=models.CharField(),
    )
