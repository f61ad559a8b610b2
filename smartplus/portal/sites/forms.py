"""Forms of existing sites and buildings: basics and the feature section (S1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused
from communities import catalogue
from communities.actions import sites
from communities.actions.buildings import NewApartment, NewBuilding
from communities.errors import StructureRefused
from communities.models import Building, Site
from smartplus.portal.kit.fields import LineField, refuse
from smartplus.portal.kit.site_forms import BasicsFields, ServiceFields, free_members_field
from smartplus.portal.kit.structure_forms import BuildingPlan, Typed, changed, typed_rows


class SiteForm(BasicsFields, ServiceFields):
    """A community's basics and services on one page; the PM App is locked while one is active (R11)."""

    ceiling_confirmed = forms.BooleanField(label=_("Yes, switch it off in these apartments too"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, site: Site, now: datetime) -> None:
        self.site, self.now = site, now
        self.holders = sites.active_pm_apps(site, now)
        super().__init__(data, initial=_values(site), label_suffix="")

    def as_typed(self) -> SiteForm:
        """The same form with what was typed, unchecked: for a page that only shows the price."""
        form = SiteForm(site=self.site, now=self.now)
        form.initial = {name: self[name].value() for name in self.fields}
        return form

    @property
    def switches(self) -> dict[str, bool]:
        """The feature section as sent; landline for PM goes off together with the PM App it was on with (R24)."""
        wanted = super().switches
        if self.site.pm_app and self.site.pm_landline and not wanted["pm_app"]:
            wanted["pm_landline"] = False
        return wanted

    @property
    def locks(self) -> Mapping[str, str]:
        """Why the PM App can't be switched off, naming who holds it (R11)."""
        reason = sites.pm_app_lock_reason(self.holders) if self.holders else ""
        return {code: reason for code in catalogue.HELD_SWITCHES if reason and getattr(self.site, code)}

    @property
    def asks_ceiling(self) -> bool:
        """Whether the person has to confirm that apartments lose a service."""
        return bool(self["ceiling_confirmed"].errors) or bool(self["ceiling_confirmed"].value())


class FreeMembersForm(forms.Form):
    """How many family members have the App for nothing; the distributor's decision once the site exists."""

    free_members = free_members_field(help_text=_("0 to 63, besides the family master."))
    version = forms.IntegerField(widget=forms.HiddenInput)


class BuildingForm(forms.Form):
    """A building's name."""

    name = LineField(label=_("Name"), max_length=64, help_text=_("Each building of a community has its own name."))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, building: Building | None = None) -> None:
        initial = {"name": building.name, "version": building.version} if building else None
        super().__init__(data, initial=initial, label_suffix="")


class NewBuildingForm(BuildingForm):
    """A new building: its name, and its apartments if they are to be created with it."""

    def __init__(self, data: QueryDict | None = None, *, typed: Typed | None = None) -> None:
        super().__init__(data)
        rows = typed_rows(data, only="b1") if data is not None else []
        row = typed or (rows[0] if rows else {"id": "b1", "mode": "none"})
        self.plan = BuildingPlan(row, prefix="b1", shows_errors=data is not None, may_be_empty=True)

    @property
    def parts(self) -> list[forms.BaseForm]:
        """Name and apartments, sent together."""
        return [self, self.plan if self.is_bound else self.plan.shown]

    @property
    def new(self) -> NewBuilding:
        """The building for the action."""
        apartments = [
            NewApartment(unit.floor, unit.number, master=unit.master, email=unit.email) for unit in self.plan.found
        ]
        return NewBuilding(self.cleaned_data["name"], apartments)

    def as_typed(self, do: str) -> NewBuildingForm:
        """The same form as typed, unchecked, after a small button: for pages without script."""
        row = changed([{**self.plan.typed, "id": "b1"}], do)[0]
        form = NewBuildingForm(typed=row)
        form.initial = {"name": self["name"].value()}
        form.plan.is_valid()
        return form

    def refuse(self, refusal: Refused) -> None:
        """Show what is wrong with the building at its name, and what is wrong with apartments at these."""
        if not isinstance(refusal, StructureRefused):
            refuse(self, refusal)
            return
        for (_building, at), error in refusal.errors.items():
            self.add_error("name" if at is None else None, str(error))


def _values(site: Site) -> dict[str, Any]:
    fields = (*sites.BASICS, *catalogue.SWITCHES, *sites.OPTIONS, "version")
    return {field: getattr(site, field) for field in fields}
