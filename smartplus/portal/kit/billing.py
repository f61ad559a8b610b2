"""The own billing information, for its page and for the checkout."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments.models import BillingProfile
from smartplus.access import PortalRequest
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import IdentifierField, LineField, MailField
from smartplus.portal.kit.postal import PostalForm


def own_profile(request: PortalRequest) -> BillingProfile | None:
    """The billing information of the organization one works for, None before the first."""
    return (
        BillingProfile.objects.visible_to(request.actor).filter(organization_id=request.actor.organization_id).first()
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
