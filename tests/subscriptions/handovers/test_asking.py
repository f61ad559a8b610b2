"""Offering a site to another installer: by whom, to whom, and how it ends without going."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Notice, Organization
from communities.models import Site
from subscriptions.actions import handovers
from subscriptions.errors import HandoverClosed
from subscriptions.models import Handover
from tests.flows.tenants import assert_tenants_consistent
from tests.people import NOW, People, Person

LATER = NOW + timedelta(days=15)


def test_an_installer_names_the_firm_and_both_sides_are_told(
    people: People, kai: Person, make_site, offer: Callable[..., Handover]
) -> None:
    site = make_site()
    handover = offer(site)
    assert (handover.giver, handover.taker, handover.state) == (people.ivan.firm, kai.firm, "asked")
    assert (handover.site_name, handover.expires_at) == ("Harbour View", NOW + timedelta(days=14))
    letter = Notice.objects.get(key__startswith="handover-asked:")
    assert (letter.email, letter.subject) == ("kai@quay.example", "Hafen Intercom GmbH offers you a site")
    assert "Ivan" not in letter.body
    told = {event.installer_id: event for event in AuditEvent.objects.filter(action="handover.asked")}
    assert told[people.ivan.firm.pk].actor_label.startswith("Ivan")
    assert told[kai.firm.pk].actor_label == "SmartPlus"
    assert Site.objects.get(pk=site.pk).installer_id == people.ivan.firm.pk
    assert_tenants_consistent()


@pytest.mark.rule("R1")
@pytest.mark.parametrize("name", ["", "Nobody", "Zephyr Install", "Hafen Intercom GmbH", "Quay", "Holm Verwaltung"])
def test_a_name_that_is_no_other_installer_of_the_distributor_is_refused(
    people: People, kai: Person, make_site, name: str
) -> None:
    site = make_site()
    with pytest.raises(Refused) as refusal:
        handovers.ask(people.ivan.actor, site_id=site.pk, to_name=name, now=NOW)
    assert refusal.value.field == "to_name"
    assert not Handover.objects.exists()
    assert not Notice.objects.exists()


def test_two_firms_of_one_name_are_not_guessed(people: People, kai: Person, make_site) -> None:
    Organization.objects.filter(pk=people.ines.firm.pk).update(name=kai.firm.name, search_key="quay electric")
    with pytest.raises(Refused, match="Several installers"):
        handovers.ask(people.ivan.actor, site_id=make_site().pk, to_name=kai.firm.name, now=NOW)


@pytest.mark.rule("R1")
def test_who_may_ask(people: People, kai: Person, make_site) -> None:
    site = make_site()
    for person in (people.olga, people.tess, people.petra):
        with pytest.raises((NotPermitted, Site.DoesNotExist)):
            handovers.ask(person.actor, site_id=site.pk, to_name=kai.firm.name, now=NOW)
    for person in (people.igor, people.mallory, people.sam, kai):
        with pytest.raises(Site.DoesNotExist):
            handovers.ask(person.actor, site_id=site.pk, to_name=kai.firm.name, to_id=kai.firm.pk, now=NOW)
    for firm in (people.igor.firm, people.ivan.firm, people.dora.firm, people.petra.firm):
        with pytest.raises(Organization.DoesNotExist):
            handovers.ask(people.dora.actor, site_id=site.pk, to_id=firm.pk, now=NOW)
    assert not Handover.objects.exists()


def test_the_distributor_asks_for_an_installer_which_is_told_and_may_withdraw(
    people: People, kai: Person, make_site
) -> None:
    handover = handovers.ask(people.dora.actor, site_id=make_site().pk, to_id=kai.firm.pk, note="closes", now=NOW)
    letters = {letter.email: letter.subject for letter in Notice.objects.filter(key__startswith="handover-asked:")}
    assert letters == {
        "kai@quay.example": "Hafen Intercom GmbH offers you a site",
        "ivan@hafen.example": "Harbour View is offered to Quay Electric",
    }
    handovers.withdraw(people.ivan.actor, handover_id=handover.pk, now=NOW)
    assert Handover.objects.get().state == "withdrawn"
    closed = Notice.objects.filter(key__startswith="handover-closed:").values_list("email", flat=True)
    assert set(closed) == {"kai@quay.example", "dora@nordlys.example"}


def test_one_offer_at_a_time_until_it_expires(people: People, kai: Person, make_site, offer) -> None:
    site = make_site()
    first = offer(site)
    with pytest.raises(Refused, match="offered to Quay Electric already"):
        offer(site)
    second = offer(site, now=LATER)
    first.refresh_from_db()
    assert (first.state, second.state) == ("withdrawn", "asked")


@pytest.mark.rule("R1")
def test_only_the_asked_firm_answers_and_a_refusal_has_a_reason(people: People, kai: Person, make_site, offer) -> None:
    handover = offer(make_site())
    for person in (people.ivan, people.dora, people.olga):
        with pytest.raises(NotPermitted):
            handovers.refuse(person.actor, handover_id=handover.pk, reason="no", now=NOW)
    for person in (people.ines, people.igor, people.tess, people.petra, people.sam, people.mallory):
        with pytest.raises(Handover.DoesNotExist):
            handovers.refuse(person.actor, handover_id=handover.pk, reason="no", now=NOW)
    with pytest.raises(NotPermitted):
        handovers.withdraw(kai.actor, handover_id=handover.pk, now=NOW)
    for reason, field in (("", "reason"), (" \n", "reason"), ("x" * 501, "reason")):
        with pytest.raises(Refused) as refusal:
            handovers.refuse(kai.actor, handover_id=handover.pk, reason=reason, now=NOW)
        assert refusal.value.field == field
    handovers.refuse(kai.actor, handover_id=handover.pk, reason="Too far away", now=NOW)
    letter = Notice.objects.get(key__startswith="handover-closed:")
    assert letter.email == "ivan@hafen.example"
    assert "Too far away" in letter.body
    assert "Kai" not in letter.body
    mine = AuditEvent.objects.visible_to(people.ivan.actor).get(action="handover.refused")
    assert (mine.actor_label, mine.after["reason"]) == ("SmartPlus", "Too far away")


@pytest.mark.parametrize("end", ["withdrawn", "refused", "expired"])
def test_what_is_over_is_not_answered_any_more(people: People, kai: Person, make_site, offer, accept, end: str) -> None:
    handover, now = offer(make_site()), LATER if end == "expired" else NOW
    if end == "withdrawn":
        handovers.withdraw(people.ivan.actor, handover_id=handover.pk, now=NOW)
    elif end == "refused":
        handovers.refuse(kai.actor, handover_id=handover.pk, reason="no", now=NOW)
    with pytest.raises(HandoverClosed):
        accept(handover, now=now)
    with pytest.raises(HandoverClosed):
        handovers.refuse(kai.actor, handover_id=handover.pk, reason="no", now=now)
    with pytest.raises(HandoverClosed):
        handovers.withdraw(people.ivan.actor, handover_id=handover.pk, now=now)
    assert Site.objects.get().installer_id == people.ivan.firm.pk
