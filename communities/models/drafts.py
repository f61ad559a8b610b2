"""Sites that are not created yet: what was typed into the steps of Add Community Site."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization, User
from accounts.scope import Actor, Role
from accounts.typed.columns import Keyed, SortKey


class Step(models.TextChoices):
    """The steps of Add Community Site, in their order."""

    BASICS = "basics", gettext_lazy("Basics")
    STRUCTURE = "structure", gettext_lazy("Structure")
    SERVICES = "services", gettext_lazy("Services")
    DEVICES = "devices", gettext_lazy("Devices")
    REVIEW = "review", gettext_lazy("Review")


class SiteDraftQuerySet(models.QuerySet["SiteDraft"]):
    """Drafts, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the own installer, for who may create sites there; none for anybody else."""
        if actor.role is Role.SYSTEM:
            return self
        return self.filter(installer_id=actor.organization_id) if actor.role is Role.INSTALLER else self.none()


class SiteDraft(Keyed):
    """A community while it is described. Invariants: tenant keys equal those of its installer; the site that is made of it takes its place.

    `data` is what was typed, step by step, unchecked (`communities.drafts`). `apartments` are counted when it is saved, `step` is where it
    goes on. Nothing else refers to a draft, and nothing of it is billed or audited.
    """

    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    name = models.CharField(gettext_lazy("name"), max_length=64, blank=True)
    name_order = SortKey("name")
    step = models.CharField(max_length=12, choices=Step.choices, default=Step.BASICS)
    apartments = models.PositiveIntegerField(default=0)
    data = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = SiteDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=["installer", "updated_at"], name="site_draft_by_installer")]

    def __str__(self) -> str:
        return self.name or _("Draft without a name")
