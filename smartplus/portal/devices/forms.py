"""Forms of an existing device: its name, and its replacement."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices import catalogue as device_catalogue
from devices.actions import MonitorEntry
from devices.catalogue import DeviceType
from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.monitors import MonitorForm


class DeviceNameForm(forms.Form):
    """Another name for a device."""

    name = LineField(
        label=gettext_lazy("Name"),
        max_length=64,
        help_text=gettext_lazy("Each device of an apartment has its own name."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class SwapForm(MonitorForm):
    """The device that replaces another, and the reason."""

    name = None  # type: ignore[assignment]
    model = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    reason = LineField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Kept in the audit log, for instance “display dead, RMA 4711”."),
    )

    def __init__(self, data: QueryDict | None = None, *, type: str) -> None:
        super().__init__(data, label_suffix="")
        self.fields["mac"].required = True
        self.fields["mac"].label = _("MAC address of the new device")
        model = self.fields["model"]
        assert isinstance(model, forms.ChoiceField)
        model.choices = [
            ("", _("As the library says")),
            *((name, name) for name in device_catalogue.MODELS[DeviceType(type)]),
        ]
        self.order_fields(["mac", "confirmed", "model", "reason"])

    @property
    def entry(self) -> MonitorEntry:
        """The new device for the action; the name stays with the place."""
        values = self.cleaned_data
        return MonitorEntry(mac=values["mac"], name="", model=values["model"], confirmed=values["confirmed"])
