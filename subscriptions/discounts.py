"""Discounts as values: what comes off the lines of a quote, and in which order. Pure; integers only (R41)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from payments import money

WHOLE = 10_000  # basis points: 1 % is 100 of them


class Place(NamedTuple):
    """Where a line belongs, as far as a scope asks. The last two are ids, None while it is a draft."""

    project_type: str
    service_type: str
    site_id: int | None = None
    installer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines a discount is for. Each set narrows it; an empty one leaves that question open. Organizations are installers."""

    project_types: frozenset[str] = frozenset()
    service_types: frozenset[str] = frozenset()
    sites: frozenset[int] = frozenset()
    organizations: frozenset[int] = frozenset()

    def covers(self, place: Place) -> bool:
        """Whether a line that belongs there is within."""
        asked = (self.project_types, self.service_types, self.sites, self.organizations)
        return all(not wanted or found in wanted for wanted, found in zip(asked, place, strict=True))


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class FreePeriods:
    """So many periods of 30 days of each item for nothing, of those that are bought: never more paid time, and nothing of what is paid
    in credits."""

    count: int
    scope: Scope = EVERYTHING

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("a discount of no free period is none")


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of what the lines within the scope come to, in basis points: 1250 is 12.5 %."""

    basis_points: int
    scope: Scope = EVERYTHING

    def __post_init__(self) -> None:
        if not 1 <= self.basis_points <= WHOLE:
            raise ValueError("a percentage lies between 0.01 and 100")


@dataclass(frozen=True, slots=True)
class Amount:
    """So many minor units of a currency, off the lines within the scope together; what they do not come to is forfeited."""

    minor: int
    currency: str
    scope: Scope = EVERYTHING

    def __post_init__(self) -> None:
        if self.minor < 1:
            raise ValueError("a discount of nothing is none")


Discount = FreePeriods | Percent | Amount


class Charge(NamedTuple):
    """What a line costs before discounts: `period_minor` is what 30 days of all its items cost, `periods` how many are bought whole."""

    place: Place
    amount_minor: int
    period_minor: int
    periods: int


def taken_off(discounts: Sequence[Discount], charges: Sequence[Charge], currency: str) -> list[int]:
    """What comes off each line, in minor units, never more than it costs.

    First free periods: of each line the smaller of what the discounts give together and what is bought, at its 30-day price. Then
    percentages, then amounts, in the order given, each on what is left within its scope: rounded once, half-up, and shared out over the
    lines by largest remainder. Raises ValueError for an amount in another currency.
    """
    left = [charge.amount_minor for charge in charges]
    places = {charge.place for charge in charges}
    if currency != money.CREDITS:
        free = [discount for discount in discounts if isinstance(discount, FreePeriods)]
        given = {place: sum(one.count for one in free if one.scope.covers(place)) for place in places}
        for at, charge in enumerate(charges):
            left[at] -= min(given[charge.place], charge.periods) * charge.period_minor
    for percent in discounts:
        if isinstance(percent, Percent):
            mine = _within(percent.scope, charges, places)
            off = money.divide_half_up(sum(left[at] for at in mine) * percent.basis_points, WHOLE)
            _take(off, left, mine)
    for amount in discounts:
        if isinstance(amount, Amount):
            if amount.currency != currency:
                raise ValueError(f"an amount in {amount.currency} can't be taken off {currency}")
            mine = _within(amount.scope, charges, places)
            _take(min(amount.minor, sum(left[at] for at in mine)), left, mine)
    return [charge.amount_minor - rest for charge, rest in zip(charges, left, strict=True)]


def _within(scope: Scope, charges: Sequence[Charge], places: Iterable[Place]) -> list[int]:
    covered = {place for place in places if scope.covers(place)}
    return [at for at, charge in enumerate(charges) if charge.place in covered]


def _take(off: int, left: list[int], mine: Sequence[int]) -> None:
    for at, share in zip(mine, money.allot(off, [left[at] for at in mine]), strict=True):
        left[at] -= share
