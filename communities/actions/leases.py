"""The job of leases: people arrive and leave on their days, the site's people are told before, and who left long ago is erased."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts import audit, fences, notify
from accounts.fences import Budget
from accounts.models import Membership, Topic
from accounts.scope import Actor
from accounts.typed.days import site_day
from communities.actions.households import events_of, lock_apartments, settle
from communities.actions.registrations import forget_asked
from communities.actions.sites import lock_site
from communities.models import ManagerAssignment, Resident, Site, Stage

JOB = "leases"
LEASES = Actor.system(JOB)
AHEAD = timedelta(hours=14)  # the farthest that a site's clock is ahead of UTC
AT_ONCE = 500  # people who left long ago, erased by one run


def turn_due(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Let people arrive and leave whose day at their site has come, and tell a site's people of leases that end soon. Returns how many people
    that concerned. Each site is fenced; running it again changes nothing."""
    budget = budget or Budget()
    forget_left(now=now)
    forget_asked(now=now)
    waiting = Site.objects.filter(pk__in=Resident.objects.filter(_is_due(now) | _ends_soon(now)).values("site_id"))
    sites = fences.due(JOB, waiting, by=("pk",), now=now, limit=limit)
    return fences.each(JOB, sites, lambda pk: _turn(pk, now=now), now=now, budget=budget, key=lambda pk: pk)


def _turn(site_id: int, *, now: datetime) -> int:
    return turn_site(site_id, now=now) + tell_of(site_id, now=now)


@transaction.atomic
def turn_site(site_id: int, *, now: datetime) -> int:
    """Let people of one site arrive and leave. Returns how many. Locks: site → apartments → residents → entitlements."""
    site = lock_site(LEASES, site_id)
    flats = Resident.objects.filter(_is_due(now), site=site).values_list("apartment_id", flat=True).distinct()
    changes = settle(site, ids, now=now) if (ids := lock_apartments(flats)) else []
    audit.record_all(events_of(LEASES, changes, now=now))
    return len(changes)


@transaction.atomic
def tell_of(site_id: int, *, now: datetime) -> int:
    """Mail whoever installs and manages a site of the leases that end soon, once for each end. Returns how many people that is."""
    site = lock_site(LEASES, site_id)
    rows = Resident.objects.filter(_ends_soon(now), site=site).select_related("apartment__building")
    ending = sorted(rows, key=lambda row: (row.lease_until or site_day(now, site.time_zone), row.pk))
    if not ending:
        return 0
    for member in _told(site):
        notify.post(
            key=f"leases:{site.pk}.{now.isoformat()}.{member.pk}", topic=Topic.SITES, to=member.user, template="leases_end",
            context={"site": site, "residents": ending, "site_url": settings.SITE_URL}, now=now, about=site,
            tenant=member.organization,
        )  # fmt: skip
    rows.filter(pk__in=[row.pk for row in ending]).update(told_until=F("lease_until"))
    return len(ending)


def _told(site: Site) -> QuerySet[Membership]:
    """Administrators of the installer, and the managers who look after the site."""
    managers = ManagerAssignment.objects.filter(site=site, ended_at=None).values("membership_id")
    whom = Q(organization=site.installer_id, is_technician=False) | Q(pk__in=managers)
    return Membership.objects.usable().filter(whom).select_related("user", "organization").order_by("pk")


@transaction.atomic
def forget_left(*, now: datetime) -> int:
    """Erase who moved out RESIDENTS_KEPT_DAYS ago. Returns how many."""
    before = now - timedelta(days=settings.RESIDENTS_KEPT_DAYS)
    rows = Resident.objects.filter(stage=Stage.ENDED, left_at__lte=before).order_by("pk")
    ids = list(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    return Resident.objects.filter(pk__in=ids).delete()[0] if ids else 0


def _is_due(now: datetime) -> Q:
    """Residents whose first day has come, or whose last day is over, each by the clock of its site."""
    latest = (now + AHEAD).date()
    near = Q(stage=Stage.FUTURE, lease_from__lte=latest) | Q(left_at=None, lease_until__lt=latest)
    due = Q(pk=None)
    for zone in _zones(near):
        today = site_day(now, zone)
        here = Q(stage=Stage.FUTURE, lease_from__lte=today) | Q(left_at=None, lease_until__lt=today)
        due |= Q(here, site__time_zone=zone)
    return due


def _ends_soon(now: datetime) -> Q:
    """Residents whose lease ends within LEASE_NOTICE_DAYS, of which nobody was told yet. The day of the site matters little here."""
    until = (now + timedelta(days=settings.LEASE_NOTICE_DAYS)).date()
    ends = Q(stage=Stage.PRESENT, left_at=None, lease_until__lte=until)
    return ends & (Q(told_until=None) | ~Q(told_until=F("lease_until")))


def _zones(near: Q) -> list[str]:
    zones = Resident.objects.filter(near).order_by("site__time_zone").values_list("site__time_zone", flat=True)
    return list(zones.distinct())
