"""Refusals of devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from accounts.errors import Conflict, Refused
from devices.addresses import Mac


class MacRefused(Refused):
    """A MAC is refused; `suggestion` is what the label probably says, if exactly one reading is known."""

    field = "mac"
    suggestion: Mac | None = None

    def suggest(self, mac: Mac) -> None:
        """Offer `mac` instead, in the text too."""
        self.suggestion = mac
        self.message = _("%(problem)s Did you mean %(mac)s?") % {"problem": self.message, "mac": mac}
        self.args = (self.message,)


class WrongLength(MacRefused):
    """Not twelve digits."""


class NotHex(MacRefused):
    """It contains a character that is no hex digit."""


class SpreadsheetNumber(MacRefused):
    """A spreadsheet converted it to a number: zeros or the last digits are lost."""


class Ambiguous(MacRefused):
    """It can be read in two ways, or contains two addresses."""


class NotADevice(MacRefused):
    """A well-formed address that no device has: all zeros, broadcast, multicast, locally administered."""


class ForeignOui(MacRefused):
    """The address belongs to another maker (R71); `may_confirm` says whether a tick allows it."""

    may_confirm = True

    def __init__(self, message: StrOrPromise, *, may_confirm: bool) -> None:
        self.may_confirm = may_confirm
        super().__init__(message)


class MacNotUsable(MacRefused):
    """Not in the library, or in use by another tenant: one neutral text, so that it reveals nothing about others (R70)."""

    message = gettext_lazy("This MAC can't be used here. Check it with your distributor.")


class MacInUse(MacRefused):
    """In use at a site that the actor sees, so the message may name the place."""


class DuplicateMac(MacRefused):
    """Two rows of one form have the same MAC."""


class AlreadyInLibrary(MacRefused):
    """The distributor's library has this MAC (R72)."""


class UnknownModel(Refused):
    """The catalogue has no such model."""

    field = "model"


class TypeDisagrees(Refused):
    """The model, or the library, says that the device is of another type (R69, R74)."""

    field = "model"


class MonitorRequired(Refused):
    """The apartment needs at least one indoor monitor (R18)."""

    message = gettext_lazy(
        "With Indoor Monitor is on: enter the MAC address and the name of at least one indoor monitor."
    )
    field = "monitors"


class LastMonitor(Refused):
    """The last required monitor can't be removed (R19)."""


class TooManyDevices(Refused):
    """More devices than an apartment may have (R76)."""

    field = "monitors"


class EntryInUse(Refused):
    """The library entry belongs to a registered device (R72)."""


class RowsRefused(Refused):
    """Some rows of a list are wrong and nothing was done; `errors` has the error by the row's index from 0."""

    message = gettext_lazy("Some rows can't be saved yet. Nothing was changed.")

    def __init__(self, errors: Mapping[int, Refused]) -> None:
        self.errors = dict(sorted(errors.items()))
        super().__init__()


class MonitorRowsRefused(RowsRefused):
    """Wrong rows of the monitors in an apartment's form."""

    field = "monitors"


class LibraryRowsRefused(RowsRefused):
    """Wrong rows of a list for the MAC library."""

    field = "rows"


class DryRunOutdated(Conflict):
    """What a dry run showed is not what the change would do now (R16)."""

    message = gettext_lazy(
        "Somebody changed one of these apartments in the meantime. Nothing was changed: this is the new dry run."
    )


class BulkMonitorsMissing(Refused):
    """With Indoor Monitor can't go on in these apartments: they have no indoor monitor, and were not marked as pending (R17)."""

    message = gettext_lazy(
        "Some apartments have no indoor monitor yet: enter its MAC address, or let them wait for it."
    )
    field = "monitors"

    def __init__(self, apartment_ids: Sequence[int]) -> None:
        self.apartment_ids = list(apartment_ids)
        super().__init__()


class BulkMonitorsRefused(RowsRefused):
    """Wrong monitors of a bulk change; `errors` are by the id of the apartment."""

    field = "monitors"


class PlacesRefused(Refused):
    """Wrong monitors for many apartments and nothing was done; `errors` are by what the caller calls the apartments by."""

    message = gettext_lazy("Some monitors can't be registered yet. Nothing was changed.")
    field = "monitors"

    def __init__(self, errors: Mapping[Any, Refused]) -> None:
        self.errors = dict(errors)
        super().__init__()


class MonitorsMissing(Refused):
    """Apartments of a new site or building require an indoor monitor, and were not let wait for it (R17, R18); `places` names them."""

    message = gettext_lazy(
        "Some apartments have no indoor monitor yet: enter its MAC address, or let them wait for it."
    )
    field = "monitors"

    def __init__(self, places: Sequence[Any]) -> None:
        self.places = list(places)
        super().__init__()


class SheetOutdated(Conflict):
    """Somebody changed apartments of the sheet since the page was shown (R16)."""

    def __init__(self, apartment_ids: Sequence[int]) -> None:
        self.apartment_ids = list(apartment_ids)
        super().__init__()


class SheetRefused(Refused):
    """Wrong cells of a sheet, and nothing was done; `errors` are by the row's key and the name of the cell."""

    message = gettext_lazy("Some cells can't be applied yet. Nothing was changed.")

    def __init__(self, errors: Mapping[tuple[int | str, str], Refused]) -> None:
        self.errors = dict(errors)
        super().__init__()
