"""The distributor's MAC library."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities.models import Apartment
from devices import actions
from devices.actions import LibraryRow
from devices.errors import EntryInUse, LibraryRowsRefused
from devices.models import LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, monitor
from tests.people import NOW, People

Stock = Callable[..., list[LibraryEntry]]


def library_counts() -> tuple[int, int]:
    """Entries and audit rows."""
    return LibraryEntry.objects.count(), AuditEvent.objects.count()


@pytest.mark.rule("R9")
def test_a_distributor_adds_a_list_at_once(people: People) -> None:
    rows = [
        LibraryRow("0c:11:05:00:00:01", model="c313", serial=" SN1 ", note="Box 7"),
        LibraryRow(SECOND, type="lock"),
        LibraryRow(THIRD, model="itec", type="lock"),
    ]
    entries = actions.add_to_library(people.dora.actor, macs=rows, now=NOW)
    assert [(str(e), e.model, e.type, e.serial, e.note, e.status, e.installer) for e in entries] == [
        ("0C:11:05:00:00:01", "C313", "indoor_monitor", "SN1", "Box 7", "in_stock", None),
        ("0C:11:05:00:00:02", "", "lock", "", "", "in_stock", None),
        ("0C:11:05:00:00:03", "iTec", "lock", "", "", "in_stock", None),
    ]
    assert LibraryEntry.objects.filter(pk__in=[e.pk for e in entries], distributor=people.dora.firm).count() == 3
    audit = AuditEvent.objects.get(action="library.added")
    assert (audit.after["macs"], audit.distributor) == (3, people.dora.firm)
    told = audit.rows.order_by("pk").values_list("action", "subject_id", "subject_label")
    assert list(told) == [("library.entry_added", entry.pk, str(entry)) for entry in entries]


@pytest.mark.rule("R72")
def test_every_wrong_row_is_named_and_none_is_added(people: People, stock: Stock) -> None:
    stock(FIRST)
    before = library_counts()
    rows = [
        LibraryRow(SECOND, model="C313"),
        LibraryRow(FIRST, model="C313"),
        LibraryRow("0c-11-05-00-00-02", model="C313"),
        LibraryRow("0C1105", model="C313"),
        LibraryRow(THIRD),
        LibraryRow("0C1105000004", model="C999"),
        LibraryRow("0C1105000005", model="R20", type="indoor_monitor"),
        LibraryRow("0C1105000006", type="toaster"),
        LibraryRow("00000C000001", model="C313"),
        LibraryRow("0C1105000007", model="C313", serial="x" * 65),
    ]
    with pytest.raises(LibraryRowsRefused) as refusal:
        actions.add_to_library(people.dora.actor, macs=rows, now=NOW)
    assert {row: (error.field, str(error)) for row, error in refusal.value.errors.items()} == {
        1: ("mac", "0C:11:05:00:00:01 is already in your library: In stock."),
        2: ("mac", "Row 1 has the same MAC."),
        3: ("mac", "6 of 12 digits. Check the last pair on the label, or scan it."),
        4: ("type", "Choose a model, or at least the type of the device."),
        5: ("model", "There is no model “C999” in the list."),
        6: ("model", "R20 is another device: Door phone."),
        7: ("type", "There is no device type “toaster”."),
        8: (
            "mac",
            "00:00:0C is a block of Cisco Systems, Inc, not of Akuvox. "
            "Compare it with the label, and confirm it if it is right.",
        ),
        9: ("serial", "This is longer than 64 characters."),
    }
    with pytest.raises(Refused, match="at least one MAC"):
        actions.add_to_library(people.dora.actor, macs=[], now=NOW)
    assert library_counts() == before


@pytest.mark.rule("R72")
def test_two_distributors_may_claim_the_same_mac_but_none_twice(people: People, stock: Stock) -> None:
    (entry,) = stock(FIRST)
    stock(FIRST, by=people.mallory)
    with pytest.raises(IntegrityError), transaction.atomic():
        LibraryEntry.objects.create(distributor=people.dora.firm, mac=entry.mac, type="lock", created_at=NOW)
    assert LibraryEntry.objects.filter(mac=entry.mac).count() == 2


def test_a_long_list_takes_a_few_statements(
    people: People, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [LibraryRow(f"0C1105{n:06X}", model="C313") for n in range(1, 2501)]
    with django_assert_max_num_queries(110):  # SQLite takes some 65 rows at once, and 55 of the audit
        actions.add_to_library(people.dora.actor, macs=rows, now=NOW)
    assert LibraryEntry.objects.count() == 2500


@pytest.mark.rule("R2")
@pytest.mark.parametrize("who", ["olga", "sam", "ivan", "tess", "petra"])
def test_the_library_is_the_distributors_alone(people: People, stock: Stock, who: str) -> None:
    (entry,) = stock(FIRST)
    before = library_counts()
    actor = getattr(people, who).actor
    with pytest.raises(NotPermitted):
        actions.add_to_library(actor, macs=[LibraryRow(SECOND, model="C313")], now=NOW)
    with pytest.raises(NotPermitted):
        actions.assign_library_entry(actor, entry_id=entry.pk, installer_id=None, version=1, now=NOW)
    with pytest.raises(NotPermitted):
        actions.retire_library_entry(actor, entry_id=entry.pk, version=1, now=NOW)
    assert library_counts() == before


@pytest.mark.rule("R1")
@pytest.mark.rule("R70")
def test_everybody_sees_the_entries_of_the_own_subtree_only(people: People, stock: Stock) -> None:
    stock(FIRST)
    stock(SECOND, to=people.ivan)
    stock(THIRD, to=people.ines)
    stock(FIRST, by=people.mallory, to=people.igor)
    seen = {
        who: sorted(entry.address.hex[-1] for entry in LibraryEntry.objects.visible_to(getattr(people, who).actor))
        for who in ("olga", "dora", "sam", "ivan", "tess", "petra", "ines", "mallory", "igor", "paul")
    }
    assert seen == {
        "olga": ["1", "1", "2", "3"], "dora": ["1", "2", "3"], "sam": ["3"], "ivan": ["2"], "tess": ["2"], "petra": [],
        "ines": ["3"], "mallory": ["1"], "igor": ["1"], "paul": [],
    }  # fmt: skip


@pytest.mark.rule("R1")
def test_entries_and_installers_of_another_tree_do_not_exist(people: People, stock: Stock) -> None:
    (entry,) = stock(FIRST)
    (foreign,) = stock(SECOND, by=people.mallory)
    before = library_counts()
    with pytest.raises(ObjectDoesNotExist):
        stock(THIRD, to=people.igor)
    with pytest.raises(ObjectDoesNotExist):
        actions.assign_library_entry(
            people.dora.actor, entry_id=entry.pk, installer_id=people.igor.firm.pk, version=1, now=NOW
        )
    with pytest.raises(ObjectDoesNotExist):
        actions.assign_library_entry(
            people.dora.actor, entry_id=entry.pk, installer_id=people.sam.firm.pk, version=1, now=NOW
        )
    with pytest.raises(ObjectDoesNotExist):
        actions.retire_library_entry(people.dora.actor, entry_id=foreign.pk, version=1, now=NOW)
    assert library_counts() == before


def test_an_entry_is_assigned_unassigned_retired_and_brought_back(people: People, stock: Stock) -> None:
    (entry,) = stock(FIRST)
    dora = people.dora.actor
    ines = people.ines.firm

    def now_is(entry: LibraryEntry) -> tuple[object, ...]:
        entry.refresh_from_db()
        return entry.status, entry.installer, entry.subdistributor, entry.version

    actions.assign_library_entry(dora, entry_id=entry.pk, installer_id=ines.pk, version=1, now=NOW)
    assert now_is(entry) == ("assigned", ines, people.sam.firm, 2)
    with pytest.raises(Conflict):
        actions.retire_library_entry(dora, entry_id=entry.pk, version=1, now=NOW)
    actions.retire_library_entry(dora, entry_id=entry.pk, version=2, now=NOW)
    assert now_is(entry) == ("retired", ines, people.sam.firm, 3)
    actions.assign_library_entry(dora, entry_id=entry.pk, installer_id=None, version=3, now=NOW)
    assert now_is(entry) == ("in_stock", None, None, 4)
    changes = AuditEvent.objects.whole().filter(subject_type="libraryentry").order_by("pk")
    assert [(row.action, row.before, row.after) for row in changes] == [
        ("library.assigned", {"status": "in_stock", "installer_id": None}, {"status": "assigned", "installer_id": ines.pk}),
        ("library.retired", {"status": "assigned"}, {"status": "retired"}),
        ("library.assigned", {"status": "retired", "installer_id": ines.pk}, {"status": "in_stock", "installer_id": None}),
    ]  # fmt: skip


@pytest.mark.rule("R72")
def test_an_entry_in_use_can_be_neither_retired_nor_given_away(people: People, flat: Apartment) -> None:
    entry = LibraryEntry.objects.get(mac=0x0C1105000001)
    before = library_counts()
    for attempt in (
        lambda: actions.retire_library_entry(people.dora.actor, entry_id=entry.pk, version=2, now=NOW),
        lambda: actions.assign_library_entry(
            people.dora.actor, entry_id=entry.pk, installer_id=None, version=2, now=NOW
        ),
    ):
        with pytest.raises(EntryInUse, match="0C:11:05:00:00:01 is in use"):
            attempt()
    entry.refresh_from_db()
    assert (entry.status, entry.version, library_counts()) == ("registered", 2, before)


@pytest.mark.rule("R69")
def test_an_entry_kept_for_an_installer_is_that_installers_only(people: People, flat: Apartment, stock: Stock) -> None:
    stock("0C1105000007", to=people.ines)
    stock("0C1105000008", to=people.ivan)
    with pytest.raises(Refused, match="can't be used here"):
        actions.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=monitor("0C1105000007", "Attic"), now=NOW)
    added = actions.add_monitor(
        people.ivan.actor, apartment_id=flat.pk, entry=monitor("0C1105000008", "Attic"), now=NOW
    )
    assert added.library_entry is not None
    assert added.library_entry.status == "registered"
