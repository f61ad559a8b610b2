"""The same form twice: whoever comes first does it, the other one waits and is told where that led."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from accounts import fences
from accounts.models import SentForm

KEPT = timedelta(days=1)
FORGOTTEN_AT_ONCE = 500


def claim(digest: str, *, now: datetime) -> SentForm | None:
    """Claim a form inside the transaction that does what it asks for; None where that was done already. Where it is being done right
    now, this waits for the end of it."""
    try:
        with transaction.atomic():
            return SentForm.objects.create(digest=digest, sent_at=now)
    except IntegrityError:
        return None


def finish(claimed: SentForm, *, path: str) -> None:
    """Note where the answer leads."""
    claimed.path = path
    claimed.save(update_fields=["path"])


def give_back(claimed: SentForm) -> None:
    """Nothing was done: the same form may be sent again."""
    claimed.delete()


def led_to(digest: str) -> str:
    """Where the answer to a form led; "" for none that leads anywhere."""
    return SentForm.objects.filter(digest=digest).values_list("path", flat=True).first() or ""


def forget_old(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Delete what is older than a day, some at a time. Returns how many there were."""
    deleted = 0
    while budget is None or not budget.is_over:
        some = _delete_some(now - KEPT)
        deleted += some
        if some < FORGOTTEN_AT_ONCE:
            break
    return deleted


def _delete_some(before: datetime) -> int:
    with transaction.atomic():
        old = SentForm.objects.filter(sent_at__lt=before).select_for_update(no_key=True, skip_locked=True)
        keys = list(old.order_by("sent_at").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
        deleted: int = SentForm.objects.filter(pk__in=keys).delete()[0]
    return deleted
