"""An invitation ends under its lock: of accepting and withdrawing at once one happens, and nothing of the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction

from accounts.actions import invitations, members
from accounts.errors import Refused
from accounts.models import AuditEvent, Invitation, Membership, User
from accounts.models.invitations import VALID_FOR, digest_of
from tests.people import NOW, PASSWORD, People
from tests.races import together

ROUNDS = 4  # who is first differs from round to round
TOKEN = "the-token-of-the-mail"


def invited(people: People, number: int = 0) -> tuple[Membership, Callable[[], Membership]]:
    """Somebody invited by Ivan, and the person about to join by the link."""
    with transaction.atomic():
        membership = invitations.invite(
            people.ivan.actor, organization_id=people.ivan.firm.pk, email=f"elin{number}@x.example", name="Elin", language="en", now=NOW
        )  # fmt: skip
        token = f"{TOKEN}-{number}"
        membership.invitations.update(digest=digest_of(token))
    return membership, partial(
        invitations.accept_invitation, token=token, user=None, name="Elin", password=PASSWORD, now=NOW
    )


def words(membership_id: int) -> list[str]:
    rows = AuditEvent.objects.filter(subject_type="membership", subject_id=membership_id).order_by("pk")
    return list(rows.values_list("action", flat=True))


@pytest.mark.django_db(transaction=True)
def test_of_accepting_and_withdrawing_at_once_one_happens(people: People) -> None:
    for number in range(ROUNDS):
        membership, accept = invited(people, number)
        cancel = partial(invitations.cancel_invitation, people.ivan.actor, membership_id=membership.pk, now=NOW)
        joined, withdrawn = together(accept, cancel) if number % 2 else reversed(together(cancel, accept))
        if isinstance(joined, Membership):
            assert isinstance(withdrawn, Refused), withdrawn
            assert words(membership.pk) == ["member.invited", "member.joined"]
            assert Invitation.objects.get(membership=membership).accepted_at == NOW
        else:
            assert (type(joined), withdrawn) == (invitations.LinkUsedUp, None), (joined, withdrawn)
            assert words(membership.pk) == ["member.invited", "member.invitation_cancelled"]
            assert not Membership.objects.filter(pk=membership.pk).exists()
            assert not User.objects.get(email=f"elin{number}@x.example").has_usable_password()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_follow_the_link_at_once_one_joins(people: People) -> None:
    for number in range(ROUNDS):
        membership, accept = invited(people, number)
        outcomes = together(accept, accept)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LinkUsedUp", "Membership"], outcomes
        assert words(membership.pk) == ["member.invited", "member.joined"]


def withdraw(people: People, membership: Membership) -> None:
    invitations.cancel_invitation(people.ivan.actor, membership_id=membership.pk, now=NOW)


def replace(people: People, membership: Membership) -> None:
    invitations.resend_invitation(people.ivan.actor, membership_id=membership.pk, now=NOW)


def accept_elsewhere(people: People, membership: Membership) -> None:
    invitations.accept_invitation(token=f"{TOKEN}-0", user=None, name="Elin", password=PASSWORD, now=NOW)


def deactivate(people: People, membership: Membership) -> None:
    members.set_member_active(people.ivan.actor, membership_id=membership.pk, is_active=False, now=NOW)


def expire(people: People, membership: Membership) -> None:
    Invitation.objects.filter(membership=membership).update(expires_at=NOW, created_at=NOW - VALID_FOR)


@pytest.mark.django_db
@pytest.mark.parametrize("end", [withdraw, replace, accept_elsewhere, deactivate, expire], ids=lambda end: end.__name__)
def test_what_ended_between_finding_and_locking_lets_nobody_in(
    end: Callable[[People, Membership], None], people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    membership, accept = invited(people)
    found = invitations.find_invitation(f"{TOKEN}-0", now=NOW)
    end(people, membership)
    monkeypatch.setattr(invitations, "find_invitation", lambda token, *, now: found)
    before = (list(Membership.objects.order_by("pk").values()), list(User.objects.order_by("pk").values()))
    events = AuditEvent.objects.count()
    with pytest.raises(invitations.LinkUsedUp):
        accept()
    assert (list(Membership.objects.order_by("pk").values()), list(User.objects.order_by("pk").values())) == before
    assert AuditEvent.objects.count() == events
