"""The manager that leaves out what is archived."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class LiveManager(models.Manager[Row]):
    """Rows that are not archived. The default manager of such a model is `every`, so that relations and locks find archived rows too."""

    def get_queryset(self) -> models.QuerySet[Row]:
        """Without archived rows (R78)."""
        return super().get_queryset().filter(archived_at=None)
