"""What people do with mail: send failed mail again, and mute topics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, notify
from accounts.actions import members, profile
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Membership, Mute, Notice, Topic, User
from accounts.models.notices import UNMUTABLE
from accounts.scope import Actor, Role, by_tenant_keys

NOTICE_SENT_AGAIN = audit.Word("notice.sent_again", gettext_lazy("Failed mail sent again"), area=audit.Area.ORDERS)
MUTED_BY_LINK = audit.Word(
    "notifications.muted_by_link",
    gettext_lazy("Own mail about one topic stopped by the link in it"),
    area=audit.Area.SECURITY,
)

NOTIFICATIONS_CHANGED = audit.Word(
    "notifications.changed", gettext_lazy("Own notifications changed"), area=audit.Area.SECURITY, saves=True
)


def muted_by(user: User) -> set[str]:
    """The topics that a person muted."""
    return set(Mute.objects.filter(user=user).values_list("topic", flat=True))


@transaction.atomic
def choose_topics(actor: Actor, user: User, *, muted: set[str], seen: Mapping[str, Any], now: datetime) -> set[str]:
    """Mute exactly these topics for oneself, except the topics that can't be muted (R8). Returns the topics that are now muted.

    `seen` is the state the form was filled with: topic by topic, whether mail was wanted. Raises Conflict where it has changed since.
    """
    person = members.lock_self(user)
    before = muted_by(person)
    if any(bool(wanted) == (topic in before) for topic, wanted in seen.items() if topic not in UNMUTABLE):
        raise Conflict
    if changed := muted ^ before:
        notify.set_mutes(person, topics=muted, now=now)
        profile.record(actor, NOTIFICATIONS_CHANGED, person, fields=sorted(changed), now=now)
    return muted


def may_send_again(actor: Actor, notice: Notice) -> bool:
    """Whether `send_again` would accept the notice: failed mail without a secret link that belongs to the actor's subtree."""
    keys = {
        Role.DISTRIBUTOR: notice.distributor_id,
        Role.SUBDISTRIBUTOR: notice.subdistributor_id,
        Role.INSTALLER: notice.installer_id,
    }
    is_theirs = actor.sees_all or keys.get(actor.role) == actor.organization_id
    return (
        is_theirs
        and notice.organization_id is not None
        and notice.state == Notice.State.FAILED
        and not notice.has_secret
    )


def manages_mail(actor: Actor) -> bool:
    """Whether the actor sees the mail of its subtree, and not only its own."""
    return by_tenant_keys(actor) is not None and actor.role is not Role.TECHNICIAN


@transaction.atomic
def send_again(actor: Actor, *, notice_id: int, now: datetime) -> Notice:
    """Try a failed mail once more, at once. For members of the organization it belongs to, or of one above. Audited.

    Refuses mail with a one-time link: the link may have been used or withdrawn since, and a new one is sent from where the first was
    sent.
    """
    bound = by_tenant_keys(actor)
    if bound is None or not manages_mail(actor):
        raise NotPermitted
    concerned = Notice.objects.filter(bound, organization__isnull=False)
    notice = concerned.select_for_update(of=("self",), no_key=True).select_related("organization").get(pk=notice_id)
    if notice.has_secret:
        raise Refused(_("This mail holds a link that works once. Send the invitation again instead."))
    if notice.state != Notice.State.FAILED:
        raise Refused(_("This mail has not failed."))
    notice.state, notice.next_try_at = Notice.State.QUEUED, now
    notice.save(update_fields=["state", "next_try_at"])
    assert notice.organization is not None
    audit.record(
        actor, NOTICE_SENT_AGAIN, notice, now=now, tenant=notice.organization, after={"tries": notice.tries}, label=f"#{notice.pk}"
    )  # fmt: skip
    return notice


@transaction.atomic
def mute_by_link(user: User, *, topic: Topic, now: datetime) -> bool:
    """Mute one topic for the person who opened the link in a mail; False where it was muted already.

    The caller has checked the link's signature; no sign-in is needed. Refuses topics that can't be muted (R8). Audited where the person
    works.
    """
    if topic in UNMUTABLE:
        raise Refused(_("Mail like this always arrives: it can't be muted."))
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    _row, is_new = Mute.objects.get_or_create(user=user, topic=topic, defaults={"created_at": now})
    member = Membership.objects.usable().filter(user=user).select_related("organization", "user").order_by("pk").first()
    if is_new and member is not None:
        audit.record(
            member.actor(), MUTED_BY_LINK, user, now=now, tenant=member.organization,
            after={"topics": [topic.value]}, label=f"#{user.pk}",
        )  # fmt: skip
    return is_new
