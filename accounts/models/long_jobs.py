"""Long jobs: work that a person started and that takes too long for a page. The row is the queue, the progress and the result."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import Organization
from accounts.models.people import Membership, User
from accounts.scope import TENANT_KEYS, Actor


class LongJobQuerySet(models.QuerySet["LongJob"]):
    """Long jobs, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """One's own, and for who works for a whole firm also those of colleagues; the operator sees all."""
        if actor.sees_all:
            return self.all()
        if actor.role in TENANT_KEYS:
            return self.filter(organization_id=actor.organization_id)
        return self.filter(membership_id=actor.membership_id)

    def open(self) -> Self:
        """Those that wait or run."""
        return self.filter(finished_at=None)

    def due(self, now: datetime) -> Self:
        """Those that a worker may claim: nobody's, and those of a worker whose lease is over. The longest waiting first."""
        return self.open().filter(models.Q(claimed_until=None) | models.Q(claimed_until__lte=now)).order_by("pk")


class LongJob(models.Model):
    """Work of one kind that a person started (R79). Its rights are those of the membership at the time when it runs.

    Invariants: `finished_at` is set exactly when the state is done, failed or cancelled; only the process that holds `claim` writes a running
    job, and its lease ends at `claimed_until`. A job that waits for its next try after an error is waiting with a `claimed_until`. `total` is
    null while nobody knows it. `tries` counts how often it was claimed since it last came forward.
    """

    class State(models.TextChoices):
        """How it stands."""

        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    kind = models.CharField(max_length=32)  # a key of smartplus.jobs.kinds.KINDS
    subject = models.CharField(max_length=200)  # what it is about, such as the name of a file or a site
    parameters = models.JSONField(default=dict)
    result = models.JSONField(default=dict)  # numbers by their name, and ids of what was made
    membership = models.ForeignKey(Membership, models.PROTECT, related_name="long_jobs", db_index=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    installer = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    site_id = models.BigIntegerField(null=True)  # an id and no foreign key: sites belong to a higher layer
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True)  # why it failed
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    failures = models.PositiveIntegerField(default=0)  # rows of it that were not done
    is_stoppable = models.BooleanField(default=False)  # whether it can be cancelled after it has begun
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    claim = models.CharField(max_length=32, blank=True)  # a random word of the process that works on it
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    file_name = models.CharField(max_length=200, blank=True)
    file_type = models.CharField(max_length=100, blank=True)
    file_size = models.PositiveBigIntegerField(default=0)

    objects = LongJobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(finished_at=None, state__in=["waiting", "running"])
                | models.Q(finished_at__isnull=False, state__in=["done", "failed", "cancelled"]),
                name="long_job_finished",
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(finished_at=None), name="long_job_open"),
            models.Index(fields=["membership", "-id"], name="long_job_by_member"),
            models.Index(fields=["organization", "-id"], name="long_job_by_firm"),
            models.Index(fields=["site_id", "id"], condition=models.Q(finished_at=None), name="long_job_of_site"),
            models.Index(fields=["finished_at"], condition=models.Q(finished_at__isnull=False), name="long_job_old"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def created_by(self) -> User:
        """The person who started it."""
        return self.membership.user

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.finished_at is None

    @property
    def may_be_cancelled(self) -> bool:
        """Whether it would stop if it were cancelled now."""
        return self.is_open and self.cancel_asked_at is None and (self.state == self.State.WAITING or self.is_stoppable)

    def is_of(self, actor: Actor) -> bool:
        """Whether this person started it, for the same firm. Only this person reads its file, which was made with this person's rights."""
        return bool(actor.membership_id) and self.membership_id == actor.membership_id


class OfJobQuerySet(models.QuerySet[Any]):
    """Rows of long jobs, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the jobs that one sees."""
        return self.filter(job__in=LongJob.objects.visible_to(actor))


class FailedRow(models.Model):
    """One row that a long job did not do, with the reason for the person. Invariant: one for each number of a job."""

    MOST: ClassVar = 500  # rows that a page shows; all of them are in the file

    job = models.ForeignKey(LongJob, models.CASCADE, related_name="failed_rows", db_index=False)
    number = models.PositiveIntegerField()  # of the row in the person's list, from 1
    label = models.CharField(max_length=200)  # what the row is about
    reason = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)  # where it can be settled
    action = models.CharField(max_length=60, blank=True)  # the words of that link

    objects = OfJobQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="failed_row_once")]

    def __str__(self) -> str:
        return f"{self.number}: {self.label}"


class JobFilePart(models.Model):
    """A part of the file that a long job made. Invariant: the parts in the order of their numbers are the file; they are the person's data and
    go with the job."""

    job = models.ForeignKey(LongJob, models.CASCADE, related_name="file_parts", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    objects = OfJobQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="job_file_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.number}"
