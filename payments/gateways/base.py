"""What a gateway can be to us: small capabilities, each a few questions, and answers that are plain values.

A gateway names the capabilities it has as its bases; what it lacks is refused by `payments.gateways`, before anything was written.
Network methods raise GatewayUnavailable (outcome unknown) and GatewayRefused (nothing done). Nothing here lists or searches: what a
list does not show proves nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, Self, runtime_checkable

from payments.kinds import MethodKind, Topic


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
    saves_method: bool = False  # the page says so, and what pays may be charged later; asked of a Vault only
    customer: str = ""  # whose method it will be; "" makes a new customer where it is saved
    is_setup: bool = False  # the page only saves a method and takes nothing; asked of a Vault only


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A stored method to be charged while its holder is away. The same `request_key` must always come with the same rest."""

    reference: str
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case
    description: str
    customer: str
    method_ref: str


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money to be given back. The same `request_key` must always come with the same rest."""

    payment_ref: str  # the gateway's payment that took it
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """What the gateway keeps for later charges: a card, or an account there."""

    kind: MethodKind
    customer: str
    ref: str
    brand: str  # "visa"; of an account the service's name
    last4: str = ""  # of a card
    exp_month: int | None = None
    exp_year: int | None = None
    holder: str = ""  # of an account: how people know it, as a rule its email address


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
    is_hard: bool = False  # declined for good: this method is not to be tried again
    method: SavedMethod | None = None  # where a checkout saved one


@dataclass(frozen=True, slots=True)
class RemoteRefund:
    """A refund as the gateway has it right now: PENDING, SUCCEEDED or DECLINED."""

    ref: str
    state: RemoteState
    amount_minor: int
    currency: str
    request_key: str  # our own, as the gateway echoes it


@dataclass(frozen=True, slots=True)
class Event:
    """A verified message. It says where to look, not what is true."""

    id: str
    kind: str  # the gateway's word for it
    object_ref: str
    request_key: str
    is_known: bool  # whether the kind concerns us
    topic: Topic = Topic.PAYMENT  # what `object_ref` is
    says_paid: bool = False  # it claims that money has moved: if the books then say otherwise, somebody has to look
    is_odd: bool = False  # verified, yet of no shape that we know


@dataclass(frozen=True, slots=True)
class Limits:
    """What one payment in a currency may be, in our minor units: the gateway's rule, not ours."""

    least_minor: int  # 0 where that is not known beforehand
    most_minor: int
    step_minor: int = 1  # amounts are multiples of it: 100 for whole units of a currency that we count in hundredths


@runtime_checkable
class Gateway(Protocol):
    """What every gateway is: somebody who can be asked about our key and about an object by its id."""

    name: ClassVar[str]  # how rows, settings and addresses call it
    label: ClassVar[str]  # how people call it; the same in every language

    @classmethod
    def from_settings(cls) -> Self:
        """The gateway as this installation is configured."""
        ...

    @property
    def key_settings(self) -> Mapping[str, bool]:
        """The settings without which nothing can be paid, and whether each has a value."""
        ...

    @property
    def secret(self) -> str:
        """The key itself, for telling one from another; never stored, shown or logged."""
        ...

    @property
    def is_live_mode(self) -> bool:
        """Whether our key moves real money."""
        ...

    @property
    def address(self) -> str:
        """Where it is asked, for people who look after the installation."""
        ...

    def ask_account(self) -> str:
        """The account of our key, asked now; "" where the key may not ask. GatewayNotSetUp for a key that the gateway does not know."""
        ...

    def limits(self, currency: str) -> Limits:
        """What one payment in this currency (ISO 4217, upper case) may be."""
        ...

    def fetch(self, ref: str) -> Remote:
        """Read one object of the gateway's books by its id, of whichever kind: a page or a charge."""
        ...


@runtime_checkable
class Checkout(Gateway, Protocol):
    """It has pages of its own where people pay: nobody is sent to one before its id is stored."""

    method_kind: ClassVar[MethodKind]  # what people pay with there

    @property
    def page_origins(self) -> frozenset[str]:
        """Where its pages lie, as "https://pay.example": browsers go there from a form only if `form-action` of the settings says so."""
        ...

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a hosted page; asking again with the same key answers the same page."""
        ...

    def expire_checkout(self, ref: str) -> None:
        """Close the page, so that nobody pays there any more; GatewayRefused when it is closed or paid already."""
        ...


@runtime_checkable
class Vault(Gateway, Protocol):
    """It keeps what people pay with. Its pages take `saves_method` and `is_setup`."""

    def fetch_method(self, ref: str) -> SavedMethod | None:
        """Read a stored method, whose `customer` is "" where it was detached; None for what is none any more."""
        ...

    def remove_method(self, ref: str) -> None:
        """Let the gateway forget a stored method for good; GatewayRefused when it has."""
        ...


@runtime_checkable
class OffSession(Gateway, Protocol):
    """It charges a stored method while its holder is away.

    Money moves only on an object whose id we have stored: `create_charge` moves none, `confirm_charge` moves it on that very object,
    once at most. A gateway that can't create without charging (stored wallets, as a rule) answers a lost request by the same
    request under the same key while it keeps keys; afterwards its order goes under review and nothing new is charged for it.
    """

    def create_charge(self, request: ChargeRequest) -> Remote:
        """Prepare a charge of a stored method, which moves no money; asking again with the same key answers the same object."""
        ...

    def confirm_charge(self, ref: str, *, request_key: str) -> Remote:
        """Let the prepared charge take its money. A decline is an answer, not an error; so is what became of it before."""
        ...

    def cancel_charge(self, ref: str) -> Remote:
        """Close a charge for good where it has taken nothing, and answer what it is after that."""
        ...


@runtime_checkable
class Refunds(Gateway, Protocol):
    """It gives money back. No gateway we know prepares a refund without making it: a lost answer is asked for by the same request under
    the same key while it keeps keys, and after that nothing is given back again for it."""

    def refund(self, request: RefundRequest) -> RemoteRefund:
        """Give back a part or all of a payment, once for each key. GatewayRefused where it would be more than was taken."""
        ...

    def fetch_refund(self, ref: str) -> RemoteRefund:
        """Read a refund by its id."""
        ...


@runtime_checkable
class Events(Gateway, Protocol):
    """It tells us when something happened, at `/webhooks/<name>/`."""

    event_setting: ClassVar[str]  # the setting without which its messages can't be verified
    event_headers: ClassVar[frozenset[str]]  # the headers, in lower case, that are kept with a message

    @property
    def can_verify(self) -> bool:
        """Whether that setting has a value."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Verify a webhook; raises BadSignature. Touches neither network nor database."""
        ...
