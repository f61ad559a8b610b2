"""The form of a house: where it is, its services, and its indoor monitor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.errors import Refused
from communities import catalogue
from communities.actions.sites import BASICS, OPTIONS
from communities.models import Kind, Site
from devices.actions import MonitorEntry
from devices.errors import MonitorRequired, MonitorRowsRefused
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import LineField, refuse
from smartplus.portal.kit.monitors import MonitorForm
from smartplus.portal.kit.zones import PlaceForm, ZoneOfCountryField

SERVICES = catalogue.switches_of(Kind.HOUSE)


class HouseForm(PlaceForm):
    """A house. `monitor` is the form of one indoor monitor, which is sent with it."""

    name = LineField(label=_("Name"), max_length=64)
    street = LineField(label=_("Street"), max_length=120)
    postal_code = LineField(label=_("Postal code"), max_length=16)
    city = LineField(label=_("City"), max_length=80)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()
    time_zone = ZoneOfCountryField(help_text=_("Proposed from the country. Paid time ends at this clock."))
    free_members = forms.IntegerField(
        label=_("Free family members"),
        min_value=0,
        max_value=63,
        initial=4,
        help_text=_("0 to 63, besides the family master. Later only your distributor can change it."),
    )
    camera_residents = forms.BooleanField(label=_("Residents may watch"), required=False, initial=True)
    camera_administrators = forms.BooleanField(label=_("Administrators may watch"), required=False, initial=True)
    retention_days = forms.TypedChoiceField(
        label=_("Recordings are kept"),
        coerce=int,
        choices=[(days, _("%(n)s days") % {"n": days}) for days in catalogue.RETENTION_DAYS],
        initial=catalogue.DEFAULT_RETENTION_DAYS,
        widget=forms.RadioSelect(attrs={"class": "ck"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, site: Site | None = None) -> None:
        self.site = site
        names = (*BASICS, "free_members", *SERVICES, *OPTIONS, "version")
        super().__init__(data, initial={name: getattr(site, name) for name in names} if site else None, label_suffix="")
        for code in SERVICES:
            service = catalogue.BY_CODE[code]
            self.fields[code] = forms.BooleanField(
                label=str(service.label), required=False, initial=service.default,
                widget=forms.CheckboxInput(attrs={"class": "sw", "role": "switch"}),
            )  # fmt: skip
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if site:
            del self.fields["free_members"]
        self.monitor = MonitorForm(data, prefix="monitor", label_suffix="")
        self.parts = (self, self.monitor)

    def services(self) -> list[tuple[catalogue.Service, forms.BoundField]]:
        """The services of a house with their switches (R28)."""
        return [(catalogue.BY_CODE[code], self[code]) for code in SERVICES]

    def watchers(self) -> list[forms.BoundField]:
        """Who may watch the cameras."""
        return [self["camera_residents"], self["camera_administrators"]]

    @property
    def values(self) -> dict[str, Any]:
        """Everything for the actions."""
        values = self.cleaned_data
        return {
            "basics": {name: values[name] for name in BASICS},
            "switches": {code: bool(values.get(code)) for code in catalogue.SWITCHES},
            "options": {name: values[name] for name in OPTIONS},
            "monitors": self.monitors,
        }

    @property
    def monitors(self) -> list[MonitorEntry]:
        """The indoor monitor, if one was typed."""
        return [] if self.monitor.is_blank else [self.monitor.entry]

    def refuse(self, refusal: Refused) -> None:
        """Show what is wrong with the monitor at its fields."""
        if isinstance(refusal, MonitorRowsRefused):
            for error in refusal.errors.values():
                self.monitor.refuse(error)
        elif isinstance(refusal, MonitorRequired):
            self.monitor.add_error("mac", str(refusal))
        else:
            refuse(self, refusal)
