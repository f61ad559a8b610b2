"""Changing the address that a person signs in with: requested, confirmed by a link to the new address, and told to the old one."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, notify
from accounts.actions import links, members, revocation, sessions, two_factor
from accounts.actions.invitations import LinkUsedUp
from accounts.errors import NotPermitted, Refused
from accounts.models import MailLink, Membership, Organization, Topic, User, firm_of
from accounts.models.tokens import RevokedFor
from accounts.scope import Actor
from accounts.typed import mail

PURPOSE = MailLink.Purpose.ADDRESS
MOST_AT_ONCE, HOUR = 5, timedelta(hours=1)  # mails within the hour to addresses that a person enters
ADDRESS_ASKED = audit.Word("address.asked", gettext_lazy("Change of own address requested"), area=audit.Area.SECURITY)
ADDRESS_WITHDRAWN = audit.Word(
    "address.withdrawn", gettext_lazy("Change of own address withdrawn"), area=audit.Area.SECURITY
)
ADDRESS_CHANGED = audit.Word(
    "address.changed", gettext_lazy("Own address changed by the link of a mail"), area=audit.Area.SECURITY
)
MEMBER_ADDRESS_ASKED = audit.Word(
    "member.address_asked",
    gettext_lazy("Change of address requested for a member"),
    gettext_lazy("Change of address requested for %(what)s"),
    area=audit.Area.PEOPLE,
)
MEMBER_ADDRESS_WITHDRAWN = audit.Word(
    "member.address_withdrawn",
    gettext_lazy("Change of the address of a member withdrawn"),
    gettext_lazy("Change of the address of %(what)s withdrawn"),
    area=audit.Area.PEOPLE,
)


def pending_address(user: User, *, now: datetime) -> MailLink | None:
    """The requested change of address whose link was not opened yet."""
    return MailLink.objects.open(now).filter(user=user, purpose=PURPOSE).select_related("asked_by").first()


def ask_for_address(actor: Actor, user: User, *, email: str, password: str, code: str = "", now: datetime) -> None:
    """Request another address for oneself. A link is sent to the new address and a notice to the old one; nothing changes until the
    link is opened.

    Refuses a wrong proof, the present address, and too many tries. Whether the address belongs to another login changes neither the
    answer, nor what is written, nor the person's mail history: only the mailbox itself learns of it.
    """
    two_factor.prove(user, password=password, code=code, now=now)
    with transaction.atomic():
        person = members.lock_self(user)
        if person.password != user.password:
            raise Refused(_("This is not your password."), field="password")
        _ask(actor, person, email=email, now=now)
        if (firm := firm_of(actor)) is not None:
            _record(actor, ADDRESS_ASKED, person, tenant=firm, now=now)


@transaction.atomic
def ask_for_address_of(actor: Actor, *, membership_id: int, email: str, now: datetime) -> None:
    """Request another address for a member, by an administrator of its firm: for a person who can't reach the old mailbox any more.

    As `ask_for_address`; once the link is opened, every session and token of the person ends. Refuses the actor's own login, members
    who have not joined, logins that also belong to a firm outside the actor's subtree (an address allows to set the password, so no
    firm may take over a login that opens other firms), and people with rights that the actor does not have.
    """
    membership = members.lock_member(actor, membership_id)
    refuse_member(actor, membership)
    person = members.lock_self(membership.user)
    _ask(actor, person, email=email, now=now, by=membership.organization)
    members.record(actor, MEMBER_ADDRESS_ASKED, membership, now=now, after={"fields": ["email"]})


@transaction.atomic
def withdraw_address(actor: Actor, user: User, *, now: datetime) -> None:
    """Withdraw a requested change of one's own address: its link stops working."""
    person = members.lock_self(user)
    _withdraw(person, now=now)
    if (firm := firm_of(actor)) is not None:
        _record(actor, ADDRESS_WITHDRAWN, person, tenant=firm, now=now)


@transaction.atomic
def withdraw_address_of(actor: Actor, *, membership_id: int, now: datetime) -> None:
    """Withdraw a requested change of a member's address; the same people may do it as may request one."""
    membership = members.lock_member(actor, membership_id)
    refuse_member(actor, membership)
    _withdraw(members.lock_self(membership.user), now=now)
    members.record(actor, MEMBER_ADDRESS_WITHDRAWN, membership, now=now, after={"fields": ["email"]})


def confirm_new_address(token: str, *, now: datetime) -> User:
    """Take the address that the link was sent to, once. Raises LinkUsedUp, also where the address was taken meanwhile, or where the
    person who requested the change may not request it any more.

    Audited in every firm the person works for, and mailed to both addresses. If a firm requested the change, all sessions and tokens of
    the person end. Links for a new password stop working by themselves, since they contain the old address.
    """
    try:
        with transaction.atomic():
            return _confirm(token, now=now)
    except IntegrityError:  # the address was taken at this moment
        raise LinkUsedUp from None


def _confirm(token: str, *, now: datetime) -> User:
    link, person = links.use_link(token, purpose=PURPOSE, now=now)
    if _is_taken(mail.key(link.email), person) or not _still_may(link, person):
        raise LinkUsedUp
    old, person.email, person.confirmed_at = person.email, link.email, now
    person.save(update_fields=["email", "confirmed_at"])
    for membership in Membership.objects.usable().filter(user=person).select_related("organization").order_by("pk"):
        membership.user = person
        _record(membership.actor(), ADDRESS_CHANGED, person, tenant=membership.organization, now=now)
    if link.asked_by_id != person.pk:
        sessions.end_all_sessions(person)
        revocation.revoke_tokens_of(person, reason=RevokedFor.ADDRESS, now=now)
    for name, email in (("old", old), ("new", link.email)):
        _tell(person, "address_changed", email=email, key=f"address-changed-{link.pk}-{name}", now=now, old=old)
    return person


def _still_may(link: MailLink, person: User) -> bool:
    """Whether the person who requested the change still may: meanwhile the member may have joined another firm or got more rights, and
    the requesting person may have left."""
    if link.asked_by_id == person.pk:
        return True
    asking = Membership.objects.usable().filter(user_id=link.asked_by_id or 0).select_related("organization", "user")
    for actor in [membership.actor() for membership in asking.order_by("pk")]:
        for membership in Membership.objects.visible_to(actor).filter(user=person).select_related("organization"):
            if not why_not(actor, membership):
                return True
    return False


def _ask(actor: Actor, person: User, *, email: str, now: datetime, by: Organization | None = None) -> None:
    address = mail.address(email)
    if address.key == person.email_key:
        raise Refused(_("This is the address already."), field="email")
    asked = MailLink.objects.filter(purpose=PURPOSE, created_at__gt=now - HOUR)
    if max(asked.filter(user=person).count(), asked.filter(asked_by_id=actor.user_id).count()) >= MOST_AT_ONCE:
        raise Refused(_("%(n)s mails went out within the last hour. Try again later.") % {"n": MOST_AT_ONCE})
    link, token = links.make_link(person, purpose=PURPOSE, email=address.shown, asked_by_id=actor.user_id, now=now)
    hours = int(links.VALID_FOR[PURPOSE].total_seconds() // 3600)
    taken = _is_taken(address.key, person)
    _tell(
        person, "address_confirm", email=address.shown, key=f"address-{link.pk}", now=now, has_secret=True,
        token="" if taken else token, hours=hours, new=address.shown,
    )  # fmt: skip
    _tell(person, "address_asked", key=f"address-asked-{link.pk}", now=now, new=address.shown, by=by)


def _is_taken(key: str, person: User) -> bool:
    return User.objects.filter(email_key=key).exclude(pk=person.pk).exists()


def _withdraw(person: User, *, now: datetime) -> None:
    if not MailLink.objects.open(now).filter(user=person, purpose=PURPOSE).update(closed_at=now):
        raise Refused(_("There is no change of address that waits."))


def refuse_member(actor: Actor, membership: Membership) -> None:
    """Refuse, with the reason, where the actor may not change this member's address."""
    if not members.manages_people(actor):
        raise NotPermitted
    if membership.user_id == actor.user_id:
        raise Refused(_("You change your own address in Settings."))
    if membership.joined_at is None or not membership.is_active:
        raise Refused(_("Only of somebody who works here the address can be changed."))
    others = Membership.objects.filter(user_id=membership.user_id).select_related("organization")
    if others.exclude(organization__path__startswith=actor.path).exists():
        raise Refused(_("This login is used outside your firms too, so only the person changes its address."))
    for other in others:
        members.refuse_rights(actor, {grant.value for grant in other.grants})


def why_not(actor: Actor, membership: Membership) -> str:
    """The reason why the actor may not change this member's address; "" where it may."""
    try:
        refuse_member(actor, membership)
    except (NotPermitted, Refused) as reason:
        return str(reason)
    return ""


def _tell(
    person: User,
    template: str,
    *,
    key: str,
    now: datetime,
    email: str = "",
    has_secret: bool = False,
    **context: object,
) -> None:
    notify.post(
        key=key,
        topic=Topic.SECURITY,
        to=person,
        email=email,
        template=template,
        context={**context, "at": now, "site_url": settings.SITE_URL},
        now=now,
        about=person,
        has_secret=has_secret,
    )


def _record(actor: Actor, word: audit.Word, person: User, *, tenant: Organization, now: datetime) -> None:
    """Audit the name of the field only: the audit is append-only, so personal data must not be in it."""
    audit.record(actor, word, person, now=now, tenant=tenant, after={"fields": ["email"]}, label=f"#{person.pk}")
