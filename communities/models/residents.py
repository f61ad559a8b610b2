"""Residents of apartments."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.typed import phones
from accounts.typed.columns import SearchKey, SortKey
from communities.households import Lease, Stage
from communities.models.pms import PmsConnection
from communities.models.sites import Apartment, SiteChild, SiteChildQuerySet


class ResidentQuerySet(SiteChildQuerySet["Resident"]):
    """Residents by how they stand."""

    def living(self) -> Self:
        """Those whose access works: they count for R30 and R32."""
        return self.filter(stage=Stage.PRESENT)

    def current(self) -> Self:
        """Those who have not moved out: they live there, move in later, or wait for a yes."""
        return self.exclude(stage=Stage.ENDED)

    def members(self) -> Self:
        """Those who live there and are not the family master."""
        return self.living().filter(is_master=False)


class Resident(SiteChild):
    """A person of a household. Invariants: an apartment has at most one family master (R32), who lives there; of the others at most 63 live
    there (R31).

    `stage` is written by `communities.actions.households` alone: it follows from the days of the lease, the free number of the site and
    `is_accepted`, which says that the installer added the person or accepted it. `becomes_master`: meant to be the family master from the
    first day of the lease. `told_until` is the end of the lease that the site's people were told of. `pms` created
    the person, which that system calls `pms_key`.
    """

    apartment = models.ForeignKey(Apartment, models.PROTECT, related_name="residents")
    name = models.CharField(_("name"), max_length=120)
    name_order = SortKey("name")
    search_key = SearchKey("name", "email", "mobile")
    email = models.EmailField(_("email"), blank=True)
    mobile = models.CharField(_("mobile"), max_length=phones.LONGEST, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    remark = models.CharField(_("remark"), max_length=200, blank=True)
    is_master = models.BooleanField(_("family master"), default=False)
    stage = models.CharField(_("status"), max_length=8, choices=Stage.choices, default=Stage.PRESENT)
    lease_from = models.DateField(_("first day"), null=True)
    lease_until = models.DateField(_("last day"), null=True)
    becomes_master = models.BooleanField(default=False)
    is_accepted = models.BooleanField(default=True)
    pms = models.ForeignKey(PmsConnection, models.PROTECT, null=True, related_name="residents")
    pms_key = models.CharField(max_length=64, blank=True)
    left_at = models.DateTimeField(null=True)
    told_until = models.DateField(null=True)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = ResidentQuerySet.as_manager()

    class Meta:
        ordering = ["-is_master", "name_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["apartment"],
                condition=models.Q(is_master=True),
                name="resident_one_master",
                violation_error_message=_("This apartment already has a family master."),
            ),
            models.UniqueConstraint(
                fields=["pms", "pms_key"], condition=models.Q(pms__isnull=False), name="resident_once_per_pms"
            ),
            models.CheckConstraint(
                condition=~models.Q(email="") | ~models.Q(mobile=""),
                name="resident_reachable",
                violation_error_message=_("A resident needs an email or a mobile number."),
            ),
            models.CheckConstraint(
                condition=models.Q(is_master=False) | models.Q(stage=Stage.PRESENT), name="resident_master_lives_there"
            ),
            models.CheckConstraint(
                condition=models.Q(stage=Stage.ENDED, left_at__isnull=False)
                | models.Q(~models.Q(stage=Stage.ENDED), left_at=None),
                name="resident_left",
            ),
            models.CheckConstraint(
                condition=models.Q(lease_until=None)
                | models.Q(lease_from=None)
                | models.Q(lease_until__gte=models.F("lease_from")),
                name="resident_lease_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["site", "name_order", "id"], name="resident_by_site"),
            models.Index(fields=["lease_from"], condition=models.Q(stage=Stage.FUTURE), name="resident_lease_begins"),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(left_at=None, lease_until__isnull=False),
                name="resident_lease_ends",
            ),
            models.Index(fields=["left_at"], condition=models.Q(left_at__isnull=False), name="resident_left_at"),
            models.Index(fields=["site"], condition=models.Q(stage=Stage.WAITING), name="resident_waiting"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def lease(self) -> Lease:
        """The first and the last day."""
        return Lease(self.lease_from, self.lease_until)
