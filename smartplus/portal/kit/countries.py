"""Countries as people type them: their name in any language of the portal, or the code of ISO 3166."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

from babel import Locale
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.suggestions import SuggestingInput

LONGEST = 80  # letters of the name of a country in any language


@cache
def names(language: str) -> tuple[tuple[str, str], ...]:
    """Every country as (code, name), in the order of a language."""
    with translation.override(language):
        return tuple((code, str(name)) for code, name in countries)


def name_of(code: str) -> str:
    """The country in words of the reader."""
    return str(countries.name(code))


def code_of(text: str) -> str:
    """The code of what somebody typed; "" when it is no country."""
    return _codes().get(_plain(text), "")


@cache
def _codes() -> dict[str, str]:
    """Everything a country may be called, plain, with its code. Names first: none is ever taken for the code of another country."""
    found: dict[str, str] = {}
    for language, _label in settings.LANGUAGES:
        for code, name in names(language):
            found.setdefault(_plain(name), code)
    known = {code for code, _name in names("en")}
    for language, _label in settings.LANGUAGES:  # "United States" beside "United States of America"
        for code, name in Locale.parse(language, sep="-").territories.items():
            if code in known:
                found.setdefault(_plain(name), code)
    for code in known:
        found.setdefault(_plain(code), code)
        found.setdefault(_plain(countries.alpha3(code)), code)
    return found


def _plain(text: str) -> str:
    """Without case, accents, dots and double spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in letters if char.isalnum() or char.isspace()).split())


class CountryInput(SuggestingInput):
    """A line to type a country in, with the names of the reader's language on offer."""

    def source(self) -> str:
        """One address for each language, so that a browser may keep the answer."""
        return reverse("choices-countries", args=[translation.get_language() or settings.LANGUAGE_CODE])


class CountryField(LineField):
    """A country: shown by its name, cleaned to its code. A list in every page would weigh more than the rest of the form."""

    widget = CountryInput
    default_error_messages = {  # as Django declares it
        "invalid_choice": _("This country is not known. Choose one of the suggested ones or type its two letters.")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Country"), "max_length": LONGEST, **kwargs})

    def to_python(self, value: Any) -> str:
        """The code."""
        text = str(super().to_python(value) or "")
        if not text:
            return ""
        if not (code := code_of(text)):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return code

    def prepare_value(self, value: Any) -> Any:
        """The name of what is a country, else what was typed."""
        code = code_of(value) if isinstance(value, str) else ""
        return name_of(code) if code else value
