"""Inviting people: one link, one use, nothing told about other tenants."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from accounts import actions, notify
from accounts.actions.invitations import LinkUsedUp
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Invitation, Membership, Notice, Organization, User
from tests.accounts.invited import ELIN, everything, invite, token_of_last_mail
from tests.people import NOW, PASSWORD, People


@pytest.mark.rule("R6")
def test_an_invited_person_joins_with_name_and_password_and_the_address_is_confirmed(people: People) -> None:
    made = invite(people.ivan, grants=["sees_prices"])
    assert (made.joined_at, made.user.confirmed_at, made.user.has_usable_password()) == (None, None, False)
    assert (made.sees_prices, made.sees_invoices, made.manages_subscriptions) == (True, False, False)
    assert not Membership.objects.usable().filter(pk=made.pk).exists()
    token = token_of_last_mail()
    (letter,) = mail.outbox
    assert letter.subject == "Hafen Intercom GmbH invites you to SmartPlus"
    assert letter.to == [ELIN]
    joined = actions.accept_invitation(token=token, user=None, name="Elin S.", password=PASSWORD, now=NOW)
    user = User.objects.get(email_key=ELIN)
    assert (joined.joined_at, user.confirmed_at, user.name, user.check_password(PASSWORD)) == (
        NOW,
        NOW,
        "Elin S.",
        True,
    )
    assert Membership.objects.usable().filter(pk=made.pk).exists()
    notify.send_due(now=NOW)
    assert [(letter.subject, letter.to) for letter in mail.outbox[1:]] == [
        ("Elin S. has joined Hafen Intercom GmbH", [people.ivan.email])
    ]


def test_who_invited_and_has_left_does_not_hear_who_joined(people: People) -> None:
    invite(people.dora, organization_id=people.ivan.firm.pk)
    token = token_of_last_mail()
    Membership.objects.filter(pk=people.dora.membership.pk).update(is_active=False)
    actions.accept_invitation(token=token, user=None, name="Elin S.", password=PASSWORD, now=NOW)
    assert not Notice.objects.filter(key__startswith="joined:").exists()


def test_the_token_is_kept_nowhere(people: People) -> None:
    made = invite(people.ivan)
    token = token_of_last_mail()
    invitation = made.invitations.get()
    assert token not in str(Invitation.objects.values().get())
    assert len(invitation.digest) == 64
    assert Notice.objects.about(made).get().body == ""
    assert not AuditEvent.objects.filter(after__icontains=token).exists()


def test_the_same_link_works_once(people: People) -> None:
    invite(people.ivan)
    token = token_of_last_mail()
    actions.accept_invitation(token=token, user=None, name="Elin", password=PASSWORD, now=NOW)
    before = everything()
    with pytest.raises(LinkUsedUp):
        actions.accept_invitation(token=token, user=None, name="Eve", password="another horse battery", now=NOW)
    assert everything() == before
    assert User.objects.get(email_key=ELIN).check_password(PASSWORD)


def test_a_link_ends_after_seven_days(people: People) -> None:
    invite(people.ivan)
    token = token_of_last_mail()
    assert actions.find_invitation(token, now=NOW + timedelta(days=7) - timedelta(seconds=1)).name == "Elin Sjöberg"
    with pytest.raises(LinkUsedUp):
        actions.find_invitation(token, now=NOW + timedelta(days=7))


def test_a_new_link_kills_the_old_one(people: People) -> None:
    made = invite(people.ivan)
    old = token_of_last_mail()
    actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW + timedelta(days=8))
    new = token_of_last_mail(NOW + timedelta(days=8))
    assert new != old
    with pytest.raises(LinkUsedUp):
        actions.find_invitation(old, now=NOW)
    actions.accept_invitation(token=new, user=None, name="Elin", password=PASSWORD, now=NOW + timedelta(days=8))
    with pytest.raises(Refused, match="no invitation"):
        actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW + timedelta(days=9))


def test_nobodys_mailbox_is_filled_by_resending(people: People) -> None:
    made = invite(people.ivan)
    for _ in range(4):
        actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    before = everything()
    with pytest.raises(Refused, match="5 mails went out within the last hour"):
        actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    assert everything() == before


def test_a_withdrawn_invitation_leaves_nothing_to_join(people: People) -> None:
    made = invite(people.ivan)
    token = token_of_last_mail()
    actions.cancel_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    with pytest.raises(LinkUsedUp):
        actions.find_invitation(token, now=NOW)
    assert not Membership.objects.filter(organization=people.ivan.firm, user__email_key=ELIN).exists()
    with pytest.raises(Refused, match="joined already"):
        actions.cancel_invitation(people.ivan.actor, membership_id=people.tess.membership.pk, now=NOW)
    assert invite(people.ivan).pk != made.pk


def test_a_link_into_a_deactivated_firm_or_for_a_deactivated_member_does_nothing(people: People) -> None:
    made = invite(people.dora, organization_id=people.ivan.firm.pk)
    token = token_of_last_mail()
    actions.set_organization_active(people.dora.actor, organization_id=people.ivan.firm.pk, is_active=False, now=NOW)
    with pytest.raises(LinkUsedUp):
        actions.find_invitation(token, now=NOW)
    actions.set_organization_active(people.dora.actor, organization_id=people.ivan.firm.pk, is_active=True, now=NOW)
    assert actions.find_invitation(token, now=NOW).membership_id == made.pk
    actions.set_member_active(people.dora.actor, membership_id=made.pk, is_active=False, now=NOW)
    with pytest.raises(LinkUsedUp):
        actions.find_invitation(token, now=NOW)


def test_a_login_that_exists_is_never_taken_over_by_a_link_alone(people: People) -> None:
    """Ivan's link gets into the wrong hands: without Mallory's own sign-in it opens nothing."""
    mallory = people.mallory.membership.user
    made = invite(people.ivan, email="Mallory@Zephyr.example", name="M. B.")
    assert made.user_id == mallory.pk
    token = token_of_last_mail()
    for user in (None, people.igor.membership.user):
        with pytest.raises(NotPermitted):
            actions.accept_invitation(token=token, user=user, name="Eve", password="another horse battery", now=NOW)
    mallory.refresh_from_db()
    assert (mallory.name, mallory.check_password(PASSWORD)) == ("Mallory Black", True)
    joined = actions.accept_invitation(token=token, user=mallory, now=NOW)
    assert (joined.organization_id, joined.joined_at) == (people.ivan.firm.pk, NOW)


@pytest.mark.rule("R1")
def test_the_audit_does_not_tell_what_a_login_calls_itself_elsewhere(people: People) -> None:
    made = invite(people.ivan, email=people.mallory.email, name="M. B.")
    actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    actions.cancel_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    labels = AuditEvent.objects.filter(subject_type="membership", subject_id=made.pk).values_list(
        "subject_label", flat=True
    )
    assert set(labels) == {"M. B. (Hafen Intercom GmbH)"}
    assert len(labels) == 3


def test_a_second_invitation_into_the_same_firm_is_refused(people: People) -> None:
    invite(people.ivan)
    before = everything()
    for email in (ELIN.upper(), people.tess.email):
        with pytest.raises(Refused, match="already a member here"):
            invite(people.ivan, email=email)
    assert everything() == before


@pytest.mark.rule("R2")
@pytest.mark.rule("R1")
def test_nobody_invites_outside_the_own_subtree_and_technicians_and_managers_nowhere(people: People) -> None:
    before = everything()
    for person, firm in (
        (people.ivan, people.ines.firm),
        (people.ivan, people.dora.firm),
        (people.sam, people.ivan.firm),
        (people.dora, people.mallory.firm),
        (people.mallory, people.ivan.firm),
        (people.petra, people.ivan.firm),
    ):
        with pytest.raises((NotPermitted, people.ivan.firm.DoesNotExist)):
            invite(person, organization_id=firm.pk)
    for person in (people.tess, people.petra):
        with pytest.raises(NotPermitted):
            invite(person)
    assert everything() == before


def test_only_installers_have_technicians(people: People) -> None:
    with pytest.raises(Refused, match="Only an installer has technicians"):
        invite(people.dora, is_technician=True)
    assert invite(people.ivan, is_technician=True).is_technician


@pytest.mark.rule("R2")
@pytest.mark.parametrize("name", ["olga", "dora", "sam", "ivan", "tess", "petra"])
def test_who_adds_whom_to_which_firm(people: People, name: str) -> None:
    """Every role tries every firm there is, for a colleague and for a technician; only what DOMAIN §1 says comes to be."""
    by = getattr(people, name)
    firms = {
        one.firm: one.firm.pk for one in (people.olga, people.dora, people.sam, people.ivan, people.ines, people.petra)
    }
    made = set()
    for firm in firms:
        for is_technician in (False, True):
            before = everything()
            email = f"{firm.pk}{is_technician}@x.example"
            try:
                invited = invite(by, organization_id=firm.pk, email=email, is_technician=is_technician)
            except (NotPermitted, Refused, Organization.DoesNotExist):
                assert everything() == before
            else:
                assert (invited.organization_id, invited.is_technician) == (firm.pk, is_technician)
                made.add(f"{firm.name}{' technician' if is_technician else ''}")
    resellers, installers = {"Nordlys Distribution", "Sund Partner"}, {"Hafen Intercom GmbH", "Norden Port AS"}
    assert (
        made
        == {
            "olga": {"Vendor", *resellers, *installers},
            "dora": {*resellers, *installers},
            "sam": {"Sund Partner", "Norden Port AS"},
            "ivan": {"Hafen Intercom GmbH", "Hafen Intercom GmbH technician", "Holm Verwaltung"},
            "tess": set(),
            "petra": set(),
        }[name]
    )


@pytest.mark.parametrize("email", ["dora@nordlys.example", " DORA@Nordlys.EXAMPLE "])
def test_nobody_invites_the_own_address_below(people: People, email: str) -> None:
    before = everything()
    with pytest.raises(Refused, match="You can't invite yourself"):
        invite(people.dora, organization_id=people.ivan.firm.pk, email=email)
    assert everything() == before
