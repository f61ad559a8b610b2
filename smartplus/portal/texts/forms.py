"""Forms of the operator's texts and of the seller."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import logos
from accounts.actions import seller
from accounts.actions.terms import LONGEST
from accounts.models import SellerVersion
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import BlockField, IdentifierField, LineField, MailField
from smartplus.portal.kit.postal import PostalForm


def _day() -> forms.DateField:
    return forms.DateField(
        label=_("Valid from"),
        required=False,
        help_text=_("Not in the past. The day begins in UTC; today means at once."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class TextForm(forms.Form):
    """The next version of a text in one language. `version` is the draft's when the page was opened. After a conflict the page shows the
    changes by paragraph."""

    compared_by_page: ClassVar = frozenset({"text"})

    language = forms.ChoiceField(choices=settings.LANGUAGES, widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text = BlockField(
        label=_("Text"),
        max_length=LONGEST,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "class": "mono", "spellcheck": "true"}),
    )
    valid_from = _day()


class SellerForm(PostalForm, forms.Form):
    """The next version of the seller. `newest` is the last one's number when the page was opened."""

    newest = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = LineField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    tax_number = IdentifierField(label=_("Tax number"), max_length=40)
    email = MailField(label=_("Email"), required=False)
    street = LineField(label=_("Street"), max_length=160)
    postal_code = LineField(label=_("Postal code"), max_length=16)
    city = LineField(label=_("City"), max_length=80)
    state = LineField(label=pgettext_lazy("address", "State"), max_length=80, required=False)
    country = CountryField()
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("PNG or JPEG, at most %(kb)s KB and %(px)s pixels on a side. Without a new one the last one stays.")
        % {"kb": logos.MOST_BYTES // 1024, "px": logos.MOST_PIXELS},
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
    )
    no_logo = forms.BooleanField(label=_("Without a logo"), required=False)
    valid_from = _day()

    @classmethod
    def filled(cls, version: SellerVersion | None, **begun: Any) -> SellerForm:
        """The form with the values of the last version."""
        values = {name: getattr(version, name) for name in seller.FIELDS} if version else {}
        return cls(initial={**values, **begun, "newest": version.number if version else 0})

    def values(self) -> dict[str, str]:
        """The values for `seller.publish`."""
        return {name: self.cleaned_data[name] or "" for name in seller.FIELDS}

    def picture(self) -> bytes | None:
        """The sent bytes, at most one more than allowed; the action checks them."""
        sent = self.cleaned_data["logo"]
        return bytes(sent.read(logos.MOST_BYTES + 1)) if sent else None
