"""The form of a house: where it is, its services, and its indoor monitor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused
from communities import catalogue
from communities.actions.sites import BASICS, OPTIONS
from communities.models import Kind, Site
from devices.actions import MonitorEntry
from devices.errors import MonitorRequired, MonitorRowsRefused
from smartplus.portal.kit.fields import refuse
from smartplus.portal.kit.monitors import MonitorForm
from smartplus.portal.kit.site_forms import BasicsFields, ServiceFields


class HouseForm(BasicsFields, ServiceFields):
    """A house. `monitor` is the form of one indoor monitor, which is sent with it."""

    codes = catalogue.switches_of(Kind.HOUSE)

    free_members = forms.IntegerField(
        label=_("Free family members"),
        min_value=0,
        max_value=63,
        initial=4,
        help_text=_("0 to 63, besides the family master. Later only your distributor can change it."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, site: Site | None = None) -> None:
        names = (*BASICS, *self.codes, *OPTIONS, "version")
        super().__init__(data, initial={name: getattr(site, name) for name in names} if site else None, label_suffix="")
        if site:
            del self.fields["free_members"]
        self.monitor = MonitorForm(data, prefix="monitor", label_suffix="")
        self.parts = (self, self.monitor)

    @property
    def values(self) -> dict[str, Any]:
        """Everything for the actions."""
        return {
            "basics": self.basics, "switches": self.switches, "options": self.options, "monitors": self.monitors,
        }  # fmt: skip

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
