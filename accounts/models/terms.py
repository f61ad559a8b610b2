"""Who accepted which version of the terms and of the privacy notice, and when."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnly
from accounts.models.people import User


class Document(models.TextChoices):
    """What is accepted."""

    TERMS = "terms", _("Terms and Conditions")
    PRIVACY = "privacy", _("Privacy Notice")


class Acceptance(AppendOnly):
    """A person accepted one version of one document. Invariants: append-only; once per person, document and version.

    `User.terms_version` and `User.privacy_version` repeat the latest, so that a page need not look here.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="acceptances")
    document = models.CharField(max_length=8, choices=Document.choices)
    version = models.CharField(max_length=16)
    accepted_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)  # masked

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "document", "version"], name="acceptance_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.document} {self.version}"
