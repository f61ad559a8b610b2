"""Order numbers survive being read over the phone."""

import re

from hypothesis import given
from hypothesis import strategies as st

from subscriptions import numbers
from tests.people import NOW


def test_a_number_carries_the_day_and_is_valid() -> None:
    number = numbers.new(NOW)
    assert re.fullmatch(r"SP-261122-[1-9A-HJKMNP-TV-Z]{8}", number)
    assert numbers.is_valid(number)
    assert numbers.is_valid(f" {number.lower()} ")


@given(position=st.integers(0, 7), char=st.sampled_from(numbers.ALPHABET))
def test_one_mistyped_character_is_noticed(position: int, char: str) -> None:
    number = numbers.new(NOW)
    at = len("SP-261122-") + position
    wrong = number[:at] + char + number[at + 1 :]
    assert numbers.is_valid(wrong) == (wrong == number)


@given(position=st.integers(0, 6))
def test_two_swapped_neighbours_are_noticed(position: int) -> None:
    number = numbers.new(NOW)
    at = len("SP-261122-") + position
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert numbers.is_valid(swapped) == (swapped == number)
