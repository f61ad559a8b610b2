"""What is done to organizations and people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Kind, Membership, Organization, User
from accounts.models.organizations import LABEL_WIDTH
from accounts.scope import Actor, Role

# Who creates whom (R2, DOMAIN §1). The operator is born by the seed.
MAY_CREATE: dict[Role, frozenset[str]] = {
    Role.SYSTEM: frozenset(Kind.values),
    Role.OPERATOR: frozenset({Kind.DISTRIBUTOR}),
    Role.DISTRIBUTOR: frozenset({Kind.SUBDISTRIBUTOR, Kind.INSTALLER}),
    Role.SUBDISTRIBUTOR: frozenset({Kind.INSTALLER}),
    Role.INSTALLER: frozenset({Kind.MANAGER}),
}


@transaction.atomic
def create_organization(
    actor: Actor, *, kind: str, name: str, parent: Organization | None, now: datetime, **fields: Any
) -> Organization:
    """Add an organization below `parent`, which must be in the actor's subtree (R2). Writes path and tenant keys."""
    if kind not in MAY_CREATE.get(actor.role, frozenset()):
        raise NotPermitted
    if parent is not None and not Organization.objects.visible_to(actor).filter(pk=parent.pk).exists():
        raise NotPermitted
    if not name.strip():
        raise Refused(_("The organization needs a name."), field="name")
    above = audit.tenant_keys(parent) if parent else {}
    organization = Organization(kind=kind, name=name.strip(), parent=parent, **above, **fields)
    organization.path = f"new:{kind}:{name}"[:190]  # the id is known only after the insert
    organization.save()
    organization.path = f"{parent.path if parent else ''}{organization.pk:0{LABEL_WIDTH}d}."
    organization.save(update_fields=["path"])
    audit.record(
        actor,
        "organization.created",
        organization,
        now=now,
        tenant=organization,
        after={"kind": kind, "name": organization.name},
    )
    return organization


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
    """Make the owner of `email` a member of `organization`; the login is created when it does not exist yet."""
    if not Organization.objects.visible_to(actor).filter(pk=organization.pk).exists():
        raise NotPermitted
    if is_technician and organization.kind != Kind.INSTALLER:
        raise Refused(_("Only an installer has technicians."))
    user = User.objects.filter(email_key=email.strip().casefold()).first()
    if user is None:
        user = User.objects.create_user(email, password, name=name, time_zone=organization.time_zone)
    membership = Membership.objects.create(
        user=user, organization=organization, is_technician=is_technician, joined_at=now if has_joined else None
    )
    audit.record(
        actor,
        "member.added",
        membership,
        now=now,
        tenant=organization,
        after={"technician": is_technician},
        label=f"{user} ({organization})",
    )
    return membership
