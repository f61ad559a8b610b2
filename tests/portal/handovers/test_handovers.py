"""The pages of a handover, as both sides see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from communities.models import Site
from subscriptions.models import Handover, Order
from tests.people import People, Person
from tests.portal.html import page_of


@pytest.mark.rule("R1")
def test_the_way_from_the_offer_to_the_new_installer(
    people: People, kai: Person, agree: Callable[..., object], harbour_view: Site, sign_in
) -> None:
    agree()
    ivan, quay, address = sign_in(people.ivan), sign_in(kai), f"/sites/{harbour_view.pk}/"
    assert f'href="{address}handover/"' in page_of(ivan.get(f"{address}facts/"))
    form = page_of(ivan.get(f"{address}handover/"))
    assert 'name="to_name"' in form
    assert "Quay" not in form
    refused = ivan.post(f"{address}handover/", {"to_name": "Nobody"})
    assert (refused.status_code, Handover.objects.count()) == (422, 0)
    sent = ivan.post(f"{address}handover/", {"to_name": "Quay Electric", "note": "We close down"})
    handover = Handover.objects.get()
    way = f"/handovers/{handover.pk}/"
    assert sent["Location"] == way == ivan.get(f"{address}handover/")["Location"]
    assert "Waiting for Quay Electric" in page_of(ivan.get(way))
    assert "offers you its site Harbour View" in page_of(quay.get("/dashboard/"))
    assert "Harbour View" in page_of(quay.get("/handovers/"))
    page = page_of(quay.get(way))
    for words in (
        "We close down",
        "Take Harbour View over",
        "<dt>Apartments</dt><dd>2</dd>",
        "<dt>Their paid PM Apps</dt><dd>1</dd>",
    ):
        assert words in page, words
    for hidden in ("US$", "Resident 1.01", "Petra", "Ivan Brandt", "Dora", Order.objects.get().number, "4242"):
        assert hidden not in page, hidden
    assert quay.get(f"{way}print/").status_code == 404
    printed = page_of(ivan.get(f"{way}print/"))
    assert "Resident 1.01" in printed
    digest = page.split('name="digest" value="')[1].split('"')[0]
    taken = quay.post(f"{way}accept/", {"digest": digest})
    assert taken["Location"] == address
    assert quay.get(address).status_code == 200
    assert ivan.get(address).status_code == 404
    assert ivan.get(f"{way}print/").status_code == 404
    assert "Resident 1.01" in page_of(quay.get(f"{way}print/"))
    for client in (ivan, quay):
        assert "Handed over on" in page_of(client.get(way))
    number = Order.objects.get().number
    assert ivan.get(f"/orders/{number}/").status_code == 200
    assert quay.get(f"/orders/{number}/").status_code == 404
    for path in ("billing/", "facts/", "managers/", "differences/"):
        shown = quay.get(f"{address}{path}")
        assert shown.status_code == 200, path
        for hidden in ("Petra", number, "Dora"):
            assert hidden not in page_of(shown), (path, hidden)
    for path in ("/orders/", "/subscription/auto-renew/", "/settings/audit/?days=all", "/dashboard/"):
        assert ivan.get(path).status_code == quay.get(path).status_code == 200, path


def test_what_changed_since_is_shown_again_and_a_name_is_asked_for(
    people: People, kai: Person, make_site, make_apartment, sign_in, offer
) -> None:
    make_site("harbour view", by=kai)
    site = make_site()
    way, quay = f"/handovers/{offer(site).pk}/", sign_in(kai)
    page = page_of(quay.get(way))
    digest = page.split('name="digest" value="')[1].split('"')[0]
    assert 'name="name"' in page
    clash = quay.post(f"{way}accept/", {"digest": digest, "name": "Harbour View"})
    assert clash.status_code == 422
    make_apartment(site)
    late = quay.post(f"{way}accept/", {"digest": digest, "name": "Harbour View 2"})
    assert late.status_code == 409
    assert "The site changed since this page was opened" in page_of(late)
    assert Site.objects.get(pk=site.pk).installer == people.ivan.firm
    assert quay.post(f"{way}refuse/", {"reason": ""}).status_code == 422
    assert quay.post(f"{way}refuse/", {"reason": "Too far"}).status_code == 302
    assert "Too far" in page_of(sign_in(people.ivan).get(way))


@pytest.mark.rule("R1")
def test_for_everybody_else_it_is_not_there(people: People, kai: Person, make_site, sign_in, offer) -> None:
    way = f"/handovers/{offer(make_site()).pk}/"
    for person, status in (
        (people.dora, 200), (people.olga, 200), (people.sam, 404), (people.ines, 404), (people.mallory, 404),
        (people.igor, 404), (people.tess, 403), (people.petra, 403),
    ):  # fmt: skip
        assert sign_in(person).get(way).status_code == status, person.email
    assert sign_in(people.dora).get(f"{way}print/").status_code == 403
    choices = page_of(sign_in(people.dora).get(f"/sites/{make_site('Elbe Park').pk}/handover/"))
    assert "Quay Electric" in choices
    assert "Zephyr" not in choices
