"""The results of set-up questions."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_timedelta
from django.urls import get_urlconf
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from smartplus.portal.kit.routes import address_of

COUNTED = 1001  # counting stops here


class State(enum.IntEnum):
    """The severity, the worst first."""

    BLOCKS = 0
    WAITS = 1  # neither money nor access is at risk
    OK = 2


@dataclass(frozen=True, slots=True)
class Step:
    """A button: the page where the problem is solved, or (`is_post`) the action itself."""

    label: str
    url: str
    is_post: bool = False
    is_main: bool = False
    confirm: str = ""  # the question before it is done


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the list. `key` is stable: "gateway_keys", or "prices:CHF"."""

    key: str
    state: State
    title: str
    detail: str
    steps: tuple[Step, ...] = ()

    @property
    def area(self) -> str:
        """The subject, which is the first part of the key."""
        return self.key.partition(":")[0]


def page(label: str, route: str, query: str = "") -> tuple[Step, ...]:
    """The step that leads to a page, where this installation has the page."""
    address = address_of(route, get_urlconf())
    return (Step(label, f"{address}?{query}" if query else address),) if address else ()


def ago(instant: datetime | None, now: datetime) -> str:
    """The time since an instant, in words: "3 minutes ago"; a dash for None."""
    if instant is None:
        return "–"
    if abs(now - instant) < timedelta(minutes=1):
        return _("just now")
    language = (get_language() or "en").partition("-")[0]
    return str(format_timedelta(min(instant, now) - now, add_direction=True, locale=language))


def many(count: int) -> str:
    """A number that was counted up to COUNTED, in words."""
    return f"{COUNTED - 1:,}+" if count >= COUNTED else str(count)
