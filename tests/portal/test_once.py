"""The same form twice, by a second click, a network that tries again or the way back: it makes one row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts import sent_forms
from accounts.models import ApiToken, SentForm
from communities.models import Building, Resident, Site
from smartplus import form_tokens
from tests.people import NOW, PASSWORD, People, Person
from tests.portal.html import form_in
from tests.portal.places import site_form

KIM = {"name": "Kim Twice", "email": "kim@twice.example", "language": "en"}
AGAIN = "This was saved already. Sent twice, it is there once."


def form_of(client: Client, address: str, field: str = "name") -> dict[str, Any]:
    return form_in(client.get(address).content, field)


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    return sign_in(people.ivan)


def test_a_site_sent_twice_is_there_once_and_both_lead_to_it(ivan: Client) -> None:
    form = {**form_of(ivan, "/sites/new/"), **site_form()}
    first, second = (ivan.post("/sites/new/", form) for _ in range(2))
    site = Site.objects.get()
    assert first["Location"] == second["Location"] == f"/sites/{site.pk}/"
    assert AGAIN in ivan.get(second["Location"]).content.decode()


def test_what_may_be_there_twice_is_there_once_too(
    ivan: Client, make_site: Callable[..., Site], make_apartment: Callable[..., Any]
) -> None:
    address = f"/apartments/{make_apartment(make_site()).pk}/residents/new/"
    before, form = Resident.objects.count(), {**form_of(ivan, address), **KIM}
    for _ in range(3):
        assert ivan.post(address, form).status_code == 302
    assert Resident.objects.count() == before + 1
    assert ivan.post(address, {**form_of(ivan, address), **KIM}).status_code == 302  # meant: a fresh form
    assert Resident.objects.count() == before + 2


def test_the_page_one_went_back_to_and_filled_otherwise_makes_another_one(
    ivan: Client, make_site: Callable[..., Site]
) -> None:
    address = f"/sites/{make_site().pk}/buildings/new/"
    form = form_of(ivan, address)
    for name in ("Quay House", "Pier House"):
        ivan.post(address, {**form, "name": name})
    assert Building.objects.count() == 2


def test_what_was_refused_may_be_sent_again(ivan: Client, make_site: Callable[..., Site]) -> None:
    site = make_site()
    form = {**form_of(ivan, "/sites/new/"), **site_form()}
    for _ in range(2):  # the name is taken, and that is said each time
        refused = ivan.post("/sites/new/", form)
        assert refused.status_code == 422
        assert AGAIN not in refused.content.decode()
    Site.objects.filter(pk=site.pk).delete()
    assert ivan.post("/sites/new/", form).status_code == 302
    assert Site.objects.count() == 1


def test_a_price_that_is_only_asked_for_uses_nothing_up(ivan: Client) -> None:
    form = {**form_of(ivan, "/sites/new/"), **site_form()}
    for _ in range(2):
        assert ivan.post("/sites/new/", {**form, "show-price": "1"}).status_code == 200
    assert not SentForm.objects.exists()
    ivan.post("/sites/new/", form)
    assert Site.objects.count() == 1


def test_a_token_that_is_shown_once_is_made_once(ivan: Client) -> None:
    form = {
        **form_of(ivan, "/settings/tokens/", "scopes"),
        "name": "Export",
        "scopes": ["read:sites"],
        "password": PASSWORD,
    }
    first, second = (ivan.post("/settings/tokens/", form) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 302)
    assert ApiToken.objects.count() == 1
    assert AGAIN in ivan.get(second["Location"]).content.decode()


def test_somebody_elses_token_is_none(people: People, ivan: Client, sign_in: Callable[[Person], Client]) -> None:
    form = {**form_of(ivan, "/sites/new/"), **site_form()}
    ivan.post("/sites/new/", form)
    ines = sign_in(people.ines)
    assert ines.post("/sites/new/", form).status_code == 302
    assert Site.objects.count() == 2
    assert SentForm.objects.count() == 1


@pytest.mark.parametrize("token", ["", "x", "1.abc:def", "é" * 80])
def test_a_token_that_is_none_of_ours_changes_nothing(ivan: Client, token: str) -> None:
    assert form_tokens.owner(token) == form_tokens.NOBODY
    ivan.post("/sites/new/", {**site_form(), form_tokens.FIELD: token})
    assert (Site.objects.count(), SentForm.objects.count()) == (1, 0)


def test_a_form_is_remembered_for_a_day(ivan: Client) -> None:
    ivan.post("/sites/new/", {**form_of(ivan, "/sites/new/"), **site_form()})
    assert sent_forms.forget_old(now=NOW + timedelta(hours=1)) == 0
    SentForm.objects.update(sent_at=NOW)
    assert sent_forms.forget_old(now=NOW + timedelta(hours=23)) == 0
    assert sent_forms.forget_old(now=NOW + timedelta(days=1, seconds=1)) == 1
    assert not SentForm.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_instant_make_one(
    people: People,
    sign_in: Callable[[Person], Client],
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Any],
) -> None:
    with transaction.atomic():
        address = f"/apartments/{make_apartment(make_site()).pk}/residents/new/"
    clients = [sign_in(people.ivan), sign_in(people.ivan)]
    form = {**form_of(clients[0], address), **KIM}
    answers: list[str] = []
    start = threading.Barrier(2)

    def click(client: Client) -> None:
        try:
            start.wait(10)
            answers.append(client.post(address, form)["Location"])
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 2
    assert len(set(answers)) == 1
    assert Resident.objects.filter(name="Kim Twice").count() == 1
