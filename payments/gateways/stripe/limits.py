"""Which amounts Stripe takes, and how it counts them; no network and no SDK here."""

from __future__ import annotations

from payments import money
from payments.errors import GatewayRefused, GatewayUnavailable
from payments.gateways.base import Limits

# Units in which Stripe counts a currency, where they are not hundredths. It follows neither CLDR nor ISO 4217 throughout: HUF and TWD
# are charged in hundredths (only its payouts are whole), ISK and UGX are counted in hundredths that have to be whole units.
WHOLE_UNITS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
WHOLE_HUNDREDTHS = frozenset(["ISK", "UGX"])
MOST = 99_999_999  # eight digits of Stripe's units

# What Stripe charges at least, in our minor units: its published table for an account that settles in the same currency.
# A currency that is not listed has the equivalent of the settlement currency's minimum, which only Stripe can tell.
LEAST_MINOR = {
    "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400,
    "HUF": 17_500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200,
    "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip


def limits(currency: str) -> Limits:
    """What one charge in this currency may be, in our minor units."""
    ours, theirs = 10 ** money.exponent(currency), 10 ** _exponent(currency)
    # ISK and UGX in whole units, of three decimals two: so many of Stripe's units belong together.
    together = 100 if currency in WHOLE_HUNDREDTHS else 10 if currency in THOUSANDTHS else 1
    return Limits(
        least_minor=LEAST_MINOR.get(currency, 0),
        most_minor=MOST * ours // theirs,
        step_minor=max(1, together * ours // theirs),
    )


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units in Stripe's; raises GatewayRefused for an amount that Stripe cannot express."""
    if minor % limits(currency).step_minor:
        raise GatewayRefused(f"{minor} {currency} has more digits than Stripe takes")
    return int(minor * 10 ** _exponent(currency) // 10 ** money.exponent(currency))


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units in ours; GatewayUnavailable for a fraction of ours, since a person has to look at it."""
    minor, rest = divmod(amount * 10 ** money.exponent(currency), 10 ** _exponent(currency))
    if rest:
        raise GatewayUnavailable(f"Stripe says {amount} {currency}, a fraction of our smallest unit")
    return int(minor)


def _exponent(currency: str) -> int:
    return 0 if currency in WHOLE_UNITS else 3 if currency in THOUSANDTHS else 2
