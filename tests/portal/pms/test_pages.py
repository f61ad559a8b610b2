"""The connection of a site to a property management system, on its page."""

from __future__ import annotations

import re

import pytest

from communities.actions.pms_sync import find_connection
from communities.models import Apartment, PmsConnection
from tests.communities.connected import sent, synced
from tests.people import People
from tests.portal.html import assert_clean, page_of

pytestmark = pytest.mark.usefixtures("time_machine_at_noon")


@pytest.fixture
def flat(make_site, make_apartment) -> Apartment:
    """An apartment where nobody lives."""
    made: Apartment = make_apartment(make_site(), master=False)
    return made


@pytest.mark.rule("R29")
def test_a_connection_from_its_token_to_its_end(people: People, flat: Apartment, sign_in) -> None:
    site = f"/sites/{flat.site_id}/"
    ivan = sign_in(people.ivan)
    assert f'href="{site}pms/"' in page_of(ivan.get(f"{site}facts/"))
    assert "Not connected" in page_of(ivan.get(f"{site}pms/"))
    assert "class Normal" in page_of(ivan.get(f"{site}pms/"))
    made = ivan.post(f"{site}pms/token/", {"is_beyond_free": "on"})
    assert_clean(made.content)
    assert "no-store" in made.headers["Cache-Control"]
    token = re.search(r'<code class="token">(pms_[^<]+)</code>', page_of(made))
    assert token is not None
    assert token[1] not in page_of(ivan.get(f"{site}pms/token/"))
    waits = page_of(ivan.get(f"{site}pms/"))
    assert "Waits to be enabled" in waits
    assert "accepted beforehand" in waits
    assert "pms/enable/" not in waits
    dora = sign_in(people.dora)
    assert f'action="{site}pms/enable/"' in page_of(dora.get(f"{site}pms/"))
    assert "is enabled" in page_of(dora.post(f"{site}pms/enable/", follow=True))
    synced(token[1], sent("kim", flat), sent("lee", flat, apartment="9.99"))
    works = page_of(ivan.get(f"{site}pms/"))
    assert "class Integration" in works
    assert re.search(r'<dt>Created</dt><dd class="num">1</dd>', works)
    assert re.search(r'<dt>Refused</dt><dd class="num">1</dd>', works)
    assert "<dt>Class</dt>" in page_of(ivan.get(f"{site}facts/"))
    assert "Integration</a>" in page_of(ivan.get(f"{site}facts/"))
    ended = page_of(ivan.post(f"{site}pms/revoke/", follow=True))
    assert "the next order has the prices of the class Normal" in ended
    assert "Not connected" in ended
    assert "class Normal" in ended


def test_a_new_token_ends_the_one_before(people: People, flat: Apartment, sign_in) -> None:
    ivan, address = sign_in(people.ivan), f"/sites/{flat.site_id}/pms/token/"
    ivan.post(address, {})
    before = PmsConnection.objects.get().digest
    assert "works no more" in page_of(ivan.get(address))
    page = page_of(ivan.post(address, {"is_beyond_free": "on"}))
    assert PmsConnection.objects.get().digest != before
    sign_in(people.olga).post(f"/sites/{flat.site_id}/pms/enable/")
    token = re.search(r'<code class="token">([^<]+)</code>', page)
    assert token is not None
    assert find_connection(token[1]).is_beyond_free


def test_who_may_not_connect_or_enable_does_not_reach_it(people: People, flat: Apartment, sign_in) -> None:
    site = f"/sites/{flat.site_id}/pms/"
    sign_in(people.ivan).post(f"{site}token/", {})
    asked = (
        (people.ivan, "enable/", 403), (people.petra, "", 403), (people.dora, "token/", 403), (people.mallory, "revoke/", 404),
        (people.mallory, "", 404), (people.igor, "", 404),
    )  # fmt: skip
    for person, path, status in asked:
        client = sign_in(person)
        answer = client.post(f"{site}{path}") if path in {"enable/", "revoke/"} else client.get(f"{site}{path}")
        assert answer.status_code == status, (person.membership, path)
    assert PmsConnection.objects.live().get().enabled_at is None
