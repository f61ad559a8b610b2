"""Members of organizations: their rights, and whether they are active."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actions import revocation
from accounts.actions.organizations import SUPERIORS, may_add_people
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Kind, Membership, Organization, User
from accounts.scope import Actor, Grant
from accounts.typed import mail

GRANTS = [grant.value for grant in Grant]
MEMBER_ADDED = audit.Word(
    "member.added",
    gettext_lazy("Member added"),
    gettext_lazy("%(what)s added as a member"),
    area=audit.Area.PEOPLE,
    saves=True,
)
RIGHTS_SET = audit.Word(
    "member.rights_set",
    gettext_lazy("Rights of a member set"),
    gettext_lazy("Rights of %(what)s set"),
    area=audit.Area.PEOPLE,
    saves=True,
)
MEMBER_DEACTIVATED = audit.Word(
    "member.deactivated",
    gettext_lazy("Member deactivated"),
    gettext_lazy("%(what)s deactivated"),
    area=audit.Area.PEOPLE,
    saves=True,
)
MEMBER_REACTIVATED = audit.Word(
    "member.reactivated",
    gettext_lazy("Member reactivated"),
    gettext_lazy("%(what)s reactivated"),
    area=audit.Area.PEOPLE,
    saves=True,
)


def manages_people(actor: Actor) -> bool:
    """Whether the actor invites and changes people (of its own firm and below). Technicians and managers never do."""
    return actor.role in SUPERIORS


@transaction.atomic
def add_member(
    actor: Actor,
    *,
    organization: Organization,
    email: str,
    name: str,
    now: datetime,
    is_technician: bool = False,
    password: str | None = None,
    has_joined: bool = True,
) -> Membership:
    """Make the person with `email` a member of `organization` without asking it; the login is created if there is none.

    Only for the demo and for tests. People use `invite`, since a person has to agree to a membership.
    """
    if not Organization.objects.visible_to(actor).filter(pk=organization.pk).exists():
        raise NotPermitted
    if is_technician and organization.kind != Kind.INSTALLER:
        raise Refused(_("Only an installer has technicians."))
    user = User.objects.filter(email_key=mail.key(email)).first()
    if user is None:
        user = User.objects.create_user(email, password, name=name, time_zone=organization.time_zone)
    membership = Membership.objects.create(
        user=user, organization=organization, is_technician=is_technician, joined_at=now if has_joined else None
    )
    audit.record(
        actor,
        MEMBER_ADDED,
        membership,
        now=now,
        tenant=organization,
        after={"technician": is_technician},
        label=f"{user} ({organization})",
    )
    return membership


@transaction.atomic
def edit_member(
    actor: Actor, *, membership_id: int, version: int, is_technician: bool, grants: Iterable[str], now: datetime
) -> Membership:
    """Change a member's rights: the four grants, and in an installer whether it is a technician (R9).

    Refuses the actor's own rights in any firm, rights that the actor does not have, leaving a firm without an administrator, and a
    change of who is a technician by anybody but the installer itself (R2).
    """
    membership = lock_member(actor, membership_id)
    if membership.version != version:
        raise Conflict
    if membership.user_id == actor.user_id:
        raise Refused(_("A colleague changes what you may do."))
    is_promoted = membership.is_technician and not is_technician
    if is_technician != membership.is_technician:
        refuse_adding(actor, membership.organization, is_technician=True)
    wanted = with_implied(grants)
    # Grants kept for a technician have no effect, so a technician who becomes a full member gets all of them checked as new rights.
    refuse_rights(actor, wanted if is_promoted else wanted - ticked(membership))
    if is_technician and not membership.is_technician:
        refuse_last_administrator(membership)
    audited = [*GRANTS, "is_technician"]
    before = audit.fields_of(membership, audited)
    membership.is_technician = is_technician
    for name in GRANTS:
        setattr(membership, name, name in wanted)
    after = audit.fields_of(membership, audited)
    if after != before:
        membership.version += 1
        membership.save(update_fields=[*audited, "version"])
        record(actor, RIGHTS_SET, membership, now=now, before=before, after=after)
    return membership


@transaction.atomic
def set_member_active(actor: Actor, *, membership_id: int, is_active: bool, now: datetime) -> Membership:
    """Deactivate a member, or activate it again; its session in this firm ends with the next request.

    Refuses the actor itself, and the last active administrator of a firm. Tokens that ended with the deactivation stay ended.
    """
    membership = lock_member(actor, membership_id)
    if membership.user_id == actor.user_id:
        raise Refused(_("You can't deactivate yourself. A colleague can."))
    if membership.is_active == is_active:
        return membership
    revoked = 0
    if not is_active:
        refuse_last_administrator(membership)
        revoked = revocation.revoke_tokens_of_membership(membership, now=now)
    else:
        refuse_rights(actor, {grant.value for grant in membership.grants})
    membership.is_active = is_active
    membership.version += 1
    membership.save(update_fields=["is_active", "version"])
    record(
        actor,
        MEMBER_REACTIVATED if is_active else MEMBER_DEACTIVATED,
        membership,
        now=now,
        before={"is_active": not is_active},
        after={"is_active": is_active, **({"tokens": revoked} if revoked else {})},
    )
    return membership


def confirm_address(user: User, *, now: datetime) -> None:
    """Record that the address belongs to the person: the first login proves it, because a password is set by mail only (R6)."""
    if user.confirmed_at is None:
        User.objects.filter(pk=user.pk, confirmed_at=None).update(confirmed_at=now)
        user.confirmed_at = now


def lock_self(user: User) -> User:
    """The signed-in person's own row, read anew and locked until the transaction ends, so that two windows of one person do not run at
    once."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def lock_member(actor: Actor, membership_id: int) -> Membership:
    """The membership, if the actor manages people and sees it. The firm's row is locked first: if two administrators deactivate each
    other at once, only one succeeds."""
    if not manages_people(actor):
        raise NotPermitted
    seen = Membership.objects.visible_to(actor).select_related("organization", "user")
    organization_id = seen.values_list("organization_id", flat=True).get(pk=membership_id)
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    return seen.select_for_update(of=("self",), no_key=True).get(pk=membership_id)


def refuse_last_administrator(membership: Membership) -> None:
    """Refuse where no other member could manage the firm. The caller holds the firm's lock."""
    if membership.is_technician or not membership.is_active or membership.joined_at is None:
        return
    others = Membership.objects.usable().filter(organization_id=membership.organization_id, is_technician=False)
    if membership.organization.is_active and not others.exclude(pk=membership.pk).exists():
        raise Refused(
            _("%(name)s is the last administrator of %(firm)s. Add another one first.")
            % {"name": membership.user, "firm": membership.organization}
        )


def with_implied(grants: Iterable[str]) -> set[str]:
    """The grants, plus those that they depend on: who manages subscriptions sees orders, and who sees orders sees prices."""
    wanted = {str(grant) for grant in grants}
    if Grant.MANAGES_SUBSCRIPTIONS.value in wanted:
        wanted.add(Grant.SEES_INVOICES.value)
    if Grant.SEES_INVOICES.value in wanted:
        wanted.add(Grant.SEES_PRICES.value)
    return wanted


def ticked(membership: Membership) -> set[str]:
    """The stored grants, also of a technician, for whom they have no effect."""
    return {name for name in GRANTS if getattr(membership, name)}


def refuse_adding(actor: Actor, organization: Organization, *, is_technician: bool) -> None:
    """Refuse adding a person, or a technician, to a firm whose people the actor does not choose (R2)."""
    if may_add_people(actor, organization, is_technician=is_technician):
        return
    if is_technician and organization.kind != Kind.INSTALLER:
        raise Refused(_("Only an installer has technicians."))
    if is_technician:
        raise NotPermitted(_("An installer chooses its technicians itself."))
    raise NotPermitted(_("The installer above %(firm)s chooses its people.") % {"firm": organization})


def refuse_rights(actor: Actor, given: set[str]) -> None:
    """Refuse granting rights that the actor does not have: otherwise it could get them through another member."""
    if unknown := given - set(GRANTS):
        raise Refused(_("Unknown rights: %(names)s.") % {"names": ", ".join(sorted(unknown))})
    if given - {grant.value for grant in actor.grants}:
        raise NotPermitted(_("You can only give rights that you have yourself."))


def record(
    actor: Actor,
    word: audit.Word,
    membership: Membership,
    *,
    now: datetime,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    """Audit a change of a membership. A member who has not joined is named as it was invited: its login may have another name elsewhere."""
    audit.record(
        actor,
        word,
        membership,
        now=now,
        tenant=membership.organization,
        before=before,
        after=after,
        label=f"{membership.known_as} ({membership.organization})",
    )
