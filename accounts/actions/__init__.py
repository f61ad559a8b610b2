"""Actions on organizations, people and what belongs to them."""

from accounts.actions.invitations import (
    accept_invitation,
    cancel_invitation,
    find_invitation,
    invite,
    resend_invitation,
)
from accounts.actions.members import (
    add_member,
    confirm_address,
    edit_member,
    manages_people,
    set_member_active,
)
from accounts.actions.organizations import (
    MAY_CREATE,
    create_organization,
    currency_below,
    edit_organization,
    is_above,
    may_add_people,
    may_decide,
    parents_for,
    refuse_not_above,
    set_organization_active,
    set_permissions,
)

__all__ = [
    "MAY_CREATE",
    "accept_invitation",
    "add_member",
    "cancel_invitation",
    "confirm_address",
    "create_organization",
    "currency_below",
    "edit_member",
    "edit_organization",
    "find_invitation",
    "invite",
    "is_above",
    "manages_people",
    "may_add_people",
    "may_decide",
    "parents_for",
    "refuse_not_above",
    "resend_invitation",
    "set_member_active",
    "set_organization_active",
    "set_permissions",
]
