"""The texts that people accept, in versions; who accepted which version, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.append_only import AppendOnly
from accounts.models.people import User
from accounts.models.seller import SellerVersion
from accounts.scope import Actor

FALLBACK = "en"  # the language that every published text has; used where the reader's own language is missing


class Document(models.TextChoices):
    """What is accepted."""

    TERMS = "terms", gettext_lazy("Terms and Conditions")
    PRIVACY = "privacy", gettext_lazy("Privacy Notice")


class TextVersionQuerySet(models.QuerySet["TextVersion"]):
    """Published versions: public, for everybody to read."""

    def visible_to(self, actor: Actor) -> Self:
        """Everybody reads published versions; examples are visible in the demo only."""
        return self.usable()

    def usable(self) -> Self:
        """All versions except the shipped examples, which are valid in the demo only."""
        return self if settings.DEMO else self.filter(is_example=False)

    def begun(self, now: datetime) -> Self:
        """Versions whose day has come, the highest number first: the first is in force."""
        return self.usable().filter(valid_from__lte=now).order_by("-number")


class TextVersion(AppendOnly):
    """A published text in its languages. Invariant: append-only. Of the versions whose day has come the highest number is in force, so
    a mistake is corrected by a further version. `texts` maps a language to Markdown; `seller` replaces `{seller}` in it."""

    document = models.CharField(max_length=8, choices=Document.choices)
    number = models.PositiveIntegerField()
    texts = models.JSONField()
    valid_from = models.DateTimeField()
    seller = models.ForeignKey(SellerVersion, models.PROTECT, null=True, related_name="+")
    is_example = models.BooleanField(default=False)  # shipped with SmartPlus: not valid outside the demo
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField()

    objects = TextVersionQuerySet.as_manager()

    class Meta:
        ordering = ["document", "-number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="text_version_once")]

    def __str__(self) -> str:
        return _("%(document)s, version %(number)s") % {
            "document": self.get_document_display(),
            "number": self.number,
        }

    @property
    def version(self) -> str:
        """The number as acceptances and orders store it."""
        return str(self.number)

    def language_for(self, language: str) -> str:
        """The language in which a reader of `language` sees the text."""
        return language if self.texts.get(language, "").strip() else FALLBACK

    def text_for(self, language: str) -> str:
        """The Markdown for a reader of `language`."""
        return str(self.texts.get(self.language_for(language), ""))


class TextDraftQuerySet(models.QuerySet["TextDraft"]):
    """Drafts; only the operator sees them."""

    def visible_to(self, actor: Actor) -> Self:
        """The operator's people only."""
        return self if actor.sees_all else self.none()


class TextDraft(models.Model):
    """The next version of a document while it is written. Invariant: one for each document; deleted when it is published."""

    document = models.CharField(max_length=8, choices=Document.choices, unique=True)
    texts = models.JSONField(default=dict)
    valid_from = models.DateField(null=True)  # the day, in UTC
    version = models.PositiveIntegerField(default=1)  # version of the row, increased with each save
    saved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    saved_at = models.DateTimeField()

    objects = TextDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return _("%(document)s, draft") % {"document": self.get_document_display()}


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    """Acceptances, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """All for the operator; other people see their own."""
        if actor.sees_all:
            return self
        return self.filter(user_id=actor.user_id) if actor.user_id else self.none()


class Acceptance(AppendOnly):
    """A person accepted one version of one document. Invariants: append-only; one row for each person, document and version.

    `User.terms_version` and `User.privacy_version` repeat the latest one, so that pages need not read this table. A version number
    without a `TextVersion` was accepted before the texts were stored here.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="acceptances", db_index=False)
    document = models.CharField(max_length=8, choices=Document.choices)
    version = models.CharField(max_length=16)
    accepted_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)  # masked

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "document", "version"], name="acceptance_once")]
        indexes = [models.Index(fields=["document", "version", "-id"], name="acceptance_by_version")]

    def __str__(self) -> str:
        return f"{self.user}: {self.document} {self.version}"
