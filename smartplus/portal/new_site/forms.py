"""Forms of the steps of Add Community Site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from communities import catalogue
from communities.actions import sites
from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.site_forms import BasicsFields, ServiceFields, free_members_field

BASICS = (*sites.BASICS, "free_members")
SERVICES = (*catalogue.SWITCHES, *sites.OPTIONS)


class BasicsForm(BasicsFields):
    """The first step: where the community is, and how many family members are free there."""

    free_members = free_members_field(
        help_text=_("0 to 63, besides the family master. Later only your distributor can change it.")
    )


class ServicesForm(ServiceFields):
    """The third step: the feature section, with its defaults where nothing was chosen yet (R10)."""


class MonitorsForm(forms.Form):
    """What the fourth step asks for all apartments at once."""

    default_name = LineField(
        label=_("Name of each monitor"), max_length=64, required=False, help_text=_("Where a row says no other.")
    )
    may_wait = forms.BooleanField(
        label=_("Apartments left empty wait for their monitor"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "ck"}),
    )


def typed_of(sent: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """What was sent for these fields, as it was typed."""
    return {name: str(sent[name]) for name in names if name in sent}


def services_data(saved: Mapping[str, Any]) -> dict[str, Any]:
    """What a form of services begins with: what was chosen, else the defaults of S1 (R10)."""
    if saved:
        return {name: value for name, value in saved.items() if value is not False}
    defaults = {code: "on" for code, on in catalogue.DEFAULTS.items() if on}
    return {
        **defaults, "camera_residents": "on", "camera_administrators": "on", "retention_days": str(catalogue.DEFAULT_RETENTION_DAYS),
    }  # fmt: skip
