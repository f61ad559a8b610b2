"""What a gateway is to us: a few questions, and answers that are plain values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class RemoteState(enum.StrEnum):
    """Where a payment stands in the gateway's books."""

    OPEN = (
        "open"  # the page waits for the customer (a declined card leaves it open), or the charge for its confirmation
    )
    PENDING = "pending"  # the customer is done, the money is under way
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A hosted page to be opened. The same `request_key` must always come with the same rest."""

    reference: str
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case
    description: str
    customer_email: str  # may be empty
    return_url: str
    cancel_url: str
    expires_at: datetime
    saves_method: bool = False  # the page says so, and the card may be charged later
    customer: str = ""  # whose card it will be; "" makes a new customer where the card is saved
    is_setup: bool = False  # the page only saves a card and takes nothing


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A stored card to be charged while its holder is away. The same `request_key` must always come with the same rest."""

    reference: str
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case
    description: str
    customer: str
    method_ref: str


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card that the gateway keeps for later charges."""

    customer: str
    ref: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class CheckoutStarted:
    """The page: its id at the gateway and its address ("" when it no longer takes money)."""

    ref: str
    url: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A payment as the gateway has it right now."""

    ref: str
    payment_ref: str
    state: RemoteState
    amount_minor: int
    captured_minor: int
    currency: str
    reference: str
    is_live_mode: bool
    request_key: str = ""  # our own, as the gateway echoes it
    is_closed: bool = False  # it can take no more money than it says, whatever is still on its way there
    decline_reason: str = ""
    decline_code: str = ""  # the gateway's word for the reason: "insufficient_funds"
    declined_ref: str = ""  # the attempt that was declined last: on a page a person may make several
    is_hard: bool = False  # declined for good: this card is not to be tried again
    card: SavedCard | None = None  # where a checkout saved one


@dataclass(frozen=True, slots=True)
class Event:
    """A verified message. It says where to look, not what is true."""

    id: str
    kind: str
    object_ref: str
    request_key: str
    is_known: bool  # whether the kind concerns us
    says_paid: bool = False  # it claims that money has moved: if the books then say otherwise, somebody has to look
    is_odd: bool = False  # verified, yet of no shape that we know


# What Stripe charges at least, in our minor units: its published table for an account that settles in the same currency.
# A currency that is not listed has the equivalent of the settlement currency's minimum, which only Stripe can tell.
MINIMUM_MINOR = {
    "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400,
    "HUF": 17_500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200,
    "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip


def minimum_minor(currency: str) -> int:
    """The smallest amount that can be charged, in minor units; 0 where that is not known beforehand."""
    return MINIMUM_MINOR.get(currency, 0)


class Gateway(Protocol):
    """One way to collect money. Network methods raise GatewayUnavailable (outcome unknown) and GatewayRefused (nothing done).

    Money moves only on an object whose id we have stored: `create_charge` moves none, `confirm_charge` moves it on that very object,
    once at most. A gateway that can't create without charging (PayPal's stored wallets) answers a lost request by the same
    request under the same key while it keeps keys; afterwards its order goes under review and nothing new is charged for it.
    Nothing here lists or searches: what a list does not show proves nothing.
    """

    @property
    def name(self) -> str:
        """How rows and settings call it."""
        ...

    @property
    def is_live_mode(self) -> bool:
        """Whether our key moves real money."""
        ...

    @property
    def secret(self) -> str:
        """The key itself, for telling one from another; never stored, shown or logged."""
        ...

    @property
    def missing_setting(self) -> str:
        """The setting without which nothing can be paid and that has no value; "" where all have."""
        ...

    def ask_account(self) -> str:
        """The account of our key, asked now; "" where the key may not ask. GatewayNotSetUp for a key that the gateway does not know."""
        ...

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a hosted page; asking again with the same key answers the same page."""
        ...

    def expire_checkout(self, ref: str) -> None:
        """Close the page, so that nobody pays there any more; GatewayRefused when it is closed or paid already."""
        ...

    def fetch(self, ref: str) -> Remote:
        """Read one object of the gateway's books by its id, of whichever kind: a page or a charge."""
        ...

    def create_charge(self, request: ChargeRequest) -> Remote:
        """Prepare a charge of a stored card, which moves no money; asking again with the same key answers the same object."""
        ...

    def confirm_charge(self, ref: str, *, request_key: str) -> Remote:
        """Let the prepared charge take its money. A decline is an answer, not an error; so is what became of it before."""
        ...

    def cancel_charge(self, ref: str) -> Remote:
        """Close a charge for good where it has taken nothing, and answer what it is after that."""
        ...

    def fetch_method(self, ref: str) -> SavedCard | None:
        """Read a stored card, whose `customer` is "" where it was detached; None for what is no card any more."""
        ...

    def remove_method(self, ref: str) -> None:
        """Let the gateway forget a stored card for good; GatewayRefused when it has."""
        ...

    def minimum_minor(self, currency: str) -> int:
        """The smallest amount it takes, in minor units; 0 where that is not known beforehand."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Verify a webhook; raises BadSignature. Touches neither network nor database."""
        ...
