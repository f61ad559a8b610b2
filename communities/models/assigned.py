"""Technicians of sites, and the sites of an actor without a subtree."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.models import Membership
from accounts.scope import Actor, Role
from communities.models.sites import ManagerAssignment, Site, SiteChild, SiteChildQuerySet


class TechnicianAssignment(SiteChild):
    """A technician is assigned to a site. Invariant: one row for each person and site, deleted when the assignment ends."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="worked_sites")
    created_at = models.DateTimeField()
    site = models.ForeignKey(Site, models.PROTECT, related_name="technicians")

    objects = SiteChildQuerySet["TechnicianAssignment"].as_manager()

    class Meta:
        ordering = ["membership__user__name_order", "pk"]
        constraints = [models.UniqueConstraint(fields=["site", "membership"], name="technician_once_per_site")]

    def __str__(self) -> str:
        return self.membership.known_as


def assigned_sites(actor: Actor) -> models.QuerySet[Any, int]:
    """The ids of the sites that an actor without a subtree sees, as in `visible_to`, without reading the sites."""
    if actor.role is Role.MANAGER:
        rows = ManagerAssignment.objects.filter(membership_id=actor.membership_id, ended_at=None)
        return rows.values_list("site_id", flat=True)
    if actor.role is Role.TECHNICIAN:
        of_firm = TechnicianAssignment.objects.filter(installer_id=actor.organization_id)
        return of_firm.filter(membership_id=actor.membership_id).values_list("site_id", flat=True)
    return ManagerAssignment.objects.none().values_list("site_id", flat=True)
