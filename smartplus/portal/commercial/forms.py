"""Forms of commercial sites and of the accounts there."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from communities import catalogue
from communities.actions.commercial_accounts import Holder
from communities.actions.sites import BASICS
from communities.models import AccountKind, CommercialAccount, Site
from smartplus.portal.commercial.queries import EFFECTS, SitePrices
from smartplus.portal.kit.fields import LineField, MailField, PhoneField
from smartplus.portal.kit.site_forms import BasicsFields


class CommercialForm(BasicsFields):
    """Where a commercial site is, and its services."""

    attendance_plan = forms.BooleanField(label=_("Time Attendance Plan"), required=False)
    elevator_control = forms.BooleanField(label=_("Elevator Control"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, site: Site | None = None) -> None:
        fields = (*BASICS, *catalogue.OF_SITES.values(), "version")
        initial = {name: getattr(site, name) for name in fields} if site else None
        super().__init__(data, initial=initial, label_suffix="")
        for name in catalogue.OF_SITES.values():
            self.fields[name].widget.attrs |= {"class": "sw", "role": "switch"}

    def services(self, prices: SitePrices | None) -> list[tuple[Promise, Promise, forms.BoundField, int | None]]:
        """The services of the whole site: label, what it does, switch, and what it costs where that is shown."""
        units = prices.by_switch if prices else {}
        return [
            (catalogue.SERVICE_TYPE_LABELS[code], EFFECTS[field], self[field], units.get(field))
            for code, field in catalogue.OF_SITES.items()
        ]


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
        label=_("Intercom"),
        required=False,
        initial=True,
        help_text=_("Calls reach this person. Only then the account is billed."),
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
