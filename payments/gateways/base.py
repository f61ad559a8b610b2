"""The interface of a gateway: small capabilities with a few methods each, and plain values as answers.

A gateway has its capabilities as base classes; `payments.gateways` refuses a missing one before anything is written. Network methods
raise GatewayUnavailable (outcome unknown) and GatewayRefused (nothing was done). No method lists or searches: that an object is missing
in a list proves nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, Self, runtime_checkable

from payments.kinds import MethodKind, Topic


class RemoteState(enum.StrEnum):
    """The state of a payment as the gateway reports it."""

    OPEN = (
        "open"  # the page waits for the customer (also after a declined card), or the charge waits for its confirmation
    )
    PENDING = "pending"  # the customer has finished, the money is not there yet
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A request to open a payment page. The same `request_key` must always be sent with the same values."""

    reference: str
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case
    description: str
    customer_email: str  # may be empty
    return_url: str
    cancel_url: str
    expires_at: datetime
    saves_method: bool = False  # the page says so, and the method may be charged later; needs a Vault
    customer: str = ""  # the customer the method is stored for; "" creates a new customer if a method is saved
    is_setup: bool = False  # the page only stores a method and takes nothing; needs a Vault


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A request to charge a stored method without its holder. The same `request_key` must always be sent with the same values."""

    reference: str
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case
    description: str
    customer: str
    method_ref: str


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A request to pay money back. The same `request_key` must always be sent with the same values."""

    payment_ref: str  # the gateway's payment whose money goes back
    request_key: str
    amount_minor: int
    currency: str  # ISO 4217, upper case


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A payment method that the gateway stores for later charges: a card, or an account there."""

    kind: MethodKind
    customer: str
    ref: str
    brand: str  # "visa"; for an account the name of the service
    last4: str = ""  # for cards only
    exp_month: int | None = None
    exp_year: int | None = None
    holder: str = ""  # for accounts only: the name people know it by, usually an email address


@dataclass(frozen=True, slots=True)
class CheckoutStarted:
    """The page: its id at the gateway and its address ("" when it no longer takes money)."""

    ref: str
    url: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A payment as the gateway reports it now."""

    ref: str
    payment_ref: str
    state: RemoteState
    amount_minor: int
    captured_minor: int
    currency: str
    reference: str
    is_live_mode: bool
    request_key: str = ""  # our own key, returned by the gateway
    is_closed: bool = False  # it can take no further money, whatever is still on its way
    decline_reason: str = ""
    decline_code: str = ""  # the gateway's code of the reason: "insufficient_funds"
    declined_ref: str = ""  # the attempt that was declined last: several can be made on one page
    is_hard: bool = False  # declined for good: this method must not be tried again
    method: SavedMethod | None = None  # the method that a checkout saved


@dataclass(frozen=True, slots=True)
class RemoteRefund:
    """A refund as the gateway reports it now: PENDING, SUCCEEDED or DECLINED."""

    ref: str
    state: RemoteState
    amount_minor: int
    currency: str
    request_key: str  # our own key, returned by the gateway


@dataclass(frozen=True, slots=True)
class Event:
    """A verified message. It names the object to look up; what it claims about the object is not trusted."""

    id: str
    kind: str  # the gateway's name for the type of event
    object_ref: str
    request_key: str
    is_known: bool  # whether this type of event concerns us
    topic: Topic = Topic.PAYMENT  # what kind of object `object_ref` is
    says_paid: bool = False  # it claims that money moved: if the object says otherwise, a person has to look
    is_odd: bool = False  # verified, but of an unknown shape


@dataclass(frozen=True, slots=True)
class Limits:
    """The gateway's limits for one payment in a currency, in our minor units."""

    least_minor: int  # 0 where the gateway does not publish it
    most_minor: int
    step_minor: int = 1  # amounts are multiples of it: 100 for whole units of a currency that we count in hundredths


@runtime_checkable
class Gateway(Protocol):
    """Base of every gateway: it can be asked about our key and about an object by its id."""

    name: ClassVar[str]  # the name in rows, settings and addresses
    label: ClassVar[str]  # the name that people see; the same in every language

    @classmethod
    def from_settings(cls) -> Self:
        """The gateway with the present settings."""
        ...

    @property
    def key_settings(self) -> Mapping[str, bool]:
        """The settings without which no payment is possible, and whether each has a value."""
        ...

    @property
    def secret(self) -> str:
        """The key itself, only to tell keys apart; never stored, shown or logged."""
        ...

    @property
    def is_live_mode(self) -> bool:
        """Whether our key moves real money."""
        ...

    @property
    def address(self) -> str:
        """The address at which the gateway is asked, for the operator's pages."""
        ...

    def ask_account(self) -> str:
        """The account of our key, asked over the network; "" where the key may not read it. Raises GatewayNotSetUp for a key that the
        gateway does not know.
        """
        ...

    def limits(self, currency: str) -> Limits:
        """What one payment in this currency (ISO 4217, upper case) may be."""
        ...

    def fetch(self, ref: str) -> Remote:
        """Read one object by its id, a page or a charge."""
        ...


@runtime_checkable
class Checkout(Gateway, Protocol):
    """The gateway has payment pages. Nobody is sent to one before its id is stored."""

    method_kind: ClassVar[MethodKind]  # the kinds of methods that people can pay with there

    @property
    def page_origins(self) -> frozenset[str]:
        """The origins of its pages, such as "https://pay.example". A browser follows a form there only if `form-action` in the settings
        allows it.
        """
        ...

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a payment page. The same key always returns the same page."""
        ...

    def expire_checkout(self, ref: str) -> None:
        """Close the page, so that nobody can pay there any more. Raises GatewayRefused when it is closed or paid already."""
        ...


@runtime_checkable
class Vault(Gateway, Protocol):
    """The gateway stores payment methods. Its pages accept `saves_method` and `is_setup`."""

    def fetch_method(self, ref: str) -> SavedMethod | None:
        """Read a stored method; its `customer` is "" where it was detached. None for a method that does not exist any more."""
        ...

    def remove_method(self, ref: str) -> None:
        """Delete a stored method at the gateway. Raises GatewayRefused when it was deleted before."""
        ...


@runtime_checkable
class OffSession(Gateway, Protocol):
    """The gateway charges a stored method without its holder.

    Money moves only on an object whose id we have stored: `create_charge` moves none, `confirm_charge` moves it on exactly that object,
    at most once. A gateway that can't create without charging (usually stored wallets) is asked again under the same key after a lost
    answer, as long as it remembers keys. After that the order goes under review, and nothing new is charged for it.
    """

    def create_charge(self, request: ChargeRequest) -> Remote:
        """Prepare a charge of a stored method. It moves no money. The same key always returns the same object."""
        ...

    def confirm_charge(self, ref: str, *, request_key: str) -> Remote:
        """Let the prepared charge take its money. A decline, or the result of an earlier confirmation, is returned and not raised."""
        ...

    def cancel_charge(self, ref: str) -> Remote:
        """Close a charge for good if it has taken nothing, and return its state after that."""
        ...


@runtime_checkable
class Refunds(Gateway, Protocol):
    """The gateway pays money back. No gateway we know can prepare a refund without making it. After a lost answer the same request is
    repeated under the same key, as long as the gateway remembers keys; after that the refund is not tried again.
    """

    def refund(self, request: RefundRequest) -> RemoteRefund:
        """Pay back a part or all of a payment, once for each key. Raises GatewayRefused where it would be more than was taken."""
        ...

    def fetch_refund(self, ref: str) -> RemoteRefund:
        """Read a refund by its id."""
        ...


@runtime_checkable
class Events(Gateway, Protocol):
    """The gateway reports events, at `/webhooks/<name>/`."""

    event_setting: ClassVar[str]  # the setting without which messages can't be verified
    event_headers: ClassVar[frozenset[str]]  # the headers, in lower case, that are stored with a message

    @property
    def can_verify(self) -> bool:
        """Whether that setting has a value."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Verify a webhook; raises BadSignature. Uses neither network nor database."""
        ...
