"""What roles are called, and who of them pays."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.scope import Role

ROLE_LABELS: dict[Role, Promise] = {
    Role.OPERATOR: _("Operator"),
    Role.DISTRIBUTOR: _("Distributor"),
    Role.SUBDISTRIBUTOR: _("Sub-distributor"),
    Role.INSTALLER: _("Installer"),
    Role.TECHNICIAN: _("Technician"),
    Role.MANAGER: _("Property manager"),
}
PAYERS = (Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
