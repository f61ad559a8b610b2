"""The connection of a site to a property management system, which sends us residents."""

from __future__ import annotations

from typing import Self

from django.db import models

from accounts.models import User
from communities.models.sites import SiteChild, SiteChildQuerySet


class PmsConnectionQuerySet(SiteChildQuerySet["PmsConnection"]):
    """Connections by their state."""

    def live(self) -> Self:
        """Not revoked."""
        return self.filter(revoked_at=None)

    def working(self) -> Self:
        """Those whose calls are answered: enabled, not revoked, of a site that is not archived."""
        return self.live().filter(enabled_at__isnull=False, site__archived_at=None)


class PmsConnection(SiteChild):
    """A property management system may send residents of one site. Invariants: a site has at most one that is not revoked; the token is not
    stored. `is_beyond_free`: the installer accepts what members beyond the free number cost, otherwise they wait for a yes (R30).
    `last_counts` says how the people of the last sync were answered, by result."""

    digest = models.CharField(max_length=64, unique=True)
    is_beyond_free = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    enabled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    enabled_at = models.DateTimeField(null=True)
    first_synced_at = models.DateTimeField(null=True)
    last_synced_at = models.DateTimeField(null=True)
    last_counts = models.JSONField(default=dict)
    revoked_at = models.DateTimeField(null=True)

    objects = PmsConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(revoked_at=None), name="pms_connection_one_live"
            ),
            models.CheckConstraint(
                condition=models.Q(first_synced_at=None) | models.Q(enabled_at__isnull=False),
                name="pms_connection_syncs_enabled",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
