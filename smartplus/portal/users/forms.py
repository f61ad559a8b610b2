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
from django.utils.translation import pgettext_lazy

from accounts import actions
from accounts.actions.invitations import LinkUsedUp
from accounts.actions.organizations import BASICS
from accounts.errors import ActionError
from accounts.models import Kind, Membership, Organization, User
from accounts.scope import Actor, Grant
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import LineField, MailField, MailInput, SecretField, refuse
from smartplus.portal.kit.zones import PlaceForm, ZoneOfCountryField

CURRENCIES = (("USD", _("US dollars")), ("EUR", _("euros")), ("GBP", _("pounds sterling")))
GRANT_LABELS = {
    Grant.SEES_PRICES: _("Sees prices"),
    Grant.SEES_INVOICES: _("Sees orders and invoices"),
    Grant.GETS_BILLING_MAIL: _("Receives billing mail"),
    Grant.MANAGES_SUBSCRIPTIONS: _("Manages subscriptions: activates, renews, pays, stops auto-renewals"),
}


class FirmForm(PlaceForm):
    """Name, address and time zone of a firm; with `organization` it edits one. `may` is sent together with it."""

    needs_address = False
    fills_in_own = False
    name = LineField(label=_("Name"), max_length=120)
    street = LineField(label=_("Street"), max_length=120, required=False)
    postal_code = LineField(label=_("Postal code"), max_length=16, required=False)
    city = LineField(label=_("City"), max_length=80, required=False)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()
    time_zone = ZoneOfCountryField()
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        organization: Organization | None = None,
        may: PermissionsForm | None = None,
    ) -> None:
        shown = [*BASICS, "version"]
        values = {field: getattr(organization, field) for field in shown} if organization else None
        super().__init__(data, initial=values, label_suffix="")
        self.may = may
        self.parts: list[forms.BaseForm] = [self, may] if may else [self]
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    @property
    def basics(self) -> dict[str, str]:
        """What the actions take."""
        return {field: self.cleaned_data[field] for field in BASICS}


class NewFirmForm(FirmForm):
    """A new firm: under whom, in which currency where it is a distributor, and whom to invite (`person`)."""

    parent = forms.ModelChoiceField(Organization.objects.none(), label=_("Under"), empty_label=None)
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=CURRENCIES,
        help_text=_("Everything in this tree is billed in it. It can't be changed."),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        actor: Actor,
        kind: str,
        person: PersonForm,
        may: PermissionsForm | None = None,
    ) -> None:
        super().__init__(data, may=may)
        self.person = person
        self.parts.append(person)
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
            "Prices beside forms and in lists. Off, they see counts and dates, and amounts only of what they pay."
        ),
    )

    def __init__(
        self, data: QueryDict | None = None, *, actor: Actor, organization: Organization | None = None
    ) -> None:
        values = {field: getattr(organization, field) for field in self.base_fields} if organization else None
        super().__init__(data, initial=values, label_suffix="")
        for name, box in self.fields.items():
            box.disabled = not actions.may_decide(actor, name)  # stays as it is, whatever is sent
        self.is_limited = any(box.disabled for box in self.fields.values())
        for field in ("pays_regular", "pays_credits"):
            self.fields[field].widget.attrs["class"] = "ck"


class PersonForm(forms.Form):
    """Whom to invite: name, address, language; `rights` are sent together with it."""

    prefix = "person"
    name = LineField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = MailField(
        label=_("Email"),
        help_text=_("Confirmed at the first login. Receives resets and notices."),
        widget=MailInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def __init__(self, data: QueryDict | None = None, *, rights: RightsForm | None = None) -> None:
        super().__init__(data, label_suffix="")
        self.parts: list[forms.BaseForm] = [self, rights] if rights else [self]


class GrantBoxes(forms.CheckboxSelectMultiple):
    """Tick boxes of which only those in `own` can be changed; the others keep the value in `kept`, whatever was
    sent."""

    def __init__(self, *, choices: Any, own: set[str], kept: set[str]) -> None:
        super().__init__(choices=choices)
        self.own, self.kept = own, kept

    def create_option(self, name: str, value: Any, label: Any, selected: Any, *args: Any, **kwargs: Any) -> Any:
        """A locked box is not sent by the browser."""
        if str(value) in self.own:
            return super().create_option(name, value, label, selected, *args, **kwargs)
        option = super().create_option(name, value, label, str(value) in self.kept, *args, **kwargs)
        option["attrs"]["disabled"] = True
        return option


class RightsForm(forms.Form):
    """What a member may do: the four grants, each as far as the actor has it; in the own installer, whether as a technician.

    With `membership` it edits one, else it is for somebody new. `is_technician` says which of both somebody new becomes, None lets
    the form ask. A technician has no grants (R2), so the form of one shows none: who becomes a colleague has none at first.
    """

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
        actor: Actor,
        firm: Organization,
        membership: Membership | None = None,
        is_technician: bool | None = None,
    ) -> None:
        own = [grant.value for grant in Grant if grant in actor.grants]
        is_now = membership.is_technician if membership else bool(is_technician)
        has = {grant.value for grant in membership.grants} if membership else set(own)
        values = {
            "is_technician": "yes" if is_now else "no",
            "grants": [grant.value for grant in Grant if grant.value in has],
            "version": membership.version if membership else None,
        }
        super().__init__(data, initial=values, label_suffix="")
        self.kept = has - set(own)  # not the actor's to give, so not to take either
        self.is_limited = len(own) < len(Grant)
        self.has_choice = is_technician is None and actions.may_add_people(actor, firm, is_technician=True)
        self.kept_of_technician = [grant.value for grant in Grant if membership and getattr(membership, grant.value)]
        role, boxes = self.fields["is_technician"], self.fields["grants"]
        assert isinstance(role, forms.TypedChoiceField)
        assert isinstance(boxes, forms.MultipleChoiceField)
        if not self.has_choice:  # the page does not ask; who sends it all the same may send what is so
            role.choices = [(values["is_technician"], "")]
            role.required = False
            role.empty_value = is_now  # type: ignore[assignment]  # as coerced
        boxes.widget = GrantBoxes(choices=boxes.choices, own=set(own), kept=self.kept)
        if is_now:
            del self.fields["grants"]

    def clean_grants(self) -> list[str]:
        """With those that are as they are: a locked box sends nothing."""
        return [*self.cleaned_data["grants"], *(name for name in self.kept if name not in self.cleaned_data["grants"])]

    @property
    def values(self) -> dict[str, Any]:
        """What the actions take. What is kept of a technician's grants counts for nothing, so it neither changes here nor comes back
        with the role."""
        is_technician = self.cleaned_data["is_technician"]
        grants = self.cleaned_data.get("grants", self.kept_of_technician if is_technician else [])
        return {"is_technician": is_technician, "grants": grants}


class MoveForm(forms.Form):
    """The firm that an installer moves under."""

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

    name = LineField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name", "class": "lg"})
    )
    password1 = SecretField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "lg"}),
        help_text=_("At least 12 characters. Several words are easy to keep in mind."),
    )
    password2 = SecretField(
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

    def refuse(self, refusal: ActionError) -> None:
        """Show a refusal; a link that ended meanwhile has a page of its own."""
        if isinstance(refusal, LinkUsedUp):
            raise refusal
        refuse(self, refusal)


class NewAddressForm(forms.Form):
    """Another address of somebody else."""

    email = MailField(label=_("New address"), widget=MailInput(attrs={"autocomplete": "off"}))
