"""What communities refuse."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused


class ServiceLocked(Refused):
    """A switch can't be changed now; the message says who holds it (R11)."""


class NameTaken(Refused):
    """Another row of the same parent has this name (R77)."""

    message = _("This name is taken.")
    field = "name"


class CeilingOff(Refused):
    """Landline or video storage in an apartment while the community has it off (R22)."""
