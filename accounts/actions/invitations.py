"""Invitations: a membership that waits for its person, and the link that the person uses once to join."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, notify
from accounts.actions.members import (
    GRANTS,
    confirm_address,
    lock_member,
    manages_people,
    record,
    refuse_adding,
    refuse_rights,
    with_implied,
)
from accounts.errors import NotPermitted, Refused
from accounts.models import Invitation, Membership, Organization, Topic, User
from accounts.models.invitations import VALID_FOR, digest_of
from accounts.scope import Actor, Role
from accounts.typed import mail, text

MOST_AT_ONCE = 5  # mails to one person within the hour; only the last link works, so more would be useless
HOUR = timedelta(hours=1)
MEMBER_INVITED = audit.Word(
    "member.invited",
    gettext_lazy("Member invited"),
    gettext_lazy("%(what)s invited"),
    area=audit.Area.PEOPLE,
    saves=True,
)
INVITED_AGAIN = audit.Word(
    "member.invited_again",
    gettext_lazy("Member invited again"),
    gettext_lazy("%(what)s invited again; the old link no longer works"),
    area=audit.Area.PEOPLE,
)
INVITATION_CANCELLED = audit.Word(
    "member.invitation_cancelled",
    gettext_lazy("Invitation withdrawn"),
    gettext_lazy("Invitation of %(what)s withdrawn"),
    area=audit.Area.PEOPLE,
)
MEMBER_JOINED = audit.Word(
    "member.joined",
    gettext_lazy("Invitation accepted"),
    gettext_lazy("%(what)s accepted the invitation"),
    area=audit.Area.PEOPLE,
)


class LinkUsedUp(Refused):
    """The link was used, replaced, cancelled, is too old or never existed. The message does not tell which."""


@transaction.atomic
def invite(
    actor: Actor,
    *,
    organization_id: int,
    email: str,
    name: str,
    language: str,
    is_technician: bool = False,
    grants: Iterable[str] | None = None,
    now: datetime,
) -> Membership:
    """Invite a person into the actor's firm, or into one below whose people the actor chooses (R1, R2), and queue the mail with the
    link.

    `grants` are the rights to give, None for all rights of the actor. Refuses rights that the actor does not have, and the actor's own
    address. The membership can do nothing until the person has joined. Whether the address already has a login is not told and changes
    nothing that the firm sees: until the person joins, name and address are shown as they were entered here.
    """
    if not manages_people(actor):
        raise NotPermitted
    organization = (
        Organization.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=organization_id)
    )
    refuse_adding(actor, organization, is_technician=is_technician)
    if not organization.is_active:
        raise Refused(_("%(firm)s is deactivated. Reactivate it first.") % {"firm": organization})
    name, address = text.line(name), mail.address(email)
    if not name:
        raise Refused(_("The person needs a name."), field="name")
    rights = {grant.value for grant in actor.grants} if grants is None else with_implied(grants)
    refuse_rights(actor, rights)
    user = _invited(actor, organization, address, name=name, language=language)
    membership = Membership.objects.create(
        user=user,
        organization=organization,
        is_technician=is_technician,
        invited_as=name,
        invited_email=address.shown,
        **{field: field in rights for field in GRANTS},
    )
    _send(actor, membership, name=name, email=address.shown, now=now)
    record(actor, MEMBER_INVITED, membership, now=now, after={"technician": is_technician, "grants": sorted(rights)})
    return membership


@transaction.atomic
def resend_invitation(actor: Actor, *, membership_id: int, now: datetime) -> Membership:
    """Send a new link; the previous link stops working."""
    membership = lock_member(actor, membership_id)
    last = membership.invitations.first()
    if membership.joined_at is not None or not membership.is_active or last is None:
        raise Refused(_("There is no invitation to send again."))
    if membership.invitations.filter(created_at__gt=now - HOUR).count() >= MOST_AT_ONCE:
        raise Refused(_("%(n)s mails went out within the last hour. Try again later.") % {"n": MOST_AT_ONCE})
    _send(actor, membership, name=last.name, email=last.email, now=now)
    record(actor, INVITED_AGAIN, membership, now=now)
    return membership


@transaction.atomic
def cancel_invitation(actor: Actor, *, membership_id: int, now: datetime) -> None:
    """Withdraw an invitation that was not accepted: the link stops working and the membership is deleted.

    A membership that was already assigned to sites, or has paid time, is kept and deactivated instead.
    """
    membership = lock_member(actor, membership_id)
    if membership.joined_at is not None or not membership.invitations.exists():
        raise Refused(_("This person has joined already. Deactivate the person instead."))
    record(actor, INVITATION_CANCELLED, membership, now=now)
    try:
        with transaction.atomic():
            membership.delete()
    except models.ProtectedError:
        membership.invitations.open().update(closed_at=now)
        membership.is_active = False
        membership.version += 1
        membership.save(update_fields=["is_active", "version"])


def find_invitation(token: str, *, now: datetime) -> Invitation:
    """The invitation that a link belongs to. Raises LinkUsedUp for every link that does not work, whatever the reason."""
    found = Invitation.objects.working(now).select_related("membership__user", "membership__organization", "invited_by")
    invitation = found.filter(digest=digest_of(token)).first()
    if invitation is None:
        raise LinkUsedUp
    return invitation


def _invited(actor: Actor, organization: Organization, address: mail.MailAddress, *, name: str, language: str) -> User:
    """The login with this address, created where there is none. Refuses the actor's own address and that of a member."""
    user = User.objects.filter(email_key=address.key).first()
    if user is None:
        zone = organization.time_zone
        return User.objects.create_user(address.shown, None, name=name, language=language, time_zone=zone)
    if user.pk == actor.user_id and organization.pk != actor.organization_id:
        raise Refused(_("You can't invite yourself. A colleague can."), field="email")
    if Membership.objects.filter(user=user, organization=organization).exists():
        raise Refused(
            _("This address is already a member here, perhaps invited or deactivated: look for it in the list."),
            field="email",
        )
    return user


@transaction.atomic
def accept_invitation(
    *, token: str, user: User | None, name: str = "", password: str = "", now: datetime
) -> Membership:
    """Join by a link, once. `user` is the signed-in person; a person without a password sets name and password instead.

    The link proves the mailbox, so the address is confirmed (R6). A person who has a password must be signed in, so that a link alone
    never gives access to a login. Raises LinkUsedUp for a link that ended, even at this moment. Locks: membership → invitation → user.
    """
    found = find_invitation(token, now=now)
    # The membership is locked first, as withdrawing does. Then everything is read again: it may have ended while this transaction
    # waited.
    memberships = Membership.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    membership = memberships.filter(pk=found.membership_id).first()
    working = Invitation.objects.working(now).select_for_update(of=("self",), no_key=True)
    invitation = working.filter(pk=found.pk).select_related("invited_by").first()
    if membership is None or invitation is None:
        raise LinkUsedUp
    invited = User.objects.select_for_update(no_key=True).get(pk=membership.user_id)
    if not invited.has_usable_password():
        _set_up(invited, name, password)
    elif user is None or user.pk != invited.pk:
        raise NotPermitted(_("Sign in with the address the invitation was sent to."))
    confirm_address(invited, now=now)
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    membership.joined_at = now
    membership.user = invited
    membership.save(update_fields=["joined_at"])
    record(membership.actor(), MEMBER_JOINED, membership, now=now)
    if invitation.invited_by is not None and _still_looks_after(invitation.invited_by, membership.organization):
        notify.post(
            key=f"joined:{membership.pk}",
            topic=Topic.SITES,
            to=invitation.invited_by,
            template="joined",
            context={"person": invited, "organization": membership.organization},
            now=now,
            about=membership,
            tenant=membership.organization,
        )
    return membership


def _set_up(invited: User, name: str, password: str) -> None:
    name = text.line(name)
    if not name or not password:
        raise Refused(_("Set a name and a password."))
    invited.name = name
    invited.set_password(password)
    invited.save(update_fields=["name", "password"])


def _still_looks_after(user: User, organization: Organization) -> bool:
    """Whether the person works for this organization or one above it at present."""
    firms = (
        Membership.objects.usable().filter(user=user, is_technician=False).values_list("organization__path", flat=True)
    )
    return any(organization.path.startswith(path) for path in firms)


def _send(actor: Actor, membership: Membership, *, name: str, email: str, now: datetime) -> None:
    """Replace open links by a new one and queue its mail. The token is in the mail only; it is stored nowhere."""
    membership.invitations.open().update(closed_at=now)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        membership=membership,
        digest=digest_of(token),
        name=name,
        email=email,
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    notify.post(
        key=f"invitation:{invitation.pk}",
        topic=Topic.SECURITY,
        to=membership.user,
        template="invitation",
        context={
            "token": token,
            "site_url": settings.SITE_URL,
            "organization": membership.organization,
            "inviter": "" if actor.role is Role.SYSTEM else actor.label,
            "days": VALID_FOR.days,
        },
        now=now,
        about=membership,
        tenant=membership.organization,
        has_secret=True,
    )
