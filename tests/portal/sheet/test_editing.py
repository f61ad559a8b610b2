"""The sheet as it is edited: the form without script, what the tray says, the page of review, and what is applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Organization
from communities.actions import apartments, assignments, residents, sites
from communities.models import Apartment, Building, Resident, ServiceChange, Site
from devices import actions
from devices.actions import LibraryRow
from devices.models import Device
from subscriptions.models import PriceList
from tests.guards.pages import Form, read
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, page_of

pytestmark = pytest.mark.django_db
SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]
FIRST = "0C1105000001"


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@pytest.fixture
def towers(people: People, make_site: MakeSite, make_apartment: MakeApartment) -> Site:
    """1.01 with its monitor as it were, 1.02 without With Indoor Monitor, 2.01 empty; one monitor in the library."""
    site = make_site("Towers", landline=True)
    make_apartment(site, "1.01", landline=False)
    make_apartment(site, "1.02", indoor_monitor=False)
    make_apartment(site, "2.01", master=False)
    actions.add_to_library(people.dora.actor, macs=[LibraryRow(FIRST, model="C313", confirmed=True)], now=NOW)
    return site


@pytest.fixture
def petra(people: People, towers: Site, sign_in: SignIn) -> Client:
    """The browser of Petra, who manages Towers."""
    assignments.set_managers(
        people.ivan.actor, site_id=towers.pk, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    return sign_in(people.petra)


def flat(number: str) -> Apartment:
    """An apartment as it is now."""
    return Apartment.objects.get(number=number)


def master(number: str) -> str:
    """Who is the family master of an apartment."""
    return Resident.objects.filter(apartment__number=number, is_master=True).values_list("name", flat=True).get()


def form_of(page: str) -> Form:
    """The form of the sheet, or of its review."""
    return next(form for form in read(page)[0] if form.id == "sheet-form")


def filled(form: Form, **cells: str | None) -> dict[str, str]:
    """What a browser sends; `cells` are named by apartment or building and column, such as `2.01 master`, and None is a tick taken out."""
    sent = {each.name: each.sent[0] for each in form.fields.values() if each.sent}
    for place, value in cells.items():
        number, _blank, column = place.partition(" ")
        name = f"cell-{flat(number).pk}-{column}" if number[0].isdigit() else f"new-{last_building()}-0-{column}"
        assert name in form.fields, name
        if value is None:
            sent.pop(name, None)
        else:
            sent[name] = value
    return sent


def last_building() -> int:
    """The building that was added last."""
    return Building.objects.order_by("-pk").values_list("pk", flat=True)[0]


def send(client: Client, site: Site, action: str, **cells: str | None) -> Any:
    """Send the form of the page without script, as the button `action` does."""
    form = form_of(client.get(f"/sites/{site.pk}/?edit=1").content.decode())
    return client.post(form.action, {**filled(form, **cells), "action": action})


def told(client: Client, site: Site, **cells: str | None) -> str:
    """What the tray says."""
    form = form_of(client.get(f"/sites/{site.pk}/?edit=1").content.decode())
    answer = client.post(form.action, filled(form, **cells), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return page_of(answer)


@pytest.mark.parametrize(
    ("who", "fields"), [("ivan", ["number", "master", "indoor_monitor", "landline", "mac"]), ("petra", ["master"]), ("dora", [])]
)  # fmt: skip
def test_each_role_gets_the_cells_that_it_edits(
    people: People, petra: Client, towers: Site, sign_in: SignIn, who: str, fields: list[str]
) -> None:
    client = petra if who == "petra" else sign_in(getattr(people, who))
    page = client.get(f"/sites/{towers.pk}/?edit=1").content.decode()
    assert_clean(page)
    found = {name.rpartition("-")[2] for name in re.findall(r'name="(cell-\d+-[a-z_]+)"', page)}
    assert found & {"number", "master", "indoor_monitor", "landline", "mac"} == set(fields)
    assert ('id="sheet-form"' in page) is bool(fields)
    light = client.get(f"/sites/{towers.pk}/").content.decode()
    assert_clean(light)
    assert (light.count("data-was=") == 3) is bool(fields)
    assert not re.findall(r'name="cell-\d', light), "fields are made by the script"
    assert ('<template id="sheet-row">' in light) is bool(fields)


@pytest.mark.rule("R22")
def test_a_switch_that_the_community_has_off_is_locked_with_its_reason(ivan: Client, towers: Site) -> None:
    page = page_of(ivan.get(f"/sites/{towers.pk}/?edit=1"))
    assert 'aria-label="Video Storage, 1.01" disabled title="Off in Towers: switch it on there first."' in page
    assert 'aria-label="Landline, 1.01">' in page


def test_what_is_typed_is_reviewed_and_applied_as_one_batch(ivan: Client, towers: Site, price_list: PriceList) -> None:
    cells = {"1.01 number": "1.1", "1.01 master": "Ada Byron", "1.01 landline": "on"}
    answer = send(ivan, towers, "review", **cells)
    page = page_of(answer)
    assert (answer.status_code, flat("1.01").landline) == (200, False)
    assert_clean(answer.content)
    assert "Towers: 3 changes, apartments: 1. Nothing is applied yet." in page
    assert "+US$0.60" in page
    assert re.search(r"Family master</td> <td[^>]*>Resident 1.01</td> <td[^>]*><b>Ada Byron</b>", page)
    done = ivan.post(f"/sites/{towers.pk}/sheet/", {**filled(form_of(answer.content.decode())), "action": "apply"})
    assert done["Location"] == f"/sites/{towers.pk}/?edit=1"
    assert (flat("1.1").landline, master("1.1")) == (True, "Ada Byron")
    (batch,) = AuditEvent.objects.filter(action="site.sheet_changed")
    assert AuditEvent.objects.filter(batch=batch).count() == 2  # the apartment, and its family master
    change = ServiceChange.objects.get()
    assert f'3 changes are applied. <a href="/changes/{change.pk}/">Undo</a>' in page_of(ivan.get(done["Location"]))


def test_the_same_sheet_sent_twice_is_applied_once(ivan: Client, towers: Site) -> None:
    form = form_of(ivan.get(f"/sites/{towers.pk}/?edit=1").content.decode())
    sent = {**filled(form, **{"1.01 landline": "on"}), "action": "apply"}
    first, second = (ivan.post(form.action, sent) for _time in range(2))
    assert (first.status_code, second.status_code, first["Location"]) == (302, 302, second["Location"])
    assert AuditEvent.objects.filter(action="site.sheet_changed").count() == 1


def test_the_tray_says_how_many_changes_and_what_they_cost(ivan: Client, towers: Site, price_list: PriceList) -> None:
    said = told(ivan, towers, **{"1.01 landline": "on", "1.01 number": "1.1"})
    assert "2 changes, apartments: 1" in said
    assert "Nothing is applied yet." in said
    assert "+US$0.60" in said
    assert "1 × Landline on" in said
    assert 'data-count="2" data-open="0"' in said


@pytest.mark.rule("R32")
def test_the_first_resident_is_named_in_money(ivan: Client, towers: Site, price_list: PriceList) -> None:
    said = told(ivan, towers, **{"2.01 master": "Ada Byron, ada@example.org"})
    assert "1 × First residents</dt> <dd>+US$1.50" in said  # the App with a monitor
    assert "US$1.50 of it to activate" in said


@pytest.mark.rule("R23")
def test_new_apartments_are_priced_with_the_switches_of_the_community(
    ivan: Client, towers: Site, price_list: PriceList
) -> None:
    said = told(ivan, towers, **{"new mac": FIRST, "new monitor_name": "Hall"})
    assert "1 × New apartments, as if occupied</dt> <dd>+US$2.10" in said  # the App and landline
    assert 'data-open="0"' in said


def test_where_prices_are_hidden_no_sum_appears(
    people: People, ivan: Client, towers: Site, price_list: PriceList
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    cells = {"1.01 landline": "on"}
    assert "US$" not in told(ivan, towers, **cells)
    assert "US$" not in page_of(send(ivan, towers, "review", **cells))


@pytest.mark.rule("R17")
def test_a_broken_rule_is_said_at_its_cell_with_the_ways_to_mend_it(ivan: Client, towers: Site) -> None:
    cells = {"1.02 indoor_monitor": "on"}
    said = told(ivan, towers, **cells)
    assert f'data-goto="cell-{flat("1.02").pk}-mac"' in said
    assert "Quay House 1.02: 1.02 has no monitor. The switch needs one before it can be applied." in said
    assert 'data-open="1"' in said
    answer = send(ivan, towers, "apply", **cells)
    assert (answer.status_code, flat("1.02").indoor_monitor) == (422, False)
    mended = filled(form_of(answer.content.decode()), **{"1.02 pending": "on"})
    assert ivan.post(f"/sites/{towers.pk}/sheet/", {**mended, "action": "apply"}).status_code == 302
    assert (flat("1.02").indoor_monitor, flat("1.02").monitor_pending) == (True, True)


def test_a_mistyped_mac_is_repaired_by_a_button_without_script(ivan: Client, towers: Site) -> None:
    answer = send(
        ivan, towers, "apply", **{"1.02 indoor_monitor": "on", "1.02 mac": "OC1105OOOOO1", "1.02 monitor_name": "Hall"}
    )
    assert answer.status_code == 422
    form = form_of(answer.content.decode())
    (use,) = [value for name, value in form.buttons if name == "use"]
    again = ivan.post(form.action, {**filled(form), "use": use})
    sent = filled(form_of(again.content.decode()))
    assert ivan.post(form.action, {**sent, "action": "apply"}).status_code == 302
    assert Device.objects.get().apartment == flat("1.02")


def test_a_colleagues_change_is_shown_and_nothing_is_lost(
    people: People, ivan: Client, petra: Client, towers: Site
) -> None:
    form = form_of(ivan.get(f"/sites/{towers.pk}/?edit=1").content.decode())
    person = Resident.objects.get(apartment__number="1.01")
    residents.edit_resident(
        people.petra.actor, resident_id=person.pk, version=person.version, name="By Petra", email=person.email, mobile="",
        language="en", remark="", now=NOW,
    )  # fmt: skip
    sent = {**filled(form, **{"1.01 master": "By Ivan", "1.01 landline": "on"}), "action": "apply"}
    answer = ivan.post(form.action, sent)
    page = page_of(answer)
    assert (answer.status_code, master("1.01")) == (409, "By Petra")
    assert_clean(answer.content)
    assert f"{people.petra.membership.user.name} saved this" in page
    assert "Nothing of yours is lost" in page
    assert re.search(r"1.01, Family master.*By Petra.*By Ivan", page)
    again = {**filled(form_of(answer.content.decode())), "action": "apply"}
    assert ivan.post(form.action, again).status_code == 302
    assert (master("1.01"), flat("1.01").landline) == ("By Ivan", True)


def test_a_cell_that_was_not_touched_keeps_what_a_colleague_made_of_it(
    people: People, ivan: Client, towers: Site
) -> None:
    form = form_of(ivan.get(f"/sites/{towers.pk}/?edit=1").content.decode())
    now = flat("1.01")
    apartments.change_apartment(
        people.ivan.actor, apartment_id=now.pk, version=now.version, floor="1", number="1.09",
        name="", switches=now.switches, now=NOW,
    )  # fmt: skip
    cells = {f"cell-{now.pk}-landline": "on", "action": "apply"}
    answer = ivan.post(form.action, {**filled(form), **cells})
    assert answer.status_code == 409
    ivan.post(form.action, {**filled(form_of(answer.content.decode())), "action": "apply"})
    assert flat("1.09").landline is True


def test_cells_that_are_not_sent_are_left_as_they_are(ivan: Client, towers: Site) -> None:
    """The script sends texts only where they were changed."""
    form = form_of(ivan.get(f"/sites/{towers.pk}/?edit=1").content.decode())
    key = f"cell-{flat('1.01').pk}"
    (was,) = form.fields[f"{key}-was"].sent
    ivan.post(
        form.action, {f"{key}-was": was, f"{key}-indoor_monitor": "on", f"{key}-landline": "on", "action": "apply"}
    )
    assert (flat("1.01").landline, master("1.01")) == (True, "Resident 1.01")


def test_a_manager_edits_family_masters_alone(petra: Client, towers: Site) -> None:
    answer = send(petra, towers, "apply", **{"1.01 master": "Ada Byron", "2.01 master": "Ben, ben@example.org"})
    assert answer.status_code == 302
    assert (master("1.01"), master("2.01")) == ("Ada Byron", "Ben")
    form = form_of(petra.get(f"/sites/{towers.pk}/?edit=1").content.decode())
    forged = {**filled(form), f"cell-{flat('1.01').pk}-number": "9.99", "action": "apply"}
    assert petra.post(form.action, forged).status_code == 403
    assert not Apartment.objects.filter(number="9.99").exists()


@pytest.mark.rule("R18")
def test_the_last_row_adds_an_apartment_together_with_its_monitor(ivan: Client, towers: Site) -> None:
    page = page_of(ivan.get(f"/sites/{towers.pk}/?edit=1"))
    new = f"new-{last_building()}-0"
    assert f'name="{new}-number" value="2.02"' in page
    assert f"{new}-pending" not in page
    bare = send(ivan, towers, "apply", **{"new master": "Ada Byron, ada@example.org"})
    assert bare.status_code == 422
    assert "A new apartment needs the MAC address and the name of its monitor." in page_of(bare)
    mended = filled(form_of(bare.content.decode()), **{"new mac": FIRST, "new monitor_name": "Hall"})
    assert ivan.post(f"/sites/{towers.pk}/sheet/", {**mended, "action": "apply"}).status_code == 302
    assert (master("2.02"), Device.objects.get().apartment) == ("Ada Byron", flat("2.02"))


def test_a_building_without_apartments_begins_with_the_row_that_adds_one(
    people: People, ivan: Client, make_site: MakeSite
) -> None:
    site = make_site("Fresh", indoor_monitor=False)
    sites.add_building(people.ivan.actor, site_id=site.pk, name="Annex", now=NOW)
    light = page_of(ivan.get(f"/sites/{site.pk}/"))
    assert f'data-ghost="new-{last_building()}-0" data-building="Annex" data-floor="1" data-number="1.01"' in light
    assert send(ivan, site, "apply", **{"new add": "on"}).status_code == 302
    assert flat("1.01").floor == "1"


@pytest.mark.rule("R15")
def test_heads_lead_to_the_dry_run_of_two_services(ivan: Client, towers: Site) -> None:
    page = page_of(ivan.get(f"/sites/{towers.pk}/"))
    building = last_building()
    assert f'href="/sites/{towers.pk}/bulk/?landline=on&amp;building={building}&amp;floor=1"' in page
    assert 'aria-label="Landline, all in Quay House"></a> <span>2 of 3</span>' in page
    assert "bulk/?video_storage" not in page


def test_a_sheet_in_which_nothing_changed_says_so(ivan: Client, towers: Site) -> None:
    answer = send(ivan, towers, "apply")
    assert answer.status_code == 422
    assert "Nothing is changed" in page_of(answer)


def test_only_a_community_has_a_sheet(people: People, ivan: Client, towers: Site) -> None:
    Site.objects.filter(pk=towers.pk).update(kind="house")
    assert ivan.post(f"/sites/{towers.pk}/sheet/", {"action": "review"}).status_code == 404
