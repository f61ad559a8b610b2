"""The state of a site for the head of its pages, read from the summary by day, which has few rows however large the site is. If an item
begins, ends or lapses today, the day does not tell whether that is before or after now; only then the items themselves are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from communities import catalogue, reports
from communities.models import ExpiryDay, Site
from communities.models.expiries import BY_SITE, What
from communities.models.status import Mode
from communities.reports import WARNING, Alike, PaidProgress


@dataclass(frozen=True, slots=True)
class Places:
    """How many apartments a site has, and how many of them wait for their indoor monitor."""

    units: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """The instants of `progress` are exact to the day only: they are for `pill_of`, and must not be shown."""

    progress: PaidProgress
    places: Places


def status_of(site: Site, now: datetime) -> SiteStatus:
    """One statement; a second one on a day on which something of the site ends."""
    groups = ("service_type", "variant", "paid_variant", "mode", "day")
    rows = ExpiryDay.objects.filter(site=site, stage__in=BY_SITE).order_by().values_list(*groups)
    items, places, is_certain = list[Alike](), dict[str, int](), True
    for service_type, variant, paid, mode, day, n in rows.annotate(n=Sum("count")).exclude(n=0):
        if not service_type:
            places[variant] = n
            continue
        first = _begin(day, site.time_zone) if day else None
        if first and variant:
            is_certain &= not _is_split(service_type, first, _begin(day + timedelta(days=1), site.time_zone), now)
        works_until = catalogue.works_until(service_type, first)
        items.append(Alike(service_type, variant, paid, first, works_until, n, n if mode != Mode.AUTO else 0))
    progress = reports.progress_of(items, now)
    if not is_certain or _is_mixed(items, progress.next_loose):
        progress = reports.paid_progress([site.pk], now).get(site.pk, PaidProgress())
    waiting = places.get(What.WAITING, 0)
    return SiteStatus(progress, Places(places.get(What.APARTMENT, 0) + waiting, waiting))


def units() -> Coalesce:
    """`Places.units` for a query of sites."""
    here = ExpiryDay.objects.filter(
        site=OuterRef("pk"), stage__in=BY_SITE, day=None, service_type="", variant__in=[What.APARTMENT, What.WAITING]
    )
    return Coalesce(Subquery(here.order_by().values("site").annotate(n=Sum("count")).values("n")), 0)


def _begin(day: date, zone: str) -> datetime:
    """The first instant of a day at the site."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def _is_split(service_type: str, first: datetime, beyond: datetime, now: datetime) -> bool:
    """Whether, of items that end in this time, some may have ended, lapsed or come near their end while others have not."""
    grace = catalogue.BY_TYPE[service_type].grace
    return any(first <= instant < beyond for instant in (now, now - grace, now + WARNING))


def _is_mixed(items: list[Alike], first: datetime | None) -> bool:
    """Whether the first day on which something without auto-renewal ends also has ends of auto-renewed items: then the first of them is
    unknown."""
    return first is not None and any(row.expires_at == first and row.variant and row.loose == 0 for row in items)
