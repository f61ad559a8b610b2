"""Two people edit the same row: who saves second is told by whom and what, keeps what was typed, and overwrites nothing unseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import actions, audit
from accounts.actions import terms, two_factor
from accounts.models import AuditEvent, Membership, Mute, Organization, User
from communities.actions import assignments
from communities.models import Apartment, Building, ManagerAssignment, Resident, Site, TechnicianAssignment
from payments import actions as payment_actions
from payments.models import BillingProfile
from subscriptions.actions import prices
from subscriptions.models import PriceList
from subscriptions.prices import PriceKey
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.conflicts import told
from tests.portal.html import form_in
from tests.portal.places import building

SignIn = Callable[[Person], Client]
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")


@pytest.fixture
def jonas(people: People) -> Person:
    """A second technician of Ivan's."""
    return Person(
        actions.add_member(
            SYSTEM, organization=people.ivan.firm, email="jonas@hafen.example", name="Jonas Weber", now=NOW, is_technician=True
        )
    )  # fmt: skip


def workers(site: Site) -> set[str]:
    """Who works on a site, by name."""
    return {str(row.membership.user) for row in TechnicianAssignment.objects.filter(site=site)}


def test_jonas_keeps_his_site_when_a_stale_page_is_saved(
    people: People, jonas: Person, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan = make_site(), sign_in(people.ivan)
    address = f"/sites/{site.pk}/managers/"
    first, second = (form_in(ivan.get(address).content, "technicians") for _tab in range(2))
    petra, tess = people.petra.membership.pk, people.tess.membership.pk
    assert ivan.post(address, first | {"technicians": [jonas.membership.pk]}).status_code == 302
    stale = ivan.post(address, second | {"technicians": [tess], "managers": [petra]})
    assert told(stale) == [
        ("Property managers: Petra Holm", "Off", "Off", "On", True),
        ("Technicians: Jonas Weber", "Off", "On", "Off", False),
        ("Technicians: Tess Marin", "Off", "Off", "On", True),
    ]
    assert "You saved this in another window" in stale.content.decode()
    assert workers(site) == {"Jonas Weber"}
    assert not ManagerAssignment.objects.exists()
    assert ivan.post(address, form_in(stale.content, "technicians")).status_code == 302
    assert workers(site) == {"Jonas Weber", "Tess Marin"}
    assert ManagerAssignment.objects.get().membership_id == petra


def test_a_site_taken_from_the_persons_page_is_noticed_on_the_sites_page(
    people: People, jonas: Person, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan = make_site(), sign_in(people.ivan)
    stale = form_in(ivan.get(f"/sites/{site.pk}/managers/").content, "technicians")
    of_jonas = f"/users/{jonas.membership.pk}/"
    fresh = form_in(ivan.get(of_jonas).content, "sites")
    assert ivan.post(f"{of_jonas}sites/", fresh | {"sites": [site.pk]}).status_code == 302
    assert ivan.post(f"/sites/{site.pk}/managers/", stale).status_code == 409
    assert workers(site) == {"Jonas Weber"}


def test_the_sites_of_a_person_are_not_overwritten_from_a_stale_page(
    people: People, jonas: Person, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    harbour, quay, ivan = make_site(), make_site("Quay"), sign_in(people.ivan)
    of_jonas = f"/users/{jonas.membership.pk}/"
    stale = form_in(ivan.get(of_jonas).content, "sites")
    managers = f"/sites/{harbour.pk}/managers/"
    there = form_in(ivan.get(managers).content, "technicians") | {"technicians": [jonas.membership.pk]}
    assert ivan.post(managers, there).status_code == 302
    answer = ivan.post(f"{of_jonas}sites/", stale | {"sites": [quay.pk]})
    assert told(answer) == [
        ("Sites: Harbour View, Hamburg", "Off", "On", "Off", False),
        ("Sites: Quay, Hamburg", "Off", "Off", "On", True),
    ]
    assert (workers(harbour), workers(quay)) == ({"Jonas Weber"}, set())
    assert ivan.post(f"{of_jonas}sites/", form_in(answer.content, "sites")).status_code == 302
    assert (workers(harbour), workers(quay)) == ({"Jonas Weber"}, {"Jonas Weber"})


@pytest.mark.parametrize(
    "was", ['["abc"]', "[true]", '["²"]', f"[{10**30}]", f'["{10**30}"]', '["\\ud800"]', "[0]", "[-1]"]
)
def test_sites_that_a_page_can_not_have_begun_with_are_a_conflict(
    people: People, jonas: Person, make_site: Callable[..., Site], sign_in: SignIn, was: str
) -> None:
    site, ivan = make_site(), sign_in(people.ivan)
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[jonas.membership.pk], now=NOW)
    answer = ivan.post(f"/users/{jonas.membership.pk}/sites/", {"was": f'{{"sites":{was}}}', "sites": []})
    assert [line[0] for line in told(answer)] == ["Sites: Harbour View, Hamburg"]
    assert "You saved this in another window" in answer.content.decode()
    assert workers(site) == {"Jonas Weber"}


def test_half_a_character_in_what_a_page_began_with_is_left_out(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan = make_site(), sign_in(people.ivan)
    address = f"/sites/{site.pk}/edit/"
    opened = form_in(ivan.get(address).content, "street")
    assert ivan.post(address, opened | {"city": "Altona"}).status_code == 302
    answer = ivan.post(address, opened | {"was": '{"city":"\\ud800","street":"Pier 1"}'})
    assert told(answer) == [("City", None, "Altona", "Hamburg", True)]


def test_choosing_the_same_people_again_is_no_change(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan = make_site(), sign_in(people.ivan)
    address = f"/sites/{site.pk}/managers/"
    assert ivan.post(address, form_in(ivan.get(address).content, "technicians")).status_code == 302
    site.refresh_from_db()
    assert site.version == 1


def test_a_colleague_is_named_and_nothing_typed_is_lost(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan, tess = make_site(), sign_in(people.ivan), sign_in(people.tess)
    managers = f"/sites/{site.pk}/managers/"
    ivan.post(
        managers,
        form_in(ivan.get(managers).content, "technicians") | {"technicians": [people.tess.membership.pk]},
    )
    address = f"/sites/{site.pk}/edit/"
    by_ivan, by_tess = (form_in(client.get(address).content, "street") for client in (ivan, tess))
    assert tess.post(address, by_tess | {"city": "Altona", "booking": "on"}).status_code == 302
    answer = ivan.post(address, by_ivan | {"city": "Harburg", "street": "Pier 2"})
    text = answer.content.decode()
    assert "Tess Marin saved this" in text
    assert "Nothing of yours is lost" in text
    assert told(answer) == [
        ("Street", "Kaistraße 14", "Kaistraße 14", "Pier 2", True),
        ("City", "Hamburg", "Altona", "Harburg", True),
        ("Booking Service", "Off", "On", "Off", False),
    ]
    site.refresh_from_db()
    assert (site.city, site.street, site.booking) == ("Altona", "Kaistraße 14", True)
    assert ivan.post(address, form_in(answer.content, "street")).status_code == 302
    site.refresh_from_db()
    assert (site.city, site.street, site.booking) == ("Harburg", "Pier 2", True)
    tess_again = tess.post(address, by_tess | {"city": "Wedel"})
    assert "Somebody saved this in the meantime" in tess_again.content.decode()  # a technician reads no audit
    assert "Ivan Brandt saved" not in tess_again.content.decode()


def test_who_only_looked_at_the_site_is_not_named(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan, tess = make_site(), sign_in(people.ivan), sign_in(people.tess)
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    address = f"/sites/{site.pk}/edit/"
    by_ivan, by_tess = (form_in(client.get(address).content, "street") for client in (ivan, tess))
    assert tess.post(address, by_tess | {"city": "Altona"}).status_code == 302
    assert sign_in(people.olga).get(f"/sites/{site.pk}/").status_code == 200
    assert AuditEvent.objects.order_by("-pk").values_list("action", flat=True)[0] == "support.viewed"
    answer = ivan.post(address, by_ivan | {"city": "Harburg"})
    assert "Tess Marin saved this" in answer.content.decode()


def test_who_reset_the_second_factor_of_a_person_is_not_named(people: People, jonas: Person, sign_in: SignIn) -> None:
    dora, ivan = sign_in(people.dora), sign_in(people.ivan)
    Membership.objects.filter(pk=jonas.membership.pk).update(is_technician=False)  # a technician's form has no grants
    address = f"/users/{jonas.membership.pk}/"
    opened = form_in(dora.get(address).content, "rights-grants")
    assert (
        ivan.post(
            address, form_in(ivan.get(address).content, "rights-grants") | {"rights-grants": ["sees_prices"]}
        ).status_code
        == 302
    )
    User.objects.filter(pk=jonas.membership.user_id).update(two_factor_at=NOW)
    two_factor.reset_two_factor(people.dora.actor, membership_id=jonas.membership.pk, now=NOW)
    answer = dora.post(address, opened | {"rights-grants": ["sees_invoices"]})
    assert answer.status_code == 409
    assert "Ivan Brandt saved this" in answer.content.decode()


@pytest.mark.rule("R22")
def test_who_switched_a_service_off_in_the_whole_site_is_named_at_the_apartment(
    people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment], sign_in: SignIn
) -> None:
    site = make_site(landline=True)
    colleague = Person(
        actions.add_member(SYSTEM, organization=people.ivan.firm, email="ida@hafen.example", name="Ida Kern", now=NOW)
    )
    terms.accept(colleague.membership.user, now=NOW)
    lowered, untouched = (
        make_apartment(site, number, indoor_monitor=False, landline=has)
        for number, has in (("1.01", True), ("1.02", False))
    )
    ivan, ida, edit = sign_in(people.ivan), sign_in(colleague), f"/sites/{site.pk}/edit/"
    opened = {home: form_in(ivan.get(f"/apartments/{home.pk}/edit/").content, "floor") for home in (lowered, untouched)}
    form = form_in(ida.get(edit).content, "street")
    del form["landline"]
    assert ida.post(edit, form | {"ceiling_confirmed": "on"}).status_code == 302
    answer = ivan.post(f"/apartments/{lowered.pk}/edit/", opened[lowered] | {"name": "Corner"})
    assert "Ida Kern saved this" in answer.content.decode()
    assert "Name" in {line[0] for line in told(answer)}
    # What the site's row does not name was saved by whoever its own row names.
    elsewhere = opened[untouched] | {"name": "By Ivan"}
    assert ivan.post(f"/apartments/{untouched.pk}/edit/", elsewhere).status_code == 302
    assert ida.post(edit, form_in(ida.get(edit).content, "street") | {"landline": "on"}).status_code == 302
    answer = ivan.post(f"/apartments/{untouched.pk}/edit/", elsewhere | {"name": "Too late"})
    assert "You saved this in another window" in answer.content.decode()


def test_a_profile_saved_in_two_windows_says_when_the_profile_was_saved(people: People, sign_in: SignIn) -> None:
    ivan, user = sign_in(people.ivan), people.ivan.membership.user
    opened = form_in(ivan.get("/settings/").content, "time_zone")
    assert ivan.post("/settings/", opened | {"name": "Ivan B."}).status_code == 302
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        audit.record(
            people.ivan.actor, two_factor.SWITCHED_ON, user, now=NOW + timedelta(minutes=5), tenant=people.ivan.firm
        )
        answer = ivan.post("/settings/", opened | {"time_zone": "Europe/Oslo"})
    assert answer.context["conflict"].when == NOW


def test_a_resident_saved_by_a_colleague_is_not_overwritten(
    people: People,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Apartment],
    sign_in: SignIn,
) -> None:
    make_apartment(make_site())
    resident, ivan = Resident.objects.get(), sign_in(people.ivan)
    address = f"/residents/{resident.pk}/edit/"
    opened = form_in(ivan.get(address).content, "remark")
    assert ivan.post(address, opened | {"name": "By Ivan"}).status_code == 302
    answer = ivan.post(address, opened | {"name": "Too late"})
    assert told(answer) == [("Name", "Resident 1.01", "By Ivan", "Too late", True)]
    assert 'value="Too late"' in answer.content.decode()
    resident.refresh_from_db()
    assert (resident.name, resident.version) == ("By Ivan", 2)
    assert ivan.post(address, form_in(answer.content, "remark")).status_code == 302
    resident.refresh_from_db()
    assert (resident.name, resident.version) == ("Too late", 3)


def test_a_form_that_does_not_say_what_it_began_with_keeps_all_of_its_own(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    site, ivan = make_site(), sign_in(people.ivan)
    quay = building(people, site)
    address = f"/buildings/{quay.pk}/edit/"
    for was in ("", "[]", "{", '{"name": {"no": "name"}}'):
        answer = ivan.post(address, {"name": "Pier House", "version": 0, "was": was})
        assert told(answer) == [("Name", None, "Quay House", "Pier House", True)]
    assert Building.objects.get().name == "Quay House"


def test_the_rights_of_a_firm_and_its_address_stay_one_form(people: People, sign_in: SignIn) -> None:
    hafen, dora, ivan = people.ivan.firm, sign_in(people.dora), sign_in(people.ivan)
    address = f"/users/firms/{hafen.pk}/edit/"
    opened = form_in(dora.get(address).content, "street")
    own = form_in(ivan.get(address).content, "street") if ivan.get(address).status_code == 200 else None
    assert own is not None
    assert ivan.post(address, own | {"city": "Altona"}).status_code == 302
    answer = dora.post(address, opened | {"may-pays_regular": "on"})
    assert "Ivan Brandt saved this" in answer.content.decode()
    assert told(answer) == [
        ("City", "", "Altona", "", False) if opened["city"] else ("City", "–", "Altona", "–", False),
        ("Regular payment", "Off", "Off", "On", True),
    ]
    assert dora.post(address, form_in(answer.content, "street")).status_code == 302
    hafen = Organization.objects.get(pk=hafen.pk)
    assert (hafen.city, hafen.pays_regular) == ("Altona", True)


def test_what_a_person_may_do_is_not_overwritten(people: People, sign_in: SignIn) -> None:
    dora = sign_in(people.dora)
    address = f"/users/{people.ivan.membership.pk}/"
    opened = form_in(dora.get(address).content, "rights-grants")
    assert dora.post(address, opened | {"rights-grants": ["sees_prices"]}).status_code == 302
    answer = dora.post(address, opened | {"rights-grants": ["sees_prices", "sees_invoices"]})
    assert [line[0] for line in told(answer)] == ["May: Sees orders and invoices"]
    assert people.ivan.membership.__class__.objects.get(pk=people.ivan.membership.pk).sees_invoices is False


INVOICE: dict[str, Any] = {
    "company": "Hafen Intercom GmbH", "tax_number": "DE1", "email": "b@hafen.example", "street": "Kai 1", "postal_code": "20457",
    "city": "Hamburg", "state": "", "country": "DE",
}  # fmt: skip


def test_billing_information_can_be_saved_again_after_a_colleague_saved_first(people: People, sign_in: SignIn) -> None:
    ivan, address = sign_in(people.ivan), "/settings/billing/"
    payment_actions.save_billing(people.ivan.actor, organization=people.ivan.firm, now=NOW, **INVOICE)
    opened = form_in(ivan.get(address).content, "company")
    assert ivan.post(address, opened | {"city": "Altona"}).status_code == 302
    answer = ivan.post(address, opened | {"street": "Kai 2"})
    assert told(answer) == [
        ("Street", "Kai 1", "Kai 1", "Kai 2", True),
        ("City", "Hamburg", "Altona", "Hamburg", False),
    ]
    assert ivan.post(address, form_in(answer.content, "company")).status_code == 302
    assert BillingProfile.objects.values_list("street", "city").get() == ("Kai 2", "Altona")


def test_two_tabs_of_the_own_profile(people: People, sign_in: SignIn) -> None:
    ivan, address = sign_in(people.ivan), "/settings/"
    opened = form_in(ivan.get(address).content, "time_zone")
    assert ivan.post(address, opened | {"name": "Ivan B."}).status_code == 302
    answer = ivan.post(address, opened | {"time_zone": "Europe/Oslo"})
    assert told(answer) == [
        ("Name", "Ivan Brandt", "Ivan B.", "Ivan Brandt", False),
        ("Time zone", "Europe/Berlin", "Europe/Berlin", "Europe/Oslo", True),
    ]
    assert ivan.post(address, form_in(answer.content, "time_zone")).status_code == 302
    user = people.ivan.membership.user
    user.refresh_from_db()
    assert (user.name, user.time_zone) == ("Ivan B.", "Europe/Oslo")


def test_two_tabs_of_the_own_notifications(people: People, sign_in: SignIn) -> None:
    tess, address = sign_in(people.tess), "/settings/notifications/"
    opened = form_in(tess.get(address).content, "orders")
    without_sites = {name: value for name, value in opened.items() if name != "sites"}
    without_orders = {name: value for name, value in opened.items() if name != "orders"}
    assert tess.post(address, without_sites).status_code == 302
    answer = tess.post(address, without_orders)
    assert len(told(answer)) == 2
    assert tess.post(address, form_in(answer.content, "requests")).status_code == 302
    assert set(Mute.objects.values_list("topic", flat=True)) == {"orders", "sites"}


def test_a_price_list_published_meanwhile_is_not_replaced_unseen(people: People, sign_in: SignIn) -> None:
    olga = sign_in(people.olga)
    begun = prices.publish_price_list(
        SYSTEM, currency="USD", amounts={PriceKey("app", "monitor"): 150}, valid_from=NOW - timedelta(days=1), now=NOW
    )
    address = f"/prices/new/?follows={begun.pk}"
    opened = form_in(olga.get(address).content, "note")
    assert olga.post(address, opened | {"price-app-monitor": "1.70"}).status_code == 302
    answer = olga.post(address, opened | {"price-app-no_monitor": "2.50"})
    assert [line[2:] for line in told(answer)] == [("1.70", "1.50", False), ("–", "2.50", True)]
    assert PriceList.objects.count() == 2
    assert olga.post(address, form_in(answer.content, "note")).status_code == 302
    newest = PriceList.objects.order_by("-number")[0]
    amounts = {(row.service_type, row.part): row.amount_minor for row in newest.prices.all()}
    assert amounts == {("app", "monitor"): 170, ("app", "no_monitor"): 250}
