"""Postal addresses: what a country asks for, and how it writes them."""

from __future__ import annotations

import pytest
from django_countries import countries

from accounts.errors import Refused
from accounts.typed import postal


def address(street: str, postal_code: str, city: str, state: str, country: str) -> dict[str, str]:
    """What somebody typed."""
    return dict(zip(postal.FIELDS, (street, postal_code, city, state, country), strict=True))


@pytest.mark.parametrize(
    ("country", "parts"),
    [
        ("", "Street, Postal code?, City?, State?"),
        ("DE", "Street, Postal code, City"),
        ("US", "Street, City, State, ZIP code"),
        ("IN", "Street, City, PIN code, State"),
        ("GB", "Street, Post town, Postal code"),
        ("IE", "Street, City, County?, Eircode?"),
        ("JP", "Street, Prefecture, Postal code"),
        ("HK", "Street, District?, Area"),
        ("AE", "Street, Emirate"),
        ("QA", "Street, City"),
        ("SG", "Street, Postal code"),
        ("XK", "Street, Postal code?, City"),
    ],
)
def test_the_parts_follow_the_country(country: str, parts: str) -> None:
    shown = [f"{part.label}{'' if part.is_required else '?'}" for part in postal.parts(country)]
    assert ", ".join(shown) == parts


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (address("Kaistraße 14", "D-20457", "Hamburg", "", "DE"), ["Kaistraße 14", "20457 Hamburg"]),
        (address("1 Main Street", "94107", "San Francisco", "california", "US"), ["1 Main Street", "San Francisco, CA 94107"]),
        (address("10 Downing Street", "sw1a2aa", "London", "", "GB"), ["10 Downing Street", "London", "SW1A 2AA"]),
        (address("1 Queen's Road", "999077", "Central", "九龍", "HK"), ["1 Queen's Road", "Central", "Kowloon"]),
        (address("Sheikh Zayed Road 5", "", "Dubai", "", "AE"), ["Sheikh Zayed Road 5", "Dubai"]),
        (address("Building 7", "00000", "Doha", "", "QA"), ["Building 7", "Doha"]),
        (address("6 Raffles Quay", "048616", "Singapore", "", "SG"), ["6 Raffles Quay", "SINGAPORE 048616"]),
        (address("1-2-3 Ginza", "1040061", "", "Tokyo", "JP"), ["1-2-3 Ginza, Tokyo", "104-0061"]),
        (address("銀座1-2-3", "104-0061", "", "東京都", "JP"), ["〒104-0061", "東京都", "銀座1-2-3"]),
        (address("ul. Prosta 1", "00001", "Warszawa", "", "PL"), ["ul. Prosta 1", "00-001 Warszawa"]),
        (address("Skeppsbron 12", "211 20", "Malmö", "Skåne", "SE"), ["Skeppsbron 12", "SE-211 20 Malmö", "Skåne"]),
        (address("Rr. Nëna Terezë 1", "10000", "Prishtinë", "", "XK"), ["Rr. Nëna Terezë 1", "10000 Prishtinë"]),
        (address("2 Rue Pont", "75004", "Paris", "", "FR"), ["2 Rue Pont", "75004 Paris"]),
    ],
)  # fmt: skip
def test_an_address_is_written_as_its_country_does(typed: dict[str, str], lines: list[str]) -> None:
    tidy = postal.tidied(typed)
    assert postal.problems(tidy) == {}
    assert postal.lines(tidy) == lines
    assert postal.one_line(tidy) == ", ".join(lines)
    assert postal.lines(tidy, with_country=True) == [*lines, str(countries.name(typed["country"]))]
    assert postal.tidied(tidy) == tidy


@pytest.mark.parametrize(
    ("typed", "problems"),
    [
        (address("Kai 1", "2045", "Hamburg", "", "DE"), {"postal_code": "This is no postal code of Germany. One looks like 26133."}),
        (address("Kai 1", "", "", "", "DE"), {"postal_code": "The address needs this.", "city": "The address needs this."}),
        (address("1 Main", "94107", "SF", "Atlantis", "US"),
         {"state": "This is not in the list of United States of America: choose one."}),
        (address("Road 1", "", "", "", "AE"), {"state": "The address needs this."}),
        (address("Anywhere", "x", "y", "z", ""), {}),
    ],
)  # fmt: skip
def test_what_is_clearly_wrong_is_said(typed: dict[str, str], problems: dict[str, str]) -> None:
    assert postal.problems(postal.tidied(typed)) == problems


def test_every_country_takes_its_own_examples_and_states() -> None:
    """And asks for nothing that it has no place for."""
    wrong: list[str] = []
    for country, _name in countries:
        names = [part.name for part in postal.parts(country)]
        rules = postal._rules(country)
        assert rules is not None
        wrong += [f"{country} {name}" for name in postal.required(country) if name not in names]
        wrong += [
            f"{country} {example}"
            for example in rules.postal_code_examples
            if "postal_code" in names and postal._postal_code(example, rules) != example.upper()
        ]
        for part in postal.parts(country):
            wrong += [
                f"{country} {value} {label}"
                for value, label in part.choices
                if {postal.state_of(country, value), postal.state_of(country, label)} != {value}
            ]
    assert wrong == []


@pytest.mark.parametrize(
    ("typed", "place", "short"),
    [
        (address("Kai 1", "20457", "Hamburg", "", "DE"), "Hamburg", "Kai 1, Hamburg"),
        (address("Road 1", "", "", "Dubai", "AE"), "Dubai", "Road 1, Dubai"),
        (address("Quay 6", "048616", "", "", "SG"), "Singapore", "Quay 6, Singapore"),
        (address("", "", "", "", "DE"), "", ""),
        (address("", "", "", "", ""), "", ""),
    ],
)
def test_a_place_in_a_word(typed: dict[str, str], place: str, short: str) -> None:
    assert (postal.place(typed), postal.short(typed)) == (place, short)


def test_an_action_refuses_at_the_part_and_leaves_what_was_there() -> None:
    typed = address("Kai 1", "D-2045", "Hamburg", "", "DE")
    with pytest.raises(Refused) as refusal:
        postal.checked(typed)
    assert refusal.value.field == "postal_code"
    assert postal.checked(typed, before=typed) == typed
    assert postal.checked({"country": "DE"}, is_needed=False) == address("", "", "", "", "DE")
    with pytest.raises(Refused):
        postal.checked({"country": "DE"})
    with pytest.raises(Refused):
        postal.checked({"country": "DE", "postal_code": "1"}, is_needed=False)
