"""Refusals of communities."""

from __future__ import annotations

from collections.abc import Mapping

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


class StructureRefused(Refused):
    """Wrong buildings of a new site, or wrong apartments of one; `errors` are by the places of building and apartment, from 0. The place
    of the apartment is None where it is about the building itself."""

    message = _("Some buildings or apartments can't be created yet. Nothing was changed.")
    field = "buildings"

    def __init__(self, errors: Mapping[tuple[int, int | None], Refused]) -> None:
        self.errors = dict(errors)
        super().__init__()
