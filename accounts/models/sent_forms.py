"""Forms that were sent and made something: the same one once more makes nothing again."""

from __future__ import annotations

from django.db import models


class SentForm(models.Model):
    """One form that was sent. Invariants: `digest` is of who sent it, its token and everything that stood in it, so the same form sent again
    is known and the same page filled otherwise is another one; written in the transaction that made what was asked for, and forgotten after a day."""

    digest = models.CharField(max_length=64, unique=True)
    path = models.CharField(max_length=500, blank=True)  # where its answer led
    made = models.CharField(
        max_length=100, blank=True
    )  # the row it made, as "communities.resident:7": undone, the form is free again
    sent_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"form {self.pk}"
