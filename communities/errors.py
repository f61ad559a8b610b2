"""Refusals of communities."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused


class ServiceLocked(Refused):
    """A switch can't be changed now; the message says which active items lock it (R11)."""


class NameTaken(Refused):
    """Another row of the same parent has this name (R77)."""

    message = _("This name is taken.")
    field = "name"


class CeilingOff(Refused):
    """Landline or video storage is on in an apartment while the community has it off (R22)."""
