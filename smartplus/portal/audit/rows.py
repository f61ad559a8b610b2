"""Rows of the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.typed.text import isolated
from smartplus.portal.audit.queries import Row
from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html

PAGING = ("after", "before", "who")


class ChangeCells(NamedTuple):
    """One change; `link` and `only` are the links that its opened row offers."""

    id: int
    url: str
    when: str
    who: str
    firm: str
    what: str
    where: str
    effect: str
    no_effect: str
    link: str
    only: str


def cells(rows: Iterable[Row], query: QueryDict, now: datetime, *, is_of_one: bool) -> list[ChangeCells]:
    """The cells of changes; `query` is the address of the list, which *only changes by* keeps. A list that `is_of_one` offers no other."""
    kept = urlencode([(name, value) for name, values in query.lists() if name not in PAGING for value in values])
    before = f"?{kept}&who=" if kept else "?who="
    only, found = _("Only changes by %(name)s"), []
    for row in rows:
        event = row.event
        by = ""
        if event.user_id and not is_of_one:
            by = as_html('<a href="{}{}">{}</a>', before, event.user_id, only % {"name": isolated(event.who)})
        found.append(
            ChangeCells(
                id=event.pk,
                url=address("audit-detail", event.pk),
                when=when(event.at, now),
                who=row.who,
                firm=row.firm,
                what=row.what,
                where=row.where,
                effect=row.effect or "–",
                no_effect="" if row.effect else " none",
                link=as_html('<a href="{}">{}</a>', row.url, row.where) if row.url else "",
                only=by,
            )
        )
    return found
