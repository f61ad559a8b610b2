"""Template tags of site pages: how a paid service stands at the instant of the request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.typed import days as of_site
from communities.models import PriceClass, Site, State, state_of
from communities.reports import WARNING, PaidProgress, ServiceLine
from smartplus.portal.kit.day_tags import distance_to_end, timed_end
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status
from smartplus.portal.sites.tabs import Shown, tabs_of

register = template.Library()


@register.simple_tag
def site_class(site: Site) -> str:
    """The price class of a site, in the line below its name (R29)."""
    return _("class Integration") if site.price_class == PriceClass.INTEGRATION else _("class Normal")


@register.simple_tag(takes_context=True)
def expiry(
    context: dict[str, Any],
    when: datetime | None,
    works_until: datetime | None,
    zone: str,
    nothing: str = "",
    renews: bool = False,
) -> SafeString:
    """When paid time ends, with how far that is away, coloured by what it means; `nothing` is said for None.

    `works_until` is the end of its grace, `zone` is the site's. An end that is renewed by itself alarms nobody.
    """
    now: datetime = context.get("now") or timezone.now()
    return expires(when, works_until, zone, now, nothing=nothing, renews=renews)


def expires(
    when: datetime | None,
    works_until: datetime | None,
    zone: str,
    now: datetime,
    *,
    nothing: str = "",
    renews: bool = False,
) -> SafeString:
    """The same for rows made in Python."""
    if when is None:
        return status("inactive hollow", nothing or _("Not activated"))
    return timed_end(
        when,
        as_html(
            '{}<span class="t12 mute">{}</span>',
            status(tone_of(when, works_until, now, renews=renews), of_site.end_date(when, zone)),
            _distance_word(when, works_until, zone, now),
        ),
        zone,
    )


@register.simple_tag(takes_context=True)
def standing(
    context: dict[str, Any], when: datetime | None, works_until: datetime | None, renews: bool = False
) -> SafeString:
    """The same in one word: Active, Expiring, Auto-renew, In grace, Lapsed, Not activated."""
    now: datetime = context.get("now") or timezone.now()
    return status(tone_of(when, works_until, now, renews=renews), word_of(when, works_until, now, renews=renews))


@register.simple_tag(takes_context=True)
def site_tabs(context: dict[str, Any]) -> list[Shown]:
    """The tabs of the page's site."""
    return tabs_of(context["site"], context["tab"], context)


@register.simple_tag
def paid(line: ServiceLine) -> SafeString:
    """Whether what is switched on is paid for, as S2's differences would say it."""
    if line.configured and not line.started:
        return status("inactive hollow", _("Not activated"))
    if line.configured and line.paid == line.configured:
        return status("active", _("Paid"))
    if line.configured and line.paid:
        return status("expiring", _("Paid in %(n)s of %(all)s") % {"n": line.paid, "all": line.configured})
    if line.configured:
        return status("lapsed", _("On, not paid"))
    if line.unused:
        return status("pending", _("Paid, not used"))
    return format_html('<span class="mute">{}</span>', _("Nothing to pay yet"))


@register.simple_tag
def chip(url: str, label: str, unit: str, n: int, of: int, tone: str = "") -> SafeString:
    """A progress chip: quiet when nothing is missing, else a link to what is. `tone` is the class of the bar, `unit` the words for
    screen readers only. In Python, since a list has three a row; the mark of a full one is drawn by the style."""
    if n != of:
        return as_html(
            '<a class="pc" href="{}"><i>{}</i><span class="of"><b>{}</b> / {}</span><em>{}</em>'
            '<progress class="{}" max="{}" value="{}" aria-hidden="true"></progress></a>',
            url, label, n, of, unit, f"pg {tone}" if tone else "pg", of, n,
        )  # fmt: skip
    if of:
        return as_html('<a class="pc ok" href="{}"><i>{}</i><b>{}</b><em>{}</em></a>', url, label, n, unit)
    return as_html(
        '<a class="pc no" href="{}"><i>{}</i><b>{}</b><em>{}</em><span aria-hidden="true">–</span></a>',
        url, label, n, unit,
    )  # fmt: skip


def tone_of(when: datetime | None, works_until: datetime | None, now: datetime, *, renews: bool = False) -> str:
    """The status class of an expiry."""
    state = state_of(when, works_until, now)
    if when is None or state is State.NEW:
        return "inactive hollow"
    if state is State.LAPSED:
        return "lapsed"
    if renews and state is State.ACTIVE:
        return "auto"
    return "expiring" if now >= when - WARNING else "active"


def word_of(when: datetime | None, works_until: datetime | None, now: datetime, *, renews: bool = False) -> str:
    """The status word of an expiry."""
    state = state_of(when, works_until, now)
    if when is None or state is State.NEW:
        return _("Not activated")
    if state is not State.ACTIVE:
        return _("Lapsed") if state is State.LAPSED else _("In grace")
    if renews:
        return _("Auto-renew")
    return _("Expiring") if now >= when - WARNING else _("Active")


def pill_of(progress: PaidProgress, now: datetime) -> tuple[str, str]:
    """How a site stands, (tone, words): as its worst item does, with their number where not all of them do."""
    every, never, lapsed = progress.items, progress.never, progress.lapsed
    if never == every:
        return "inactive hollow", _("Not activated")
    if lapsed:
        return "lapsed", _("Lapsed") if lapsed == every else _("%(n)s lapsed") % {"n": lapsed}
    if progress.in_grace:
        return "expiring", _("In grace")
    if progress.unpaid:
        return "expiring", _("Not all paid")
    if never:
        return "pending", _("%(n)s not activated") % {"n": never}
    if progress.is_ending(now):
        return "expiring", _("Expiring")
    return ("auto", _("Auto-renew")) if progress.renews else ("active", _("Active"))


def _distance_word(when: datetime, works_until: datetime | None, zone: str, now: datetime) -> str:
    distance = distance_to_end(when, zone, now)
    return f"{_('in grace')}, {distance}" if state_of(when, works_until, now) is State.GRACE else distance
