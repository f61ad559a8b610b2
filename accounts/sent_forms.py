"""Sending the same form twice: the first request does the work, the second waits and is redirected to the result of the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.apps import apps
from django.db import models, transaction

from accounts import fences
from accounts.models import SentForm

KEPT = timedelta(days=1)
# So long the same form counts as the same click, where no created row can tell whether it was undone.
REPEATED = timedelta(minutes=2)
FORGOTTEN_AT_ONCE = 500
CLOSED = ("removed_at", "revoked_at", "closed_at")  # columns that mark a row as removed


def claim(digest: str, *, now: datetime) -> SentForm | None:
    """Claim a form inside the transaction of its action; None where it was done already and its result still exists. If another request
    is doing it now, this call waits for its end."""
    rows = SentForm.objects.select_for_update(no_key=True)
    form, is_new = rows.get_or_create(digest=digest, defaults={"sent_at": now})
    if not is_new and _stands(form, now):
        return None
    form.sent_at = now
    return form


@contextmanager
def claiming(digest: str, *, now: datetime) -> Iterator[SentForm | None]:
    """`claim` and the work inside as one transaction; an exception releases the claim."""
    with transaction.atomic():
        yield claim(digest, now=now)


def _stands(form: SentForm, now: datetime) -> bool:
    """Whether the created row exists and was not removed."""
    if not form.made:
        return now < form.sent_at + REPEATED
    label, _colon, pk = form.made.partition(":")
    row = apps.get_model(label)._base_manager.filter(pk=pk).first()
    if row is None or any(getattr(row, name, None) is not None for name in CLOSED):
        return False
    return bool(getattr(row, "is_live", True) and getattr(row, "is_active", True))


def finish(claimed: SentForm, *, path: str, row: models.Model | None = None) -> None:
    """Store the address of the answer, and the row that was created."""
    claimed.path, claimed.made = path, f"{row._meta.label_lower}:{row.pk}" if row else ""
    claimed.save(update_fields=["path", "made", "sent_at"])


def give_back(claimed: SentForm) -> None:
    """Nothing was done: the same form may be sent again."""
    claimed.delete()


def led_to(digest: str) -> str:
    """The address that the answer to a form redirected to; "" where there is none."""
    return SentForm.objects.filter(digest=digest).values_list("path", flat=True).first() or ""


def forget_old(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Delete rows older than a day, in batches. Returns how many."""
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
