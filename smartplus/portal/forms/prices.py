"""Forms of the price book."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities import catalogue
from payments import money
from smartplus.portal.forms.fields import LineField

CURRENCIES = ("USD", "EUR", "GBP", "NOK", "SEK", "DKK", "CHF", "PLN", "JPY")
UNITS = [*((code, code) for code in CURRENCIES), (money.CREDITS, gettext_lazy("Credits"))]


class PriceListForm(forms.Form):
    """A new version of a list: whose, from when, and an amount per 30 days for each part."""

    distributor = forms.ModelChoiceField(
        label=gettext_lazy("For"),
        queryset=Organization.objects.none(),
        required=False,
        empty_label=gettext_lazy("All (default list)"),
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), choices=UNITS)
    valid_from = forms.DateField(
        label=gettext_lazy("Valid from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = LineField(label=gettext_lazy("Note"), max_length=200, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)  # the newest list when this one was begun

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        distributors = Organization.objects.visible_to(actor).filter(kind=Kind.DISTRIBUTOR)
        self.fields["distributor"].queryset = distributors  # type: ignore[attr-defined]
        for service_type, part in catalogue.PRICED:
            self.fields[field_name(service_type, part)] = forms.DecimalField(
                label=catalogue.price_label(service_type, part),
                min_value=0,
                max_digits=12,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "num r"}),
            )

    def price_groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The amount fields by service type, for the page."""
        for service_type, label in catalogue.PRICED_LABELS.items():
            yield str(label), [self[field_name(kind, part)] for kind, part in catalogue.PRICED if kind == service_type]

    def clean(self) -> dict[str, Any]:
        """Turn what was typed into minor units; an amount with more digits than the currency has is a mistake."""
        super().clean()
        cleaned = self.cleaned_data
        amounts: dict[tuple[str, str], int] = {}
        for key in catalogue.PRICED:
            amount = cleaned.get(field_name(*key))
            if amount is None:
                continue
            try:
                amounts[key] = money.from_decimal(amount, cleaned.get("currency", "USD"))
            except ValueError:
                self.add_error(
                    field_name(*key),
                    _("Credits are whole.")
                    if cleaned.get("currency") == money.CREDITS
                    else _("The currency has no such fraction."),
                )
        if not amounts and not self.errors:
            self.add_error(None, _("Enter at least one price."))
        cleaned["amounts"] = amounts
        return cleaned

    def valid_from_instant(self, now: datetime) -> datetime:
        """The start of the chosen day in the operator's time zone; today means now."""
        day: date = self.cleaned_data["valid_from"]
        return now if day == timezone.localdate(now) else timezone.make_aware(datetime.combine(day, time()))


def field_name(service_type: str, part: str) -> str:
    """The form field of a price."""
    return f"price-{service_type}-{part}"
