"""Commercial sites: how they are paid, doors and their slots, accounts and their intercom, services of the whole site."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction

from accounts.errors import ActionError, Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities import consistency
from communities.actions import commercial, commercial_accounts, equipment, sites
from communities.actions.commercial_accounts import Holder
from communities.actions.equipment import Piece
from communities.models import CommercialAccount, Entitlement, Equipment, Site, Target, targets
from tests.people import NOW, People
from tests.sites import ADDRESS

MIA = Holder("personnel", "Mia Okafor", "mia@speicher7.example")
FIRST_DAY = datetime(2025, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def wanted(*types: str) -> list[str]:
    rows = Entitlement.objects.wanted()
    rows = rows.filter(service_type__in=types) if types else rows
    return [str(row) for row in rows.select_related(*targets.named()).order_by("service_type", *targets.order(), "pk")]


def add_doors(people: People, site: Site, names: Iterable[str]) -> list[Equipment]:
    return [
        equipment.add_equipment(people.ivan.actor, site_id=site.pk, kind="door", piece=Piece(name), now=NOW)
        for name in names
    ]


def add_account(people: People, site: Site, holder: Holder = MIA) -> CommercialAccount:
    return commercial_accounts.add_account(people.ivan.actor, site_id=site.pk, holder=holder, now=NOW)


@pytest.mark.rule("R37")
@pytest.mark.parametrize(
    ("created", "mode"),
    [(FIRST_DAY - timedelta(microseconds=1), "regular"), (FIRST_DAY, "credits"), (NOW, "credits")],
)
def test_the_day_of_creation_decides_the_payment_for_good(
    people: People, make_works: Callable[..., Site], settings, created: datetime, mode: str
) -> None:
    site = make_works(now=created)
    assert (site.kind, site.payment_mode) == ("commercial", mode)
    settings.CREDITS_SINCE = NOW + timedelta(days=900)
    commercial.edit_commercial(
        people.ivan.actor, site_id=site.pk, version=1, basics={"name": "Renamed", **ADDRESS}, elevator_control=False,
        time_attendance=False, now=NOW,
    )  # fmt: skip
    assert Site.objects.get().payment_mode == mode
    told = AuditEvent.objects.get(action="site.created")
    assert told.after["payment_mode"] == mode


@pytest.mark.rule("R37", "R64")
def test_only_commercial_sites_can_pay_with_credits(make_site: Callable[..., Site]) -> None:
    assert make_site().payment_mode == "regular"
    with pytest.raises(IntegrityError), transaction.atomic():
        Site.objects.update(payment_mode="credits")


@pytest.mark.rule("R34")
def test_one_door_is_free_and_no_door_is_the_free_one(people: People, make_works: Callable[..., Site]) -> None:
    site = make_works()
    front, gate, _yard = add_doors(people, site, ("Front", "Gate", "Yard"))
    assert wanted() == ["Door, Speicher 7 (1)", "Door, Speicher 7 (2)"]
    slot = Entitlement.objects.get(target__slot=2)
    Entitlement.objects.filter(pk=slot.pk).pay_until(LATER, paid_variant="each")
    equipment.archive_equipment(people.ivan.actor, equipment_id=front.pk, version=1, now=NOW)
    assert wanted() == ["Door, Speicher 7 (2)"]  # the unpaid slot goes first, whichever door it was
    equipment.remove_equipment(people.ivan.actor, equipment_id=gate.pk, version=1, now=NOW)
    assert wanted() == []
    slot.refresh_from_db()
    assert (slot.variant, slot.expires_at) == ("", LATER)
    add_doors(people, site, ("Roof",))
    assert wanted() == ["Door, Speicher 7 (2)"]  # and the paid one comes back first
    assert list(consistency.verify()) == []


@pytest.mark.rule("R34", "R78")
def test_a_door_stays_while_an_open_order_holds_every_slot(people: People, make_works: Callable[..., Site]) -> None:
    site = make_works()
    first, _second = add_doors(people, site, ("Front", "Gate"))
    Entitlement.objects.update(reserved_by=7)
    for what in (equipment.archive_equipment, equipment.remove_equipment):
        with pytest.raises(Refused, match="open order"), transaction.atomic():
            what(people.ivan.actor, equipment_id=first.pk, version=1, now=NOW)
    assert wanted() == ["Door, Speicher 7 (1)"]
    add_doors(people, site, ("Yard",))
    equipment.archive_equipment(people.ivan.actor, equipment_id=first.pk, version=1, now=NOW)
    assert wanted() == ["Door, Speicher 7 (1)"]  # the one that nobody holds goes


@pytest.mark.rule("R35")
def test_an_account_is_billed_while_its_intercom_is_on(people: People, make_works: Callable[..., Site]) -> None:
    site = make_works()
    mia = add_account(people, site)
    ada = add_account(people, site, Holder("admin", "Ada Benali", mobile="+49 40 1234567"))
    carl = add_account(people, site, Holder("admin", "Carl", "carl@x.example", intercom=False))
    assert wanted() == ["Admin App, Ada Benali", "Personnel App, Mia Okafor"]
    versions = {row.pk: row.version for row in (mia, ada, carl)}
    on = {mia.pk: False, ada.pk: True, carl.pk: True}
    changed = commercial_accounts.switch_intercoms(
        people.ivan.actor, site_id=site.pk, wanted=on, versions=versions, now=NOW
    )
    assert (changed, wanted()) == (2, ["Admin App, Ada Benali", "Admin App, Carl"])
    with pytest.raises(Conflict):
        commercial_accounts.switch_intercoms(
            people.ivan.actor, site_id=site.pk, wanted={mia.pk: True}, versions=versions, now=NOW
        )
    with pytest.raises(Refused, match="Nothing"):
        commercial_accounts.switch_intercoms(
            people.ivan.actor, site_id=site.pk, wanted={ada.pk: True}, versions=versions, now=NOW
        )
    told = AuditEvent.objects.get(action="account.switched")
    assert (told.after, told.rows.count()) == ({"on": 1, "off": 1}, 2)
    assert Entitlement.objects.filter(targets.found("benali")).count() == 1
    assert list(consistency.verify()) == []


def test_no_name_of_a_person_stands_in_targets_or_in_the_audit(people: People, make_works: Callable[..., Site]) -> None:
    site = make_works()
    row = add_account(people, site)
    edited = Holder("personnel", "Mia Meyer", "mia@speicher7.example", "+49 40 1234567", intercom=False)
    commercial_accounts.edit_account(people.ivan.actor, account_id=row.pk, version=1, holder=edited, now=NOW)
    kept = [
        *Target.objects.values_list(),
        *AuditEvent.objects.values_list("before", "after", "subject_label", "search_key"),
    ]
    assert not [word for word in ("Mia", "Meyer", "mia@", "1234567") if word in str(kept)]
    told = AuditEvent.objects.get(action="account.changed")
    assert told.after == {"intercom": False, "fields": ["name", "mobile", "intercom"]}


@pytest.mark.parametrize(
    ("holder", "field"),
    [
        (Holder("owner", "Mia", "mia@x.example"), "kind"),
        (Holder("admin", " ", "mia@x.example"), "name"),
        (Holder("admin", "Mia"), "email"),
        (Holder("admin", "Mia", "no address"), "email"),
        (Holder("admin", "Mia", mobile="12"), "mobile"),
    ],
)
def test_an_account_that_can_not_be_is_refused(
    people: People, make_works: Callable[..., Site], holder: Holder, field: str
) -> None:
    site = make_works()
    with pytest.raises(Refused) as refusal, transaction.atomic():
        add_account(people, site, holder)
    assert refusal.value.field in {field, None}
    assert not Target.objects.exists() and not CommercialAccount.objects.exists()


def test_only_commercial_sites_have_accounts(people: People, make_site: Callable[..., Site]) -> None:
    with pytest.raises(Refused, match="commercial"):
        add_account(people, make_site())


@pytest.mark.rule("R78")
def test_a_paid_account_is_archived_and_comes_back(people: People, make_works: Callable[..., Site]) -> None:
    site, ivan = make_works(), people.ivan.actor
    row = add_account(people, site)
    items = Entitlement.objects.filter(target=row.target_id)
    items.update(reserved_by=7)
    for what in (commercial_accounts.archive_account, commercial_accounts.remove_account):
        with pytest.raises(Refused, match="open order"):
            what(ivan, account_id=row.pk, version=1, now=NOW)
    items.update(reserved_by=None)
    items.pay_until(LATER, paid_variant="each")
    with pytest.raises(Refused, match="Archive"):
        commercial_accounts.remove_account(ivan, account_id=row.pk, version=1, now=NOW)
    with pytest.raises(Refused, match="other kind"):
        other = Holder("admin", "Mia", "mia@x.example")
        commercial_accounts.edit_account(ivan, account_id=row.pk, version=1, holder=other, now=NOW)
    commercial_accounts.archive_account(ivan, account_id=row.pk, version=1, now=NOW)
    assert wanted() == []
    commercial_accounts.restore_account(ivan, account_id=row.pk, version=2, now=NOW)
    assert wanted() == ["Personnel App, Mia Okafor"]
    spare = add_account(people, site)
    commercial_accounts.remove_account(ivan, account_id=spare.pk, version=1, now=NOW)
    assert (CommercialAccount.objects.count(), Target.objects.filter(kind="account").count()) == (1, 1)
    assert list(consistency.verify()) == []


def test_services_of_the_whole_site(people: People, make_works: Callable[..., Site]) -> None:
    site = make_works(elevator_control=True)
    assert wanted() == ["Elevator Control, Speicher 7"]
    commercial.edit_commercial(
        people.ivan.actor, site_id=site.pk, version=1, basics={"name": "Speicher 7", **ADDRESS}, elevator_control=False,
        time_attendance=True, now=NOW,
    )  # fmt: skip
    assert wanted() == ["Time Attendance Plan, Speicher 7"]


@pytest.mark.rule("R28")
@pytest.mark.parametrize("service", ["landline", "booking", "pm_app", "third_party_camera", "indoor_monitor"])
def test_a_commercial_site_has_no_service_of_homes(
    people: People, make_works: Callable[..., Site], service: str
) -> None:
    site = make_works()
    with pytest.raises(Refused, match="sites of this type") as refusal:
        sites.edit_site(
            people.ivan.actor, site_id=site.pk, version=1, basics={"name": "Speicher 7", **ADDRESS}, free_members=None,
            switches={service: True}, options=commercial.NO_OPTIONS, now=NOW,
        )  # fmt: skip
    assert refusal.value.field == service


def test_a_commercial_site_has_no_buildings(people: People, make_works: Callable[..., Site]) -> None:
    with pytest.raises(Refused, match="communities"):
        sites.add_building(people.ivan.actor, site_id=make_works().pk, name="House", now=NOW)


def test_only_installers_create_sites_and_nobody_sees_those_of_others(
    people: People, make_works: Callable[..., Site]
) -> None:
    basics, services = {"name": "Mine", **ADDRESS}, {"elevator_control": False, "time_attendance": False}
    for who in (people.dora, people.tess, people.petra, people.olga):
        with pytest.raises(NotPermitted):
            commercial.create_commercial(who.actor, basics=basics, now=NOW, **services)
    site = make_works()
    for act in (
        lambda: commercial.edit_commercial(
            people.igor.actor, site_id=site.pk, version=1, basics=basics, now=NOW, **services
        ),
        lambda: commercial_accounts.add_account(people.igor.actor, site_id=site.pk, holder=MIA, now=NOW),
    ):
        with pytest.raises((ObjectDoesNotExist, ActionError)) as found:
            act()
        assert isinstance(found.value, ObjectDoesNotExist)
