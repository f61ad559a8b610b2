"""The summary of entitlements by day, for dashboards, calendars and the lists behind them."""

from __future__ import annotations

import enum
from typing import Self

from django.db import models

from accounts.models import Organization, firm_of
from accounts.scope import Actor, by_tenant_keys
from communities.models.assigned import assigned_sites
from communities.models.kinds import Kind
from communities.models.sites import Site
from communities.models.status import Mode, renewed


class Stage(enum.IntEnum):
    """The stage of a row: fresh, folded into its site's rows, or folded into its installer's rows, which have no site."""

    FRESH = 0
    SITE = 1
    FIRM = 2


class What(enum.StrEnum):
    """What rows without a service type count: sites, and their apartments; apartments that wait for their indoor monitor apart."""

    SITE = "site"
    APARTMENT = "apartment"
    WAITING = "waiting"
    ARCHIVED = "archived"  # of either


ARCHIVED = "archived"  # `Block.ARCHIVED`
BY_SITE, BY_FIRM = (Stage.FRESH, Stage.SITE), (Stage.FRESH, Stage.FIRM)


def _firm_of(actor: Actor) -> dict[str, int]:
    """The installer of the sites that an actor without a subtree is assigned to, so that only this firm's rows are read."""
    firm = firm_of(actor)
    if firm is None:
        return {}
    return {"installer_id": firm.installer_id or firm.pk}


class ExpiryDayQuerySet(models.QuerySet["ExpiryDay"]):
    """Rows of the summary, read by site or by firm, without what is archived. Each way includes fresh rows, so reading both counts twice. Rows have
    `renewed`, the variant that a renewal pays for."""

    def by_site(self, actor: Actor) -> Self:
        """The rows of the sites that the actor sees."""
        bound = by_tenant_keys(actor)
        rows = (
            self.filter(stage__in=BY_SITE)
            .exclude(service_type="")
            .exclude(blocked=ARCHIVED)
            .annotate(renewed=renewed())
        )
        if bound is not None:
            return rows.filter(bound)
        # "+ 0" keeps the planner from an index by site, which would walk through all firms
        return rows.alias(at=models.F("site_id") + 0).filter(at__in=assigned_sites(actor), **_firm_of(actor))

    def visible_to(self, actor: Actor) -> Self:
        """The rows that the actor sees, from the smallest set: rows of installers, or of single sites where the role has no subtree (R1,
        R3)."""
        bound = by_tenant_keys(actor)
        if bound is None:
            return self.by_site(actor)
        rows = self.filter(bound, stage__in=BY_FIRM).exclude(service_type="").exclude(blocked=ARCHIVED)
        return rows.annotate(renewed=renewed())

    def places(self, actor: Actor) -> Self:
        """Counts of sites and apartments in the actor's subtree (`What`); empty for an actor without a subtree."""
        bound = by_tenant_keys(actor)
        return self.none() if bound is None else self.filter(bound, stage__in=BY_FIRM, service_type="")


class ExpiryDay(models.Model):
    """A number of like entitlements that end on one day, the date at their site (null = never activated). The number may be negative: the
    sum of like rows counts. Or a number of apartments or sites, without a service type (`What`).

    Written only by the triggers of `communities/expiry_triggers.py`, one row for each group that a statement changed, and folded by the job
    of `communities/expiries.py`. Rows are never updated, so no writer waits for another.
    """

    stage = models.PositiveSmallIntegerField()  # Stage
    site = models.ForeignKey(  # null: of the installer; a deleted site is subtracted, so its rows add up to nothing
        Site, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    project_type = models.CharField(max_length=12, choices=Kind.choices)
    price_class = models.CharField(max_length=12)
    service_type = models.CharField(max_length=16, blank=True)
    variant = models.CharField(max_length=200, blank=True)
    paid_variant = models.CharField(max_length=200, blank=True)
    mode = models.CharField(max_length=6, choices=Mode.choices)
    blocked = models.CharField(max_length=16, blank=True)
    day = models.DateField(null=True)
    count = models.IntegerField()

    objects = ExpiryDayQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(stage=0), name="expiry_fresh"),
            *(  # for actors that see everything
                models.Index(
                    fields=["day"],
                    condition=models.Q(stage__in=stages) & ~models.Q(service_type=""),
                    name=f"expiry_{name}_day",
                )
                for name, stages in (("site", [0, 1]), ("firm", [0, 2]))
            ),
            models.Index(fields=["site", "day"], condition=models.Q(stage__in=[0, 1]), name="expiry_by_site"),
            models.Index(  # for sites where something can be activated
                fields=["installer", "site"],
                condition=models.Q(stage__in=[0, 1], day=None) & ~models.Q(service_type="") & ~models.Q(variant=""),
                name="expiry_waiting",
            ),
            *(
                models.Index(
                    fields=[key, "day"], condition=models.Q(stage__in=stages), name=f"expiry_{name}_{key}"[:30]
                )
                for name, stages in (("site", [0, 1]), ("firm", [0, 2]))
                for key in ("distributor", "subdistributor", "installer")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.service_type} {self.variant} on {self.day}"
