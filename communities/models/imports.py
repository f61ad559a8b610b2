"""Imports of apartments: the rows of a file while they are checked, and afterwards what each of them did."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import LongJob, User
from accounts.scope import Actor
from communities.models.sites import Apartment, SiteChild, SiteChildQuerySet


class ApartmentImport(SiteChild):
    """A file of apartments with residents and monitors, for one site (R79).

    Invariants: while `started_at` is empty nothing of it is written into the site; afterwards its rows are not changed by people any more.
    It holds names and addresses of people as they were typed, so it is deleted some days after its last change.
    """

    name = models.CharField(max_length=200)  # of the file
    size = models.PositiveIntegerField(default=0)  # bytes
    columns = models.JSONField(default=list)  # the cells that the file has
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    language = models.CharField(max_length=8, default="en")  # of new residents
    job = models.ForeignKey(LongJob, models.SET_NULL, null=True, related_name="+")
    event_id = models.BigIntegerField(null=True)  # the audit's row of the whole

    objects = SiteChildQuerySet["ApartmentImport"].as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["changed_at"], name="apartment_import_old")]

    def __str__(self) -> str:
        return self.name


class ImportRowQuerySet(models.QuerySet["ImportRow"]):
    """Rows of imports, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the sites that one sees."""
        return self.filter(of__in=ApartmentImport.objects.visible_to(actor))


class ImportRow(models.Model):
    """One row of a file. Invariants: one for each number of an import; `result` is what the check said, and after writing what was done."""

    class Result(models.TextChoices):
        """What the row does, or did."""

        WRONG = "wrong", _("To correct")
        NEW = "new", _("New")
        CHANGED = "changed", _("Changed")
        UNCHANGED = "unchanged", _("Unchanged")
        LEFT_OUT = "left_out", _("Left out")
        FAILED = "failed", _("Not done")

    of = models.ForeignKey(ApartmentImport, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()  # in the file, from 1
    cells = models.JSONField(default=dict)  # what was typed, by the name of the cell
    decisions = models.JSONField(default=list)  # words of devices.imports.Decision
    result = models.CharField(max_length=9, choices=Result.choices, default=Result.WRONG)
    problems = models.JSONField(default=dict)  # sentences by the name of the cell
    ways = models.JSONField(default=list)  # ways out: lists of decision, label, cell, value
    told = models.CharField(max_length=200, blank=True)  # what changes
    is_written = models.BooleanField(default=False)
    apartment = models.ForeignKey(Apartment, models.SET_NULL, null=True, related_name="+")

    objects = ImportRowQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="import_row_once")]
        indexes = [models.Index(fields=["of", "result", "number"], name="import_row_by_result")]

    def __str__(self) -> str:
        return f"{self.of_id}: {self.number}"
