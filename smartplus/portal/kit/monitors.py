"""An indoor monitor as it is typed, with an apartment or alone."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from devices import mac
from devices.actions import MonitorEntry
from devices.addresses import Mac
from devices.errors import ForeignOui, MacRefused
from smartplus.portal.kit.fields import LineField, RawField, refuse


def with_fixed(said: str, fixed: Iterable[Mac]) -> str:
    """What is said after saving, and that the format of these MACs was fixed."""
    macs = ", ".join(map(str, fixed))
    return f"{said} {_('Format fixed: %(macs)s.') % {'macs': macs}}" if macs else said


class MonitorForm(forms.Form):
    """One row of indoor monitors as typed. `suggestion` is what the label probably says."""

    mac = RawField(
        label=gettext_lazy("MAC address"),
        required=False,
        max_length=200,  # a pasted row with model and serial number
        widget=forms.TextInput(
            attrs={
                "class": "mono", "autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false",
                "placeholder": "0C:11:05:00:00:00",
            }
        ),
    )  # fmt: skip
    name = LineField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": gettext_lazy("Hallway")}),
    )
    confirmed = forms.BooleanField(
        label=gettext_lazy("The label really says this: register it"), required=False, widget=forms.CheckboxInput
    )

    suggestion: Mac | None = None
    may_confirm = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into the row."""
        return not self.cleaned_data.get("mac", "").strip() and not self.cleaned_data.get("name", "").strip()

    @property
    def fixed(self) -> list[Mac]:
        """The MAC, if it was understood but not written in a usual way."""
        reading = mac.read(self.cleaned_data["mac"])
        return [reading.mac] if reading.mac and reading.was_fixed else []

    @property
    def asks_confirmation(self) -> bool:
        """Whether the row has another maker's MAC that a tick lets pass (R71)."""
        return self.may_confirm or bool(self["confirmed"].value())

    @property
    def entry(self) -> MonitorEntry:
        """The row for the action."""
        values = self.cleaned_data
        return MonitorEntry(mac=values["mac"], name=values["name"], confirmed=values["confirmed"])

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at the row, with what may be done about it."""
        refuse(self, refusal)
        if isinstance(refusal, MacRefused):
            self.suggestion = refusal.suggestion
        if isinstance(refusal, ForeignOui):
            self.may_confirm = refusal.may_confirm
