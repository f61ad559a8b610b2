"""The same form twice: whoever comes first does it, the other one waits and is told where that led."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.apps import apps
from django.db import models, transaction

from accounts import fences
from accounts.models import SentForm

KEPT = timedelta(days=1)
REPEATED = timedelta(
    minutes=2
)  # how long the same deed is taken for the same click, where it made no row that tells whether it was undone
FORGOTTEN_AT_ONCE = 500
CLOSED = ("removed_at", "revoked_at", "closed_at")  # columns that tell that a row is history


def claim(digest: str, *, now: datetime) -> SentForm | None:
    """Claim a form inside the transaction that does what it asks for; None where that was done already and still stands. Where it is
    being done right now, this waits for the end of it."""
    rows = SentForm.objects.select_for_update(no_key=True)
    form, is_new = rows.get_or_create(digest=digest, defaults={"sent_at": now})
    if not is_new and _stands(form, now):
        return None
    form.sent_at = now
    return form


@contextmanager
def claiming(digest: str, *, now: datetime) -> Iterator[SentForm | None]:
    """`claim`, and what is done inside, as one transaction: what is raised gives the claim back."""
    with transaction.atomic():
        yield claim(digest, now=now)


def _stands(form: SentForm, now: datetime) -> bool:
    """Whether what the form made is there and in use."""
    if not form.made:
        return now < form.sent_at + REPEATED
    label, _colon, pk = form.made.partition(":")
    row = apps.get_model(label)._base_manager.filter(pk=pk).first()
    if row is None or any(getattr(row, name, None) is not None for name in CLOSED):
        return False
    return bool(getattr(row, "is_live", True) and getattr(row, "is_active", True))


def finish(claimed: SentForm, *, path: str, row: models.Model | None = None) -> None:
    """Note where the answer leads, and the row that was made."""
    claimed.path, claimed.made = path, f"{row._meta.label_lower}:{row.pk}" if row else ""
    claimed.save(update_fields=["path", "made", "sent_at"])


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
