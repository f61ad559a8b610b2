"""The next 90 days as bars by day, and as 13 weeks on narrow screens: what ends when, and whether it needs an action."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from communities.models import Mode
from payments import money
from smartplus.access import PortalRequest
from smartplus.portal.kit.chart import Chart, Column, draw
from subscriptions.dashboard import Due
from subscriptions.summary import HORIZON

# From the bottom up: items that need an action are next to the axis.
STACK = ((Mode.FAIL, "bad"), (Mode.MANUAL, "man"), (Mode.AUTO, "aut"))
WEEKS = 13
DAY = {"en": "EEE d MMM", "de": "EEE, d. MMM"}
MARK = {"en": "d MMM", "de": "d. MMM"}
FULL_DAY = {"en": "EEEE d MMMM y", "de": "EEEE, d. MMMM y"}


@dataclass(frozen=True, slots=True)
class Span:
    """One day, or several: what ends there by mode, as items and as money (None where there is no price)."""

    first: date
    last: date
    counts: dict[Mode, int]
    amounts: dict[Mode, int] | None

    @property
    def count(self) -> int:
        """All items."""
        return sum(self.counts.values())

    @property
    def amount_minor(self) -> int | None:
        """The price of 30 more days for all of them."""
        return None if self.amounts is None else sum(self.amounts.values())

    @property
    def by_mode(self) -> list[tuple[int, int | None]]:
        """(items, amount) of manual, auto-renew and will-fail items: the cells of the table."""
        return [
            (self.counts.get(mode, 0), None if self.amounts is None else self.amounts.get(mode, 0))
            for mode in (Mode.MANUAL, Mode.AUTO, Mode.FAIL)
        ]

    @property
    def words(self) -> str:
        """The day, or the first and the last day."""
        first = _in_words(self.first, DAY)
        return first if self.first == self.last else f"{first} – {_in_words(self.last, DAY)}"

    @property
    def url(self) -> str:
        """The list of what ends on these days."""
        return f"{reverse('dashboard-items')}?show=due&from={self.first}&to={self.last}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The values for the template: two drawings of the same data, the sums by mode, and the days that are not empty."""

    days: Chart
    weeks: Chart
    total: Span
    rows: list[Span]
    currency: str


def calendar(dues: Iterable[Due], *, today: date, currency: str) -> Calendar | None:
    """The calendar of what ends within the horizon; None when nothing does."""
    dues = list(dues)
    if not dues:
        return None
    end = today + HORIZON
    by_day: dict[date, list[Due]] = {}
    for due in dues:
        by_day.setdefault(min(due.day, end), []).append(due)
    days = [_span(day, day, by_day.get(day, [])) for day in _days(today, HORIZON.days + 1)]
    weeks = []
    for at in range(WEEKS):
        first = today + timedelta(days=7 * at)
        # 13 weeks are 91 days: the last week also contains the last day of the horizon
        last = end if at == WEEKS - 1 else first + timedelta(days=6)
        weeks.append(_span(first, last, [due for day in by_day if first <= day <= last for due in by_day[day]]))
    day_marks = {
        day: _mark(day)
        for day in _days(today, HORIZON.days - 2)
        if day.day in {1, 15} and day > today + timedelta(days=5)
    }
    week_marks = {week.first: _mark(week.first) for week in weeks[3::3]}
    return Calendar(
        days=_drawn(days, {today: _("Today"), **day_marks}, 976, 168, currency),
        weeks=_drawn(weeks, {today: _("Now"), **week_marks}, 334, 150, currency),
        total=_span(today, end, dues),
        rows=[span for span in days if span.count],
        currency=currency,
    )


def _days(first: date, n: int) -> list[date]:
    return [first + timedelta(days=at) for at in range(n)]


def _span(first: date, last: date, dues: Iterable[Due]) -> Span:
    counts: dict[Mode, int] = {}
    amounts: dict[Mode, int] | None = {}
    for due in dues:
        counts[due.mode] = counts.get(due.mode, 0) + due.count
        if due.amount_minor is None:
            amounts = None
        elif amounts is not None:
            amounts[due.mode] = amounts.get(due.mode, 0) + due.amount_minor
    return Span(first, last, counts, amounts)


def _drawn(spans: list[Span], marks: dict[date, str], width: int, height: int, currency: str) -> Chart:
    has_money = all(span.amounts is not None for span in spans)
    columns = [
        Column(
            parts=tuple(
                (css, (span.amounts or {}).get(mode, 0) if has_money else span.counts.get(mode, 0))
                for mode, css in STACK
            ),
            title=_title(span, currency),
            url=span.url,
            mark=marks.get(span.first, ""),
        )
        for span in spans
    ]
    return draw(
        columns,
        width=width,
        height=height,
        label=lambda value, is_top: _amount(value, currency, is_top) if has_money else _number(value),
    )


def _amount(value: int, currency: str, is_top: bool) -> str:
    """A label of the axis: only the highest one has the currency, and whole amounts have no cents."""
    if not is_top:
        return _number(money.to_decimal(value, currency))
    digits = money.exponent(currency)
    text = money.show(value, currency, language=language())
    return re.sub(rf"[.,]0{{{digits}}}(?=\D*$)", "", text) if digits else text


def _number(value: Decimal | int) -> str:
    return str(format_decimal(value, locale=language()))


def _title(span: Span, currency: str) -> str:
    names = {Mode.MANUAL: _("by hand"), Mode.AUTO: _("auto-renew"), Mode.FAIL: _("will fail")}
    told = [f"{span.words}: " + ngettext("%(n)s item", "%(n)s items", span.count) % {"n": span.count}]
    for mode, _css in reversed(STACK):
        if n := span.counts.get(mode, 0):
            worth = str(n) if span.amounts is None else money.show(span.amounts[mode], currency, language=language())
            told.append(f"{names[mode]} {worth}")
    return ", ".join(told)


def _mark(day: date) -> str:
    return _in_words(day, MARK)


def date_today(request: PortalRequest) -> str:
    """Today's date in full, in the reader's time zone."""
    return _in_words(timezone.localtime(request.now).date(), FULL_DAY)


def _in_words(day: date, formats: Mapping[str, str]) -> str:
    known = language()
    return str(format_date(day, formats.get(known, formats["en"]), locale=known))


def language() -> str:
    """The language of the page, without its country."""
    return (get_language() or "en").split("-", maxsplit=1)[0]
