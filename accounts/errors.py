"""The errors of actions: four kinds, each with its own answer on pages and in the API."""

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise


class ActionError(Exception):
    """An action was not done; `message` is for the person, `field` names the form field it is about.

    There are four kinds, and none is a subclass of another: `Refused`, `NotPermitted`, `Conflict` and
    `payments.errors.GatewayUnavailable`. `smartplus/portal/kit/errors.py` answers all of them.
    """

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


class Refused(ActionError):
    """A rule forbids it; nothing was changed, and the person can send something else."""


class NotPermitted(ActionError):
    """The role may not do this, though it may see the object."""

    message = _("Your role may not do this.")


class Conflict(ActionError):
    """Somebody else saved the same row first; their change was not overwritten."""

    message = _(
        "Somebody saved this in the meantime. Nothing of yours was applied: look at the new values and save again."
    )
