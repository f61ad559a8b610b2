"""Refusals: what an action says to the person when it changes nothing."""

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise


class Refused(Exception):
    """An action refused and changed nothing; `message` is for the person, `field` names the form field it is about."""

    message: StrOrPromise = _("This is not possible.")
    field: str | None = None

    def __init__(self, message: StrOrPromise | None = None, *, field: str | None = None) -> None:
        if message is not None:
            self.message = message
        if field is not None:
            self.field = field
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)


class NotPermitted(Refused):
    """The role may not do this, though it may see the object."""

    message = _("Your role may not do this.")


class Conflict(Refused):
    """Somebody else saved the same row first; nothing of theirs was overwritten."""

    message = _(
        "Somebody saved this in the meantime. Nothing of yours was applied: look at the new values and save again."
    )
