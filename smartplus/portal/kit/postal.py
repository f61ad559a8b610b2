"""The address in a form: its parts follow the country that is chosen there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField
from django.urls import reverse

from accounts.typed import postal
from smartplus.portal.kit import countries
from smartplus.portal.kit.countries import CountryField
from smartplus.portal.kit.fields import LineField

AUTOCOMPLETE = {
    "street": "street-address", "postal_code": "postal-code", "city": "address-level2", "state": "address-level1",
    "country": "country-name",
}  # fmt: skip
WIDTHS = {1: ("w6",), 2: ("w4", "w8"), 3: ("w4", "w4", "w4"), 4: ("w3", "w3", "w3", "w3")}
LONGEST_STATE = 80


class PostalForm(forms.BaseForm):
    """A form with `street`, `postal_code`, `city`, `state` and `country`, before the form class among the bases.

    The street stands fixed; which further parts there are, their names and their order follow the country. What was saved before and
    is sent unchanged is not judged again.
    """

    needs_address = True
    fills_in_own = True  # the browser may offer the person's own address

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, token in AUTOCOMPLETE.items():
            self.fields[name].widget.attrs["autocomplete"] = token if self.fills_in_own else "off"
        self._followed: str | None = None
        self._follow()

    @property
    def address_kind(self) -> str:
        """What the fragment has to know, see `choices.address_parts`."""
        return f"{'needed' if self.needs_address else 'free'}-{'own' if self.fills_in_own else 'other'}"

    @property
    def parts_url(self) -> str:
        """Where the parts of another country are."""
        return reverse("choices-address", args=[self.address_kind])

    @property
    def address_country(self) -> str:
        """The code of the country as it stands in the form; "" for none yet."""
        return countries.code_of(self._stands_in("country"))

    @property
    def marks_optional(self) -> bool | None:
        """False as long as nobody knows which parts are needed."""
        return False if self.needs_address and not self.address_country else None

    def address_parts(self) -> Iterator[tuple[BoundField, str]]:
        """The parts below the street, with their widths: those of the country, and what is filled in or wrong besides."""
        self._follow()
        names = [part.name for part in postal.parts(self.address_country) if part.name != "street"]
        names += [
            name
            for name in ("postal_code", "city", "state")
            if name not in names and (self[name].errors or (name != "postal_code" and self._stands_in(name)))
        ]
        widths = ("w8", "w4") if names[1:] == ["postal_code"] else WIDTHS[len(names)]
        yield from ((self[name], width) for name, width in zip(names, widths, strict=True))

    def clean(self) -> dict[str, Any]:
        """Refuse what is no address of its country; write it as the country does."""
        values: dict[str, Any] = super().clean() or {}
        country = values.get("country")
        if not country or any(name in self.errors for name in postal.FIELDS):
            return values
        address = {name: values.get(name) or "" for name in postal.FIELDS}
        if self._began_as(address):
            return values
        tidy = postal.tidied(address)
        values.update(tidy)
        for name, message in postal.problems(tidy).items():
            if self.needs_address or tidy[name]:
                self.add_error(name, message)
        return values

    def _began_as(self, address: dict[str, str]) -> bool:
        began = {name: self._began(name) for name in postal.FIELDS}
        return bool(began["country"]) and address == began

    def _stands_in(self, name: str) -> str:
        """The present value of a field. Its BoundField would return the initial value."""
        field = self.fields[name]
        if self.is_bound and not field.disabled:
            return str(field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name)) or "")
        return self._began(name)

    def _began(self, name: str) -> str:
        return str(self.get_initial_for_field(self.fields[name], name) or "")

    def _is_saved(self, country: str) -> bool:
        """Whether the form began with an address in this country."""
        return bool(country) and country == countries.code_of(self._began("country"))

    def _follow(self) -> None:
        """Labels, lists and what is needed, by the country."""
        country = self.address_country
        if country == self._followed:
            return
        self._followed = country
        is_saved = self._is_saved(country)
        known = {part.name: part for part in (*postal.parts(""), *postal.parts(country))}
        used = {part.name for part in postal.parts(country)}
        for name in postal.PARTS:
            field, part = self.fields[name], known[name]
            lacks = is_saved and not self._began(name)  # saved without it before: it is not asked for all at once
            field.required = self.needs_address and name in used and part.is_required and not lacks
            field.label = str(part.label)
            if name == "state":
                self._offer(field, part.choices)
            self[name].label = field.label

    def _offer(self, field: forms.Field, states: tuple[tuple[str, str], ...]) -> None:
        """The states to choose from, where the country has a list; one that is not in it is kept to be seen."""
        attrs = {key: value for key, value in field.widget.attrs.items() if key in ("autocomplete", "class")}
        if not states:
            field.widget = forms.TextInput(attrs=attrs)
            return
        stands = self._stands_in("state")
        unknown = [(stands, stands)] if stands and not postal.state_of(self.address_country, stands) else []
        field.widget = StateSelect(self.address_country, attrs=attrs, choices=[("", "–"), *states, *unknown])


class StateSelect(forms.Select):
    """Chooses a state by whatever name it was typed or saved under."""

    def __init__(self, country: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.country = country

    def format_value(self, value: Any) -> list[str]:
        """The option that is meant."""
        return super().format_value(postal.state_of(self.country, str(value)) or value if value else value)


class AddressPartsForm(PostalForm, forms.Form):
    """The parts alone, for the fragment that follows the country."""

    street = LineField(max_length=120, required=False)
    postal_code = LineField(max_length=16, required=False)
    city = LineField(max_length=80, required=False)
    state = LineField(max_length=LONGEST_STATE, required=False)
    country = CountryField(required=False)

    def __init__(self, *, needs_address: bool, fills_in_own: bool, initial: dict[str, str]) -> None:
        self.needs_address, self.fills_in_own = needs_address, fills_in_own
        super().__init__(initial=initial, label_suffix="")

    def _is_saved(self, country: str) -> bool:
        """Nothing of it is saved."""
        return False
