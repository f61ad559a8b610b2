"""The operator's support view: seen by the tenant in its audit log, once an hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import actions
from accounts.actions import terms
from accounts.models import AuditEvent
from communities.models import Site
from payments.sandbox import Sandbox
from subscriptions.models import Cart, Order
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import assert_clean


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """The time stands until a test moves it on."""
    with time_machine.travel(NOW, tick=False) as standing:
        yield standing


@pytest.fixture
def order(harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox) -> Order:
    """Dora's order for Ivan's Harbour View."""
    placed: Order = place(fill_cart())
    return placed


def views() -> list[tuple[str, str]]:
    found = AuditEvent.objects.filter(action="support.viewed").order_by("pk")
    return list(found.values_list("subject_type", "subject_label"))


@pytest.mark.rule("R1")
@pytest.mark.rule("R9")
def test_what_olga_opens_is_in_the_tenants_log_once_an_hour(people: People, order: Order, sign_in, clock) -> None:
    site = Site.objects.get()
    apartment = site.apartments.first()
    assert apartment
    client, firm, tess = sign_in(people.olga), people.ivan.firm, people.tess.membership
    for _ in range(2):
        for path in (
            f"/sites/{site.pk}/", f"/sites/{site.pk}/services/", f"/apartments/{apartment.pk}/", f"/users/firms/{firm.pk}/",
            f"/users/firms/{firm.pk}/edit/", f"/users/{tess.pk}/", f"/orders/{order.number}/",
        ):  # fmt: skip
            assert client.get(path).status_code == 200, path
    wanted = [
        ("site", "Harbour View"), ("organization", "Hafen Intercom GmbH"), ("membership", "Tess Marin (Hafen Intercom GmbH)"),
        ("order", order.number),
    ]  # fmt: skip
    assert views() == wanted
    for reader in (people.ivan, people.dora):
        page = sign_in(reader).get("/settings/audit/?area=security").content.decode()
        assert page.count("Support view opened:") == 4
        assert "Olga Operator" in page
        assert_clean(page)
    for stranger in (people.mallory, people.sam):
        assert "Support view" not in sign_in(stranger).get("/settings/audit/").content.decode()
    assert "Support view opened: Harbour View" in sign_in(people.ivan).get(f"/sites/{site.pk}/facts/").content.decode()
    clock.shift(timedelta(minutes=59, seconds=59))
    client.get(f"/sites/{site.pk}/")
    assert views() == wanted
    clock.shift(timedelta(seconds=1))
    client.get(f"/sites/{site.pk}/")
    assert views() == [*wanted, ("site", "Harbour View")]


def test_each_person_of_the_operator_is_noted(people: People, sign_in) -> None:
    otto = Person(
        actions.add_member(SYSTEM, organization=people.olga.firm, email="otto@vendor.example", name="Otto", now=NOW)
    )
    terms.accept(otto.membership.user, now=NOW)
    for person in (people.olga, otto):
        assert sign_in(person).get(f"/users/firms/{people.ivan.firm.pk}/").status_code == 200
    found = AuditEvent.objects.filter(action="support.viewed").values_list("user_id", flat=True)
    assert set(found) == {people.olga.membership.user_id, otto.membership.user_id}


def test_nobody_else_leaves_a_trace_nor_the_operator_at_home(people: People, order: Order, sign_in) -> None:
    site = Site.objects.get()
    for person in (people.dora, people.ivan, people.tess, people.petra):
        client = sign_in(person)
        for path in (f"/sites/{site.pk}/", f"/users/firms/{people.ivan.firm.pk}/", f"/orders/{order.number}/"):
            client.get(path)
    client = sign_in(people.olga)
    for path in (f"/users/firms/{people.olga.firm.pk}/", f"/users/{people.olga.membership.pk}/"):
        assert client.get(path).status_code == 200
    assert client.get("/sites/999999/").status_code == 404
    assert client.post(f"/users/{people.tess.membership.pk}/activity/", {"active": "yes"}).status_code == 302
    assert views() == []


def test_a_form_that_is_not_accepted_shows_the_page_too(people: People, sign_in) -> None:
    client, tess = sign_in(people.olga), people.tess.membership
    form = {"rights-is_technician": "nonsense", "rights-version": tess.version}
    assert client.post(f"/users/{tess.pk}/", form).status_code == 422
    assert views() == [("membership", "Tess Marin (Hafen Intercom GmbH)")]


def test_who_has_not_joined_is_named_as_invited(people: People, sign_in) -> None:
    invited = actions.invite(
        people.ivan.actor, organization_id=people.ivan.firm.pk, email=people.mallory.email, name="M. B.", language="en", now=NOW
    )  # fmt: skip
    sign_in(people.olga).get(f"/users/{invited.pk}/")
    assert views() == [("membership", "M. B. (Hafen Intercom GmbH)")]


def test_looking_again_costs_one_question_of_an_index(people: People, sign_in) -> None:
    client, path = sign_in(people.olga), f"/users/firms/{people.ivan.firm.pk}/"
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    of_audit = [query["sql"] for query in asked if "accounts_auditevent" in query["sql"]]
    assert len(of_audit) == 1
    assert of_audit[0].startswith("SELECT 1")
