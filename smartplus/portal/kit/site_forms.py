"""The basics of a community and its feature section (S1), in the form of an existing site and in the steps of a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_stubs_ext import StrOrPromise

from communities import catalogue
from communities.actions import sites
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


class BasicsFields(PlaceForm):
    """Name, address and time zone."""

    name = LineField(label=_("Name"), max_length=64)
    street = LineField(label=_("Street"), max_length=120)
    postal_code = LineField(label=_("Postal code"), max_length=16)
    city = LineField(label=_("City"), max_length=80)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()
    time_zone = ZoneOfCountryField(help_text=_("Proposed from the country. Paid time ends at this clock."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    @property
    def basics(self) -> dict[str, str]:
        """Name, address and time zone."""
        return {field: self.cleaned_data[field] for field in sites.BASICS}


class ServiceFields(forms.Form):
    """The feature section: a switch for each service, and what stands inside the cards. `codes` are those that a project type has."""

    codes: tuple[str, ...] = catalogue.SWITCHES

    camera_residents = forms.BooleanField(label=_("Residents may watch"), required=False, initial=True)
    camera_administrators = forms.BooleanField(label=_("Administrators may watch"), required=False, initial=True)
    retention_days = forms.TypedChoiceField(
        label=_("Recordings are kept"),
        coerce=int,
        choices=[(days, _("%(n)s days") % {"n": days}) for days in catalogue.RETENTION_DAYS],
        initial=catalogue.DEFAULT_RETENTION_DAYS,
        widget=forms.RadioSelect(attrs={"class": "ck"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for service in map(catalogue.BY_CODE.__getitem__, self.codes):
            self.fields[service.code] = forms.BooleanField(
                label=str(service.label), required=False, initial=service.default
            )

    @property
    def switches(self) -> dict[str, bool]:
        """The feature section as sent."""
        return {code: bool(self.cleaned_data.get(code)) for code in catalogue.SWITCHES}

    @property
    def options(self) -> dict[str, Any]:
        """What stands inside the cards: who may watch cameras, how long recordings are kept."""
        return {field: self.cleaned_data[field] for field in sites.OPTIONS}

    @property
    def locks(self) -> Mapping[str, str]:
        """Why a switch can't be switched off, by its code."""
        return {}

    def watchers(self) -> list[tuple[str, SafeString]]:
        """The two boxes inside the camera's card: who may watch."""
        boxes = [self["camera_residents"], self["camera_administrators"]]
        return [(str(box.label), box.as_widget(attrs={"class": "ck"})) for box in boxes]

    def groups(self) -> list[tuple[Promise, list[Card]]]:
        """The feature section's two groups."""
        return [
            (
                label,
                [
                    self._card(service)
                    for service in catalogue.SERVICES
                    if service.group == group and service.code in self.codes
                ],
            )
            for group, label in GROUPS
        ]

    def _card(self, service: catalogue.Service) -> Card:
        bound, lock = self[service.code], self.locks.get(service.code, "")
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


def free_members_field(*, help_text: StrOrPromise) -> forms.IntegerField:
    """How many family members besides the master have the App for nothing."""
    return forms.IntegerField(
        label=_("Free family members per apartment"), min_value=0, max_value=63, initial=4, help_text=help_text
    )
