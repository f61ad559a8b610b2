"""Which time zone a country has, so that people need not know how IANA calls theirs."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.typed.zones import UTC, canonical, in_words, of_country, proposed
from smartplus.portal.kit import countries
from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.postal import PostalForm
from smartplus.portal.kit.suggestions import SuggestingInput


@cache
def zones_of(country: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166), the primary one first; UTC where nobody lives; nothing for an unknown country."""
    found = of_country(country)
    return found or ((UTC,) if country and countries.code_of(country) == country else ())


def proposed_zone(country: str) -> str:
    """The zone to take when none was chosen: the only one, or the primary one; "" when the person has to say."""
    zones = zones_of(country)
    return zones[0] if len(zones) == 1 else proposed(country)


def choices_of(country: str, *further: str) -> list[tuple[str, str]]:
    """What a form offers for a country: taking it from there, its zones, and further ones."""
    zones = dict.fromkeys([*zones_of(country), *filter(None, further)])
    return [("", gettext("From the country")), *((zone, in_words(zone)) for zone in zones)]


class ZoneOfCountryField(forms.ChoiceField):
    """A zone of the form's country; the list follows the country when that changes. See `PlaceForm`."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Time zone"))
        super().__init__(required=False, **kwargs)
        self.widget.attrs |= {
            "hx-get": reverse_lazy("choices-zones"),
            "hx-trigger": "change from:#id_country",
            "hx-include": "#id_country",
            "hx-sync": "this:replace",
        }

    def to_python(self, value: Any) -> str:
        """Under its name of today."""
        text = super().to_python(value)
        return canonical(text) or text

    def valid_value(self, value: str) -> bool:
        """Any zone there is: whether it is one of the country only the form knows."""
        return bool(canonical(value))


class PlaceForm(PostalForm, forms.Form):
    """A form with an address and a time zone: it offers the zones of the country, and takes the zone if there is only
    one that fits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = self._zones  # asked when the page is written: what a form begins with may change until then

    def _zones(self) -> list[tuple[str, str]]:
        country = countries.code_of(str(self["country"].value() or ""))
        keeps = not self.is_bound or country == self._saved[0]
        return choices_of(country, self._saved[1] if keeps else "")

    @property
    def _saved(self) -> tuple[str, str]:
        """Country and zone that the form began with."""
        country, zone = (self.get_initial_for_field(self.fields[name], name) for name in ("country", "time_zone"))
        return countries.code_of(str(country or "")), canonical(str(zone or "")) or str(zone or "")

    def clean(self) -> dict[str, Any]:
        """Take the zone from the country when none was chosen, or only the country was changed, and there is no doubt."""
        values = super().clean() or {}
        country, zone = values.get("country"), values.get("time_zone")
        if not country or zone is None or zone in zones_of(country) or (country, zone) == self._saved:
            return values
        words = {"country": countries.name_of(country), "zone": in_words(zone)}
        if zone and zone != self._saved[1]:
            self.add_error(
                "time_zone", gettext("%(zone)s is no time zone of %(country)s: choose one of the list.") % words
            )
        elif proposed := proposed_zone(country):
            values["time_zone"] = proposed
        else:
            self.add_error("time_zone", gettext("%(country)s has several time zones: choose one.") % words)
        return values


class ZoneInput(SuggestingInput):
    """A line to type a time zone in, with all of them on offer."""

    def source(self) -> str:
        """One address for everybody."""
        return str(reverse_lazy("choices-time-zones"))


class TimeZoneField(LineField):
    """An IANA time zone, whatever country it is of."""

    widget = ZoneInput
    default_error_messages = {  # as Django declares it
        "invalid_choice": _("This time zone is not known. Choose one of the suggested ones, for example Europe/Berlin.")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Time zone"), "max_length": 64, **kwargs})

    def to_python(self, value: Any) -> str:
        """Under its name of today."""
        text = str(super().to_python(value) or "")
        if not text:
            return ""
        if not (zone := canonical(text)):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return zone

    def prepare_value(self, value: Any) -> Any:
        """As people read it."""
        return in_words(value) if isinstance(value, str) else value
