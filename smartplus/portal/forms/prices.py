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
from smartplus.portal.forms.fields import AmountField, LineField

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
            field = AmountField(label=catalogue.price_label(service_type, part), required=False)
            field.currency = self.unit
            self.fields[field_name(service_type, part)] = field

    @property
    def unit(self) -> str:
        """The currency that the amounts are typed in: the chosen one, if there is such a one."""
        chosen = self.data.get(self.add_prefix("currency")) if self.is_bound else self.initial.get("currency")
        return str(chosen) if chosen in dict(UNITS) else CURRENCIES[0]

    def price_groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The amount fields by service type, for the page."""
        for service_type, label in catalogue.SERVICE_TYPE_LABELS.items():
            yield str(label), [self[field_name(kind, part)] for kind, part in catalogue.PRICED if kind == service_type]

    def clean(self) -> dict[str, Any]:
        """Turn what was typed into minor units; amounts that were labelled with another currency are asked about."""
        super().clean()
        cleaned = self.cleaned_data
        typed = {key: cleaned.get(field_name(*key)) for key in catalogue.PRICED}
        amounts = {key: amount for key, amount in typed.items() if amount is not None}
        labelled = dict(UNITS).get(self.data.get("typed_in", self.unit))
        if amounts and labelled not in {None, dict(UNITS)[self.unit]}:
            words = {"before": labelled, "now": dict(UNITS)[self.unit]}
            self.add_error(
                "currency", _("The amounts were typed as %(before)s. Are they right as %(now)s? Then publish.") % words
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
