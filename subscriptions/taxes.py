"""Tax of each line, by the buyer's country and tax number. Pure functions; rates are basis points (R41)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from payments import money
from payments.models import BillingProfile

WHOLE = 10_000  # basis points: a rate of 19 % is 1900


class Untaxed(enum.StrEnum):
    """The reason why a line has no tax; an invoice has to state it."""

    NO_RULE = "no_rule"  # there is no rule for the buyer's country and this service
    EXEMPT = "exempt"  # the rule says no tax
    REVERSE_CHARGE = "reverse_charge"  # reverse charge: the buyer owes it
    CREDITS = "credits"  # paid in credits, which were taxed when they were bought


@dataclass(frozen=True, slots=True)
class Treatment:
    """The tax of one line. Invariant: it has a rate, or a reason for having none."""

    rate_bp: int = 0
    reason: Untaxed | None = None

    def __post_init__(self) -> None:
        if self.rate_bp < 0 or bool(self.rate_bp) == (self.reason is not None):
            raise ValueError("a line has a rate of tax, or a reason why not")


NO_RULE = Treatment(reason=Untaxed.NO_RULE)
IN_CREDITS = Treatment(reason=Untaxed.CREDITS)


@dataclass(frozen=True, slots=True)
class Buyer:
    """The buyer's data that tax depends on. `is_confirmed`: the operator has checked the tax number; a well-formed number proves nothing
    and frees from nothing."""

    country: str = ""
    tax_number: str = ""
    is_confirmed: bool = False

    @property
    def is_business(self) -> bool:
        """Whether the buyer is a confirmed business."""
        return bool(self.tax_number) and self.is_confirmed


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The tax for buyers in one country: `rate_bp`, 0 where exempt. Empty `service_types` = all. With `is_reversed` a business owes the tax
    itself."""

    country: str
    rate_bp: int
    service_types: frozenset[str] = frozenset()
    is_reversed: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.rate_bp <= WHOLE:
            raise ValueError("a rate of tax lies between 0 and 100 %")


@dataclass(frozen=True, slots=True)
class TaxRules:
    """All rules; the first one for a country and service counts. No rules, as now, mean no tax."""

    rules: tuple[TaxRule, ...] = ()

    def treatment(self, buyer: Buyer, service_type: str) -> Treatment:
        """The tax of a service for a buyer."""
        for rule in self.rules:
            if rule.country == buyer.country and (not rule.service_types or service_type in rule.service_types):
                if rule.rate_bp == 0:
                    return Treatment(reason=Untaxed.EXEMPT)
                if rule.is_reversed and buyer.is_business:
                    return Treatment(reason=Untaxed.REVERSE_CHARGE)
                return Treatment(rule.rate_bp)
        return NO_RULE


IN_FORCE = TaxRules()


@dataclass(frozen=True, slots=True)
class Tax:
    """The rules for one buyer, as `quote` uses them for each line."""

    rules: TaxRules
    buyer: Buyer

    def on(self, service_type: str, currency: str) -> Treatment:
        """The tax of a service paid in `currency`."""
        return IN_CREDITS if currency == money.CREDITS else self.rules.treatment(self.buyer, service_type)


UNTAXED = Tax(TaxRules(), Buyer())  # for list prices and estimates, which nobody is billed for


def tax_for(billing: BillingProfile | None) -> Tax:
    """The rules in force for a payer. No tax number is confirmed yet, so none frees from tax."""
    buyer = Buyer(billing.country, billing.tax_number) if billing else Buyer()
    return Tax(IN_FORCE, buyer)


def tax_on(
    treatments: Sequence[Treatment], amounts: Sequence[int], counts: Sequence[int], *, includes_tax: bool
) -> list[list[tuple[int, int]]]:
    """The tax of each line, on `amounts` after discounts: added to them, or contained in them with `includes_tax`.

    Each entry stands for `counts` equal consecutive lines; its taxes are returned as (tax of each, how many). For all lines of one rate
    together the tax is rounded once, half-up, and allotted to them by largest remainder.
    """
    found = [[(0, count)] for count in counts]
    by_rate: dict[int, list[int]] = {}
    for at, treatment in enumerate(treatments):
        if treatment.rate_bp:
            by_rate.setdefault(treatment.rate_bp, []).append(at)
    for rate, mine in by_rate.items():
        weights = [(amounts[at], counts[at]) for at in mine]
        whole = WHOLE + rate if includes_tax else WHOLE
        tax = money.divide_half_up(sum(amount * count for amount, count in weights) * rate, whole)
        for at, shares in zip(mine, money.allot_runs(tax, weights), strict=True):
            found[at] = shares
    return found
