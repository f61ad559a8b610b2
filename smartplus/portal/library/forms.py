"""Forms of the MAC library."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from accounts.models import Organization
from accounts.scope import Actor
from devices import pasted
from devices.actions import LibraryRow
from devices.catalogue import TYPE_LABELS, DeviceType
from devices.errors import ForeignOui, LibraryRowsRefused
from devices.pasted import PastedRow
from smartplus.portal.kit.fields import RawField, refuse

MAX_CHARACTERS = 200_000


class InstallerField(forms.TypedChoiceField):
    """One of the installers the actor sees, or none."""

    def __init__(self, actor: Actor) -> None:
        installers = (
            Organization.objects.visible_to(actor).installers().filter(is_active=True).order_by("name_order", "pk")
        )
        super().__init__(
            label=_("Installer"),
            required=False,
            coerce=int,
            empty_value=None,
            choices=[("", _("Nobody yet: keep in stock")), *installers.values_list("pk", "name")],
        )


class LibraryAddForm(forms.Form):
    """MACs, one a line, or the rows of a spreadsheet or of one of our own files."""

    rows = RawField(
        label=gettext_lazy("MAC addresses"),
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "One a line, scanned or pasted from a spreadsheet: MAC, model, serial number, note. A first line with the names "
            "of the columns allows any order."
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
    def lines(self) -> list[PastedRow]:
        """The pasted lines."""
        return pasted.rows(self.cleaned_data["rows"])

    @property
    def macs(self) -> list[LibraryRow]:
        """The lines as rows for the action."""
        values = self.cleaned_data
        return [
            LibraryRow(
                mac=row.mac,
                model=row.model,
                serial=row.serial,
                note=row.note,
                type=row.type or ("" if row.model else values["type"]),
                confirmed=values["confirmed"],
            )
            for row in self.lines
        ]

    def refuse(self, refusal: Refused) -> None:
        """Show the error at every wrong line; nothing is added until all are right."""
        if not isinstance(refusal, LibraryRowsRefused):
            refuse(self, refusal)
            return
        lines = self.lines
        for index, error in refusal.errors.items():
            row = lines[index]
            self.problems.append((row.number, row.line.strip()[:60], str(error)))
            self.asks_confirmation |= isinstance(error, ForeignOui) and error.may_confirm
        self.add_error("rows", str(refusal))


class AssignForm(forms.Form):
    """The installer that a MAC is assigned to."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, actor: Actor, initial: dict[str, object] | None = None
    ) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        self.fields["installer"] = InstallerField(actor)
