"""What people do with mail that was queued for others: send again what failed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Notice
from accounts.scope import Actor, Role, by_tenant_keys


def may_send_again(actor: Actor, notice: Notice) -> bool:
    """Whether to offer it: failed mail without a secret link that is a matter of the actor's subtree, as `send_again` asks."""
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
    """Whether the actor looks after mail of the own subtree, and not only after the own."""
    return by_tenant_keys(actor) is not None and actor.role is not Role.TECHNICIAN


@transaction.atomic
def send_again(actor: Actor, *, notice_id: int, now: datetime) -> Notice:
    """Let one failed mail be tried once more, at once; by an organization whose matter it is, or one above. Audited.

    Mail with a one-time link is refused: by now the link may be used or withdrawn, and a new one is made where the first was.
    """
    bound = by_tenant_keys(actor)
    if bound is None or not manages_mail(actor):
        raise NotPermitted
    concerned = Notice.objects.filter(bound, organization__isnull=False)
    notice = concerned.select_for_update(of=("self",)).select_related("organization").get(pk=notice_id)
    if notice.has_secret:
        raise Refused(_("This mail holds a link that works once. Send the invitation again instead."))
    if notice.state != Notice.State.FAILED:
        raise Refused(_("This mail has not failed."))
    notice.state, notice.next_try_at = Notice.State.QUEUED, now
    notice.save(update_fields=["state", "next_try_at"])
    assert notice.organization is not None
    audit.record(
        actor, "notice.sent_again", notice, now=now, tenant=notice.organization, after={"tries": notice.tries}, label=f"#{notice.pk}"
    )  # fmt: skip
    return notice
