"""Organizations: who may create which, their name, their permissions, whether they are active."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Kind, Organization
from accounts.models.organizations import LABEL_WIDTH, firm_of
from accounts.scope import Actor, Grant, Role
from accounts.typed import postal, text

# Who creates which kind (R2, DOMAIN §1). The operator is created by `add_operator` or by the demo.
MAY_CREATE: dict[Role, frozenset[str]] = {
    Role.SYSTEM: frozenset(Kind.values),
    Role.OPERATOR: frozenset({Kind.DISTRIBUTOR}),
    Role.DISTRIBUTOR: frozenset({Kind.SUBDISTRIBUTOR, Kind.INSTALLER}),
    Role.SUBDISTRIBUTOR: frozenset({Kind.INSTALLER}),
    Role.INSTALLER: frozenset({Kind.MANAGER}),
}
# Kinds of firms, besides its own, into which a role invites administrators (R2): the kinds it creates, since it invites their first
# administrator. The operator does so in every firm that sells or installs; the people of a property manager are its installer's matter.
MAY_STAFF: dict[Role, frozenset[str]] = {
    **MAY_CREATE,
    Role.OPERATOR: frozenset({Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR, Kind.INSTALLER}),
}
# The kinds that may stand directly below a kind.
PARENT_KINDS: dict[str, frozenset[str]] = {
    Kind.OPERATOR: frozenset(),
    Kind.DISTRIBUTOR: frozenset({Kind.OPERATOR}),
    Kind.SUBDISTRIBUTOR: frozenset({Kind.DISTRIBUTOR}),
    Kind.INSTALLER: frozenset({Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR}),
    Kind.MANAGER: frozenset({Kind.INSTALLER}),
}
BASICS = ("name", "street", "postal_code", "city", "state", "country", "time_zone")
PERMISSIONS = ("pays_regular", "pays_credits", "require_2fa", "sees_prices")
# To change a permission about money for others one needs that right oneself; otherwise a firm below could be used to get it (DOMAIN
# §1).
DECIDED_WITH: dict[str, Grant] = {
    "pays_regular": Grant.MANAGES_SUBSCRIPTIONS,
    "pays_credits": Grant.MANAGES_SUBSCRIPTIONS,
    "sees_prices": Grant.SEES_PRICES,
}
SUPERIORS = frozenset({Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER, Role.SYSTEM})
ORGANIZATION_CREATED = audit.Word(
    "organization.created",
    gettext_lazy("Organization added"),
    gettext_lazy("%(what)s added"),
    area=audit.Area.PEOPLE,
    saves=True,
)
ORGANIZATION_CHANGED = audit.Word(
    "organization.changed",
    gettext_lazy("Name or address of an organization changed"),
    gettext_lazy("Name or address of %(what)s changed"),
    area=audit.Area.PEOPLE,
    saves=True,
    compares=len(BASICS),
)
PERMISSIONS_SET = audit.Word(
    "organization.permissions_set",
    gettext_lazy("Permissions of an organization set"),
    gettext_lazy("Permissions of %(what)s set"),
    area=audit.Area.PEOPLE,
    saves=True,
    compares=len(PERMISSIONS),
)
ORGANIZATION_DEACTIVATED = audit.Word(
    "organization.deactivated",
    gettext_lazy("Organization deactivated"),
    gettext_lazy("%(what)s deactivated"),
    area=audit.Area.PEOPLE,
    saves=True,
)
ORGANIZATION_REACTIVATED = audit.Word(
    "organization.reactivated",
    gettext_lazy("Organization reactivated"),
    gettext_lazy("%(what)s reactivated"),
    area=audit.Area.PEOPLE,
    saves=True,
)


def refuse_not_above(actor: Actor, organization: Organization) -> None:
    """Refuse an actor who does not work for an organization above this one."""
    if not is_above(actor, organization):
        raise NotPermitted(_("An organization above decides this."))


def is_above(actor: Actor, organization: Organization) -> bool:
    """Whether the actor works for an organization above this one, in a role that has a subtree."""
    if actor.role is Role.SYSTEM:
        return True
    return (
        actor.role in SUPERIORS
        and organization.pk != actor.organization_id
        and organization.path.startswith(actor.path)
    )


def may_add_people(actor: Actor, organization: Organization, *, is_technician: bool = False) -> bool:
    """Whether the actor adds people to this firm (R2): to its own, and administrators to firms below as `MAY_STAFF` says.

    Only the installer itself adds technicians.
    """
    if actor.role is Role.SYSTEM:
        return True
    is_own = actor.role in SUPERIORS and organization.pk == actor.organization_id
    if is_technician:
        return is_own and organization.kind == Kind.INSTALLER
    return is_own or (is_above(actor, organization) and organization.kind in MAY_STAFF[actor.role])


def may_decide(actor: Actor, permission: str) -> bool:
    """Whether the actor's own rights allow it to change this permission of an installer."""
    needed = DECIDED_WITH.get(permission)
    return needed is None or needed in actor.grants


def parents_for(actor: Actor, kind: str) -> QuerySet[Organization]:
    """The organizations below which the actor may add one of this kind (R2); none where it may not create this kind."""
    if kind not in MAY_CREATE.get(actor.role, frozenset()):
        return Organization.objects.none()
    return Organization.objects.visible_to(actor).filter(kind__in=PARENT_KINDS[kind], is_active=True)


@transaction.atomic
def create_organization(
    actor: Actor, *, kind: str, name: str, parent: Organization | None, now: datetime, **fields: Any
) -> Organization:
    """Add an organization below `parent`, which must be in the actor's subtree (R2). Sets path and tenant keys."""
    if kind not in MAY_CREATE.get(actor.role, frozenset()):
        raise NotPermitted
    if parent is None if kind != Kind.OPERATOR else parent is not None:
        raise NotPermitted
    if parent is not None:
        # Locked and read again: if the installer is being moved, its path changes.
        parent = parents_for(actor, kind).select_for_update(of=("self",), no_key=True).filter(pk=parent.pk).first()
        if parent is None:
            raise NotPermitted
    name = text.line(name)
    if not name:
        raise Refused(_("The organization needs a name."), field="name")
    above = audit.tenant_keys(parent) if parent else {}
    fields |= postal.checked(fields, is_needed=False)
    organization = Organization(kind=kind, name=name, parent=parent, **above, **fields)
    if kind == Kind.INSTALLER:
        as_born = audit.fields_of(Organization(), list(PERMISSIONS))
        _refuse_decisions(actor, as_born, audit.fields_of(organization, list(PERMISSIONS)))
    organization.path = f"new:{kind}:{name}"[:190]  # the path needs the id, which exists only after the insert
    organization.save()
    organization.path = f"{parent.path if parent else ''}{organization.pk:0{LABEL_WIDTH}d}."
    organization.save(update_fields=["path"])
    permissions = audit.fields_of(organization, list(PERMISSIONS)) if kind == Kind.INSTALLER else {}
    audit.record(
        actor,
        ORGANIZATION_CREATED,
        organization,
        now=now,
        tenant=organization,
        after={"kind": kind, "name": organization.name, **permissions},
    )
    return organization


def currency_below(actor: Actor, kind: str) -> str:
    """The billing currency of a new firm of this kind, taken from its tree; "" for a distributor, which begins a tree."""
    firm = firm_of(actor)
    if kind == Kind.DISTRIBUTOR or firm is None:
        return ""
    top = firm if firm.kind == Kind.DISTRIBUTOR else firm.distributor
    return top.currency if top else ""


@transaction.atomic
def edit_organization(
    actor: Actor,
    *,
    organization_id: int,
    version: int,
    basics: Mapping[str, str],
    permissions: Mapping[str, bool] | None = None,
    now: datetime,
) -> Organization:
    """Change name, address and time zone, by the firm's own people or from above. Conflict when somebody saved since `version`.

    With `permissions` these are set too, as by `set_permissions`; everything is saved or nothing.
    """
    organization = _locked(actor, organization_id, version)
    before = audit.fields_of(organization, list(BASICS))
    values = {field: text.line(basics.get(field, "")) for field in BASICS}
    values |= postal.checked(values, before=organization, is_needed=False)
    for field, value in values.items():
        setattr(organization, field, value)
    if not organization.name:
        raise Refused(_("The organization needs a name."), field="name")
    _save(actor, ORGANIZATION_CHANGED, organization, before, now=now)
    if permissions is None:
        return organization
    return set_permissions(
        actor, organization_id=organization_id, version=organization.version, permissions=permissions, now=now
    )


@transaction.atomic
def set_permissions(
    actor: Actor, *, organization_id: int, version: int, permissions: Mapping[str, bool], now: datetime
) -> Organization:
    """Set Pay by Installer, the demand for two-factor and whether prices are shown, of an installer (S2, R5, R7).

    Only by an organization above, and only what the actor's own rights cover. Audited with before and after (R9).
    """
    organization = _locked(actor, organization_id, version)
    if organization.kind != Kind.INSTALLER or not is_above(actor, organization):
        raise NotPermitted(_("An organization above the installer decides this."))
    before = audit.fields_of(organization, list(PERMISSIONS))
    for field in PERMISSIONS:
        setattr(organization, field, permissions[field])
    _refuse_decisions(actor, before, audit.fields_of(organization, list(PERMISSIONS)))
    _save(actor, PERMISSIONS_SET, organization, before, now=now)
    return organization


@transaction.atomic
def set_organization_active(actor: Actor, *, organization_id: int, is_active: bool, now: datetime) -> Organization:
    """Close an organization to its people, or open it again. Only by an organization above it. Paid time continues."""
    organization = (
        Organization.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=organization_id)
    )
    refuse_not_above(actor, organization)
    if organization.is_active != is_active:
        before = {"is_active": organization.is_active}
        organization.is_active = is_active
        _save(
            actor,
            ORGANIZATION_REACTIVATED if is_active else ORGANIZATION_DEACTIVATED,
            organization,
            before,
            now=now,
        )
    return organization


def _refuse_decisions(actor: Actor, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse where a permission would change that the actor may not change."""
    if any(before[field] != after[field] and not may_decide(actor, field) for field in PERMISSIONS):
        raise NotPermitted(_("You can only decide about payments and prices with that right yourself."))


def _locked(actor: Actor, organization_id: int, version: int) -> Organization:
    if actor.role not in SUPERIORS:
        raise NotPermitted
    organization = (
        Organization.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=organization_id)
    )
    if organization.version != version:
        raise Conflict
    return organization


def _save(actor: Actor, word: audit.Word, organization: Organization, before: dict[str, Any], *, now: datetime) -> None:
    """Write and audit the fields that differ; nothing when none differs."""
    after = audit.fields_of(organization, list(before))
    if after == before:
        return
    organization.version += 1
    organization.save(update_fields=[*before, "version"])
    audit.record(actor, word, organization, now=now, tenant=organization, before=before, after=after)
