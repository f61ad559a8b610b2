"""The texts people accept, in versions; who accepted which version, and when."""

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

FALLBACK = "en"  # the language every published text has; shown where the reader's own is missing


class Document(models.TextChoices):
    """What is accepted."""

    TERMS = "terms", gettext_lazy("Terms and Conditions")
    PRIVACY = "privacy", gettext_lazy("Privacy Notice")


class TextVersionQuerySet(models.QuerySet["TextVersion"]):
    """Published versions: public, for everybody to read."""

    def visible_to(self, actor: Actor) -> Self:
        """Everybody reads what was published; examples exist in the demo only."""
        return self.usable()

    def usable(self) -> Self:
        """All but the shipped examples, which count in the demo only."""
        return self if settings.DEMO else self.filter(is_example=False)

    def begun(self, now: datetime) -> Self:
        """Those whose day has come, the highest number first: that one is in force."""
        return self.usable().filter(valid_from__lte=now).order_by("-number")


class TextVersion(AppendOnly):
    """A published text in its languages. Invariant: append-only; of those whose day has come the highest number is in force, so a
    mistake is mended by a further version. `texts` maps a language to Markdown; `seller` is whom `{seller}` in it names."""

    document = models.CharField(max_length=8, choices=Document.choices)
    number = models.PositiveIntegerField()
    texts = models.JSONField()
    valid_from = models.DateTimeField()
    seller = models.ForeignKey(SellerVersion, models.PROTECT, null=True, related_name="+")
    is_example = models.BooleanField(default=False)  # shipped with SmartPlus: not in force outside the demo
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
        """The number as acceptances and orders keep it."""
        return str(self.number)

    def language_for(self, language: str) -> str:
        """The language this text is shown in to a reader of `language`."""
        return language if self.texts.get(language, "").strip() else FALLBACK

    def text_for(self, language: str) -> str:
        """The Markdown for a reader of `language`."""
        return str(self.texts.get(self.language_for(language), ""))


class TextDraftQuerySet(models.QuerySet["TextDraft"]):
    """Drafts, which are the operator's."""

    def visible_to(self, actor: Actor) -> Self:
        """The operator's people only."""
        return self if actor.sees_all else self.none()


class TextDraft(models.Model):
    """The next version of a document while it is written. Invariant: one for each document; gone once it is published."""

    document = models.CharField(max_length=8, choices=Document.choices, unique=True)
    texts = models.JSONField(default=dict)
    valid_from = models.DateField(null=True)  # the day, in UTC
    version = models.PositiveIntegerField(default=1)  # of the row: counts up with each save
    saved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    saved_at = models.DateTimeField()

    objects = TextDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return _("%(document)s, draft") % {"document": self.get_document_display()}


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    """Acceptances, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """All for the operator, for everybody else their own."""
        if actor.sees_all:
            return self
        return self.filter(user_id=actor.user_id) if actor.user_id else self.none()


class Acceptance(AppendOnly):
    """A person accepted one version of one document. Invariants: append-only; once per person, document and version.

    `User.terms_version` and `User.privacy_version` repeat the latest, so that a page need not look here. A version without a
    `TextVersion` of that number was accepted before the texts were kept here.
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
