"""Adding and editing a commercial site, and its page: doors with their slots, services of the whole site, what is paid with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import AuditEvent, Organization
from communities.models import Entitlement, Equipment, Site
from devices import actions
from devices.actions import LibraryRow
from devices.models import Device
from smartplus.demo import INVENTED_CREDITS
from subscriptions.actions import prices
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.commercial.forms import door, works_form
from tests.portal.html import assert_clean, page_of
from tests.portal.places import everything, pay

pytestmark = pytest.mark.django_db
SignIn = Callable[[Person], Client]
READER, PHONE = "0C:11:05:31:40:33", "0C:11:05:31:40:1A"


def opened(client: Client, site: Site) -> str:
    """The page on which the site opens."""
    answer = client.get(f"/sites/{site.pk}/", follow=True)
    assert answer.redirect_chain == [(f"/sites/{site.pk}/doors-and-people/", 302)]
    assert_clean(answer.content)
    return page_of(answer)


@pytest.fixture
def credits_list(people: People) -> None:
    """The demo's list of prices in credits: one for everything."""
    prices.publish_price_list(SYSTEM, currency="CREDITS", amounts=INVENTED_CREDITS, valid_from=NOW, now=NOW)


@pytest.mark.rule("R37")
def test_a_site_is_added_on_one_page_and_pays_with_credits(ivan: Client) -> None:
    assert "Add Commercial Site" in page_of(ivan.get("/sites/"))
    page = ivan.get("/sites/new/commercial/")
    assert_clean(page.content)
    assert "It will pay with credits" in page_of(page)
    answer = ivan.post("/sites/new/commercial/", works_form(elevator_control="on"), follow=True)
    site = Site.objects.get(kind="commercial")
    assert (site.payment_mode, site.elevator_control, site.attendance_plan) == ("credits", True, False)
    assert "Speicher 7 Offices is created. Next: its doors and people." in page_of(answer)
    assert "pays with credits." in opened(ivan, site)
    assert AuditEvent.objects.filter(action="site.created", subject_id=str(site.pk)).count() == 1
    assert [row.service_type for row in Entitlement.objects.filter(site=site)] == ["elevator_control"]


@pytest.mark.rule("R37")
def test_an_older_site_pays_with_money(ivan: Client, make_works: Callable[..., Site]) -> None:
    old = make_works("Old Mill", now=datetime(2025, 5, 31, 23, 59, tzinfo=UTC))
    assert "Created 1 Jun 2025, pays with money." in opened(ivan, old)  # at the site, after midnight there
    assert "It pays with money" in page_of(ivan.get(f"/sites/{old.pk}/commercial/edit/"))
    assert "Regular payment" in page_of(ivan.get(f"/sites/{old.pk}/facts/"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": " "}, "This field is required."),
        ({"name": "speicher 7 offices"}, "You already have a site called"),
        ({"country": "XX"}, "Choose"),
    ],
)
@pytest.mark.usefixtures("works")
def test_what_is_wrong_is_said_and_nothing_is_saved(ivan: Client, changes: dict[str, str], told: str) -> None:
    before = everything()
    answer = ivan.post("/sites/new/commercial/", works_form(**changes))
    assert answer.status_code == 422
    assert told in page_of(answer)
    assert everything() == before


def test_a_site_is_edited_and_who_saved_first_is_shown(ivan: Client, works: Site) -> None:
    address = f"/sites/{works.pk}/commercial/edit/"
    assert_clean(ivan.get(address).content)
    form = works_form(attendance_plan="on", version=works.version)
    assert ivan.post(address, form).status_code == 302
    works.refresh_from_db()
    assert works.attendance_plan and not works.elevator_control
    assert ivan.post(address, works_form("Other", version=1)).status_code == 409
    assert "On, not activated" in opened(ivan, works)
    assert ivan.get(f"/sites/{works.pk}/edit/").headers["Location"] == address


@pytest.mark.rule("R34")
def test_doors_are_billed_by_numbered_slots(people: People, ivan: Client, works: Site) -> None:
    rows = [LibraryRow(READER, model="A08"), LibraryRow(PHONE, model="X915")]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    assert "No door yet." in opened(ivan, works)
    assert_clean(ivan.get(f"/sites/{works.pk}/equipment/new/door/").content)
    for name, mac in (("Main entrance", PHONE), ("Stairs north", READER), ("Garage", "")):
        assert door(ivan, works, name, mac=mac).status_code == 302
    assert set(Device.objects.values_list("type", "model")) == {("door_phone", "X915"), ("access_control", "A08")}
    page = opened(ivan, works)
    assert READER in page and PHONE in page
    assert page.count("<b>Slot 1</b>") == page.count("<b>Slot 2</b>") == 1 and "<b>Slot 3</b>" not in page
    pay(Entitlement.objects.get(site=works, target__slot=1))
    assert opened(ivan, works).count('class="slot paid"') == 1
    for piece in Equipment.objects.filter(site=works).order_by("pk")[:2]:
        ivan.post(f"/equipment/{piece.pk}/archive/", {"version": piece.version})
    assert "<b>Slot" not in opened(ivan, works)  # one door is left, and that is free


def test_the_field_for_a_mac_knows_what_may_be_at_a_door(people: People, ivan: Client, works: Site) -> None:
    rows = [LibraryRow(READER, model="A08"), LibraryRow("0C:11:05:31:40:99", model="C313")]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    offered = ivan.get(f"/sites/{works.pk}/mac/free/?type=door&mac=").content.decode()
    assert READER in offered and "C313" not in offered
    told = page_of(ivan.get(f"/sites/{works.pk}/mac/?type=door&mac={READER}"))
    assert "A08" in told
    refused = door(ivan, works, "Wrong", mac="0C:11:05:31:40:99")
    assert refused.status_code == 422 and not Equipment.objects.exists()


@pytest.mark.rule("R28")
def test_a_commercial_site_has_no_services_of_homes(ivan: Client, works: Site) -> None:
    for page in (ivan.get("/sites/new/commercial/"), ivan.get(f"/sites/{works.pk}/facts/")):
        assert not [word for word in ("Landline", "Booking", "Package Room", "PM App") if word in page_of(page)]
    assert ivan.get(f"/sites/{works.pk}/equipment/new/lock/").status_code == 404
    assert ivan.get(f"/sites/{works.pk}/equipment/new/sensor/").status_code == 200


@pytest.mark.usefixtures("credits_list", "time_machine_at_noon")
def test_sums_in_credits_are_shown_to_who_sees_prices(people: People, ivan: Client, works: Site) -> None:
    for name in ("Main entrance", "Yard", "Roof"):
        door(ivan, works, name)
    assert "1 credit" in page_of(ivan.get("/sites/new/commercial/"))
    page = opened(ivan, works)
    assert "2 credits" in page and "They are paid with credits." in page and "Activate 2" not in page
    assert "1 credit" in page_of(ivan.get(f"/sites/{works.pk}/commercial/edit/"))
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    for path in (
        "/sites/new/commercial/",
        f"/sites/{works.pk}/doors-and-people/",
        f"/sites/{works.pk}/commercial/edit/",
    ):
        page = page_of(ivan.get(path))
        assert "1 credit" not in page and "2 credits" not in page and "every 30 days" not in page.lower()


@pytest.mark.rule("R1")
def test_who_may_open_and_edit_it(people: People, sign_in: SignIn, works: Site, make_site: Callable[..., Site]) -> None:
    for reader in (people.olga, people.dora):
        page = opened(sign_in(reader), works)
        assert f"/sites/{works.pk}/commercial/edit/" not in page and "Add door" not in page
        assert sign_in(reader).get("/sites/new/commercial/").status_code == 403
    for stranger in (people.sam, people.tess, people.petra, people.igor):
        assert sign_in(stranger).get(f"/sites/{works.pk}/doors-and-people/").status_code == 404
    assert sign_in(people.tess).get("/sites/new/commercial/").status_code == 403
    community = make_site()
    for path in ("doors-and-people/", "commercial/edit/", "accounts/new/"):
        assert sign_in(people.ivan).get(f"/sites/{community.pk}/{path}").status_code == 404
