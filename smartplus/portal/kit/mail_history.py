"""Sent mail on the page of its subject: to whom, when, and how far it got. Bounded in number, limited to what the
actor may see, one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from accounts.models import Notice
from accounts.scope import Actor
from smartplus.portal.kit.numbers import typed_id

SHOWN = 8  # of the newest; what came before is one click away
WORD = "mail"  # of the address: show what is older than this one


@dataclass(frozen=True, slots=True)
class MailHistory:
    """The mails to show, newest first; `older` is the key of those before them, "" when there are none."""

    notices: list[Notice]
    older: str
    is_older: bool  # whether these are not the newest

    def __bool__(self) -> bool:
        return bool(self.notices) or self.is_older


Subject = models.Model | models.QuerySet[Any]  # a row, or a query of rows


def about(
    actor: Actor, query: Mapping[str, str], *subjects: models.Model | Iterable[Subject] | None, size: int = SHOWN
) -> MailHistory:
    """The mails about rows, or about lists of rows and of queries."""
    rows = [
        row for subject in subjects if subject for row in ([subject] if isinstance(subject, models.Model) else subject)
    ]
    return newest(Notice.objects.visible_to(actor).about(*rows), query, size=size)


def newest(found: models.QuerySet[Notice], query: Mapping[str, str], *, size: int = SHOWN) -> MailHistory:
    """The newest of these mails, or what is older than `?mail=` says."""
    if last := typed_id(query.get(WORD)):
        found = found.filter(pk__lt=last)
    rows = list(found.defer("body").order_by("-pk")[: size + 1])
    return MailHistory(rows[:size], str(rows[size - 1].pk) if len(rows) > size else "", bool(last))
