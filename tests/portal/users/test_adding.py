"""Firms and people are added: by whom, below whom, as what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from accounts.models import Kind, Membership, Organization
from tests.accounts.invited import everything, token_of_last_mail
from tests.people import NOW, People
from tests.portal.html import assert_clean, form_in
from tests.portal.users.firms import firm_form


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.rule("R2")
def test_dora_adds_an_installer_that_may_not_pay_and_invites_its_administrator(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    page = client.get("/users/new/?kind=installer").content.decode()
    assert "Neither ticked: the installer may not pay." in page
    assert_clean(page)
    answer = client.post("/users/new/?kind=installer", firm_form(parent=people.dora.firm.pk))
    lumen = Organization.objects.get(name="Lumen Access AB")
    assert answer["Location"] == f"/users/firms/{lumen.pk}/"
    assert (lumen.pays_regular, lumen.pays_credits, lumen.require_2fa, lumen.sees_prices) == (False, False, False, True)
    assert (lumen.parent_id, lumen.distributor_id, lumen.time_zone) == (
        people.dora.firm.pk, people.dora.firm.pk, "Europe/Stockholm",
    )  # fmt: skip
    page = client.get(answer["Location"]).content.decode()
    assert "Elin Sjöberg" in page
    assert "mail waiting" in page
    assert_clean(page)
    token_of_last_mail()
    assert "22 Nov 2026, mail sent" in client.get("/users/").content.decode()


@pytest.mark.rule("R2")
@pytest.mark.rule("R1")
def test_who_creates_whom_and_below_whom(people: People, sign_in) -> None:
    """Every role tries every kind below every firm there is; only what DOMAIN §1 says comes to be."""
    allowed = {
        ("olga", "distributor", "Vendor"),
        ("dora", "subdistributor", "Nordlys Distribution"),
        ("dora", "installer", "Nordlys Distribution"),
        ("dora", "installer", "Sund Partner"),
        ("sam", "installer", "Sund Partner"),
        ("ivan", "manager", "Hafen Intercom GmbH"),
    }
    made = set()
    firms = list(Organization.objects.all())
    for name in ("olga", "dora", "sam", "ivan", "tess", "petra"):
        client = sign_in(getattr(people, name))
        for kind in Kind.values:
            for parent in firms:
                mark = f"{name} {kind} {parent.pk}"
                form = firm_form(
                    mark, parent=parent.pk, currency="USD", **{"person-email": f"{name}{kind}{parent.pk}@x.example"}
                )
                client.post(f"/users/new/?kind={kind}", form)
                new = Organization.objects.filter(name=mark).first()
                if new is not None:
                    assert (new.kind, new.parent_id) == (kind, parent.pk)
                    made.add((name, kind, parent.name))
    assert made == allowed


def test_a_firm_is_not_added_when_its_administrator_is_refused(people: People, sign_in) -> None:
    before = everything()
    form = firm_form(parent=people.dora.firm.pk, **{"person-email": "nonsense"})
    answer = sign_in(people.dora).post("/users/new/?kind=installer", form)
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert everything() == before
    assert not Organization.objects.filter(name="Lumen Access AB").exists()


def test_olga_adds_a_distributor_with_its_currency(people: People, sign_in) -> None:
    client = sign_in(people.olga)
    assert_clean(client.get("/users/new/?kind=distributor").content)
    client.post("/users/new/?kind=distributor", firm_form(parent=people.olga.firm.pk, currency="EUR"))
    assert Organization.objects.get(name="Lumen Access AB").currency == "EUR"


def test_ivan_invites_a_technician(people: People, sign_in) -> None:
    client = sign_in(people.ivan)
    page = client.get("/users/new/?kind=technician").content.decode()
    assert_clean(page)
    answer = client.post(
        "/users/new/?kind=technician",
        {
            "person-name": "Tom",
            "person-email": "tom@hafen.example",
            "person-language": "de",
            "rights-is_technician": "yes",
        },
    )
    made = Membership.objects.get(user__email_key="tom@hafen.example")
    assert answer["Location"] == f"/users/{made.pk}/"
    assert (made.is_technician, made.organization_id, made.joined_at) == (True, people.ivan.firm.pk, None)
    assert_clean(client.get(answer["Location"]).content)


@pytest.mark.rule("R2")
@pytest.mark.parametrize("name", ["olga", "dora", "sam"])
def test_only_an_installer_has_a_page_for_technicians(people: People, sign_in, name: str) -> None:
    client = sign_in(getattr(people, name))
    before = everything()
    form = {"person-name": "Tom", "person-email": "tom@x.example", "person-language": "de"}
    for answer in (
        client.get("/users/new/?kind=technician"),
        client.post("/users/new/?kind=technician", form),
        client.post("/users/new/?kind=technician", form | {"rights-is_technician": "yes"}),
    ):
        assert answer.status_code == 404
    assert everything() == before


@pytest.mark.rule("R2")
@pytest.mark.parametrize("name", ["olga", "dora", "sam", "ivan", "tess", "petra"])
def test_who_adds_people_to_which_firm_by_the_form_and_by_a_forged_one(people: People, sign_in, name: str) -> None:
    """Every role sends the form of every firm, with and without the technician's tick, whether or not the page has it."""
    person = getattr(people, name)
    client, made, shown = sign_in(person), set(), set()
    for one in (people.olga, people.dora, people.sam, people.ivan, people.ines, people.petra, people.igor, people.paul):
        address = f"/users/firms/{one.firm.pk}/people/new/"
        page = client.get(address)
        if page.status_code == 200:
            assert_clean(page.content)
            shown.add(one.firm.name)
        if client.get(f"/users/firms/{one.firm.pk}/").status_code == 200:
            links = address in client.get(f"/users/firms/{one.firm.pk}/").content.decode()
            assert links == (one.firm.name in shown)
        for tick in ("no", "yes"):
            before, email = everything(), f"{one.firm.pk}{tick}@x.example"
            form = {"person-name": "X", "person-email": email, "person-language": "en", "rights-is_technician": tick}
            answer = client.post(address, form)
            invited = Membership.objects.filter(user__email_key=email).first()
            if invited is None:
                assert answer.status_code in {403, 404, 422}
                assert everything() == before
            else:
                assert (invited.organization_id, invited.is_technician) == (one.firm.pk, tick == "yes")
                made.add(f"{one.firm.name}{' technician' if invited.is_technician else ''}")
    resellers, installers = {"Nordlys Distribution", "Sund Partner"}, {"Hafen Intercom GmbH", "Norden Port AS"}
    allowed = {
        "olga": {"Vendor", *resellers, *installers, "Zephyr Install"},
        "dora": {*resellers, *installers},
        "sam": {"Sund Partner", "Norden Port AS"},
        "ivan": {"Hafen Intercom GmbH", "Holm Verwaltung"},
        "tess": set(),
        "petra": set(),
    }[name]
    assert shown == allowed
    assert made == allowed | ({"Hafen Intercom GmbH technician"} if name == "ivan" else set())


@pytest.mark.rule("R2")
def test_from_above_nobody_makes_a_technician_of_a_colleague_nor_the_reverse(people: People, sign_in) -> None:
    for name in ("olga", "dora"):
        client = sign_in(getattr(people, name))
        for person, forged in ((people.tess, "no"), (people.ivan, "yes")):
            address = f"/users/{person.membership.pk}/"
            page = client.get(address).content.decode()
            assert "Technician: works on assigned sites" not in page
            assert_clean(page)
            before = everything()
            answer = client.post(address, {"rights-is_technician": forged, "rights-version": "1"})
            assert answer.status_code == 422
            assert_clean(answer.content)
            assert everything() == before


def test_who_is_added_as_a_technician_becomes_one(people: People, sign_in) -> None:
    ivan = sign_in(people.ivan)
    form = form_in(ivan.get("/users/new/?kind=technician").content, "person-email")
    form |= {"person-name": "New", "person-email": "new@hafen.example"}
    assert ivan.post("/users/new/?kind=technician", form).status_code == 302
    assert Membership.objects.get(user__email="new@hafen.example").is_technician
    assert ivan.post("/users/new/?kind=colleague", {**form, "person-email": "c@hafen.example"}).status_code == 302
    assert not Membership.objects.get(user__email="c@hafen.example").is_technician
