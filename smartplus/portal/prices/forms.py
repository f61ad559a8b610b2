"""Forms of the price book, and how its pages part the prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Generic, TypeVar

from django import forms
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities import catalogue
from communities.models import Kind as ProjectType
from communities.models import PriceClass
from payments import money
from smartplus.portal.kit.fields import AmountField, LineField
from subscriptions.prices import PriceKey, price_keys

CURRENCIES = ("USD", "EUR", "GBP", "NOK", "SEK", "DKK", "CHF", "PLN", "JPY")
FALLBACKS = {  # what is sold at another price where it has none of its own
    (ProjectType.COMMUNITY, PriceClass.INTEGRATION): gettext_lazy(
        "For communities that are connected to a property management system. What is left empty is sold at the Normal price."
    ),
    (ProjectType.HOUSE, PriceClass.NORMAL): gettext_lazy(
        "What is left empty is sold at the Normal price of communities."
    ),
}
T = TypeVar("T")
UNITS = [*((code, code) for code in CURRENCIES), (money.CREDITS, gettext_lazy("Credits"))]


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """The prices of one project type and price class.

    `groups` are pairs of a service and its prices. `priced` are the prices that are set, or all of them where nothing falls back to another
    section; `hint` names the section to which the others fall back.
    """

    title: str
    hint: str
    groups: list[tuple[str, list[T]]]
    priced: list[tuple[str, list[T]]]

    @property
    def is_open(self) -> bool:
        """Whether the section is unfolded: it has a price of its own, or nothing to fall back to."""
        return bool(self.priced)

    @property
    def falls_back(self) -> bool:
        """Whether something in it has no price of its own and is sold at that of another section."""
        return self.priced != self.groups


class PriceListForm(forms.Form):
    """A new version of a price list: whose it is, from when it is valid, and an amount per 30 days for each price."""

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
    includes_tax = forms.BooleanField(label=gettext_lazy("Prices include tax (gross)"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)  # the newest list when this one was begun

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        distributors = Organization.objects.visible_to(actor).filter(kind=Kind.DISTRIBUTOR)
        choice = self.fields["distributor"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = distributors
        for key in price_keys():
            field = AmountField(label=key.part_label, required=False)
            field.currency = self.unit
            self.fields[field_name(key)] = field

    @property
    def unit(self) -> str:
        """The currency of the typed amounts: the one that was chosen, if it exists."""
        chosen = self.data.get(self.add_prefix("currency")) if self.is_bound else self.initial.get("currency")
        return str(chosen) if chosen in dict(UNITS) else CURRENCIES[0]

    def sections(self) -> Iterator[Section[BoundField]]:
        """The amount fields by section; the page folds a section that may be left empty and is empty."""
        yield from sections(lambda key: self[field_name(key)], lambda bound: bool(bound.errors or bound.value()))

    def clean(self) -> dict[str, Any]:
        """Turn the typed amounts into minor units; ask again where they were labelled with another currency."""
        super().clean()
        cleaned = self.cleaned_data
        typed = {key: cleaned.get(field_name(key)) for key in price_keys()}
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


def sections(show: Callable[[PriceKey], T], has_price: Callable[[T], bool]) -> Iterator[Section[T]]:
    """Every price as `show` shows it, by project type and price class, and in each of these by service."""
    gathered: dict[tuple[str, str], dict[str, list[T]]] = {}
    for key in price_keys():
        services = gathered.setdefault((key.project_type, key.price_class), {})
        services.setdefault(key.service_type, []).append(show(key))
    for (project_type, price_class), services in gathered.items():
        kind = (ProjectType(project_type), PriceClass(price_class))
        title = str(kind[0].label) if kind[1] == PriceClass.NORMAL else f"{kind[0].label}, {kind[1].label}"
        groups = [(str(catalogue.SERVICE_TYPE_LABELS[code]), prices) for code, prices in services.items()]
        hint = str(FALLBACKS.get(kind, ""))
        priced = [(label, found) for label, prices in groups if (found := [row for row in prices if has_price(row)])]
        yield Section(title, hint, groups, priced if hint else groups)


def field_name(key: PriceKey) -> str:
    """The name of the form field of a price; the Normal price of communities is named by its service and variant alone."""
    words = ["price", key.service_type, key.part]
    if key.project_type != ProjectType.COMMUNITY:
        words.append(key.project_type)
    if key.price_class != PriceClass.NORMAL:
        words.append(key.price_class)
    return "-".join(words)
