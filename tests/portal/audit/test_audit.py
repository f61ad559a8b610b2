"""The audit log: what changed, in words, with before and after; each organization its own subtree, and nothing personal."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import actions, chain
from accounts.models import AuditEvent, AuditSeal
from communities.actions import assignments, residents, sites
from communities.models import Site
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import fulfilment, prices
from subscriptions.models import Cart, Order
from subscriptions.prices import PriceKey
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import assert_clean, links_of
from tests.portal.places import building, stock
from tests.sites import ADDRESS, OPTIONS

pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
URL = "/settings/audit/"
SignIn = Callable[[Person], Client]


@pytest.fixture
def paid(people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]) -> Order:
    """An order of Dora's that was paid and applied."""
    order = place(fill_cart())
    fulfilment.fulfil(order, now=NOW)
    return order


def text_of(client: Client, address: str = URL, **query: str) -> str:
    """A page, clean."""
    answer = client.get(address, query)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert_clean(text)
    return text


def switch(people: People, site: Site, **switches: bool) -> AuditEvent:
    """Ivan changes services of a site."""
    site.refresh_from_db()
    sites.edit_site(
        people.ivan.actor, site_id=site.pk, version=site.version, basics={"name": site.name, **ADDRESS},
        switches={**site.switches, **switches}, options=OPTIONS, free_members=None, now=NOW,
    )  # fmt: skip
    return AuditEvent.objects.filter(action="site.changed").first() or pytest.fail("nothing was written down")


@pytest.mark.rule("R9")
def test_a_change_of_a_service_stands_there_with_who_when_and_both_values(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    event = switch(people, make_site("Harbour View"), landline=True)
    page = text_of(sign_in(people.dora))
    for words in (
        "Ivan Brandt",
        "Hafen Intercom GmbH",
        "Landline Service (For Residents) on",
        "Harbour View",
        "Landline Service (For Residents): Off → On",
        "22 Nov 2026, 10:00",
    ):
        assert words in page, words
    detail = text_of(sign_in(people.dora), f"{URL}{event.pk}/")
    assert '<th scope="row">Landline Service (For Residents)</th>' in detail
    assert "<del>Off</del>" in detail
    assert "<ins>On</ins>" in detail
    assert "23 other fields were compared and did not change." in " ".join(detail.split())
    assert "Not sealed yet" in detail


def test_an_entry_shows_its_seal(people: People, make_site: Callable[..., Site], sign_in: SignIn) -> None:
    event = switch(people, make_site(), booking=True)
    chain.seal_due(now=NOW + timedelta(minutes=1))
    seal = AuditSeal.objects.get(event=event)
    detail = text_of(sign_in(people.ivan), f"{URL}{event.pk}/")
    assert seal.digest in detail
    assert seal.previous in detail


def test_htmx_gets_only_what_opens_under_the_row(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    event = switch(people, make_site(), booking=True)
    answer = sign_in(people.ivan).get(f"{URL}{event.pk}/", headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<html" not in text
    assert "<del>Off</del>" in text


@pytest.mark.rule("R1")
def test_each_organization_reads_its_own_subtree_and_learns_nothing_of_others(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    event = switch(people, make_site("Harbour View"), booking=True)
    for reader in (people.olga, people.dora, people.ivan):
        assert "Harbour View" in text_of(sign_in(reader))
        assert sign_in(reader).get(f"{URL}{event.pk}/").status_code == 200
    for stranger in (people.sam, people.ines, people.mallory, people.igor):
        client = sign_in(stranger)
        assert "Harbour View" not in text_of(client, days="all")
        assert "Harbour View" not in text_of(client, q="Harbour")
        foreign, absent = client.get(f"{URL}{event.pk}/"), client.get(f"{URL}{10**17}/")
        assert (foreign.status_code, absent.status_code) == (404, 404)
        assert foreign.content == absent.content
        assert b"Harbour" not in b"".join(client.get(URL, {"format": "csv", "days": "all"}))
    for outsider in (people.tess, people.petra):
        for address in (URL, f"{URL}?format=csv", f"{URL}{event.pk}/"):
            assert sign_in(outsider).get(address).status_code == 403


def test_the_menu_has_it_for_those_who_may_read_it(people: People, sign_in: SignIn) -> None:
    for person in (people.olga, people.dora, people.sam, people.ivan):
        assert URL in links_of(text_of(sign_in(person), "/settings/"), "nav-v")
    for person in (people.tess, people.petra):
        assert URL not in text_of(sign_in(person), "/settings/")


def test_nothing_personal_of_residents_is_kept_or_shown(
    people: People, make_site: Callable[..., Site], make_apartment: Callable[..., object], sign_in: SignIn
) -> None:
    apartment = make_apartment(make_site())
    resident = apartment.residents.get()  # type: ignore[attr-defined]
    residents.edit_resident(
        people.ivan.actor, resident_id=resident.pk, version=resident.version, name="Erika Geheim", email="geheim@example.org",
        mobile="", language="de", remark="hat einen Hund", now=NOW,
    )  # fmt: skip
    client = sign_in(people.ivan)
    event = AuditEvent.objects.get(action="resident.changed")
    everything = (
        text_of(client) + text_of(client, f"{URL}{event.pk}/") + b"".join(client.get(URL, {"format": "csv"})).decode()
    )
    for secret in ("Erika", "geheim@", "Hund", "Resident 1.01", "r@example.org"):
        assert secret not in everything
    assert "<ins>Name, Email, Language, Remark</ins>" in text_of(client, f"{URL}{event.pk}/")


def test_prices_are_money_and_each_has_a_line(people: People, sign_in: SignIn) -> None:
    first = {**INVENTED_PRICES}
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts=first, valid_from=NOW, distributor_id=people.dora.firm.pk, now=NOW
    )
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts={**first, PriceKey("app", "monitor"): 175}, valid_from=NOW + timedelta(days=1),
        distributor_id=people.dora.firm.pk, now=NOW,
    )  # fmt: skip
    event = AuditEvent.objects.filter(action="price_list.published").first()
    assert event is not None
    detail = text_of(sign_in(people.dora), f"{URL}{event.pk}/")
    assert '<th scope="row">App, with indoor monitor</th>' in detail
    assert "<del>US$1.50</del>" in detail
    assert "<ins>US$1.75</ins>" in detail
    assert "1 price" in text_of(sign_in(people.dora), area="prices")
    prices.publish_price_list(SYSTEM, currency="EUR", amounts=first, valid_from=NOW, now=NOW)
    default = AuditEvent.objects.filter(action="price_list.published").first()
    assert default is not None
    assert "€2.50" in text_of(sign_in(people.olga), f"{URL}{default.pk}/")


def test_managers_and_technicians_are_named(people: People, make_site: Callable[..., Site], sign_in: SignIn) -> None:
    site = make_site()
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
    )
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    for action, words in (
        ("site.managers_set", ("Petra Holm", "With PM App")),
        ("site.technicians_set", ("Tess Marin",)),
    ):
        event = AuditEvent.objects.get(action=action)
        detail = text_of(sign_in(people.dora), f"{URL}{event.pk}/")
        for word in words:
            assert word in detail


@pytest.mark.rule("R9")
def test_a_permission_is_found_under_people_with_both_values(people: People, sign_in: SignIn) -> None:
    firm = people.ivan.firm
    permissions = {"pays_regular": True, "pays_credits": False, "require_2fa": False, "sees_prices": True}
    actions.set_permissions(
        people.dora.actor, organization_id=firm.pk, version=firm.version, permissions=permissions, now=NOW
    )
    client = sign_in(people.dora)
    assert "May pay by card or PayPal: No → Yes" in text_of(client, area="people")
    assert "May pay by card" not in text_of(client, area="services")


def test_filters_narrow_by_area_who_period_and_words(
    people: People, harbour_view: Site, make_site: Callable[..., Site], paid: Order, sign_in: SignIn
) -> None:
    """Every row is written by what somebody did, so that an action that writes otherwise is not found here."""
    switch(people, harbour_view, video_storage=True)
    stock(people, "0C:11:05:2A:10:4E")
    actions.set_permissions(
        people.dora.actor, organization_id=people.ivan.firm.pk, version=people.ivan.firm.version,
        permissions={"pays_regular": True, "pays_credits": False, "require_2fa": False, "sees_prices": True},
        now=NOW - timedelta(days=40),
    )  # fmt: skip
    sites.add_building(
        people.ivan.actor, site_id=make_site("Pier Court").pk, name="Long ago", now=NOW - timedelta(days=40)
    )
    client = sign_in(people.dora)
    video, mac, order = "Video Storage on", "MAC address added", f"Order {paid.number} paid and applied"
    firm, permitted, old = "Norden Port AS added", "May pay by card or PayPal: No → Yes", "Long ago added"

    def found(**query: str) -> set[str]:
        page = text_of(client, **query)
        return {word for word in (video, mac, order, firm, permitted, old) if word in page}

    assert found(days="7") == {video, mac, order, firm}
    assert found(days="90") == {video, mac, order, firm, permitted, old}
    assert found(area="devices") == {mac}
    assert found(area="orders") == {order}
    assert found(area="people", days="90") == {firm, permitted}
    assert found(who="me", days="30") == {mac}
    assert found(who="own", days="all") == {mac, permitted}
    assert found(who=str(people.ivan.membership.user_id)) == {video}
    assert found(who=str(people.ivan.membership.user_id), days="all") == {video, old}
    assert found(who="system", area="orders") == {order}
    for text in ("0c11052a104e", "0C-11-05-2A-10-4E", "11052a"):
        assert "0C:11:05:2A:10:4E added to the library" in text_of(client, q=text), text
    assert found(q="harbour") == {video}
    assert found(q="Ivan Br") == {video}
    assert found(q=paid.number.lower()[:13]) == {order}
    assert found(q="nobody did this") == set()
    # What means nothing is as if it were not there.
    assert found(area="x", days="x", who="²", after="x") == found()


def test_pages_follow_by_key_and_cost_the_same(
    people: People, make_site: Callable[..., Site], sign_in: SignIn, django_assert_max_num_queries
) -> None:
    site = make_site()
    for n in range(130):
        sites.add_building(people.ivan.actor, site_id=site.pk, name=f"House {n:03}", now=NOW)
    client = sign_in(people.dora)
    client.get(URL)
    with CaptureQueriesContext(connection) as statements:
        first = text_of(client, area="services")
    assert len(statements) <= 9, [each["sql"][:90] for each in statements]
    assert ("House 129" in first, "House 080" in first, "House 079" in first) == (True, True, False)
    assert "50 of 131" in first
    after = first.split("after=")[1].split('"')[0].split("&")[0]
    second = text_of(client, area="services", after=after)
    assert ("House 080" in second, "House 079" in second, "House 030" in second, "House 029" in second) == (
        False,
        True,
        True,
        False,
    )


def test_the_file_has_all_matching_and_no_formulas(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site = make_site("Harbour View")
    house = building(people, site, "Old 0")
    for n in range(60):
        house = sites.rename_building(
            people.ivan.actor, building_id=house.pk, version=house.version, name=f"=New {n}", now=NOW
        )
    answer = sign_in(people.dora).get(URL, {"format": "csv", "area": "services"})
    assert answer.streaming
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert rows[0] == [
        "Entry", "Time", "Time (UTC)", "Who", "Organization", "What", "Subject", "Where", "Before", "After", "Action",
        "Part of entry",
    ]  # fmt: skip
    assert len(rows) == 1 + 62  # the heads; the site, the building, and its names
    newest = AuditEvent.objects.filter(action="building.renamed").first()
    assert newest is not None
    assert rows[1] == [
        str(newest.pk), "2026-11-22 10:00:00", "2026-11-22T09:00:00+00:00", "Ivan Brandt", "Hafen Intercom GmbH", "Building renamed to =New 59",
        "'=New 59", "Harbour View", "Name: =New 58", "Name: =New 59", "building.renamed", "",
    ]  # fmt: skip


def test_a_site_that_is_no_longer_seen_is_no_link(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site = make_site("Harbour View")
    client = sign_in(people.ivan)
    assert f'href="/sites/{site.pk}/"' in text_of(client)
    Site.objects.filter(pk=site.pk).update(installer=people.igor.firm, distributor=people.mallory.firm)
    page = text_of(client)
    assert f'href="/sites/{site.pk}/"' not in page
    assert "Hafen Intercom GmbH" in page


def test_times_are_the_readers_own(people: People, make_site: Callable[..., Site], sign_in: SignIn) -> None:
    make_site()
    people.ivan.membership.user.time_zone = "Asia/Tokyo"
    people.ivan.membership.user.save()
    with time_machine.travel(NOW, tick=False):
        assert "22 Nov 2026, 18:00" in text_of(sign_in(people.ivan))


def lowered(people: People, site: Site) -> AuditEvent:
    """Ivan switches landline off in a site and so in its apartments."""
    site.refresh_from_db()
    sites.edit_site(
        people.ivan.actor, site_id=site.pk, version=site.version, basics={"name": site.name, **ADDRESS},
        switches={**site.switches, "landline": False}, options=OPTIONS, free_members=None, now=NOW, ceiling_confirmed=True,
    )  # fmt: skip
    return AuditEvent.objects.filter(action="site.changed").first() or pytest.fail("nothing was written down")


def test_a_change_of_many_is_one_row_and_its_objects_stand_below_it(
    people: People, make_site: Callable[..., Site], make_apartment: Callable[..., object], sign_in: SignIn
) -> None:
    site = make_site("Harbour View", landline=True)
    for number in range(60):
        make_apartment(site, f"Z{number:03}", landline=True)
    event = lowered(people, site)
    dora = sign_in(people.dora)
    assert ("Z007" in text_of(dora), "60 apartments" in text_of(dora, f"{URL}{event.pk}/")) == (False, True)
    found = text_of(dora, q="Z007")
    assert "Z007: Landline off" in found
    assert "Landline off" not in text_of(dora, q="Harbour")  # by where it was done the change itself is found
    first = text_of(dora, f"{URL}{event.pk}/")
    assert ("Z049" in first, "Z050" in first) == (True, False)
    (further,) = {link for link in links_of(first, "pager") if "after=" in link}
    assert "Z050" in text_of(dora, f"{URL}{event.pk}/{further}")
    row = event.rows.latest("pk")
    assert f'href="{URL}{event.pk}/"' in text_of(dora, f"{URL}{row.pk}/")
    file = b"".join(dora.get(URL, {"format": "csv"})).decode("utf-8-sig")
    assert [line["Part of entry"] for line in csv.DictReader(io.StringIO(file))].count(str(event.pk)) == 60


def test_sites_chosen_for_a_person_are_one_row_and_each_site_tells_its_own(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    quay, pier = make_site("Harbour Quay"), make_site("Pier Court")
    tess = people.tess.membership.pk
    assignments.set_sites_of(people.ivan.actor, membership_id=tess, site_ids=[quay.pk, pier.pk], now=NOW)
    ivan = sign_in(people.ivan)
    page = text_of(ivan)
    assert ("Sites of Tess Marin (Hafen Intercom GmbH) chosen" in page, "Technician Tess Marin chosen" in page) == (
        True,
        False,
    )
    event = AuditEvent.objects.get(action="member.sites_set")
    assert "Pier Court" in text_of(ivan, f"{URL}{event.pk}/")
    for words in ("Pier", "Quay"):
        assert text_of(ivan, q=words).count("Technician Tess Marin chosen") == 1
    assert "Technician Tess Marin chosen" in text_of(ivan, f"/sites/{pier.pk}/facts/")
    assignments.set_sites_of(
        people.ivan.actor, membership_id=tess, site_ids=[pier.pk], now=NOW
    )  # one alone is no batch
    assert AuditEvent.objects.filter(action="member.sites_set").count() == 1
    assert AuditEvent.objects.filter(action="site.technicians_set", batch=None).count() == 1
