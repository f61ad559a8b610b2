"""What a sync came to, in words."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from communities.actions import pms_sync

LABELS: Mapping[str, Promise] = {
    pms_sync.CREATED: _("Created"),
    pms_sync.UPDATED: _("Updated"),
    pms_sync.UNCHANGED: _("Unchanged"),
    pms_sync.WAITING: _("Waiting for a yes"),
    pms_sync.CONFLICT: _("Conflicts to decide"),
    pms_sync.REFUSED: _("Refused"),
}


def counted(counts: Mapping[str, int]) -> list[tuple[Promise, int]]:
    """How many people there were of each result, in the order of `LABELS`."""
    return [(label, counts[result]) for result, label in LABELS.items() if result in counts]
