"""Forms of commercial sites and of the accounts there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from communities.actions.commercial_accounts import Holder
from communities.actions.sites import BASICS
from communities.models import AccountKind, CommercialAccount, Site
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import LineField, MailField, PhoneField
from smartplus.portal.kit.zones import PlaceForm, ZoneOfCountryField



class CommercialForm(PlaceForm):
    """Where a commercial site is, and its services."""

    name = LineField(label=_("Name"), max_length=64)
    street = LineField(label=_("Street"), max_length=120)
    postal_code = LineField(label=_("Postal code"), max_length=16)
    city = LineField(label=_("City"), max_length=80)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()
    time_zone = ZoneOfCountryField(help_text=_("Proposed from the country. Paid time ends at this clock."))
    attendance_plan = forms.BooleanField(label=_("Time Attendance Plan"), required=False)
    elevator_control = forms.BooleanField(label=_("Elevator Control"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, site: Site | None = None) -> None:
        fields = (*BASICS, "attendance_plan", "elevator_control", "version")
        super().__init__(data, initial={name: getattr(site, name) for name in fields} if site else None, label_suffix="")
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        for name in ("attendance_plan", "elevator_control"):
            self.fields[name].widget.attrs |= {"class": "sw", "role": "switch"}

    @property
    def values(self) -> dict[str, Any]:
        """Everything for the actions."""
        return {
            "basics": {name: self.cleaned_data[name] for name in BASICS},
            "elevator_control": self.cleaned_data["elevator_control"],
            "time_attendance": self.cleaned_data["attendance_plan"],
        }


class AccountForm(forms.Form):
    """A person's account."""

    kind = forms.ChoiceField(
        label=_("Account"), choices=AccountKind.choices, initial=AccountKind.PERSONNEL.value,
        widget=forms.RadioSelect(attrs={"class": "ck"}),
    )  # fmt: skip
    name = LineField(label=_("Name"), max_length=120)
    email = MailField(label=_("Email"), required=False)
    mobile = PhoneField(label=_("Mobile"), required=False)
    intercom = forms.BooleanField(
        label=_("Intercom"), required=False, initial=True, help_text=_("Calls reach this person. Only then the account is billed.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, country: str, account: CommercialAccount | None = None
    ) -> None:
        names = ("kind", "name", "email", "mobile", "intercom", "version")
        initial = {name: getattr(account, name) for name in names} if account else None
        super().__init__(data, initial=initial, label_suffix="")
        mobile = self.fields["mobile"]
        assert isinstance(mobile, PhoneField)
        mobile.country, mobile.kept = country, account.mobile if account else ""

    @property
    def holder(self) -> Holder:
        """The account for the actions."""
        values = self.cleaned_data
        return Holder(values["kind"], values["name"], values["email"], values["mobile"], values["intercom"])
