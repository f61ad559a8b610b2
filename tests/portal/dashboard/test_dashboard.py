"""The dashboards: every number is the one behind it, bounded by who asks, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.audit.sentences import Names
from accounts.models import AuditEvent
from accounts.typed.days import end_date
from communities.actions import assignments
from communities.models import Apartment, Entitlement, Site
from smartplus import vocabulary
from smartplus.portal.dashboard import manager
from smartplus.portal.kit import chart
from subscriptions.actions import prices
from subscriptions.models import PriceList
from subscriptions.prices import PriceKey
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import pay

NOBODY = Names({}, {}, "", shows_amounts=False, shows_orders=False)

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]
PRICES = {
    PriceKey("app", "monitor"): 150, PriceKey("app", "no_monitor"): 250, PriceKey("premium", "booking"): 30, PriceKey("premium", "landline"): 60,
    PriceKey("pm_app", "plain"): 500,
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")


@pytest.fixture
def price_list(people: People) -> PriceList:
    """US dollars for everybody, from yesterday on."""
    return prices.publish_price_list(
        SYSTEM, currency="USD", amounts=PRICES, valid_from=NOW - timedelta(days=1), now=NOW
    )


@pytest.fixture
def harbour(people: People, make_site: MakeSite, make_apartment: MakeApartment) -> Site:
    """Harbour View with booking: 1.01 and 1.02 run (one ends in 10 days, one is in grace), 1.03 lapsed, 1.04 is new; Petra has
    the PM App, paid for 80 days. Their premium plans are not activated."""
    site = make_site(booking=True)
    for number in ("1.01", "1.02", "1.03", "1.04"):
        make_apartment(site, number, indoor_monitor=False)
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
    )
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    for number, days in (("1.01", 10), ("1.02", -2), ("1.03", -20)):
        pay(Entitlement.objects.get(target__number=number, service_type="app"), NOW + timedelta(days=days))
    pay(Entitlement.objects.get(service_type="pm_app"), NOW + timedelta(days=80))
    return site


def tiles(client: Client) -> dict[str, tuple[str, str, str]]:
    """The tiles by their first word: (value, small, detail)."""
    found = client.get("/dashboard/").context["tiles"]
    return {tile.label: (tile.value, tile.small, tile.detail) for tile in found}


def test_doras_tiles_say_what_is_there(people: People, harbour: Site, price_list: PriceList, sign_in: SignIn) -> None:
    assert tiles(sign_in(people.dora)) == {
        "Due in 30 days": ("US$5.00", "", "2 items on 1 site"),
        "Auto-renew": ("0", "active", "none at risk"),
        "Not activated": ("5", "items", "1 more have lapsed"),
        "Paid and used differ": ("6", "", "0 not used, 6 not paid"),
        "Devices to look at": ("0", "", "every monitor is there"),
    }


def test_what_is_switched_after_paying_shows_as_a_difference(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    plan = Entitlement.objects.get(target__number="1.01", service_type="premium")
    pay(plan)
    Entitlement.objects.filter(pk=plan.pk).update(variant="booking+landline")
    Entitlement.objects.filter(target__number="1.02", service_type="app").update(variant="")
    dora = sign_in(people.dora)
    assert tiles(dora)["Paid and used differ"] == ("7", "", "1 not used, 6 not paid")
    page = dora.get("/dashboard/items/?show=differ")
    assert [(line.count, line.unpaid_labels, line.unused_labels) for line in page.context["lines"]] == [
        (1, ["without indoor monitor"], []),  # lapsed
        (1, ["Landline Service (For Residents)"], []),
        (1, ["without indoor monitor"], []),  # never activated
        (3, ["Booking Service"], []),
        (1, [], ["without indoor monitor"]),
    ]
    assert_clean(page.content)


def test_a_required_monitor_that_is_missing_is_a_device_to_look_at(
    people: People, harbour: Site, make_apartment: MakeApartment, sign_in: SignIn
) -> None:
    make_apartment(harbour, "2.01", waits=True)
    dora = sign_in(people.dora)
    assert tiles(dora)["Devices to look at"] == ("1", "apartment", "without their indoor monitor")
    assert "Quay House 2.01" in dora.get("/sites/differences/?show=monitors").content.decode()


def test_the_calendar_counts_what_is_in_grace_for_today(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    page = sign_in(people.dora).get("/dashboard/")
    calendar = page.context["calendar"]
    assert [(span.first, span.count, span.amount_minor) for span in calendar.rows] == [
        (date(2026, 11, 22), 1, 250),
        (date(2026, 12, 2), 1, 250),
        (date(2027, 2, 10), 1, 500),
    ]
    assert len(calendar.days.bars) == len(calendar.weeks.bars) == 3
    assert calendar.total.amount_minor == 1000
    assert [bar.title for bar in calendar.days.bars][2] == "Wed 10 Feb: 1 item, by hand US$5.00"
    assert_clean(page.content)


def test_a_bar_leads_to_the_list_of_its_day(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    dora = sign_in(people.dora)
    bars = dora.get("/dashboard/").context["calendar"].days.bars
    for bar, expected in zip(bars, [(250, "1.02"), (250, "1.01"), (500, None)], strict=True):
        page = dora.get(bar.url)
        assert (page.context["count"], page.context["total_minor"]) == (1, expected[0])
        assert_clean(page.content)
    nonsense = dora.get("/dashboard/items/?show=due&from=2026-13-01&to=x")
    assert nonsense.context["days"] is None
    assert nonsense.context["count"] == 2


@pytest.mark.parametrize("hours", [-12, 0, 1])
def test_the_last_bar_leads_to_what_ends_on_that_day_at_its_site(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn, hours: int
) -> None:
    Site.objects.filter(pk=harbour.pk).update(time_zone="Pacific/Auckland")
    late = NOW.replace(hour=14) + timedelta(days=90)  # in Auckland that is the 21st, for Dora the 20th, her last day
    Entitlement.objects.filter(service_type="pm_app").pay_until(late + timedelta(hours=hours))
    dora = sign_in(people.dora)
    with time_machine.travel(NOW.replace(hour=14), tick=False):
        calendar = dora.get("/dashboard/").context["calendar"]
        spans = calendar.rows
        assert calendar.total.count == 2 + (hours < 0)
        for span in [*spans, calendar.total]:
            assert dora.get(span.url).context["count"] == span.count, span.words


def test_the_numbers_and_their_lists_agree(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    dora = sign_in(people.dora)
    counted = {show: dora.get(f"/dashboard/items/?show={show}").context["count"] for show in ("due", "new", "lapsed")}
    assert counted == {"due": 2, "new": 5, "lapsed": 1}


@pytest.mark.parametrize("who", ["mallory", "igor", "paul", "sam", "ines"])
@pytest.mark.rule("R1")
def test_nobody_counts_what_is_somebody_elses(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn, who: str
) -> None:
    client = sign_in(getattr(people, who))
    for address in ("/dashboard/", *(f"/dashboard/items/?show={show}" for show in ("due", "new", "lapsed", "differ"))):
        page = client.get(address)
        assert page.status_code == 200
        assert "Harbour View" not in page.content.decode()
        assert "Hafen Intercom" not in page.content.decode()
        if address != "/dashboard/":
            assert page.context["count"] == 0
        else:
            assert page.context["tiles"], "there is nothing to look at"
            assert {tile.value for tile in page.context["tiles"]} <= {"0", "€0.00", "US$0.00", "–"}
            assert {tile.count for tile in page.context["tiles"]} == {0}


def test_ivan_continues_where_a_site_waits(
    people: People, harbour: Site, make_site: MakeSite, price_list: PriceList, sign_in: SignIn
) -> None:
    make_site("Speicherhof")
    page = sign_in(people.ivan).get("/dashboard/")
    steps = {site.name: step.action for site, _paid, _units, step in page.context["rows"]}
    assert steps == {"Speicherhof": "Add apartments", "Harbour View": "Request 5 items"}
    assert_clean(page.content)


def test_an_installer_that_may_not_see_prices_sees_counts(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    firm = people.ivan.firm
    assert tiles(sign_in(people.ivan))["Due in 30 days"] == ("US$5.00", "", "2 items on 1 site")
    firm.sees_prices = False
    firm.save()
    ivan = sign_in(people.ivan)
    assert tiles(ivan)["Due in 30 days"] == ("2", "", "on 1 site")
    for address in ("/dashboard/", "/dashboard/items/?show=due"):
        assert "US$" not in ivan.get(address).content.decode()


def test_an_empty_account_is_shown_three_steps(people: People, sign_in: SignIn) -> None:
    page = sign_in(people.ivan).get("/dashboard/")
    assert "Welcome, Ivan Brandt. Three steps to the first door call" in page.content.decode()
    assert "Nordlys Distribution activates and pays for you." in page.content.decode()
    assert_clean(page.content)


@pytest.mark.rule("R3")
def test_petra_sees_what_her_community_costs_and_who_pays(
    people: People, harbour: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    petra = sign_in(people.petra)
    page = petra.get("/dashboard/")
    [row] = page.context["rows"]
    assert (row["site"].name, row["payer"]) == ("Harbour View", "Nordlys Distribution")
    covered = row["covered"]
    assert (covered.paid_minor, covered.paid) == (1000, (("app", 2), ("pm_app", 1)))  # one of the Apps in grace
    assert (covered.more_minor, covered.open) == (620, (("app", 2), ("premium", 4)))  # one of the Apps lapsed
    assert tiles(petra)["Paid now"] == ("US$10.00", "every 30 days", "US$6.20 more if all that is on were activated")
    assert tiles(petra)["On, not paid"] == ("6", "US$6.20", "5 not activated, 1 lapsed")
    assert_clean(page.content)
    assignments.set_managers(people.ivan.actor, site_id=harbour.pk, pm_app_by_membership={}, now=NOW)
    assert "No site is assigned to you" in petra.get("/dashboard/").content.decode()


def test_olga_sees_every_tree(people: People, harbour: Site, price_list: PriceList, sign_in: SignIn) -> None:
    page = sign_in(people.olga).get("/dashboard/")
    rows = {row.firm.organization.name: (row.firm.installers, row.firm.sites) for row in page.context["rows"]}
    assert rows == {"Nordlys Distribution": (2, 1), "Zephyr Trading": (1, 0)}
    assert [str(row) for row in page.context["price_lists"]] == ["Price list 1, USD"]
    assert tiles(sign_in(people.olga))["Orders under review"] == ("0", "", "all money fits its order")
    assert_clean(page.content)


def test_without_prices_items_are_counted(people: People, harbour: Site, sign_in: SignIn) -> None:
    page = sign_in(people.dora).get("/dashboard/")
    assert page.context["tiles"][0].value == "2"
    assert page.context["calendar"].total.by_mode[0] == (3, None)
    assert_clean(page.content)


def test_the_dashboard_of_a_manager_is_paged_and_its_numbers_are_of_all_pages(
    people: People,
    harbour: Site,
    make_site: MakeSite,
    price_list: PriceList,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(manager, "COMMUNITIES", 1)
    for name in ("Aurora", "Zenith"):
        assignments.set_managers(
            people.ivan.actor,
            site_id=make_site(name).pk,
            pm_app_by_membership={people.petra.membership.pk: False},
            now=NOW,
        )
    petra = sign_in(people.petra)
    pages, address = [], "/dashboard/"
    while address:
        page = petra.get(address)
        pages.append([row["site"].name for row in page.context["rows"]])
        assert "3 communities" in page.content.decode()
        assert [tile.value for tile in page.context["tiles"]][:2] == [
            end_date(NOW - timedelta(days=2), "Europe/Berlin"),
            "US$10.00",
        ]
        address = page.context["next"] and f"/dashboard/{page.context['next']}"
    assert pages == [["Aurora"], ["Harbour View"], ["Zenith"]]
    assert [row["site"].name for row in petra.get(f"/dashboard/{page.context['previous']}").context["rows"]] == [
        "Harbour View"
    ]


@pytest.mark.parametrize("who", ["olga", "dora", "sam", "ivan", "petra"])
def test_a_dashboard_asks_fourteen_questions_however_much_there_is(
    people: People,
    harbour: Site,
    make_site: MakeSite,
    make_apartment: MakeApartment,
    price_list: PriceList,
    sign_in: SignIn,
    who: str,
) -> None:
    client = sign_in(getattr(people, who))
    asked = []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            client.get("/dashboard/")
        asked.append(len(queries))
        for apartment in range(number * 4 + 2):
            site = make_site(f"Site {number} {apartment}")
            make_apartment(site, f"7.{apartment}", indoor_monitor=False)
            pay(Entitlement.objects.get(site=site), NOW + timedelta(days=5 + apartment))
    assert asked == sorted(asked, reverse=True), asked  # one fewer once no event names a person
    assert asked[0] <= (29 if who == "olga" else 15)  # the set-up asks fourteen of its own


@pytest.mark.parametrize("who", ["olga", "dora", "ivan", "petra"])
def test_every_list_behind_a_number_opens(people: People, harbour: Site, sign_in: SignIn, who: str) -> None:
    client = sign_in(getattr(people, who))
    for show in ("due", "new", "lapsed", "differ", "monitors", "nonsense"):
        assert_clean(client.get(f"/dashboard/items/?show={show}").content)
    for tile in client.get("/dashboard/").context.get("tiles", []):
        if tile.url:
            assert client.get(tile.url).status_code == 200, tile


def test_everybody_begins_at_the_dashboard_and_a_technician_at_the_sites(people: People, sign_in: SignIn) -> None:
    for who in ("olga", "dora", "sam", "ivan", "petra"):
        assert sign_in(getattr(people, who)).get("/")["Location"] == "/dashboard/"
    tess = sign_in(people.tess)
    assert tess.get("/")["Location"] == "/sites/"
    assert tess.get("/dashboard/").status_code == 403


def test_what_one_person_did_at_a_site_is_one_line(people: People, harbour: Site, sign_in: SignIn) -> None:
    told = sign_in(people.ivan).get("/dashboard/").context["activity"]
    assert told[0].what.startswith("Technician Tess Marin chosen and ")
    assert (told[0].who, told[0].site, told[0].when) == ("You", "Harbour View", "10:00")  # in Hamburg
    assert [event.site for event in told].count("Harbour View") == 1


def test_every_action_that_is_audited_has_its_words(people: People, harbour: Site) -> None:
    for event in AuditEvent.objects.all():
        assert vocabulary.sentence(event, NOBODY)
        assert event.action in vocabulary.BY_CODE


def test_an_action_without_words_is_named_as_it_is() -> None:
    event = AuditEvent(action="gate.opened_wide", subject_label="Quay House")
    assert vocabulary.sentence(event, NOBODY) == "Gate opened wide: Quay House"
    event = AuditEvent(action="library.added", subject_label="Nordlys", after={"macs": ["a", "b"]})  # as before batches
    assert vocabulary.sentence(event, NOBODY) == "2 MAC addresses added to the library"


@pytest.mark.parametrize(
    ("most", "step"), [(0, 1), (1, 1), (3, 1), (4, 2), (10, 4), (100, 40), (1284, 500), (3001, 2000), (17, 6)]
)
def test_grid_lines_stand_at_round_numbers(most: int, step: int) -> None:
    assert chart.step_for(most) == step
    assert chart.step_for(most) * chart.GRID_LINES >= most
