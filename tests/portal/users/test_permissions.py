"""What a firm and its people may, and what ends with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine

from accounts import actions
from accounts.actions import tokens
from accounts.models import AuditEvent, Membership, Organization
from communities.models import Entitlement
from tests.accounts.invited import everything
from tests.people import NOW, PASSWORD, People
from tests.portal.html import assert_clean, form_in
from tests.portal.places import pay
from tests.portal.users.firms import firm_form


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_forms_offer_the_rights_one_has_and_leave_the_others_as_they_are(people: People, sign_in) -> None:
    """Dora does not manage subscriptions: of Ivan, who does, the box is locked, and stays whatever is sent."""
    dora = people.dora.membership
    Membership.objects.filter(pk=dora.pk).update(manages_subscriptions=False)
    client, ivan = sign_in(people.dora), people.ivan.membership
    address = f"/users/{ivan.pk}/"
    page = client.get(address).content.decode()
    boxes = dict(re.findall(r'name="rights-grants" value="(\w+)"([^>]*)>', page))
    assert {name: "disabled" in rest for name, rest in boxes.items()} == {
        "sees_prices": False, "sees_invoices": False, "gets_billing_mail": False, "manages_subscriptions": True,
    }  # fmt: skip
    assert all("checked" in rest for rest in boxes.values())
    assert_clean(page)
    assert client.post(address, {"rights-version": "1", "rights-grants": ["sees_prices"]}).status_code == 302
    ivan.refresh_from_db()
    assert (ivan.manages_subscriptions, ivan.sees_invoices, ivan.gets_billing_mail) == (True, True, False)
    Membership.objects.filter(pk=ivan.pk).update(manages_subscriptions=False)
    forged = {"rights-version": ivan.version, "rights-grants": ["manages_subscriptions"]}
    assert client.post(address, forged).status_code == 403
    ivan.refresh_from_db()
    assert not ivan.manages_subscriptions


def test_permissions_one_may_not_decide_are_locked_and_stay(people: People, sign_in) -> None:
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=False, sees_prices=False)
    client, firm = sign_in(people.dora), people.ivan.firm
    address = f"/users/firms/{firm.pk}/edit/"
    for where in (address, "/users/new/?kind=installer"):
        page = client.get(where).content.decode()
        assert len(re.findall(r'name="may-[^>]*disabled', page)) == 3
        assert "Only members who manage subscriptions decide this." in page
        assert_clean(page)
    form = firm_form("Hafen Intercom GmbH", country="DE", time_zone="Europe/Berlin", version="1")
    form |= {"may-pays_regular": "on", "may-pays_credits": "on", "may-require_2fa": "on"}
    form.pop("may-sees_prices")
    assert client.post(address, form).status_code == 302
    firm.refresh_from_db()
    assert (firm.pays_regular, firm.pays_credits, firm.sees_prices, firm.require_2fa) == (False, False, True, True)
    client.post("/users/new/?kind=installer", form | {"name": "Lumen", "parent": people.dora.firm.pk})
    lumen = Organization.objects.get(name="Lumen")
    assert (lumen.pays_regular, lumen.pays_credits, lumen.sees_prices) == (False, False, True)
    invited = Membership.objects.get(organization=lumen)
    assert (invited.sees_prices, invited.manages_subscriptions, invited.gets_billing_mail) == (False, False, True)


def test_nobody_becomes_the_administrator_of_a_firm_one_adds(people: People, sign_in) -> None:
    before = everything()
    form = firm_form(parent=people.dora.firm.pk, **{"person-email": "Dora@Nordlys.example"})
    answer = sign_in(people.dora).post("/users/new/?kind=installer", form)
    assert answer.status_code == 422
    assert "You can&#x27;t invite yourself" in answer.content.decode()
    assert not Organization.objects.filter(name="Lumen Access AB").exists()
    assert everything() == before


@pytest.mark.rule("R9")
def test_a_change_of_what_an_installer_may_is_audited_with_before_and_after(people: People, sign_in) -> None:
    firm = people.ivan.firm
    client = sign_in(people.dora)
    address = f"/users/firms/{firm.pk}/edit/"
    assert_clean(client.get(address).content)
    form = firm_form("Hafen Intercom GmbH", country="DE", time_zone="Europe/Berlin", version="1")
    answer = client.post(address, form | {"may-pays_regular": "on", "may-require_2fa": "on"})
    assert answer["Location"] == f"/users/firms/{firm.pk}/"
    firm.refresh_from_db()
    assert (firm.pays_regular, firm.pays_credits, firm.require_2fa, firm.sees_prices) == (True, False, True, True)
    event = AuditEvent.objects.get(action="organization.permissions_set")
    assert (event.before, event.after) == (
        {"pays_regular": False, "require_2fa": False},
        {"pays_regular": True, "require_2fa": True},
    )
    assert (event.user_id, event.organization_id, event.at) == (people.dora.membership.user_id, firm.pk, NOW)
    stale = client.post(address, form)
    assert stale.status_code == 409
    firm.refresh_from_db()
    assert firm.pays_regular


@pytest.mark.rule("R2")
def test_an_installer_never_permits_itself_to_pay(people: People, sign_in) -> None:
    firm = people.ivan.firm
    client = sign_in(people.ivan)
    address = f"/users/firms/{firm.pk}/edit/"
    assert "may-pays_regular" not in client.get(address).content.decode()
    form = firm_form("Hafen Intercom", country="DE", time_zone="Europe/Berlin", version="1")
    client.post(address, form | {"may-pays_regular": "on", "may-pays_credits": "on", "pays_regular": "on"})
    firm.refresh_from_db()
    assert (firm.name, firm.pays_regular, firm.pays_credits) == ("Hafen Intercom", False, False)
    for person in (people.sam, people.mallory):
        assert sign_in(person).post(address, form).status_code == 404


def test_deactivating_a_firm_says_in_numbers_what_stops_and_what_goes_on(
    people: People, sign_in, make_site, make_apartment
) -> None:
    site = make_site()
    make_apartment(site, indoor_monitor=False)
    paid = Entitlement.objects.filter(site=site).first()
    assert paid is not None
    pay(paid)
    actions.invite(
        people.ivan.actor,
        organization_id=people.ivan.firm.pk,
        email="n@hafen.example",
        name="N",
        language="en",
        now=NOW,
    )
    tokens.create_token(people.ivan.actor, name="t", scopes=["read:sites"], expires_at=None, password=PASSWORD, now=NOW)
    dora, address = sign_in(people.dora), f"/users/firms/{people.ivan.firm.pk}/activity/"
    assert f'href="{address}"' in dora.get(f"/users/firms/{people.ivan.firm.pk}/").content.decode()
    with time_machine.travel(NOW, tick=False):
        page = dora.get(address)
    assert_clean(page.content)
    closing = page.context["closing"]
    assert {str(label): n for label, n in closing.stops} == {
        "People who can work for it": 2,
        "Invitations that can be taken up": 1,
        "API tokens that answer": 1,
    }
    assert {str(label): n for label, n in closing.goes_on} == {
        "Firms below it, which work as before": 1,
        "People of these firms, who keep their sites": 1,
        "Sites": 1,
        "Paid services: they run to the end of their paid time": 1,
    }
    assert "keeps login and password" in page.content.decode()
    people.ivan.firm.refresh_from_db()
    assert people.ivan.firm.is_active  # looking changes nothing
    assert dora.post(address, form_in(page.content, "active")).status_code == 302
    people.ivan.firm.refresh_from_db()
    assert not people.ivan.firm.is_active
    assert dora.get(address).status_code == 302


@pytest.mark.parametrize(("name", "status"), [("ivan", 403), ("mallory", 404), ("tess", 403), ("sam", 404)])
def test_only_who_is_above_is_asked_whether_to_deactivate(people: People, sign_in, name: str, status: int) -> None:
    who = sign_in(getattr(people, name))
    for method in (who.get, who.post):
        assert method(f"/users/firms/{people.ivan.firm.pk}/activity/", {"active": "no"}).status_code == status
    people.ivan.firm.refresh_from_db()
    assert people.ivan.firm.is_active


def test_the_form_of_a_technician_shows_nothing_of_money(people: People, sign_in) -> None:
    ivan, tess = sign_in(people.ivan), people.tess.membership
    for address in (f"/users/{tess.pk}/", "/users/new/?kind=technician"):
        assert 'name="rights-grants"' not in ivan.get(address).content.decode()
    assert 'name="rights-is_technician"' not in ivan.get("/users/new/?kind=technician").content.decode()
    above = sign_in(people.dora).get(f"/users/{tess.pk}/").content.decode()
    assert "Save rights" not in above
    form = form_in(ivan.get(f"/users/{tess.pk}/").content, "rights-is_technician")
    assert ivan.post(f"/users/{tess.pk}/", form).status_code == 302
    tess.refresh_from_db()
    assert (tess.is_technician, tess.version) == (True, 1)  # nothing changed, so nothing was written
    promoted = ivan.post(f"/users/{tess.pk}/", {**form, "rights-is_technician": "no"}, follow=True)
    assert "sees nothing of money yet" in promoted.content.decode()
    tess.refresh_from_db()
    assert (tess.is_technician, tess.grants) == (False, frozenset())
    assert 'name="rights-grants"' in ivan.get(f"/users/{tess.pk}/").content.decode()
