"""Changes of many apartments at once, with the value before and after of each."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from accounts.append_only import AppendOnly
from accounts.models import User
from accounts.scope import Actor
from communities.models.sites import Apartment, Building, SiteChild, SiteChildQuerySet


class ServiceChange(SiteChild, AppendOnly):
    """A bulk change of a site: With Indoor Monitor and Landline (R15, R16), the switches that were set on its sheet, or one that takes such a
    change back (`undoes`).

    `indoor_monitor` and `landline` are what a bulk change set, null = left as it was; of the others both are null, since each apartment gets
    its own values. `building` and `floor` say where it looked, null and "" = at the whole site. `count` apartments were
    changed out of `looked_at`.
    """

    building = models.ForeignKey(Building, models.PROTECT, null=True, related_name="+", db_index=False)
    floor = models.CharField(max_length=32, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    indoor_monitor = models.BooleanField(null=True)
    landline = models.BooleanField(null=True)
    count = models.PositiveIntegerField()
    looked_at = models.PositiveIntegerField()
    undoes = models.OneToOneField("self", models.PROTECT, null=True, related_name="undone_by")

    objects = SiteChildQuerySet["ServiceChange"].as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.site} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def wanted(self) -> dict[str, bool]:
        """What was set, by the code of the switch."""
        values = {"indoor_monitor": self.indoor_monitor, "landline": self.landline}
        return {code: value for code, value in values.items() if value is not None}


class ServiceChangeRowQuerySet(models.QuerySet["ServiceChangeRow"]):
    """Rows of changes, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the sites that one sees."""
        return self.filter(change__in=ServiceChange.objects.visible_to(actor))


class ServiceChangeRow(AppendOnly):
    """What a change did to one apartment. Invariant: before and after differ in at least one of the three switches."""

    VALUES: ClassVar = ("indoor_monitor", "landline", "video_storage", "monitor_pending")

    change = models.ForeignKey(ServiceChange, models.PROTECT, related_name="rows", db_index=False)
    apartment = models.ForeignKey(Apartment, models.PROTECT, related_name="+", db_index=False)
    indoor_monitor_before = models.BooleanField()
    indoor_monitor_after = models.BooleanField()
    landline_before = models.BooleanField()
    landline_after = models.BooleanField()
    video_storage_before = models.BooleanField(default=False)
    video_storage_after = models.BooleanField(default=False)
    monitor_pending_before = models.BooleanField()
    monitor_pending_after = models.BooleanField()

    objects = ServiceChangeRowQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["change", "apartment"], name="change_row_once")]

    def __str__(self) -> str:
        return f"{self.change_id}: {self.apartment_id}"

    @property
    def before(self) -> dict[str, bool]:
        """The values that the change replaced, by the name of the column."""
        return {name: getattr(self, f"{name}_before") for name in self.VALUES}

    @property
    def after(self) -> dict[str, bool]:
        """The values that the change wrote, by the name of the column."""
        return {name: getattr(self, f"{name}_after") for name in self.VALUES}
