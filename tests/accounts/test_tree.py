"""The organization tree and who sees what of it."""

import pytest
from django.db import DatabaseError, transaction
from django.utils.translation import gettext_lazy

from accounts import actions, audit
from accounts.append_only import check_guards
from accounts.errors import NotPermitted
from accounts.models import AuditEvent, Kind, Organization, User
from tests.people import NOW, People


@pytest.mark.rule("R1")
def test_each_sees_the_own_subtree_and_nothing_else(people: People) -> None:
    def seen(person):
        return set(Organization.objects.visible_to(person.actor).values_list("name", flat=True))

    assert seen(people.dora) == {
        "Nordlys Distribution",
        "Sund Partner",
        "Hafen Intercom GmbH",
        "Norden Port AS",
        "Holm Verwaltung",
    }
    assert seen(people.sam) == {"Sund Partner", "Norden Port AS"}
    assert seen(people.ivan) == {"Hafen Intercom GmbH", "Holm Verwaltung"}
    assert seen(people.petra) == {"Holm Verwaltung"}
    assert seen(people.mallory) == {"Zephyr Trading", "Zephyr Install", "Zephyr Management"}


def test_a_subdistributor_creates_installers_in_the_own_subtree_only(people: People) -> None:
    made = actions.create_organization(
        people.sam.actor, kind=Kind.INSTALLER, name="New", parent=people.sam.firm, now=NOW
    )
    assert made.path.startswith(people.sam.firm.path)
    assert (made.distributor_id, made.subdistributor_id) == (people.dora.firm.pk, people.sam.firm.pk)
    for kind, parent in ((Kind.INSTALLER, people.mallory.firm), (Kind.SUBDISTRIBUTOR, people.sam.firm)):
        with pytest.raises(NotPermitted):
            actions.create_organization(people.sam.actor, kind=kind, name="Wrong", parent=parent, now=NOW)
    assert not Organization.objects.filter(name="Wrong").exists()


@pytest.mark.rule("R9")
def test_the_audit_can_neither_be_changed_nor_deleted(people: People) -> None:
    event = AuditEvent.objects.filter(action="organization.created").first()
    assert event is not None
    for change in (
        lambda: AuditEvent.objects.filter(pk=event.pk).update(action="nothing"),
        lambda: AuditEvent.objects.filter(pk=event.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert AuditEvent.objects.get(pk=event.pk).action == "organization.created"
    assert check_guards(databases=["default"]) == []


@pytest.mark.rule("R9")
def test_the_audit_keeps_only_what_changed(people: People) -> None:
    event = audit.record(
        people.dora.actor,
        audit.Word("test.changed", gettext_lazy("Changed")),
        people.ivan.firm,
        now=NOW,
        tenant=people.ivan.firm,
        before={"a": 1, "b": 2},
        after={"a": 1, "b": 3},
    )
    assert (event.before, event.after) == ({"b": 2}, {"b": 3})
    assert set(AuditEvent.objects.visible_to(people.ivan.actor)) >= {event}
    assert not AuditEvent.objects.visible_to(people.mallory.actor).filter(pk=event.pk).exists()


def test_an_email_is_one_login_in_any_case(people: People) -> None:
    assert User.objects.get_by_natural_key("DORA@Nordlys.example") == people.dora.membership.user
