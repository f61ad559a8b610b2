"""Forms of apartments, and of the monitors that come with them (S1, R14, R18)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from communities import catalogue
from communities.actions import apartments
from communities.models import Apartment, Building, Site
from devices.actions import MonitorEntry
from devices.addresses import Mac
from devices.errors import MonitorRequired, MonitorRowsRefused
from smartplus.portal.kit.fields import LineField, refuse
from smartplus.portal.kit.monitors import MonitorForm

MAX_ROWS = 50  # rows of one form; the action limits the devices of an apartment (R76)
EFFECTS = {
    "indoor_monitor": gettext_lazy("Needs at least one indoor monitor. Changes the price of the App."),
    "landline": gettext_lazy("Residents answer calls by landline or mobile phone. Part of the Premium Plan."),
    "video_storage": gettext_lazy("Recordings of calls are kept in the cloud. Part of the Premium Plan."),
}


@dataclass(frozen=True, slots=True)
class Switch:
    """One of the three switches; with a `reason` it can't be on."""

    field: forms.BoundField
    control: SafeString
    effect: str
    reason: str


class ApartmentForm(forms.Form):
    """The place of an apartment, and its three switches. Without `apartment` it begins with the community's (R23)."""

    building = forms.TypedChoiceField(label=gettext_lazy("Building"), coerce=int)
    floor = LineField(label=gettext_lazy("Floor"), max_length=32)
    number = LineField(label=gettext_lazy("Number"), max_length=16)
    name = LineField(label=gettext_lazy("Name"), max_length=64, required=False)
    indoor_monitor = forms.BooleanField(label=gettext_lazy("With Indoor Monitor"), required=False)
    landline = forms.BooleanField(label=gettext_lazy("Landline"), required=False)
    video_storage = forms.BooleanField(label=gettext_lazy("Video Storage"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        site: Site,
        buildings: Iterable[Building] = (),
        apartment: Apartment | None = None,
        start: dict[str, Any] | None = None,
    ) -> None:
        self.site, self.apartment, self.buildings = site, apartment, list(buildings)
        initial: dict[str, Any] = {**apartments.inherited(site), **(start or {})}
        if apartment:
            initial = {field: getattr(apartment, field) for field in ("floor", "number", "name", "version")}
            initial |= {**apartment.switches, **(start or {})}
        super().__init__(data, initial=initial, label_suffix="")
        building = self.fields["building"]
        assert isinstance(building, forms.TypedChoiceField)
        building.choices = [(row.pk, row.name) for row in self.buildings]
        if apartment:
            del self.fields["building"]
        for field in ("floor", "number", "name"):
            self.fields[field].widget.attrs["autocomplete"] = "off"

    @property
    def switches(self) -> dict[str, bool]:
        """The three switches as sent (R14)."""
        return {code: bool(self.cleaned_data[code]) for code in catalogue.APARTMENT_SWITCHES}

    @property
    def place(self) -> dict[str, str]:
        """Floor, number and name."""
        return {field: self.cleaned_data[field] for field in ("floor", "number", "name")}

    def switch_rows(self) -> list[Switch]:
        """The three switches with what they do and why one can't be on (R22)."""
        return [self._switch(code) for code in catalogue.APARTMENT_SWITCHES]

    def _switch(self, code: str) -> Switch:
        bound, reason = self[code], ""
        if code in catalogue.CEILING_SWITCHES and not getattr(self.site, code):
            reason = _("Off in %(site)s: switch it on there first.") % {"site": self.site.name}
        described = [
            f"{bound.auto_id}_{part}" for part, there in (("error", bound.errors), ("reason", reason)) if there
        ]
        attrs: dict[str, Any] = {
            "class": "sw",
            "role": "switch",
            "aria-describedby": " ".join([*described, f"{bound.auto_id}_hint"]),
        }
        if reason:
            attrs["disabled"] = True
        return Switch(bound, bound.as_widget(attrs=attrs), str(EFFECTS[code]), reason)


_MonitorFormSet = forms.formset_factory(MonitorForm, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS)


class MonitorRows(_MonitorFormSet):  # type: ignore[misc, valid-type]
    """The rows of indoor monitors in the form of an apartment; empty rows are ignored."""

    def __init__(self, data: QueryDict | None = None, *, rows: int = 1) -> None:
        super().__init__(
            data, prefix="monitors", initial=None if data is not None else [{}] * rows, form_kwargs={"label_suffix": ""}
        )

    def total_form_count(self) -> int:
        """The number of rows that were sent, whatever the page's counter says, so that a typed row is never dropped silently."""
        if not self.is_bound:
            return int(super().total_form_count())
        sent = re.compile(rf"{self.prefix}-(\d{{1,4}})-(?:mac|name)")
        numbers = [int(found[1]) for found in map(sent.fullmatch, self.data) if found]
        return min(max(numbers, default=-1) + 1, MAX_ROWS)

    @property
    def typed(self) -> list[MonitorForm]:
        """The rows that are not empty."""
        return [row for row in self.forms if not row.is_blank]

    @property
    def entries(self) -> list[MonitorEntry]:
        """The typed rows for the action."""
        return [row.entry for row in self.typed]

    @property
    def fixed(self) -> list[Mac]:
        """The MACs that were understood although not in a usual notation."""
        return [address for row in self.typed for address in row.fixed]

    def refuse(self, refusal: Refused) -> bool:
        """Show the refusal of rows at the row; False when it is about something else."""
        if isinstance(refusal, MonitorRowsRefused):
            for index, error in refusal.errors.items():
                self.typed[index].refuse(error)
            return True
        if isinstance(refusal, MonitorRequired) and self.forms:
            self.forms[0].add_error("mac", str(refusal))
            return True
        return False

    def with_more(self, *, use: str = "", more: int = 1) -> MonitorRows:
        """The rows as typed plus `more` empty ones, or with the MAC "row:mac" of `use`; nothing is validated."""
        typed = [{name: row[name].value() or "" for name in row.fields} for row in self.forms]
        number, _colon, address = use.partition(":")
        if number.isdecimal() and int(number) < len(typed):
            typed[int(number)]["mac"] = address
        elif len(typed) + more <= MAX_ROWS:
            typed += [{}] * more
        rows = MonitorRows(rows=0)
        rows.initial = typed
        return rows

    def problems(self) -> list[dict[str, str]]:
        """The errors by row, for the error summary."""
        return [
            {"id": bound.id_for_label, "label": _("Monitor %(n)s") % {"n": number}, "text": str(text)}
            for number, row in enumerate(self.forms, start=1)
            if row.is_bound
            for bound in row
            for text in bound.errors
        ]


class Sheet(ApartmentForm):
    """An apartment's form together with its rows of monitors: validated and answered as one."""

    NAMES: ClassVar = (*ApartmentForm.base_fields, "monitors-")

    def __init__(self, data: QueryDict | None = None, *, rows: MonitorRows, **place: Any) -> None:
        super().__init__(data, **place)
        self.rows = rows
        self.parts: list[forms.BaseForm] = [self, *rows.forms]

    def clean(self) -> None:
        """Refuse missing or forged counters of rows; errors inside a row are shown there."""
        if not self.rows.is_valid() and self.rows.non_form_errors():
            self.add_error(None, _("The rows of monitors did not arrive whole. Load the page again."))

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at its row, at its field, or on top."""
        if not self.rows.refuse(refusal):
            refuse(self, refusal)

    def as_typed(self, *, use: str = "", more: int = 1) -> Sheet:
        """The same sheet without validation, with one more row or a repaired MAC: for pages without script."""
        typed = {name: self[name].value() for name in self.fields}
        rows = self.rows.with_more(use=use, more=more)
        return Sheet(rows=rows, site=self.site, buildings=self.buildings, apartment=self.apartment, start=typed)

    def summary(self) -> dict[str, Any]:
        """The errors for components/errors.html."""
        items = [
            {"id": bound.id_for_label, "label": str(bound.label), "text": str(text)}
            for bound in self
            if self.is_bound
            for text in bound.errors
        ]
        general = [str(text) for text in self.non_field_errors()]
        items += self.rows.problems()
        return {"general": general, "items": items, "count": len(general) + len(items)}
