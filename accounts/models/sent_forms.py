"""Forms that were sent and created something: sending the same form again creates nothing more."""

from __future__ import annotations

from django.db import models


class SentForm(models.Model):
    """One form that was sent. Invariants: `digest` covers the sender, the form's token and all its values, so the same form sent again
    is recognized and the same page with other values is another form; written in the transaction of the action, and deleted after a
    day."""

    digest = models.CharField(max_length=64, unique=True)
    path = models.CharField(max_length=500, blank=True)  # the address that its answer redirected to
    made = models.CharField(
        max_length=100, blank=True
    )  # the row it created, as "communities.resident:7": if that is undone, the form may be sent again
    sent_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"form {self.pk}"
