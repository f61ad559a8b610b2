"""Audit words: what an action is called in the database, in lists and in a sentence. Each is declared beside its action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit.sentences import Names, detailed
from accounts.models import AuditEvent

Tell = Callable[[AuditEvent, Names], str]  # returns "" where the event lacks what is needed


class Area(models.TextChoices):
    """The subject area of a change, for the filter of the audit log."""

    SERVICES = "services", _("Services")
    DEVICES = "devices", _("Devices")
    PEOPLE = "people", _("Permissions")
    PRICES = "prices", _("Prices")
    SETUP = "setup", _("Set-up")
    ORDERS = "orders", _("Orders")
    SECURITY = "security", _("Security")


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One kind of change. `code` is stored in rows and never changes; `label` names the kind; `sentence` tells it, with `%(what)s` for
    the subject (without a sentence the label is used). Words without an `area` appear only in the unfiltered log."""

    code: str
    label: Promise
    sentence: Promise | None = None
    _: KW_ONLY
    area: Area | None = None
    saves: bool = False  # whether a form that shows the subject is outdated by the change
    tells: Tell | None = None  # a longer sentence, with what the reader may know
    details: Tell | None = None  # text after the sentence
    effect: Tell | None = None  # the result, for a narrow column
    compares: int = 0  # number of compared fields, of which only the changed ones are stored; 0 where it is not needed

    def tell(self, event: AuditEvent, names: Names) -> str:
        """The sentence of one event: what happened, by whom, where and how much, as far as the reader may know it."""
        told = self.tells(event, names) if self.tells else ""
        told = told or str(self.sentence or self.label) % {"what": event.subject_label}
        return detailed(told, self.details(event, names)) if self.details else told
