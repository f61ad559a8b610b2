"""Registration codes: one member of the present household each, once, and only with a confirmed address (R30, R31, R32)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from accounts.errors import Refused
from accounts.models import AuditEvent, Notice
from accounts.models.invitations import digest_of
from communities import registration_codes
from communities.actions import archives, leases, moving, registrations, residents
from communities.actions.moving import Entry
from communities.actions.registrations import CodeOver
from communities.models import Apartment, Lease, Registration, RegistrationCode, Resident, Site, Stage
from tests.communities.registered import asked, printed, registered, token_of_last_mail
from tests.people import NOW, People
from tests.races import together

DAY = timedelta(days=1)
TODAY = NOW.date()


@pytest.fixture
def flat(make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Apartment:
    """An apartment of a site with one free member, and its family master."""
    site = make_site()
    Site.objects.filter(pk=site.pk).update(free_members=1)
    return make_apartment(site)


def works(token: str, *, now=NOW) -> bool:
    try:
        return registrations.find_code(token, now=now).pk > 0
    except CodeOver:
        return False


def test_neither_the_token_nor_the_typed_code_is_stored(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    row = RegistrationCode.objects.get()
    assert len(code.token) >= 43  # 256 bits
    assert row.digest == digest_of(code.token)
    stored = {str(value) for value in RegistrationCode.objects.values().get().values()}
    assert not {code.token, code.typed, registration_codes.read(code.typed)} & stored


@pytest.mark.rule("R32")
def test_a_code_registers_a_member_once_and_never_the_family_master(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    kim = registered(code.token)
    assert (kim.apartment_id, kim.is_master, kim.stage) == (flat.pk, False, Stage.PRESENT)
    assert not works(code.token)
    with pytest.raises(CodeOver):
        asked(code.token, "Second")
    used = RegistrationCode.objects.get()
    assert (used.used_by, used.used_at) == (kim, NOW)
    event = AuditEvent.objects.get(action="resident.registered")
    assert (event.subject_id, event.after, event.actor_label) == (
        kim.pk,
        {"master": False, "stage": "present"},
        "SmartPlus",
    )
    assert "Kim" not in f"{event.after}{event.subject_label}"
    assert not Registration.objects.exists()


@pytest.mark.rule("R30")
def test_who_is_beyond_the_free_number_waits_for_the_installers_yes(people: People, flat: Apartment) -> None:
    registered(printed(people.ivan, flat).token, "Free")
    beyond = registered(printed(people.ivan, flat).token, "Beyond")
    assert beyond.stage == Stage.WAITING
    moving.accept_resident(people.ivan.actor, resident_id=beyond.pk, now=NOW)
    beyond.refresh_from_db()
    assert beyond.stage == Stage.PRESENT


@pytest.mark.rule("R31")
def test_nobody_registers_in_a_full_apartment(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    asked(code.token)
    token = token_of_last_mail()
    master = Resident.objects.get()
    keys = {name: getattr(master, name) for name in ("apartment_id", "site_id", "distributor_id", "installer_id")}
    Resident.objects.bulk_create(
        Resident(**keys, name=f"Member {n}", email="m@example.org", created_at=NOW) for n in range(63)
    )
    for attempt in (
        lambda: registrations.confirm_registration(token=token, now=NOW),
        lambda: asked(code.token, "Other"),
        lambda: printed(people.ivan, flat),
    ):
        with pytest.raises(Refused, match="at most 63"):
            attempt()
    assert Resident.objects.count() == 64
    assert works(code.token)


def test_an_address_that_is_not_confirmed_registers_nobody(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    asked(code.token)
    notice = Notice.objects.get()
    assert (notice.user, notice.email, notice.has_secret) == (None, "kim@example.org", True)
    assert Resident.objects.count() == 1
    token = token_of_last_mail()
    with pytest.raises(CodeOver):
        registrations.confirm_registration(token=token, now=NOW + DAY)
    leases.turn_due(now=NOW + DAY)
    assert not Registration.objects.exists()
    assert works(code.token, now=NOW + DAY)


def test_a_code_that_many_ask_with_mails_no_more(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    for n in range(registrations.MOST_ASKING):
        asked(code.token, f"Kim{n}")
    with pytest.raises(Refused, match="too often"):
        asked(code.token, "Another")
    assert Notice.objects.count() == registrations.MOST_ASKING


def test_a_reprint_ends_the_code_before(people: People, flat: Apartment) -> None:
    first = printed(people.ivan, flat)
    second = printed(people.ivan, flat)
    assert (works(first.token), works(second.token)) == (False, True)
    assert RegistrationCode.objects.open().get() == second.row


@pytest.mark.parametrize(
    "ended", ["revoked", "moved out", "moved in", "left by lease", "removed", "moved", "archived", "too old"]
)
def test_a_code_is_of_the_present_household(people: People, flat: Apartment, make_apartment, ended: str) -> None:
    code, ivan, home = printed(people.ivan, flat), people.ivan.actor, flat.pk
    asked(code.token)
    token, master, now = token_of_last_mail(), Resident.objects.get(), NOW
    if ended == "revoked":
        registrations.revoke_code(ivan, apartment_id=home, now=NOW)
    elif ended == "moved out":
        moving.move_out(ivan, apartment_id=home, now=NOW)
    elif ended == "moved in":
        moving.move_in(
            ivan, people=[Entry(name="New", email="new@example.org")], replaces=True, apartment_id=home, now=NOW
        )
    elif ended == "left by lease":
        moving.move_out(ivan, on=TODAY, apartment_id=home, now=NOW)
        later = [Entry(name="New", email="new@example.org")]
        moving.move_in(ivan, people=later, begins=TODAY + DAY, apartment_id=home, now=NOW)
        assert not works(code.token)  # with the plan already
        leases.turn_due(now=(now := NOW + DAY))
        assert Resident.objects.get(is_master=True).name == "New"
    elif ended == "removed":
        residents.remove_resident(ivan, resident_id=master.pk, now=NOW)
    elif ended == "moved":
        other = make_apartment(flat.site, "9.09", master=False)
        moving.move_resident(ivan, resident_id=master.pk, version=master.version, apartment_id=other.pk, now=NOW)
    elif ended == "archived":
        archives.archive_apartment(ivan, apartment_id=home, now=NOW)
    else:
        now = NOW + registrations.VALID_FOR
    before = Resident.objects.count()
    assert not works(code.token, now=now)
    with pytest.raises(CodeOver):
        registrations.confirm_registration(token=token, now=now)
    assert Resident.objects.count() == before


def test_an_empty_apartment_gets_no_code(people: People, make_apartment, flat: Apartment) -> None:
    empty = make_apartment(flat.site, "1.02", master=False)
    with pytest.raises(Refused, match="Nobody lives in"):
        printed(people.ivan, empty)
    made = registrations.make_codes(people.ivan.actor, building_id=flat.building_id, now=NOW)
    assert [one.apartment for one in made] == [flat]
    residents.add_resident(
        people.ivan.actor, apartment_id=empty.pk, name="Later", email="l@example.org", lease=Lease(TODAY + DAY), now=NOW
    )
    with pytest.raises(Refused, match="Nobody lives in"):
        printed(people.ivan, empty)


def test_a_typed_code_leads_to_the_same_page_for_two_days(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    typed = registration_codes.read(f" {code.typed.lower().replace('-', ' ')} ")
    leads = registrations.pass_of(typed, now=NOW)
    assert registrations.find_code(leads, now=NOW) == code.row
    assert not works(leads, now=NOW + registrations.PASS_FOR)
    assert not works(f"{leads}x")
    with pytest.raises(CodeOver):
        registrations.pass_of(typed, now=NOW + registrations.TYPED_FOR)
    assert works(code.token, now=NOW + registrations.TYPED_FOR)


@pytest.mark.parametrize("typed", ["", "7K4P", "7K4PH-22MX", "7K4PH-22MXQQ", "7K4PH_22MX*", "ÄÖÜ4P-22MXQ"])
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert registration_codes.read(typed) == ""


def test_letters_that_are_read_as_digits_do_not_matter() -> None:
    assert registration_codes.read("oIl4p-22mxu") == "0114P22MXV"


@pytest.mark.django_db(transaction=True)
def test_of_two_people_with_one_code_exactly_one_is_registered(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    tokens = []
    for name in ("Kim", "Lee"):
        asked(code.token, name)
        tokens.append(token_of_last_mail())
    outcomes = together(
        *(lambda token=token: registrations.confirm_registration(token=token, now=NOW) for token in tokens)
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CodeOver", "Resident"], outcomes
    assert Resident.objects.filter(is_master=False).count() == 1
    assert RegistrationCode.objects.get().used_by == Resident.objects.get(is_master=False)


def leaves(people: People, home: Apartment, ends: date) -> Resident:
    """The family master leaves on a day, by the lease and not by a move-out, which would end the code."""
    host = Resident.objects.get(apartment=home, is_master=True)
    kept = {field: getattr(host, field) for field in residents.RESIDENT_FIELDS}
    lease = Lease(ends=ends)
    return residents.edit_resident(
        people.ivan.actor, resident_id=host.pk, version=host.version, lease=lease, now=NOW, **kept
    )


def test_who_registers_leaves_with_the_household(people: People, flat: Apartment) -> None:
    code = printed(people.ivan, flat)
    leaves(people, flat, TODAY + 3 * DAY)
    kim = registered(code.token)
    assert kim.lease_until == TODAY + 3 * DAY
    leases.turn_due(now=NOW + 5 * DAY)
    assert set(Resident.objects.filter(apartment=flat).values_list("stage", flat=True)) <= {Stage.ENDED}


@pytest.mark.rule("R32")
def test_after_the_last_day_nobody_registers_though_the_leases_were_not_looked_at_yet(
    people: People, flat: Apartment
) -> None:
    code = printed(people.ivan, flat)
    leaves(people, flat, TODAY)
    asked(code.token)
    with pytest.raises(CodeOver):
        registrations.confirm_registration(token=token_of_last_mail(), now=NOW + DAY)
    assert not Resident.objects.filter(name="Kim").exists()
