"""Forms of firms, their people and invitations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from accounts import actions
from accounts.actions.organizations import BASICS
from accounts.models import Kind, Membership, Organization, User
from accounts.scope import Actor, Grant
from communities.models import Site
from smartplus.portal.forms.fields import TIME_ZONES, TimeZoneField
from smartplus.portal.forms.zones import ZoneSelect, proposed_zone

CURRENCIES = (("USD", _("US dollars")), ("EUR", _("euros")), ("GBP", _("pounds sterling")))
AUTOCOMPLETE = ("name", "street", "postal_code", "city", "state", "country")
GRANT_LABELS = {
    Grant.SEES_PRICES: _("Sees prices"),
    Grant.SEES_INVOICES: _("Sees orders and invoices"),
    Grant.GETS_BILLING_MAIL: _("Receives billing mail"),
    Grant.MANAGES_SUBSCRIPTIONS: _("Manages subscriptions: activates, renews, pays, stops auto-renewals"),
}


class FirmForm(forms.Form):
    """Name, address and time zone of a firm; with `organization` it edits one."""

    name = forms.CharField(label=_("Name"), max_length=120)
    street = forms.CharField(label=_("Street"), max_length=120, required=False)
    postal_code = forms.CharField(label=_("Postal code"), max_length=16, required=False)
    city = forms.CharField(label=_("City"), max_length=80, required=False)
    state = forms.CharField(label=_("State"), max_length=80, required=False)
    country = forms.ChoiceField(label=_("Country"), choices=lambda: [("", "–"), *countries])
    time_zone = TimeZoneField(required=False, widget=ZoneSelect)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, organization: Organization | None = None) -> None:
        shown = [*BASICS, "version"]
        values = {field: getattr(organization, field) for field in shown} if organization else None
        super().__init__(data, initial=values, label_suffix="")
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = [("", _("From the country")), *((name, name.replace("_", " ")) for name in TIME_ZONES)]
        for field in AUTOCOMPLETE:
            self.fields[field].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        """Take the zone from the country when none was chosen and there is no doubt."""
        values = super().clean() or {}
        if not values.get("time_zone") and (country := values.get("country")):
            values["time_zone"] = proposed_zone(country)
            if not values["time_zone"]:
                name = dict(countries).get(country, country)
                self.add_error("time_zone", _("%(country)s has several time zones: choose one.") % {"country": name})
        return values

    @property
    def basics(self) -> dict[str, str]:
        """What the actions take."""
        return {field: self.cleaned_data[field] for field in BASICS}


class NewFirmForm(FirmForm):
    """A new firm: under whom, and in which currency where it is a distributor."""

    parent = forms.ModelChoiceField(Organization.objects.none(), label=_("Under"), empty_label=None)
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=CURRENCIES,
        help_text=_("Everything in this tree is billed in it. It can't be changed."),
    )

    def __init__(self, data: QueryDict | None = None, *, actor: Actor, kind: str) -> None:
        super().__init__(data)
        parents = actions.parents_for(actor, kind).order_by("path")
        under = self.fields["parent"]
        assert isinstance(under, forms.ModelChoiceField)
        under.queryset = parents
        under.error_messages["invalid_choice"] = _("Choose one of yours.")
        self.fields["parent"].initial = actor.organization_id
        self.has_choice = kind == Kind.INSTALLER and parents.count() > 1
        if not self.has_choice:
            self.fields["parent"].widget = forms.HiddenInput()
        if kind != Kind.DISTRIBUTOR:
            del self.fields["currency"]

    @property
    def more(self) -> dict[str, str]:
        """Further fields of the organization."""
        return {"currency": self.cleaned_data["currency"]} if "currency" in self.fields else {}


class PermissionsForm(forms.Form):
    """What a firm above decides for an installer (S2)."""

    prefix = "may"
    pays_regular = forms.BooleanField(label=_("Regular payment"), required=False)
    pays_credits = forms.BooleanField(label=_("Credit payment"), required=False)
    require_2fa = forms.BooleanField(
        label=_("Demand two-factor authentication"),
        required=False,
        help_text=_("Nobody of this firm gets a session without it. They set it up at the first login."),
    )
    sees_prices = forms.BooleanField(
        label=_("Show prices"),
        required=False,
        initial=True,
        help_text=_(
            "The bill beside forms and lists. Off, they see counts and dates, and amounts only of what they pay."
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, organization: Organization | None = None) -> None:
        values = {field: getattr(organization, field) for field in self.base_fields} if organization else None
        super().__init__(data, initial=values, label_suffix="")
        for field in ("pays_regular", "pays_credits"):
            self.fields[field].widget.attrs["class"] = "ck"


class PersonForm(forms.Form):
    """Whom to invite: name, address, language."""

    prefix = "person"
    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("Confirmed at the first login. Receives resets and notices."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")


class RightsForm(forms.Form):
    """What a member may do: the four grants; in an installer, whether as a technician."""

    prefix = "rights"
    is_technician = forms.TypedChoiceField(
        label=_("Role"),
        coerce=lambda value: value == "yes",
        choices=[
            ("no", _("Colleague: the firm's work, its people and, as granted, its money")),
            ("yes", _("Technician: works on assigned sites, never with payments or people")),
        ],
        widget=forms.RadioSelect,
    )
    grants = forms.MultipleChoiceField(
        label=_("May"), choices=list(GRANT_LABELS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        kind: str,
        membership: Membership | None = None,
        is_technician: bool = False,
    ) -> None:
        everything = [grant.value for grant in Grant]
        values: dict[str, Any] = {"is_technician": "yes" if is_technician else "no", "grants": everything}
        if membership is not None:
            values = {
                "is_technician": "yes" if membership.is_technician else "no",
                "grants": [name for name in everything if getattr(membership, name)],
                "version": membership.version,
            }
        super().__init__(data, initial=values, label_suffix="")
        if kind != Kind.INSTALLER:
            del self.fields["is_technician"]

    @property
    def values(self) -> dict[str, Any]:
        """What the actions take."""
        return {
            "is_technician": bool(self.cleaned_data.get("is_technician", False)),
            "grants": self.cleaned_data["grants"],
        }


class SitesForm(forms.Form):
    """Which sites of the installer a manager or technician looks after: plain tick boxes."""

    sites = forms.TypedMultipleChoiceField(
        label=_("Sites"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: QueryDict | None = None, *, sites: list[Site], assigned: set[int]) -> None:
        super().__init__(data, initial={"sites": sorted(assigned)}, label_suffix="")
        field = self.fields["sites"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(site.pk, f"{site.name}, {site.city}") for site in sites]
        field.error_messages["invalid_choice"] = _("One of the chosen sites is not yours to choose.")


class MoveForm(forms.Form):
    """Below whom an installer goes."""

    to = forms.ModelChoiceField(
        Organization.objects.none(), label=_("Move it below"), empty_label=None, widget=forms.RadioSelect
    )

    def __init__(self, data: QueryDict | None = None, *, targets: QuerySet[Organization]) -> None:
        super().__init__(data, label_suffix="")
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = targets
        field.error_messages["invalid_choice"] = _("Choose one of yours.")


class JoinForm(forms.Form):
    """Name and password of somebody who has no login yet."""

    name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name", "class": "lg"})
    )
    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "lg"}),
        help_text=_("At least 12 characters. Several words are easy to keep in mind."),
    )
    password2 = forms.CharField(
        label=_("The same once more"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "lg"}),
    )

    def __init__(self, data: QueryDict | None = None, *, user: User, name: str) -> None:
        super().__init__(data, initial={"name": name}, label_suffix="")
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Both passwords alike, and good enough by Django's validators."""
        values = super().clean() or {}
        first, second = values.get("password1"), values.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords are not the same."))
        elif first:
            person = User(email=self.user.email, name=values.get("name", ""))
            try:
                password_validation.validate_password(first, person)
            except ValidationError as problem:
                self.add_error("password1", problem)
        return values
