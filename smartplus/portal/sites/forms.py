"""Forms of sites and buildings: basics and the feature section (S1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from communities import catalogue
from communities.actions import sites
from communities.models import Building, Site
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.zones import PlaceForm, ZoneOfCountryField

GROUPS: tuple[tuple[catalogue.Group, Promise], ...] = (
    (catalogue.Group.INFRASTRUCTURE, _("Infrastructure-Related")),
    (catalogue.Group.EXPERIENCE, _("Experience & Value-Added")),
)


@dataclass(frozen=True, slots=True)
class Card:
    """One service in the feature section: its words, its switch, and why the switch may not be touched."""

    service: catalogue.Service
    field: forms.BoundField
    control: SafeString
    lock: str = ""

    @property
    def is_per_apartment(self) -> bool:
        """Whether each apartment has a switch of its own."""
        return self.service.scope == "apartment"


class SiteForm(PlaceForm):
    """A community's basics and services. With `site` it edits it; the PM App is locked while one is active (R11)."""

    name = LineField(label=_("Name"), max_length=64)
    street = LineField(label=_("Street"), max_length=120)
    postal_code = LineField(label=_("Postal code"), max_length=16)
    city = LineField(label=_("City"), max_length=80)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()
    time_zone = ZoneOfCountryField(help_text=_("Proposed from the country. Paid time ends at this clock."))
    free_members = forms.IntegerField(
        label=_("Free family members per apartment"),
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
    ceiling_confirmed = forms.BooleanField(label=_("Yes, switch it off in these apartments too"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, site: Site | None = None, now: datetime) -> None:
        self.site, self.now = site, now
        self.holders = sites.active_pm_apps(site, now) if site else []
        super().__init__(data, initial=_values(site) if site else None, label_suffix="")
        for service in catalogue.SERVICES:
            self.fields[service.code] = forms.BooleanField(
                label=str(service.label), required=False, initial=service.default
            )
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if site:
            del self.fields["free_members"]
        else:
            del self.fields["ceiling_confirmed"]

    def as_typed(self) -> SiteForm:
        """The same form with what was typed, unchecked: for a page that only shows the price."""
        form = SiteForm(site=self.site, now=self.now)
        form.initial = {name: self[name].value() for name in self.fields}
        return form

    @property
    def basics(self) -> dict[str, str]:
        """Name, address and time zone."""
        return {field: self.cleaned_data[field] for field in sites.BASICS}

    @property
    def switches(self) -> dict[str, bool]:
        """The feature section as sent; landline for PM goes off together with the PM App it was on with (R24)."""
        wanted = {code: bool(self.cleaned_data[code]) for code in catalogue.SWITCHES}
        if self.site and self.site.pm_app and self.site.pm_landline and not wanted["pm_app"]:
            wanted["pm_landline"] = False
        return wanted

    @property
    def options(self) -> dict[str, Any]:
        """What stands inside the cards: who may watch cameras, how long recordings are kept."""
        return {field: self.cleaned_data[field] for field in sites.OPTIONS}

    @property
    def lock_reason(self) -> str:
        """Why the PM App can't be switched off, naming who holds it; "" when it can."""
        return sites.pm_app_lock_reason(self.holders) if self.holders else ""

    @property
    def asks_ceiling(self) -> bool:
        """Whether the person has to confirm that apartments lose a service."""
        return "ceiling_confirmed" in self.fields and (
            bool(self["ceiling_confirmed"].errors) or bool(self["ceiling_confirmed"].value())
        )

    def watchers(self) -> list[tuple[str, SafeString]]:
        """The two boxes inside the camera's card: who may watch."""
        boxes = [self["camera_residents"], self["camera_administrators"]]
        return [(str(box.label), box.as_widget(attrs={"class": "ck"})) for box in boxes]

    def groups(self) -> list[tuple[Promise, list[Card]]]:
        """The feature section's two groups."""
        return [
            (label, [self._card(service) for service in catalogue.SERVICES if service.group == group])
            for group, label in GROUPS
        ]

    def _card(self, service: catalogue.Service) -> Card:
        bound = self[service.code]
        lock = (
            self.lock_reason
            if service.code in catalogue.HELD_SWITCHES and self.site and getattr(self.site, service.code)
            else ""
        )
        described = [f"{bound.auto_id}_hint"]
        attrs: dict[str, Any] = {"class": "sw", "role": "switch", "data-service": service.code}
        if service.needs:
            attrs["data-needs"] = service.needs
        if bound.errors:
            described.insert(0, f"{bound.auto_id}_error")
        if lock:
            described.insert(0, f"{bound.auto_id}_lock")
            # A disabled box is not sent; its hidden twin in the page says that nobody asked for a change.
            attrs |= {"disabled": True, "checked": True}
        attrs["aria-describedby"] = " ".join(described)
        return Card(service, bound, bound.as_widget(attrs=attrs), lock)


class FreeMembersForm(forms.Form):
    """How many family members have the App for nothing; the distributor's decision once the site exists."""

    free_members = forms.IntegerField(
        label=_("Free family members per apartment"),
        min_value=0,
        max_value=63,
        help_text=_("0 to 63, besides the family master."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class BuildingForm(forms.Form):
    """A building's name."""

    name = LineField(label=_("Name"), max_length=64, help_text=_("Each building of a community has its own name."))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, building: Building | None = None) -> None:
        initial = {"name": building.name, "version": building.version} if building else None
        super().__init__(data, initial=initial, label_suffix="")


def _values(site: Site) -> dict[str, Any]:
    fields = (*sites.BASICS, "free_members", *catalogue.SWITCHES, *sites.OPTIONS, "version")
    return {field: getattr(site, field) for field in fields}
