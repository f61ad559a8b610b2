"""A property management system sends the residents of one site, which makes it Integration (R29)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from accounts.models.invitations import digest_of
from communities import expiries
from communities.actions import archives, moving, pms, pms_sync, residents
from communities.actions.pms_sync import ConnectionOver
from communities.models import Apartment, PmsConnection, Resident, Site, Stage
from tests.communities.connected import connected, results, sent, synced
from tests.people import NOW, People


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A site with one free member for each apartment."""
    made = make_site()
    Site.objects.filter(pk=made.pk).update(free_members=1)
    return made


@pytest.fixture
def flat(site: Site, make_apartment: Callable[..., Apartment]) -> Apartment:
    """An apartment where nobody lives."""
    return make_apartment(site, master=False)


@pytest.fixture
def token(people: People, site: Site) -> str:
    """The token of a connection that works."""
    return connected(people, site)


def price_class(site: Site) -> str:
    return Site.objects.get(pk=site.pk).price_class


@pytest.mark.rule("R29")
def test_the_first_real_sync_of_an_enabled_connection_makes_a_site_integration(
    people: People, site: Site, flat: Apartment
) -> None:
    row, token = pms.connect(people.ivan.actor, site_id=site.pk, is_beyond_free=False, now=NOW)
    with pytest.raises(ConnectionOver):
        synced(token, sent("kim", flat))
    assert price_class(site) == "normal"
    pms.enable(people.dora.actor, connection_id=row.pk, now=NOW)
    assert price_class(site) == "normal"
    assert results(token, sent("kim", flat), dry_run=True) == ["created"]
    assert price_class(site) == "normal"
    assert results(token, sent("kim", flat, apartment="none")) == ["refused"]
    assert price_class(site) == "normal"
    assert results(token, sent("kim", flat)) == ["created"]
    assert price_class(site) == "integration"
    assert not list(expiries.faults())
    pms.revoke(people.ivan.actor, connection_id=row.pk, now=NOW)
    assert price_class(site) == "normal"
    assert not list(expiries.faults())


@pytest.mark.rule("R29")
def test_only_the_distributor_and_the_operator_enable_and_only_the_installer_has_the_token(
    people: People, site: Site
) -> None:
    for person in (people.dora, people.olga, people.petra, people.tess):
        with pytest.raises((NotPermitted, Site.DoesNotExist)):
            pms.connect(person.actor, site_id=site.pk, is_beyond_free=False, now=NOW)
    row, _token = pms.connect(people.ivan.actor, site_id=site.pk, is_beyond_free=False, now=NOW)
    for person in (people.ivan, people.petra):
        with pytest.raises(NotPermitted):
            pms.enable(person.actor, connection_id=row.pk, now=NOW)
    with pytest.raises(PmsConnection.DoesNotExist):
        pms.revoke(people.mallory.actor, connection_id=row.pk, now=NOW)
    assert pms.enable(people.olga.actor, connection_id=row.pk, now=NOW).enabled_by_id == people.olga.actor.user_id


def test_a_site_has_one_connection_whose_token_is_not_stored(people: People, site: Site, token: str) -> None:
    row = PmsConnection.objects.get()
    assert row.digest == digest_of(token)
    assert len(token) >= 43  # 256 bits
    assert token not in {str(value) for value in PmsConnection.objects.values().get().values()}
    with pytest.raises(Refused, match="connected already"):
        connected(people, site)
    _row, other = pms.renew_token(people.ivan.actor, connection_id=row.pk, is_beyond_free=True, now=NOW)
    with pytest.raises(ConnectionOver):
        pms_sync.find_connection(token)
    assert pms_sync.find_connection(other).is_beyond_free


def test_only_communities_are_connected(people: People, make_villa: Callable[..., Apartment]) -> None:
    with pytest.raises(Refused, match="Only communities"):
        connected(people, make_villa().site)


def test_a_revoked_connection_and_one_of_an_archived_site_answer_like_unknown_ones(
    people: People, site: Site, token: str
) -> None:
    assert pms_sync.find_connection(token).site_id == site.pk
    archives.archive_site(people.ivan.actor, site_id=site.pk, now=NOW)
    for text in (token, "pms_unknown", ""):
        with pytest.raises(ConnectionOver):
            pms_sync.find_connection(text)


@pytest.mark.rule("R32")
def test_residents_are_created_and_updated_and_a_second_call_changes_nothing(flat: Apartment, token: str) -> None:
    people = [sent("kim", flat), sent("lee", flat, is_master=True, remark="2nd floor", mobile="+49 40 123456")]
    assert results(token, *people) == ["created", "created"]
    lee = Resident.objects.get(pms_key="lee")
    assert (lee.is_master, lee.stage, lee.remark) == (True, Stage.PRESENT, "2nd floor")
    events = AuditEvent.objects.count()
    assert results(token, *people) == ["unchanged", "unchanged"]
    assert AuditEvent.objects.count() == events
    changed = sent("lee", flat, name="Lee Li", email=None, mobile="+49 40 654321")
    assert results(token, changed) == ["updated"]
    lee.refresh_from_db()
    assert (lee.name, lee.email, lee.remark, lee.version) == ("Lee Li", "lee@example.org", "2nd floor", 2)
    assert "lee" in lee.search_key
    assert Resident.objects.filter(apartment=flat).count() == 2  # Kim was not sent, and stays


def test_an_address_a_master_a_move_and_people_of_others_are_conflicts(
    people: People, site: Site, flat: Apartment, token: str, make_apartment: Callable[..., Apartment]
) -> None:
    other = make_apartment(site, "1.09", master=False)
    residents.add_resident(people.ivan.actor, apartment_id=other.pk, name="Ann", email="ann@example.org", now=NOW)
    assert results(token, sent("kim", flat), sent("lee", flat)) == ["created", "created"]
    before = list(Resident.objects.order_by("pk").values())
    wanted = [
        sent("kim", flat, email="new@example.org"),
        sent("lee", flat, is_master=True),
        sent("ann", other, email="ANN@example.org"),
        sent("bob", other, is_master=True),
    ]
    found = synced(token, *wanted)
    assert [one.result for one in found.answers] == ["conflict"] * 4
    assert all(one.reason for one in found.answers)
    assert results(token, sent("kim", other, email="kim@example.org")) == ["conflict"]
    assert list(Resident.objects.order_by("pk").values()) == before
    moving.move_out(people.ivan.actor, apartment_id=flat.pk, now=NOW)
    assert results(token, sent("kim", flat)) == ["conflict"]


@pytest.mark.rule("R30")
def test_members_beyond_the_free_number_wait_unless_they_are_accepted_beforehand(
    people: People, site: Site, flat: Apartment, token: str
) -> None:
    some = [sent(key, flat) for key in ("ann", "bob", "cleo")]
    assert results(token, *some, dry_run=True) == results(token, *some) == ["created", "created", "waiting"]
    assert results(token, *some) == ["unchanged", "unchanged", "waiting"]
    assert Resident.objects.get(pms_key="cleo").stage == Stage.WAITING
    row = PmsConnection.objects.get()
    _row, other = pms.renew_token(people.ivan.actor, connection_id=row.pk, is_beyond_free=True, now=NOW)
    assert results(other, sent("dan", flat)) == ["created"]
    assert Resident.objects.get(pms_key="dan").stage == Stage.PRESENT


@pytest.mark.rule("R31")
def test_a_full_apartment_takes_nobody_more(flat: Apartment, token: str) -> None:
    many = [sent(f"p{number}", flat) for number in range(65)]
    assert results(token, *many)[-2:] == ["waiting", "refused"]


@pytest.mark.rule("R1")
def test_apartments_of_other_sites_and_tenants_answer_like_none(
    people: People,
    flat: Apartment,
    token: str,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Apartment],
) -> None:
    near = make_apartment(make_site("Elbe Park"), master=False)
    far = make_apartment(make_site("Les Tilleuls", by=people.igor), by=people.igor, master=False)
    known = Resident.objects.count()
    found = synced(
        token,
        *(sent(f"p{n}", flat, apartment_id=pk) for n, pk in enumerate((near.pk, far.pk, 10**9))),
        sent("p9", flat, building="No such"),
    )
    assert {(one.result, one.reason) for one in found.answers} == {("refused", "The site has no such apartment.")}
    assert Resident.objects.count() == known
    assert results(token, sent("kim", flat, apartment_id=flat.pk, building="", apartment="")) == ["created"]


def test_a_dry_run_writes_nothing(flat: Apartment, token: str) -> None:
    events = AuditEvent.objects.count()
    found = synced(token, sent("kim", flat), sent("lee", flat, name=""), dry_run=True)
    assert found.counts == {
        "created": 1, "updated": 0, "unchanged": 0, "waiting": 0, "conflict": 0, "refused": 1,
    }  # fmt: skip
    assert not Resident.objects.exists()
    assert AuditEvent.objects.count() == events
    assert PmsConnection.objects.get().last_synced_at is None


def test_what_is_sent_has_limits(flat: Apartment, token: str) -> None:
    for people, said in (([], "Nobody was sent"), ([sent("kim", flat)] * 2001, "At most 2000 people")):
        with pytest.raises(Refused, match=said):
            synced(token, *people)
    wrong = [
        sent("", flat), sent("k" * 65, flat), sent("n", flat, name="n" * 121), sent("kim", flat), sent("kim", flat),
        sent("e", flat, email="no address"), sent("f", flat, email=None), sent("l", flat, language="xx"),
    ]  # fmt: skip
    assert results(token, *wrong) == ["refused"] * 3 + ["created"] + ["refused"] * 4


@pytest.mark.rule("R9")
def test_the_audit_tells_of_a_sync_without_names(flat: Apartment, token: str) -> None:
    synced(token, sent("kim", flat))
    synced(token, sent("kim", flat, name="Kim Possible"))
    rows = list(
        AuditEvent.objects.filter(action__in=("pms.synced", "site.price_class", "resident.added", "resident.changed"))
    )
    assert len({row.action for row in rows}) == 4
    assert not any("kim" in str(vars(row)).lower() for row in rows)


def test_the_page_reads_what_the_last_sync_came_to(flat: Apartment, token: str) -> None:
    synced(token, sent("kim", flat))
    later = NOW + timedelta(hours=1)
    pms_sync.sync(token=token, people=[sent("kim", flat)], dry_run=False, now=later)
    row = PmsConnection.objects.get()
    assert (row.first_synced_at, row.last_synced_at, row.last_counts["unchanged"]) == (NOW, later, 1)
