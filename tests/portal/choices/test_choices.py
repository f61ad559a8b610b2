"""Countries and time zones: typed or chosen, never carried along by a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import available_timezones

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.typed.zones import PRIMARY, canonical, every, of_country, proposed
from communities.models import Site
from smartplus.portal.kit import countries, zones
from tests.people import People, Person
from tests.portal.html import assert_clean, form_in
from tests.portal.places import create_site, site_form

PUNE = {"country": "IN", "city": "Pune", "postal_code": "411001", "state": "Maharashtra"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


def options(html: bytes) -> dict[str, bool]:
    """The values of the options of a fragment, and which is chosen."""
    found = re.findall(r'<option value="([^"]*)"( selected)?>', html.decode())
    return {value: bool(chosen) for value, chosen in found}


def zones_offered(html: bytes) -> list[str]:
    """The zones the form of a page offers."""
    [select] = re.findall(r'<select name="time_zone".*?</select>', html.decode(), re.DOTALL)
    return [value for value in re.findall(r'<option value="([^"]*)"', select) if value]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Germany", "DE"), ("deutschland", "DE"), (" DE ", "DE"), ("deu", "DE"), ("USA", "US"), ("United States", "US"),
        ("Österreich", "AT"), ("osterreich", "AT"), ("Côte d’Ivoire", "CI"), ("Cote d'Ivoire", "CI"), ("Vereinigtes Königreich", "GB"),
        ("Niger", "NE"), ("Nigeria", "NG"), ("", ""), ("XX", ""), ("Europe", ""), ("001", ""), ("Germ", ""),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_names_and_codes(typed: str, code: str) -> None:
    assert countries.code_of(typed) == code


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_name_on_offer_is_taken_for_its_country(language: str) -> None:
    offered = countries.names(language)
    assert len(offered) > 240
    assert [(code, countries.code_of(name)) for code, name in offered if countries.code_of(name) != code] == []


def test_every_country_has_zones_and_no_more_than_a_form_can_carry() -> None:
    lengths = {code: len(zones.zones_of(code)) for code, _name in countries.names("en")}
    assert min(lengths.values()) == 1
    assert max(lengths.values()) <= 30
    assert {zone for code in lengths for zone in zones.zones_of(code)} <= set(every())


def test_no_zone_is_offered_under_a_name_of_the_past() -> None:
    """`tzdata` keeps over a hundred old names: each of them is understood, and none of them is offered."""
    offered, known = set(every()), available_timezones()
    assert offered <= known
    cities = {zone for zone in known if "/" in zone and not zone.startswith("Etc/")}
    assert {zone: canonical(zone) for zone in cities if canonical(zone) not in offered} == {}
    assert {canonical(zone) for zone in cities} | {"UTC"} == offered


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"), ("asia/kolkata", "Asia/Kolkata"), ("Europe/Kiev", "Europe/Kyiv"), ("US/Eastern", "America/New_York"),
        ("America/Buenos Aires", "America/Argentina/Buenos_Aires"), ("Iceland", "Atlantic/Reykjavik"), ("Etc/UTC", "UTC"), ("Zulu", "UTC"),
        ("Europe/Oslo", "Europe/Oslo"), (" Asia/Ho  Chi Minh ", "Asia/Ho_Chi_Minh"), ("Mars/Olympus", ""), ("", ""), ("Etc/GMT+3", ""),
    ],
)  # fmt: skip
def test_a_zone_has_one_name(typed: str, zone: str) -> None:
    assert canonical(typed) == zone


def test_a_zone_is_proposed_where_nearly_all_live_in_one() -> None:
    unsure = {code for code, _name in countries.names("en") if of_country(code) and not proposed(code)}
    assert unsure == {"AQ", "AU", "BR", "CA", "CD", "FM", "ID", "MX", "PS", "RU", "UM", "US"}
    assert proposed("ES") == "Europe/Madrid"
    assert {
        code: zone for code, zone in PRIMARY.items() if of_country(code)[0] != zone or len(of_country(code)) == 1
    } == {}


def test_a_former_name_is_saved_as_the_name_of_today(people: People, ivan: Client) -> None:
    create_site(ivan, site_form(**PUNE, time_zone="Asia/Calcutta"))
    assert Site.objects.get().time_zone == "Asia/Kolkata"
    opened = form_in(ivan.get("/settings/").content, "time_zone")
    assert ivan.post("/settings/", opened | {"time_zone": "asia/calcutta"}).status_code == 302
    assert User.objects.get(pk=people.ivan.membership.user_id).time_zone == "Asia/Kolkata"


def test_kosovo_is_a_country(ivan: Client) -> None:
    assert [countries.code_of(typed) for typed in ("Kosovo", "kosovo", "XK", "xkx")] == ["XK"] * 4
    create_site(ivan, site_form(country="Kosovo", time_zone="", postal_code="10000"))
    site = Site.objects.get()
    assert (site.country, site.time_zone, site.country_name) == ("XK", "Europe/Belgrade", "Kosovo")


def test_a_typed_country_is_saved_by_its_code_and_shown_by_its_name(ivan: Client) -> None:
    create_site(ivan, site_form(country="norwegen", postal_code="0155", time_zone=""))
    site = Site.objects.get()
    assert (site.country, site.time_zone) == ("NO", "Europe/Oslo")
    opened = form_in(ivan.get(f"/sites/{site.pk}/edit/").content, "country")
    assert (opened["country"], opened["time_zone"]) == ("Norway", "Europe/Oslo")
    assert ivan.post(f"/sites/{site.pk}/edit/", opened).status_code == 302
    site.refresh_from_db()
    assert (site.country, site.time_zone) == ("NO", "Europe/Oslo")


def test_without_script_the_form_comes_back_with_the_zones_of_the_country(ivan: Client) -> None:
    assert zones_offered(ivan.get("/sites/new/").content) == []
    answer = create_site(ivan, site_form(country="United States", postal_code="60601", state="Illinois", time_zone=""))
    assert answer.status_code == 422
    assert "United States of America has several time zones: choose one." in answer.content.decode()
    assert set(zones_offered(answer.content)) == set(zones.zones_of("US"))
    assert not Site.objects.exists()
    create_site(ivan, form_in(answer.content, "country") | {"time_zone": "America/Chicago"})
    site = Site.objects.get()
    assert (site.country, site.time_zone) == ("US", "America/Chicago")


def test_who_changes_the_country_only_gets_its_zone(ivan: Client) -> None:
    create_site(ivan, site_form())
    address = f"/sites/{Site.objects.get().pk}/edit/"
    opened = form_in(ivan.get(address).content, "country")
    assert ivan.post(address, opened | {"country": "NO", "postal_code": "0155"}).status_code == 302
    assert Site.objects.get().time_zone == "Europe/Oslo"
    opened = form_in(ivan.get(address).content, "country")
    answer = ivan.post(address, opened | {"country": "Brazil", "postal_code": "40301-110", "state": "BA"})
    assert answer.status_code == 422
    assert "Brazil has several time zones: choose one." in answer.content.decode()
    assert (Site.objects.get().country, Site.objects.get().time_zone) == ("NO", "Europe/Oslo")


def test_a_zone_of_another_country_is_refused(ivan: Client) -> None:
    answer = create_site(ivan, site_form(country="NO", postal_code="0155", time_zone="Asia/Tokyo"))
    assert answer.status_code == 422
    assert "Asia/Tokyo is no time zone of Norway: choose one of the list." in answer.content.decode()
    assert_clean(answer.content)
    assert not Site.objects.exists()


def test_a_saved_zone_that_is_no_longer_of_the_country_stays(ivan: Client) -> None:
    create_site(ivan, site_form(**PUNE, time_zone=""))
    Site.objects.update(time_zone="Asia/Kathmandu")
    address = f"/sites/{Site.objects.get().pk}/edit/"
    opened = form_in(ivan.get(address).content, "country")
    assert opened["time_zone"] == "Asia/Kathmandu"
    assert ivan.post(address, opened | {"city": "Mumbai"}).status_code == 302
    assert (Site.objects.get().city, Site.objects.get().time_zone) == ("Mumbai", "Asia/Kathmandu")


@pytest.mark.parametrize(
    ("country", "zone", "offered", "chosen"),
    [
        ("Norway", "", {"Europe/Oslo"}, "Europe/Oslo"),
        ("Norway", "Europe/Berlin", {"Europe/Oslo"}, "Europe/Oslo"),
        ("Germany", "", {"Europe/Berlin", "Europe/Busingen"}, "Europe/Berlin"),
        ("Germany", "Europe/Busingen", {"Europe/Berlin", "Europe/Busingen"}, "Europe/Busingen"),
        ("Canada", "Europe/Oslo", set(zones.zones_of("CA")), ""),
        ("Nowhere", "Europe/Oslo", set(), ""),
    ],
)
def test_the_list_follows_the_country(ivan: Client, country: str, zone: str, offered: set[str], chosen: str) -> None:
    found = options(ivan.get("/choices/time-zones-of/", {"country": country, "time_zone": zone}).content)
    assert set(found) - {""} == offered
    assert [value for value, is_chosen in found.items() if is_chosen] == [chosen]


def test_the_long_lists_are_kept_by_the_browser_and_have_everything(ivan: Client) -> None:
    for address, least in (
        ("/choices/countries/en/", 240),
        ("/choices/countries/de/", 240),
        ("/choices/time-zones/", 400),
    ):
        answer = ivan.get(address)
        assert len(options(answer.content)) > least
        assert "max-age=2592000" in answer["Cache-Control"]
    assert ivan.get("/choices/countries/tlh/").status_code == 404
    assert Client().get("/choices/countries/en/").status_code == 302


@pytest.mark.parametrize("typed", ["America/New_York", "america/new york", " America/New York "])
def test_ones_own_time_zone_is_typed(people: People, ivan: Client, typed: str) -> None:
    opened = form_in(ivan.get("/settings/").content, "time_zone")
    assert ivan.post("/settings/", opened | {"time_zone": typed}).status_code == 302
    assert User.objects.get(pk=people.ivan.membership.user_id).time_zone == "America/New_York"
    assert 'value="America/New York"' in ivan.get("/settings/").content.decode()


def test_a_time_zone_that_is_none_is_refused_in_words(people: People, ivan: Client) -> None:
    opened = form_in(ivan.get("/settings/").content, "time_zone")
    before = User.objects.get(pk=people.ivan.membership.user_id).time_zone
    answer = ivan.post("/settings/", opened | {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 422
    assert "This time zone is not known." in answer.content.decode()
    assert 'value="Mars/Olympus"' in answer.content.decode()
    assert User.objects.get(pk=people.ivan.membership.user_id).time_zone == before
    assert not AuditEvent.objects.filter(action="profile.changed").exists()
