"""The words of the audit: what an action is called in the database, in lists and in a sentence; each is declared beside its action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit.sentences import Names, detailed
from accounts.models import AuditEvent

Tell = Callable[[AuditEvent, Names], str]  # "" where the event does not say enough


class Area(models.TextChoices):
    """What a change is about, as the audit log is filtered."""

    SERVICES = "services", _("Services")
    DEVICES = "devices", _("Devices")
    PEOPLE = "people", _("Permissions")
    PRICES = "prices", _("Prices")
    SETUP = "setup", _("Set-up")
    ORDERS = "orders", _("Orders")
    SECURITY = "security", _("Security")


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One kind of change. `code` is what rows keep for ever; `label` names the kind, `sentence` says it of one subject, `%(what)s` (without
    one the label is the sentence). No `area`: only the list of everything has it."""

    code: str
    label: Promise
    sentence: Promise | None = None
    _: KW_ONLY
    area: Area | None = None
    saves: bool = False  # whether a form that shows the subject is out of date afterwards
    tells: Tell | None = None  # a fuller sentence, with what the reader knows
    details: Tell | None = None  # what stands after the sentence
    effect: Tell | None = None  # what came of it, for a narrow column
    compares: int = 0  # how many fields are compared, of which only those that differ are kept; 0 where nobody counts

    def tell(self, event: AuditEvent, names: Names) -> str:
        """What one event says happened, with who, where and how much as far as the reader may know."""
        told = self.tells(event, names) if self.tells else ""
        told = told or str(self.sentence or self.label) % {"what": event.subject_label}
        return detailed(told, self.details(event, names)) if self.details else told
