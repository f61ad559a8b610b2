"""Entitlements: what is configured, what of it is paid, and until when."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from communities import catalogue
from communities.models import status
from communities.models.residents import Resident
from communities.models.sites import SiteChild, SiteChildQuerySet
from communities.models.status import Mode, State, state_of
from communities.models.targets import Target

ARCHIVABLE = ("apartment", "parent__apartment")  # from a target, what it belongs to that may be archived


class Block(enum.StrEnum):
    """Why an item can't be activated, besides its variant and its orders."""

    MONITOR_PENDING = "monitor_pending"  # its apartment waits for a monitor (R17)
    ARCHIVED = "archived"  # its apartment or site is archived (R78)


BLOCK_LABELS = {Block.MONITOR_PENDING: _("waits for its monitor"), Block.ARCHIVED: _("is archived")}


def blocked_by() -> Case:
    """The right value of `blocked`: whether the apartment, that of the slot, or the site is archived; whether the apartment waits for its
    monitor."""
    own = Target.objects.filter(pk=OuterRef("target_id"))
    pending = models.Q(apartment__monitor_pending=True) | models.Q(parent__apartment__monitor_pending=True)
    gone = models.Q(site__archived_at__isnull=False)
    for way in ARCHIVABLE:
        gone |= models.Q(**{f"{way}__archived_at__isnull": False})
    return Case(
        When(Exists(own.filter(gone)), then=Value(Block.ARCHIVED.value)),
        When(Exists(own.filter(pending)), then=Value(Block.MONITOR_PENDING.value)),
        default=Value(""),
        output_field=models.CharField(),
    )


class EntitlementQuerySet(SiteChildQuerySet["Entitlement"]):
    """Entitlements by their present state."""

    def unblocked(self) -> EntitlementQuerySet:
        """Those that nothing blocks (R17)."""
        return self.filter(blocked="")

    def wanted(self) -> EntitlementQuerySet:
        """Configured and so billable (R25); a dormant one keeps its paid time but is not offered."""
        return self.exclude(variant="")

    def vacant(self) -> EntitlementQuerySet:
        """Those that nobody wants because nobody lives in their apartment: with the next household they are wanted again (R33). What is archived is
        no such item."""
        of_people = [entry.code for entry in catalogue.ENTRIES if entry.needs_household]
        home = Coalesce(OuterRef("target__parent_id"), OuterRef("target_id"))
        masters = Resident.objects.filter(apartment__target=home, is_master=True)
        found = self.filter(~Exists(masters), variant="", service_type__in=of_people)
        return found.exclude(blocked=Block.ARCHIVED)

    def wrongly_blocked(self) -> EntitlementQuerySet:
        """Those whose `blocked` disagrees with their apartment."""
        return self.alias(should_be=blocked_by()).exclude(blocked=F("should_be"))

    def never_activated(self) -> EntitlementQuerySet:
        """Those that Activate offers (R47)."""
        return self.filter(status.NEVER)

    def in_force(self, now: datetime) -> EntitlementQuerySet:
        """Paid, grace included."""
        return self.filter(status.in_force(now))

    def pay_until(self, expires_at: datetime, **fields: Any) -> int:
        """Set the end of paid time, and with it the end of grace by service type. Nothing else writes the two columns. Returns how many;
        one statement."""
        codes: dict[datetime, list[str]] = {}
        for entry in catalogue.ENTRIES:
            codes.setdefault(entry.works_until(expires_at), []).append(entry.code)
        ends = [When(service_type__in=of_one, then=Value(until)) for until, of_one in codes.items()]
        works_until = Case(*ends, output_field=models.DateTimeField())
        return self.update(expires_at=expires_at, works_until=works_until, **fields)


class Entitlement(catalogue.PaidLabelled, SiteChild):
    """One billable service on one target (DESIGN §2).

    `variant` is what is configured ("" = nothing is wanted: dormant). `paid_variant` is what the running period was paid for, and
    `variant_until` the instant until which that is valid if a later period was paid for another variant (null = to the expiry).
    `expires_at` null = never activated. `works_until` is the end of its grace, so "works now" is one comparison; `pay_until` writes both.
    `anchor_at` is the instant that months are counted from, where `expires_at` alone does not tell it: paid to 28 Feb after 31 Jan.
    `reserved_by` is the id of the open order that reserves the item (null = none), so an item is in at most one open order (R48); it is no
    foreign key, since orders belong to a higher layer. `blocked` says what prevents an activation ("" = nothing), and every action that
    changes that writes it (`communities.actions.entitlements`). `mode` says whether it renews by itself. All columns but `variant` are
    written by the subscriptions layer only. Of the columns that it writes only `paid_variant` may be indexed: otherwise an extension is no
    HOT update any more. Triggers count every change by day (`communities/expiry_triggers.py`).
    """

    service_type = models.CharField(
        _("service"),
        max_length=16,
        choices=[(str(code), label) for code, label in catalogue.SERVICE_TYPE_LABELS.items()],
    )
    target = models.ForeignKey(Target, models.PROTECT, related_name="entitlements", db_index=False)
    variant = models.CharField(max_length=200, blank=True)
    paid_variant = models.CharField(max_length=200, blank=True)
    variant_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    works_until = models.DateTimeField(null=True)
    anchor_at = models.DateTimeField(null=True)
    reserved_by = models.BigIntegerField(null=True)
    last_charged_at = models.DateTimeField(null=True)
    blocked = models.CharField(
        max_length=16, blank=True, choices=[(code.value, label) for code, label in BLOCK_LABELS.items()]
    )
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.MANUAL)

    objects = EntitlementQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["target", "service_type"], name="entitlement_once")]

    def __str__(self) -> str:
        return f"{self.get_service_type_display()}, {self.target}"

    @property
    def renews(self) -> bool:
        """Whether it is renewed without an action by a person."""
        return self.mode == Mode.AUTO

    def state(self, now: datetime) -> State:
        """Its state at `now`; the expiry itself is the first instant of grace."""
        return state_of(self.expires_at, self.works_until, now)

    def is_in_force(self, now: datetime) -> bool:
        """Paid, grace included."""
        return self.works_until is not None and now < self.works_until

    def unpaid_parts(self) -> tuple[str, ...]:
        """Parts that are on but not covered by the running paid period."""
        return catalogue.uncovered(self.service_type, self.variant, self.paid_variant)

    def is_usable(self, now: datetime, part: str | None = None) -> bool:
        """Whether the service (or one part of it) may run for its target now: switched on, paid for, in force."""
        if not self.variant or not self.is_in_force(now):
            return False
        if part is None:
            return not self.unpaid_parts()
        is_on = (self.service_type, part) in catalogue.price_parts(self.service_type, self.variant)
        return is_on and part not in self.unpaid_parts()
