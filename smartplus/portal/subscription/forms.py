"""Forms of the Subscription page and the checkout."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from payments import actions as payment_actions
from payments.models import BillingProfile
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import IdentifierField, LineField, MailField, SecretField
from smartplus.portal.kit.postal import PostalForm
from subscriptions import periods
from subscriptions.models import Order

MONTHS = (1, 3, 6, 12)


def _out_of_range() -> str:
    return gettext("Choose between 1 and %(n)s months.") % {"n": periods.MAX_MONTHS}


OUT_OF_RANGE = lazy(_out_of_range, str)()  # a lazy text that is filled in at import would stay English


class TermForm(forms.Form):
    """How many months are bought."""

    months = forms.IntegerField(
        label=_("Months"),
        min_value=1,
        max_value=periods.MAX_MONTHS,
        initial=1,
        error_messages={
            "min_value": OUT_OF_RANGE,
            "max_value": OUT_OF_RANGE,
        },
    )


class BillingForm(PostalForm, forms.ModelForm[BillingProfile]):
    """Whom the invoice is made out to."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    company = LineField(label=_("Company"), max_length=120)
    tax_number = IdentifierField(label=_("Tax number"), max_length=32, required=False)
    email = MailField(label=_("Email for invoices"))
    street = LineField(label=_("Street"), max_length=120)
    postal_code = IdentifierField(label=_("Postal code"), max_length=16)
    city = LineField(label=_("City"), max_length=80)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()

    class Meta:
        model = BillingProfile
        fields = ("company", "tax_number", "email", "street", "postal_code", "city", "state", "country")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version if self.instance.pk else None
        for name, value in (("company", "organization"), ("email", "email")):
            self.fields[name].widget.attrs["autocomplete"] = value

    def values(self) -> dict[str, str]:
        """What `save_billing` takes."""
        return {name: self.cleaned_data[name] or "" for name in self.Meta.fields}


class PayForm(forms.Form):
    """The last step: the price that was shown, where it is paid, and the terms."""

    fingerprint = SecretField(widget=forms.HiddenInput)
    terms_version = SecretField(widget=forms.HiddenInput, required=False)
    gateway = forms.ChoiceField(
        choices=lambda: [(offer.name, offer.label) for offer in payment_actions.offered()], required=False
    )
    reference = IdentifierField(
        label=_("Your reference or PO number"),
        max_length=Order.REFERENCE_LENGTH,
        required=False,
        help_text=_("Shown on the order."),
    )
    auto_renew = forms.BooleanField(label=_("Renew automatically every 30 days"), required=False)
    renewals = forms.TypedChoiceField(
        label=_("For how long"),
        choices=lambda: [("", _("until I stop it")), *((n, _("%(n)s times") % {"n": n}) for n in (3, 6, 12, 24))],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.Select(attrs={"class": "in sel"}),
    )
    terms = forms.BooleanField(
        label=_("I accept the Terms and Conditions"),
        error_messages={"required": _("Please accept the Terms and Conditions.")},
    )
