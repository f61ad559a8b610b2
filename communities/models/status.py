"""The state of an entitlement at an instant: paid, in grace, lapsed, what is unpaid, which variant a renewal pays for, and until when.

Each state is defined for one item (`state_of`) and as a condition for queries, which every list uses. For numbers of many sites by day,
`communities.expiries` defines the same on the summary.
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
    """The state of a billable item at one instant."""

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
    """Whether an action is needed before paid time ends: by a person, by nobody, or by a person because the auto-renewal has a problem."""

    MANUAL = "manual", _("By hand")
    AUTO = "auto", _("Auto-renew")
    FAIL = "fail", _("Will fail")  # auto-renewal whose card can't be charged, or was declined


NEVER = Q(expires_at=None)  # activated
LOOSE = ~Q(mode=Mode.AUTO)  # not renewed by an auto-renewal
# What is on differs from what is paid; the catalogue says which parts are missing
DIFFERS = ~Q(variant=F("paid_variant"))


def state_of(expires_at: datetime | None, works_until: datetime | None, now: datetime) -> State:
    """The state of an item that is paid until `expires_at` and works until `works_until`."""
    if expires_at is None or works_until is None:
        return State.NEW
    if now >= works_until:
        return State.LAPSED
    return State.ACTIVE if now < expires_at else State.GRACE


def in_force(now: datetime) -> Q:
    """Paid, grace included."""
    return Q(works_until__gt=now)


def in_grace(now: datetime) -> Q:
    """In force, and its paid time is over; the expiry itself is the first instant of grace."""
    return Q(expires_at__lte=now, works_until__gt=now)


def lapsed(now: datetime) -> Q:
    """Was activated, and is not in force any more."""
    return Q(works_until__lte=now)


def ends_after(now: datetime) -> Q:
    """The end of paid time is in the future. Time that was taken back has ended, so it is not in force either."""
    return Q(expires_at__gt=now)


def paid_until() -> Coalesce:
    """The end of the paid variant: the expiry, or earlier where a later period was paid for another variant."""
    return Coalesce("variant_until", "expires_at")


def renewed(prefix: str = "") -> Case:
    """The variant that a renewal pays for; the only definition of it. It is the configured one. But an item without components that waits
    for something its configured variant needs is renewed in the variant paid last, which still works (R17)."""
    whole = [entry.code for entry in catalogue.ENTRIES if not entry.has_components]
    waits = Q(**{f"{prefix}service_type__in": whole}) & ~Q(**{f"{prefix}blocked": ""})
    was_paid = ~Q(**{f"{prefix}variant": ""}) & ~Q(**{f"{prefix}paid_variant": ""})
    return Case(
        When(waits & was_paid, then=F(f"{prefix}paid_variant")),
        default=F(f"{prefix}variant"),
        output_field=models.CharField(),
    )
