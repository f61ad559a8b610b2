"""What a gateway is to us: a few questions, and answers that are plain values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class RemoteState(enum.StrEnum):
    """Where a payment stands in the gateway's books."""

    OPEN = "open"  # the page waits for the customer; a declined card leaves it open
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
    created_at: datetime
    expires_at: datetime


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
    decline_reason: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A verified message. It says where to look, not what is true."""

    id: str
    kind: str
    object_ref: str
    request_key: str
    created_at: datetime
    is_known: bool  # whether the kind concerns us


class Gateway(Protocol):
    """One way to collect money. Network methods raise GatewayUnavailable (outcome unknown) and GatewayRefused (nothing done)."""

    @property
    def name(self) -> str:
        """How rows and settings call it."""
        ...

    @property
    def is_live_mode(self) -> bool:
        """Whether our key moves real money."""
        ...

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        """Open a hosted page; asking again with the same key answers the same page."""
        ...

    def find_checkout(self, request: CheckoutRequest) -> CheckoutStarted | None:
        """Look for the page of this request among those the gateway has, when the answer to opening it was lost."""
        ...

    def expire_checkout(self, ref: str) -> None:
        """Close the page, so that nobody pays there any more; GatewayRefused when it is closed or paid already."""
        ...

    def fetch(self, ref: str) -> Remote:
        """Read the page's payment from the gateway's books."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Verify a webhook; raises BadSignature. Touches neither network nor database."""
        ...
