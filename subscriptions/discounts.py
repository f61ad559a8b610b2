"""Discounts: what is taken off the lines of a quote, and in which order. Pure functions, integers only (R41)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from payments import money

WHOLE = 10_000  # basis points: 100 are 1 %


class Place(NamedTuple):
    """The properties of a line that a scope can ask for. The last two are ids, None in a draft."""

    project_type: str
    service_type: str
    site_id: int | None = None
    installer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The lines that a discount is for. Each set limits it; an empty set does not. Organizations are installers."""

    project_types: frozenset[str] = frozenset()
    service_types: frozenset[str] = frozenset()
    sites: frozenset[int] = frozenset()
    organizations: frozenset[int] = frozenset()

    def covers(self, place: Place) -> bool:
        """Whether a line with these properties is in scope."""
        asked = (self.project_types, self.service_types, self.sites, self.organizations)
        return all(not wanted or found in wanted for wanted, found in zip(asked, place, strict=True))


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class FreePeriods:
    """A number of free 30-day periods of each item, at most as many as are bought. It adds no paid time, and does not apply to credits."""

    count: int
    scope: Scope = EVERYTHING

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("a discount of no free period is none")


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of the lines in scope, in basis points: 1250 is 12.5 %."""

    basis_points: int
    scope: Scope = EVERYTHING

    def __post_init__(self) -> None:
        if not 1 <= self.basis_points <= WHOLE:
            raise ValueError("a percentage lies between 0.01 and 100")


@dataclass(frozen=True, slots=True)
class Amount:
    """Minor units of a currency, off the lines in scope together; what exceeds their sum is forfeited."""

    minor: int
    currency: str
    scope: Scope = EVERYTHING

    def __post_init__(self) -> None:
        if self.minor < 1:
            raise ValueError("a discount of nothing is none")


Discount = FreePeriods | Percent | Amount


class Charge(NamedTuple):
    """The cost of a line before discounts: `period_minor` is the price of 30 days, `periods` how many whole periods are bought. `lines`
    consecutive lines that are equal in all of this are one charge."""

    place: Place
    amount_minor: int
    period_minor: int
    periods: int
    lines: int = 1


Runs = list[tuple[int, int]]  # for equal lines: (minor units of each, how many), in their order


@dataclass(slots=True)
class _Left:
    """What is left of consecutive lines of a charge that are still equal."""

    charge: int
    minor: int
    count: int


def taken_off(discounts: Sequence[Discount], charges: Sequence[Charge], currency: str) -> list[Runs]:
    """The discount of each line of each charge, in minor units, at most its cost. The result is the same as if every line were its own
    charge, in the same order; equal lines only make it faster.

    Free periods come first: for each line the smaller of all free periods and the bought periods, at its 30-day price. Then percentages,
    then amounts, in the given order, each on what is left within its scope: rounded once, half-up, and allotted to the lines by largest
    remainder. Raises ValueError for an amount in another currency.
    """
    places = {charge.place for charge in charges}
    left = [_Left(at, charge.amount_minor, charge.lines) for at, charge in enumerate(charges)]
    if currency != money.CREDITS:
        free = [discount for discount in discounts if isinstance(discount, FreePeriods)]
        given = {place: sum(one.count for one in free if one.scope.covers(place)) for place in places}
        for run, charge in zip(left, charges, strict=True):
            run.minor -= min(given[charge.place], charge.periods) * charge.period_minor
    for percent in discounts:
        if isinstance(percent, Percent):
            mine = _within(percent.scope, charges, places)
            there = sum(run.minor * run.count for run in left if run.charge in mine)
            left = _take(money.divide_half_up(there * percent.basis_points, WHOLE), left, mine)
    for amount in discounts:
        if isinstance(amount, Amount):
            if amount.currency != currency:
                raise ValueError(f"an amount in {amount.currency} can't be taken off {currency}")
            mine = _within(amount.scope, charges, places)
            left = _take(
                min(amount.minor, sum(run.minor * run.count for run in left if run.charge in mine)), left, mine
            )
    found: list[Runs] = [[] for _ in charges]
    for run in left:
        found[run.charge].append((charges[run.charge].amount_minor - run.minor, run.count))
    return found


def _within(scope: Scope, charges: Sequence[Charge], places: Iterable[Place]) -> set[int]:
    covered = {place for place in places if scope.covers(place)}
    return {at for at, charge in enumerate(charges) if charge.place in covered}


def _take(off: int, left: list[_Left], mine: set[int]) -> list[_Left]:
    """What is left after `off` was taken from the lines of some charges; lines that get another share than their equals are split off."""
    weights = [(run.minor, run.count) for run in left if run.charge in mine]
    shares = iter(money.allot_runs(off, weights))
    return [
        part
        for run in left
        for part in (
            [_Left(run.charge, run.minor - share, count) for share, count in next(shares)]
            if run.charge in mine
            else [run]
        )
    ]
