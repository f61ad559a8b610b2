"""Forms of the MAC library."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from accounts.models import Organization
from accounts.scope import Actor
from devices.actions import LibraryRow
from devices.catalogue import TYPE_LABELS, DeviceType
from devices.errors import ForeignOui, LibraryRowsRefused
from smartplus.portal.forms.fields import BlockField, refuse

MAX_CHARACTERS = 200_000


class InstallerField(forms.TypedChoiceField):
    """One of the installers the actor sees, or none."""

    def __init__(self, actor: Actor) -> None:
        installers = Organization.objects.visible_to(actor).installers().filter(is_active=True).order_by("name", "pk")
        super().__init__(
            label=_("Installer"),
            required=False,
            coerce=int,
            empty_value=None,
            choices=[("", _("Nobody yet: keep in stock")), *installers.values_list("pk", "name")],
        )


class LibraryAddForm(forms.Form):
    """MACs, one a line: MAC, then optionally model and serial number, divided by commas."""

    rows = BlockField(
        label=gettext_lazy("MAC addresses"),
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "One a line, scanned or pasted: MAC, model, serial number. Any separator within the MAC will do."
        ),
    )
    type = forms.ChoiceField(
        label=gettext_lazy("Type of rows without a model"),
        choices=list(TYPE_LABELS.items()),
        initial=DeviceType.INDOOR_MONITOR.value,
    )
    confirmed = forms.BooleanField(
        label=gettext_lazy("Take MACs of other makers too: I have compared them with the labels"), required=False
    )

    def __init__(self, data: QueryDict | None = None, *, actor: Actor) -> None:
        super().__init__(data, label_suffix="")
        self.fields["installer"] = InstallerField(actor)
        self.problems: list[tuple[int, str, str]] = []
        self.asks_confirmation = bool(data and data.get("confirmed"))

    @property
    def lines(self) -> list[tuple[int, str]]:
        """The lines in which something stands, with their numbers from 1."""
        text: str = self.cleaned_data["rows"]
        return [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip(" \t,;")]

    @property
    def macs(self) -> list[LibraryRow]:
        """The lines as rows for the action."""
        return [self._row(line) for _number, line in self.lines]

    def _row(self, line: str) -> LibraryRow:
        separator = next((sign for sign in ("\t", ";", ",") if sign in line), ",")
        mac, model, serial, *_rest = [*(part.strip() for part in line.split(separator)), "", "", ""]
        confirmed: bool = self.cleaned_data["confirmed"]
        return LibraryRow(
            mac=mac, model=model, serial=serial, type="" if model else self.cleaned_data["type"], confirmed=confirmed
        )

    def refuse(self, refusal: Refused) -> None:
        """Name every wrong line; all others wait with it."""
        if not isinstance(refusal, LibraryRowsRefused):
            refuse(self, refusal)
            return
        lines = self.lines
        for index, error in refusal.errors.items():
            number, line = lines[index]
            self.problems.append((number, line.strip()[:60], str(error)))
            self.asks_confirmation |= isinstance(error, ForeignOui) and error.may_confirm
        self.add_error("rows", str(refusal))


class AssignForm(forms.Form):
    """For whom a MAC is kept."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, actor: Actor, initial: dict[str, object] | None = None
    ) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        self.fields["installer"] = InstallerField(actor)
