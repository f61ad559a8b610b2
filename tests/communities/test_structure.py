"""The numbers of a building: schemes, patterns, pasted lists, and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Refused
from accounts.typed.keys import identity_key
from communities import structure
from communities.structure import PATTERNS, Grid, Numbering, Unit

GRIDS = st.builds(
    Grid,
    first_floor=st.integers(-3, 12),
    floors=st.integers(0, 15),
    units=st.integers(1, 12),
    first_unit=st.integers(1, 20),
    numbering=st.sampled_from([Numbering.POINT, Numbering.LETTER, Numbering.RUNNING]),
    others=st.dictionaries(st.integers(-3, 25), st.integers(1, 12), max_size=4),
)


def numbers(grid: Grid) -> list[str]:
    return [unit.number for unit in structure.units_of(grid)]


@pytest.mark.parametrize(
    ("numbering", "wanted"),
    [
        (Numbering.POINT, ["0.01", "0.02", "1.01", "1.02"]),
        (Numbering.DIGITS, ["001", "002", "101", "102"]),
        (Numbering.LETTER, ["0A", "0B", "1A", "1B"]),
        (Numbering.RUNNING, ["1", "2", "3", "4"]),
    ],
)
def test_each_scheme_numbers_as_its_example_says(numbering: Numbering, wanted: list[str]) -> None:
    assert numbers(Grid(first_floor=0, floors=2, units=2, numbering=numbering)) == wanted


def test_an_own_pattern_puts_the_parts_where_it_says() -> None:
    own = Grid(
        first_floor=3,
        floors=1,
        units=2,
        first_unit=7,
        numbering=Numbering.OWN,
        pattern="W{n:3} {floor}/{unit:2}{letter}",
    )
    assert numbers(own) == ["W007 3/07G", "W008 3/08H"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "Write the pattern"),
        ("Flat", "All apartments of a floor"),
        ("{floor}", "All apartments of a floor"),
        ("{unit}{room}", "“{room}” is no part"),
        ("{unit", "“{unit” is no part"),
        ("{unit:0}", "“{unit:0}” is no part"),
        ("{unit}}", "“}” is no part"),
    ],
)
def test_a_pattern_that_means_nothing_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(Refused, match=said.replace("{", r"\{").replace("}", r"\}")) as refusal:
        structure.units_of(Grid(numbering=Numbering.OWN, pattern=pattern))
    assert refusal.value.field == "pattern"


@given(GRIDS)
def test_a_grid_has_as_many_apartments_as_it_counts_and_none_twice(grid: Grid) -> None:
    units = structure.units_of(grid)
    assert len(units) == grid.count
    assert list(structure.faults_in(units)) == []
    assert len({identity_key(unit.number) for unit in units}) == len(units)
    by_floor = {
        floor: sum(unit.floor == str(floor) for unit in units)
        for floor in range(grid.first_floor, grid.first_floor + grid.floors)
    }
    assert by_floor == {floor: grid.others.get(floor, grid.units) for floor in by_floor}


@given(GRIDS)
def test_a_grid_written_as_a_list_is_read_as_the_same(grid: Grid) -> None:
    units = structure.units_of(grid)
    assert [unit[:2] for unit in structure.listed(structure.as_list(units))] == [unit[:2] for unit in units]


@given(GRIDS)
def test_a_facade_shows_every_number_once_from_the_top(grid: Grid) -> None:
    units = structure.units_of(grid)
    shown = structure.storeys(units)
    assert sorted(number for storey in shown for number in storey.numbers) == sorted(unit.number for unit in units)
    assert [int(storey.floor) for storey in shown] == sorted({int(unit.floor) for unit in units}, reverse=True)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_letters_never_repeat(one: int, other: int) -> None:
    assert (structure.letters(one) == structure.letters(other)) == (one == other)


@given(st.text(max_size=200))
def test_any_text_is_a_list_or_is_refused(text: str) -> None:
    try:
        units = structure.listed(text)
    except Refused:
        return
    assert all(any(unit[:4]) for unit in units)
    list(structure.faults_in(units))


def test_a_list_has_number_floor_master_and_address() -> None:
    pasted = "Number; Floor\nEG links; 0; Greta Sommer; greta@mail.example\n\n2.04\n305\t\t\r\n1.OG rechts\t1\n"
    assert structure.listed(pasted) == [
        Unit("0", "EG links", "Greta Sommer", "greta@mail.example", 2),
        Unit("2", "2.04", line=4),
        Unit("3", "305", line=5),
        Unit("1", "1.OG rechts", line=6),
    ]


def test_what_is_wrong_in_a_list_names_its_line() -> None:
    units = structure.listed("EG links; 0\nRoof\n; 3\neg  LINKS; 0\n" + "x" * 17 + "; 1\n")
    assert [text for _at, text in structure.faults_in(units)] == [
        "Line 2 does not say the floor of Roof: write it behind the number, after a semicolon.",
        "Line 3 has no number.",
        "Line 4 repeats EG links of line 1.",
        "“xxxxxxxxxxxxxxxxx” is longer than 16 characters.",
    ]


def test_a_number_twice_in_a_grid_names_both_floors() -> None:
    units = structure.units_of(Grid(first_floor=1, floors=2, units=1, numbering=Numbering.OWN, pattern="{unit}"))
    assert [text for _at, text in structure.faults_in(units)] == ["1 is there twice, on floor 2 and on floor 1."]


@pytest.mark.parametrize(
    ("number", "floor"),
    [
        ("2.04", "2"),
        ("-1.01", "-1"),
        ("204", "2"),
        ("1203", "12"),
        ("2D", "2"),
        ("007", "0"),
        ("7", ""),
        ("EG links", ""),
        ("Roof", ""),
    ],
)
def test_the_floor_is_read_from_a_number_that_says_it(number: str, floor: str) -> None:
    assert structure.floor_in(number) == floor


def test_an_odd_floor_is_the_one_with_another_number_of_units() -> None:
    shown = structure.storeys(structure.units_of(Grid(first_floor=0, floors=6, units=4, others={5: 2})))
    assert [(storey.floor, storey.is_odd) for storey in shown] == [
        ("5", True), ("4", False), ("3", False), ("2", False), ("1", False), ("0", False),
    ]  # fmt: skip


def test_every_scheme_but_the_own_one_has_a_pattern() -> None:
    assert {*PATTERNS, Numbering.OWN} == set(Numbering) == set(structure.NUMBERINGS)
