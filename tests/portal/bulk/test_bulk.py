"""The page of a bulk change: its dry run with the sums, the monitors that are missing, and taking it back (R15–R17, S1)."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import Organization
from communities.actions import apartments, sites
from communities.models import Apartment, Entitlement, ServiceChange, Site
from devices.models import Device
from subscriptions.models import PriceList
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of
from tests.portal.places import MAC, OTHER_MAC, stock

pytestmark = pytest.mark.django_db
BOTH = "?indoor_monitor=on&landline=on"


@pytest.fixture
def harbour(people: People, make_site, make_apartment) -> Site:
    """Harbour View: 1.01 with both on, 1.02 without landline, 2.01 without either and without a monitor."""
    stock(people, MAC, OTHER_MAC)
    site: Site = make_site(landline=True)
    for number, switches in (
        ("1.01", {}), ("1.02", {"landline": False}), ("2.01", {"indoor_monitor": False, "landline": False}),
    ):  # fmt: skip
        make_apartment(site, number, **switches)
    return site


@pytest.fixture
def ivan(people: People, sign_in) -> Client:
    browser: Client = sign_in(people.ivan)
    return browser


def address(site: Site, query: str = "") -> str:
    return f"/sites/{site.pk}/bulk/{query}"


def sent(page: str, **more: Any) -> dict[str, Any]:
    """The form as the page holds it."""
    found = re.search(r'name="digest" value="(\w+)"', page)
    assert found
    return {"digest": found[1], **more}


def flat(number: str) -> Apartment:
    return Apartment.objects.get(number=number)


@pytest.mark.rule("R15")
def test_it_is_reached_from_the_communitys_edit_page_and_offers_exactly_two_switches(
    ivan: Client, harbour: Site
) -> None:
    assert f'href="{address(harbour)}"' in page_of(ivan.get(f"/sites/{harbour.pk}/edit/"))
    answer = ivan.get(address(harbour))
    page = page_of(answer)
    assert_clean(answer.content)
    assert re.findall(r'<h3 id="setting-\d">([^<]+)</h3>', page) == ["With Indoor Monitor", "Landline"]
    assert "Now on in 2 of 3." in page
    assert "Apply" not in page


@pytest.mark.rule("R16")
@pytest.mark.rule("R17")
def test_the_dry_run_says_what_changes_what_lacks_a_monitor_and_what_it_costs(
    ivan: Client, harbour: Site, price_list: PriceList
) -> None:
    item = Entitlement.objects.get(target=flat("1.02").target_id, service_type="app")
    with transaction.atomic():
        Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=15), paid_variant=item.variant)
    answer = ivan.get(address(harbour, BOTH))
    page = page_of(answer)
    assert_clean(answer.content)
    assert not ServiceChange.objects.exists()
    assert '<p class="k">Change</p> <p class="v">2</p> <p class="d">of 3</p>' in page
    assert '<p class="k">Stay as they are</p> <p class="v">1</p>' in page
    assert '<p class="k">Without a monitor</p> <p class="v">1</p>' in page
    # App 1.50 with and 2.50 without monitor, landline 0.60: 1.02 adds landline, 2.01 both, and its App was never paid
    assert "+US$0.20" in page
    assert "For all that is on: US$6.10, then US$6.30" in page
    assert "Resident 2.01" in page
    assert "Apply to 2 apartments" in page


@pytest.mark.rule("R16")
@pytest.mark.rule("R17")
def test_it_is_applied_with_a_monitor_or_to_wait_for_one(ivan: Client, harbour: Site) -> None:
    page, lacking = page_of(ivan.get(address(harbour, BOTH))), flat("2.01")
    refused = ivan.post(address(harbour, BOTH), sent(page))
    assert refused.status_code == 422
    assert "MAC needed" in page_of(refused)
    assert_clean(refused.content)
    wrong = ivan.post(
        address(harbour, BOTH), sent(page, **{f"m{lacking.pk}-mac": "0C:11:05", f"m{lacking.pk}-name": "Hall"})
    )
    assert wrong.status_code == 422
    assert 'value="0C:11:05"' in page_of(wrong)
    assert not ServiceChange.objects.exists()
    done = ivan.post(address(harbour, BOTH), sent(page, **{f"m{lacking.pk}-mac": MAC, f"m{lacking.pk}-name": "Hall"}))
    change = ServiceChange.objects.get()
    assert (done.status_code, done.headers["Location"]) == (302, f"/changes/{change.pk}/")
    assert (change.count, Device.objects.filter(apartment=lacking).count()) == (2, 1)
    assert (flat("2.01").indoor_monitor, flat("2.01").landline, flat("2.01").monitor_pending) == (True, True, False)


def test_left_empty_it_waits_where_the_tick_says_so(ivan: Client, harbour: Site) -> None:
    page = page_of(ivan.get(address(harbour, "?indoor_monitor=on")))
    assert ivan.post(address(harbour, "?indoor_monitor=on"), sent(page, may_wait="on")).status_code == 302
    assert flat("2.01").monitor_pending


@pytest.mark.rule("R16")
def test_what_changed_meanwhile_is_a_new_dry_run_with_what_was_typed(
    people: People, ivan: Client, harbour: Site
) -> None:
    page, first, lacking = page_of(ivan.get(address(harbour, BOTH))), flat("1.01"), flat("2.01")
    apartments.change_apartment(
        people.ivan.actor, apartment_id=first.pk, version=first.version, floor="1", number="1.01", name="",
        switches={**first.switches, "landline": False}, has_monitor=True, now=NOW,
    )  # fmt: skip
    answer = ivan.post(address(harbour, BOTH), sent(page, **{f"m{lacking.pk}-mac": MAC, f"m{lacking.pk}-name": "Hall"}))
    told = page_of(answer)
    assert answer.status_code == 409
    assert "this is the new dry run" in told
    assert "Apply to 3 apartments" in told
    assert f'value="{MAC}"' in told
    assert not ServiceChange.objects.exists()
    assert ivan.post(address(harbour, BOTH), sent(told, may_wait="on")).status_code == 302


def test_a_misread_label_is_repaired_without_script(ivan: Client, harbour: Site) -> None:
    lacking = flat("2.01")
    page = page_of(ivan.get(address(harbour, BOTH)))
    typed = {f"m{lacking.pk}-mac": "DC:11:05:2A:11:5E", f"m{lacking.pk}-name": "Hall"}
    refused = page_of(ivan.post(address(harbour, BOTH), sent(page, **typed)))
    assert f'name="use" value="{lacking.pk}:{MAC}"' in refused
    used = page_of(ivan.post(address(harbour, BOTH), sent(page, use=f"{lacking.pk}:{MAC}", **typed)))
    assert f'value="{MAC}"' in used
    assert 'value="Hall"' in used


@pytest.mark.rule("R22")
def test_above_the_ceiling_it_says_where_to_switch_it_on(ivan: Client, make_site, make_apartment) -> None:
    site = make_site("Pier", landline=False)
    make_apartment(site)
    page = page_of(ivan.get(address(site, "?landline=on")))
    assert "Landline is off in Pier. Switch it on there first." in page
    assert "no rule is broken" not in page
    answer = ivan.post(address(site, "?landline=on"), sent(page))
    assert (answer.status_code, ServiceChange.objects.count()) == (422, 0)


def test_one_building_or_floor_is_chosen_in_the_address(people: People, ivan: Client, harbour: Site) -> None:
    quay = flat("1.01").building
    sites.add_building(people.ivan.actor, site_id=harbour.pk, name="East", now=NOW)
    page = page_of(ivan.get(address(harbour, f"?landline=on&building={quay.pk}&floor=1")))
    assert "Apply to 1 apartment " in page
    assert "building=" in page
    for unknown in ("999999", f"0{quay.pk}", "x"):  # taken for none it would mean all apartments
        assert ivan.get(address(harbour, f"?landline=on&building={unknown}")).status_code == 404


def test_nothing_to_change_says_so(ivan: Client, harbour: Site) -> None:
    building = flat("1.01").building_id
    ivan.post(address(harbour, "?landline=on"), sent(page_of(ivan.get(address(harbour, "?landline=on")))))
    assert "All of these apartments are set so already." in page_of(ivan.get(address(harbour, "?landline=on")))
    assert "There are no apartments there." in page_of(
        ivan.get(address(harbour, f"?landline=on&building={building}&floor=9"))
    )


def test_the_list_is_a_file_before_and_after(ivan: Client, harbour: Site) -> None:
    head, *rows = csv.reader(
        io.StringIO(ivan.get(f"/sites/{harbour.pk}/bulk/file/?landline=on&format=csv").getvalue().decode("utf-8-sig"))
    )
    assert head[2:] == [
        "Number",
        "With Indoor Monitor before",
        "With Indoor Monitor after",
        "Landline before",
        "Landline after",
    ]
    assert [row[2:] for row in rows] == [["1.02", "On", "On", "Off", "On"], ["2.01", "Off", "Off", "Off", "On"]]
    page = page_of(ivan.get(address(harbour, "?landline=on")))
    ivan.post(address(harbour, "?landline=on"), sent(page))
    change = ServiceChange.objects.get()
    lines = ivan.get(f"/changes/{change.pk}/?format=csv").getvalue().decode("utf-8-sig").splitlines()
    assert [line.split(",")[2:] for line in lines[1:]] == [row[2:] for row in rows]


def test_it_is_taken_back_on_its_own_page(people: People, ivan: Client, harbour: Site) -> None:
    page = page_of(ivan.get(address(harbour, "?landline=on")))
    ivan.post(address(harbour, "?landline=on"), sent(page))
    change = ServiceChange.objects.get()
    paid = Entitlement.objects.filter(target=flat("1.02").target_id, service_type="premium")
    paid.update(last_charged_at=change.created_at + timedelta(minutes=5), paid_variant="landline")
    answer = ivan.get(f"/changes/{change.pk}/")
    told = page_of(answer)
    assert_clean(answer.content)
    assert "This can be taken back in 1 of 2 apartments" in told
    assert "It was paid for since. Change it by hand" in told
    assert f'href="/changes/{change.pk}/"' in page_of(ivan.get(address(harbour)))
    undone = ivan.post(f"/changes/{change.pk}/undo/", sent(told))
    back = ServiceChange.objects.get(undoes=change)
    assert (undone.status_code, undone.headers["Location"]) == (302, f"/changes/{back.pk}/")
    assert (flat("1.02").landline, flat("2.01").landline) == (True, False)
    assert "Taken back in 1 apartment" in page_of(ivan.get(f"/changes/{change.pk}/"))
    assert "Takes the bulk change of" in page_of(ivan.get(f"/changes/{back.pk}/"))
    again = ivan.post(f"/changes/{change.pk}/undo/", sent(told))
    assert (again.status_code, ServiceChange.objects.count()) == (302, 2)
    assert "taken back already" in page_of(ivan.get(again.headers["Location"]))


def test_who_sees_no_prices_reads_no_sum(people: People, ivan: Client, harbour: Site, price_list: PriceList) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False, pays_regular=False)
    page = page_of(ivan.get(address(harbour, BOTH)))
    assert "US$" not in page
    assert "Every 30 days" not in page
    ivan.post(address(harbour, "?landline=on"), sent(page_of(ivan.get(address(harbour, "?landline=on")))))
    assert "US$" not in page_of(ivan.get(f"/changes/{ServiceChange.objects.get().pk}/"))


@pytest.mark.rule("R1")
@pytest.mark.rule("R4")
def test_only_who_configures_the_site_may(people: People, harbour: Site, sign_in) -> None:
    for person, status in ((people.dora, 403), (people.petra, 403), (people.ines, 404), (people.mallory, 403)):
        browser = sign_in(person)
        for path in (address(harbour, BOTH), f"/sites/{harbour.pk}/bulk/file/"):
            assert browser.get(path).status_code == status
        assert browser.post(address(harbour, BOTH), {"digest": "x"}).status_code == status


def test_a_missing_price_is_said_and_breaks_nothing(ivan: Client, harbour: Site) -> None:
    page = page_of(ivan.get(address(harbour, BOTH)))
    assert "There is no price list in USD yet" in page
    assert "Apply to 2 apartments" in page


def test_a_second_click_makes_one_change(ivan: Client, harbour: Site) -> None:
    text = ivan.get(address(harbour, "?landline=on")).content.decode()
    form = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', text))
    first = ivan.post(address(harbour, "?landline=on"), form)
    second = ivan.post(address(harbour, "?landline=on"), form)
    assert first.headers["Location"] == second.headers["Location"]
    assert ServiceChange.objects.count() == 1


def test_a_floor_is_chosen_in_its_building(people: People, ivan: Client, harbour: Site) -> None:
    """Of more than twelve floors one is chosen from a list, whose form has to say which building it is of."""
    south = sites.add_building(people.ivan.actor, site_id=harbour.pk, name="South", now=NOW)
    for floor in range(1, 15):
        apartments.create_apartment(
            people.ivan.actor,
            building_id=south.pk,
            floor=str(floor),
            number=f"{floor}.01",
            switches={"landline": False},
            now=NOW,
        )
    page = page_of(ivan.get(address(harbour, f"?landline=on&building={south.pk}")))
    form = next(form for form in re.findall(r"<form.*?</form>", page) if 'name="floor"' in form)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    assert hidden == {"landline": "on", "building": str(south.pk)}
    chosen = page_of(ivan.get(address(harbour), {**hidden, "floor": "5"}))
    assert "Apply to 1 apartment " in chosen
    form = next(form for form in re.findall(r"<form.*?</form>", chosen) if "South" in form)
    assert 'name="floor"' not in form  # another building has other floors


@pytest.mark.rule("R16")
@pytest.mark.parametrize("pressed", [{"use": "1:0C:11:05:00:00:01"}, {"typed": "x" * 65}], ids=["use", "error"])
def test_no_other_dry_run_is_shown_without_saying_so(
    people: People, ivan: Client, harbour: Site, pressed: dict[str, str], make_apartment
) -> None:
    page, lacking = page_of(ivan.get(address(harbour, BOTH))), flat("2.01")
    make_apartment(harbour, "3.01", landline=False)
    pressed = {f"m{lacking.pk}-name": pressed["typed"]} if "typed" in pressed else pressed
    answer = ivan.post(address(harbour, BOTH), sent(page, **pressed))
    assert answer.status_code == 409
    assert "this is the new dry run" in page_of(answer)


def test_what_waits_keeps_the_price_of_an_app_that_was_paid(ivan: Client, harbour: Site, price_list: PriceList) -> None:
    item = Entitlement.objects.get(target=flat("2.01").target_id, service_type="app")
    Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=15), paid_variant=item.variant)
    page = page_of(ivan.get(address(harbour, "?indoor_monitor=on")))
    assert "For all that is on: US$6.10, then US$6.10" in page
    typed = page_of(
        ivan.post(address(harbour, "?indoor_monitor=on"), sent(page, **{f"m{flat('2.01').pk}-mac": "0C:11"}))
    )
    assert "For all that is on: US$6.10, then US$5.10" in typed
    ivan.post(address(harbour, "?indoor_monitor=on"), sent(page, may_wait="on"))
    back = page_of(ivan.get(f"/changes/{ServiceChange.objects.get().pk}/"))
    assert "With Indoor Monitor off" in back
    assert "+US$1.00" not in back  # it goes on at what was paid


def test_to_work_at_once_counts_upgrades_and_what_has_to_be_activated(
    ivan: Client, harbour: Site, price_list: PriceList
) -> None:
    item = Entitlement.objects.get(target=flat("1.02").target_id, service_type="app")
    Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=15), paid_variant=item.variant)
    page = page_of(ivan.get(address(harbour, f"?landline=on&building={flat('1.02').building_id}&floor=1")))
    assert "US$0.60 of it to activate" in page  # the App runs, and there was no Premium Plan
    off = page_of(ivan.get(address(harbour, "?landline=off")))
    assert '<p class="t12">More to work at once</p> <p class="mid">US$0.00</p>' in off


def test_who_is_not_there_yet_is_said(
    people: People, ivan: Client, harbour: Site, price_list: PriceList, make_apartment
) -> None:
    make_apartment(harbour, "3.01", master=False, landline=False)
    page = page_of(ivan.get(address(harbour, "?landline=on")))
    assert "1 of these apartments has no family master yet" in page


def test_where_it_looked_is_said(ivan: Client, harbour: Site) -> None:
    where = f"?landline=on&building={flat('1.02').building_id}&floor=1"
    ivan.post(address(harbour, where), sent(page_of(ivan.get(address(harbour, where)))))
    told = page_of(ivan.get(f"/changes/{ServiceChange.objects.get().pk}/"))
    assert "Only Quay House was looked at. Floor 1." in told


def test_the_same_mac_twice_names_the_other_apartment(people: People, ivan: Client, make_site, make_apartment) -> None:
    stock(people, MAC)
    site = make_site("Pier")
    pair = [make_apartment(site, number, indoor_monitor=False) for number in ("1.01", "1.02")]
    page = page_of(ivan.get(address(site, "?indoor_monitor=on")))
    typed = {f"m{row.pk}-{name}": value for row in pair for name, value in (("mac", MAC), ("name", "Hall"))}
    assert "Quay House 1.01 has the same MAC." in page_of(
        ivan.post(address(site, "?indoor_monitor=on"), sent(page, **typed))
    )


def test_what_is_paid_besides_does_not_hold_it(ivan: Client, harbour: Site) -> None:
    ivan.post(address(harbour, "?landline=on"), sent(page_of(ivan.get(address(harbour, "?landline=on")))))
    change = ServiceChange.objects.get()
    apps = Entitlement.objects.filter(target=flat("1.02").target_id, service_type="app")
    apps.update(last_charged_at=change.created_at + timedelta(days=1), paid_variant="monitor", reserved_by=7)
    assert "This can be taken back in 2 of 2 apartments" in page_of(ivan.get(f"/changes/{change.pk}/"))
