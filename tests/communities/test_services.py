"""The feature section of a community: defaults, what switches freely, what needs another switch, what a paid PM App holds (R10–R13, R24)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities import catalogue
from communities.actions import assignments, sites
from communities.errors import ServiceLocked
from communities.models import Entitlement, Site
from tests.people import NOW, People, Person
from tests.sites import ADDRESS, OPTIONS

FREE = sorted(set(catalogue.DEFAULTS) - {"pm_landline"})


def switch(by: Person, site: Site, *, now: datetime = NOW, options: dict[str, Any] | None = None, **on: Any) -> Site:
    fresh = Site.objects.get(pk=site.pk)
    return sites.edit_site(
        by.actor, site_id=site.pk, version=fresh.version, basics={"name": fresh.name, **ADDRESS}, free_members=None,
        switches={**fresh.switches, **on}, options={**OPTIONS, **(options or {})}, now=now,
    )  # fmt: skip


def give_petra_the_app(people: People, site: Site, *, app: bool = True) -> None:
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: app}, now=NOW
    )


@pytest.mark.rule("R10")
def test_a_community_begins_with_the_monitor_required_and_everything_else_off(make_site: Callable[..., Site]) -> None:
    on = {code for code, value in make_site().switches.items() if value}
    assert on == {"indoor_monitor"}


@pytest.mark.rule("R12")
@pytest.mark.parametrize("code", FREE)
def test_each_service_is_switched_freely_where_nothing_holds_it(
    people: People, make_site: Callable[..., Site], code: str
) -> None:
    site = make_site()
    default = catalogue.DEFAULTS[code]
    assert getattr(switch(people.ivan, site, **dict[str, Any]({code: not default})), code) is not default
    assert getattr(switch(people.ivan, site, **dict[str, Any]({code: default})), code) is default
    assert AuditEvent.objects.filter(action="site.changed").count() == 2


@pytest.mark.rule("R11")
def test_a_paid_pm_app_holds_the_switch_until_its_grace_is_over(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site(pm_app=True)
    give_petra_the_app(people, site)
    switch(people.ivan, site, pm_app=False)
    switch(people.ivan, site, pm_app=True)
    Entitlement.objects.filter(service_type="pm_app").pay_until(NOW + timedelta(days=9), paid_variant="plain")
    item = Entitlement.objects.get(service_type="pm_app")
    assert item.works_until is not None
    for now in (NOW, item.works_until - timedelta(seconds=1)):
        with pytest.raises(ServiceLocked, match="Petra Holm") as refused:
            switch(people.ivan, site, now=now, pm_app=False)
        assert refused.value.field == "pm_app"
        assert Site.objects.get().pm_app is True
    assert switch(people.ivan, site, now=item.works_until, pm_app=False).pm_app is False


@pytest.mark.rule("R11")
def test_what_is_held_holds_nothing_else(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site(pm_app=True, pm_landline=True, booking=True)
    give_petra_the_app(people, site)
    Entitlement.objects.filter(service_type="pm_app").pay_until(NOW + timedelta(days=9), paid_variant="plain+landline")
    changed = switch(people.ivan, site, booking=False, pm_landline=False)
    assert (changed.pm_app, changed.booking, changed.pm_landline) == (True, False, False)


@pytest.mark.rule("R11")
def test_a_manager_who_left_holds_nothing(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site(pm_app=True)
    give_petra_the_app(people, site)
    Entitlement.objects.filter(service_type="pm_app").pay_until(NOW + timedelta(days=9), paid_variant="plain")
    assignments.set_managers(people.ivan.actor, site_id=site.pk, pm_app_by_membership={}, now=NOW)
    assert switch(people.ivan, site, pm_app=False).pm_app is False


@pytest.mark.rule("R13", "R25")
def test_a_ticked_manager_is_billable_while_the_switch_is_off(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site(pm_app=False)
    give_petra_the_app(people, site, app=False)
    assert not Entitlement.objects.wanted().exists()
    give_petra_the_app(people, site)
    assert [item.service_type for item in Entitlement.objects.wanted()] == ["pm_app"]
    assert Site.objects.get().pm_app is False  # until it is paid for
    give_petra_the_app(people, site, app=False)
    assert not Entitlement.objects.wanted().exists()


@pytest.mark.rule("R24")
def test_the_database_knows_no_pm_landline_without_the_pm_app(make_site: Callable[..., Site]) -> None:
    site = make_site(pm_app=True, pm_landline=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Site.objects.filter(pk=site.pk).update(pm_app=False)
    assert catalogue.normalised({**site.switches, "pm_app": False})["pm_landline"] is False


def test_cameras_are_watched_by_somebody(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site()
    nobody = {"camera_residents": False, "camera_administrators": False}
    with pytest.raises(Refused, match="who may watch") as refused:
        switch(people.ivan, site, third_party_camera=True, options=nobody)
    assert refused.value.field == "third_party_camera"
    switch(people.ivan, site, third_party_camera=False, options=nobody)
    for who in nobody:
        switch(people.ivan, site, third_party_camera=True, options={**nobody, who: True})
    assert Site.objects.get().third_party_camera is True


@pytest.mark.parametrize("days", [0, 14, 365])
def test_recordings_are_kept_for_7_30_or_90_days(people: People, make_site: Callable[..., Site], days: int) -> None:
    site = make_site()
    with pytest.raises(Refused, match="7, 30 or 90"):
        switch(people.ivan, site, options={"retention_days": days})
    with pytest.raises(IntegrityError), transaction.atomic():
        Site.objects.filter(pk=site.pk).update(retention_days=days)
    for kept in (7, 30, 90):
        assert switch(people.ivan, site, options={"retention_days": kept}).retention_days == kept


def test_at_most_63_members_are_free(make_site: Callable[..., Site]) -> None:
    site = make_site()
    assert site.free_members == 4
    Site.objects.filter(pk=site.pk).update(free_members=63)
    with pytest.raises(IntegrityError), transaction.atomic():
        Site.objects.filter(pk=site.pk).update(free_members=64)


@pytest.mark.rule("R2")
def test_services_are_switched_by_the_installer_and_its_technicians_on_the_site(
    people: People, make_site: Callable[..., Site]
) -> None:
    site = make_site()
    give_petra_the_app(people, site, app=False)
    with pytest.raises(NotPermitted):
        switch(people.petra, site, booking=True)
    with pytest.raises(NotPermitted):
        switch(people.olga, site, booking=True)
    with pytest.raises(Site.DoesNotExist):
        switch(people.sam, site, booking=True)
    assert switch(people.dora, site, booking=True).booking is False  # hers is the number of free members only
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    assert switch(people.tess, site, booking=True).booking is True
