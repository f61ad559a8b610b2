"""A third gateway, whose books are in memory: accounts instead of cards, and HUF and TWD in whole units. No network, no SDK."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Self

from payments.actions.states import refuse_in_transaction
from payments.errors import BadSignature, GatewayForgot, GatewayRefused
from payments.gateways.base import (
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    CheckoutStarted,
    Event,
    Events,
    Limits,
    OffSession,
    RefundRequest,
    Refunds,
    Remote,
    RemoteRefund,
    RemoteState,
    SavedMethod,
    Vault,
)
from payments.kinds import MethodKind, Topic
from payments.models import Payment

SECRET = b"a secret of the memory gateway"
HOST = "https://pay.memory.example"


@dataclass
class Accounts:
    """What the gateway remembers; `moved` is money by our reference, once for each time it moved."""

    objects: dict[str, Remote] = field(default_factory=dict)
    asked: dict[str, CheckoutRequest | ChargeRequest] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    methods: dict[str, SavedMethod] = field(default_factory=dict)
    refunds: dict[str, RemoteRefund] = field(default_factory=dict)
    moved: list[tuple[str, int]] = field(default_factory=list)
    refuses: str = ""  # the decline of the next charges
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new(self, prefix: str) -> str:
        """A fresh id."""
        return f"{prefix}-{next(self.numbers)}"

    def approve(self, url: str, *, holder: str = "dora@wallet.example") -> str:
        """Somebody signs in on the page and agrees; answers the page's id."""
        ref = url.removeprefix(f"{HOST}/")
        page, asked = self.objects[ref], self.asked[ref]
        assert page.state == RemoteState.OPEN
        assert isinstance(asked, CheckoutRequest)
        saved = None
        if asked.saves_method:
            saved = SavedMethod(
                MethodKind.ACCOUNT, asked.customer or self.new("who"), self.new("m"), "memory_pay", holder=holder
            )
            self.methods[saved.ref] = saved
        if not asked.is_setup:
            self.moved.append((page.reference, page.amount_minor))
        self.objects[ref] = replace(
            page, state=RemoteState.SUCCEEDED, payment_ref=self.new("pay"), captured_minor=page.amount_minor,
            is_closed=True, method=saved,
        )  # fmt: skip
        return ref

    def message(self, ref: str, *, kind: str = "paid", key: str = "") -> tuple[bytes, dict[str, str]]:
        """What the gateway tells us about one of its objects, signed."""
        body = json.dumps({"id": self.new("event"), "kind": kind, "about": ref, "key": key}).encode()
        return body, {"Memory-Signature": hmac.new(SECRET, body, hashlib.sha256).hexdigest()}


ACCOUNTS = Accounts()


class Plain:
    """What all of them have."""

    key_settings: ClassVar[Mapping[str, bool]] = {"MEMORY_KEY": True}
    secret: ClassVar[str] = "the memory gateway's key"
    is_live_mode: ClassVar[bool] = False
    address: ClassVar[str] = "memory"

    @classmethod
    def from_settings(cls) -> Self:
        return cls()

    def ask_account(self) -> str:
        return "the-memory"

    def limits(self, currency: str) -> Limits:
        return Limits(least_minor=100, most_minor=5_000_000, step_minor=100 if currency in {"HUF", "TWD"} else 1)

    def fetch(self, ref: str) -> Remote:
        refuse_in_transaction()
        try:
            return ACCOUNTS.objects[ref]
        except KeyError:
            raise GatewayForgot(ref) from None


class PageGateway(Plain, Checkout, Events):
    """Takes payments on a page and tells of them: nothing is kept for later."""

    name: ClassVar[str] = "till"
    label: ClassVar[str] = "Memory Till"
    method_kind: ClassVar[MethodKind] = MethodKind.ACCOUNT
    event_setting: ClassVar[str] = "MEMORY_SECRET"
    event_headers: ClassVar[frozenset[str]] = frozenset({"memory-signature"})
    can_verify: ClassVar[bool] = True
    page_origins: ClassVar[frozenset[str]] = frozenset({HOST})

    def start_checkout(self, request: CheckoutRequest) -> CheckoutStarted:
        ref = _once(request, "page", RemoteState.OPEN)
        return CheckoutStarted(ref, f"{HOST}/{ref}")

    def expire_checkout(self, ref: str) -> None:
        if ACCOUNTS.objects[ref].is_closed:
            raise GatewayRefused(ref)
        ACCOUNTS.objects[ref] = replace(ACCOUNTS.objects[ref], state=RemoteState.EXPIRED, is_closed=True)

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        signature = {name.lower(): value for name, value in headers.items()}.get("memory-signature", "")
        if not hmac.compare_digest(signature, hmac.new(SECRET, body, hashlib.sha256).hexdigest()):
            raise BadSignature
        told = json.loads(body)
        topic = Topic.METHOD if told["kind"] == "method" else Topic.PAYMENT
        return Event(
            told["id"], told["kind"], told["about"], told["key"], is_known=True, topic=topic,
            says_paid=told["kind"] == "paid",
        )  # fmt: skip


class MemoryGateway(PageGateway, Vault, OffSession, Refunds):
    """Everything a gateway can be."""

    name: ClassVar[str] = "memory"
    label: ClassVar[str] = "Memory Pay"

    def fetch_method(self, ref: str) -> SavedMethod | None:
        return ACCOUNTS.methods.get(ref)

    def remove_method(self, ref: str) -> None:
        if ACCOUNTS.methods.pop(ref, None) is None:
            raise GatewayRefused(ref)

    def create_charge(self, request: ChargeRequest) -> Remote:
        return ACCOUNTS.objects[_once(request, "charge", RemoteState.OPEN)]

    def confirm_charge(self, ref: str, *, request_key: str) -> Remote:
        """Take the money once. That we have stored the id before is what the gateway itself looks at here."""
        refuse_in_transaction()
        assert Payment.objects.filter(gateway_ref=ref).exists(), "money would move on an object whose id is not stored"
        found = ACCOUNTS.objects[ref]
        if found.state != RemoteState.OPEN:
            return found
        if ACCOUNTS.refuses:
            found = replace(found, state=RemoteState.DECLINED, decline_code=ACCOUNTS.refuses)
        else:
            ACCOUNTS.moved.append((found.reference, found.amount_minor))
            found = replace(found, state=RemoteState.SUCCEEDED, captured_minor=found.amount_minor, is_closed=True)
        ACCOUNTS.objects[ref] = found
        return found

    def cancel_charge(self, ref: str) -> Remote:
        if not ACCOUNTS.objects[ref].is_closed:
            ACCOUNTS.objects[ref] = replace(ACCOUNTS.objects[ref], state=RemoteState.EXPIRED, is_closed=True)
        return ACCOUNTS.objects[ref]

    def refund(self, request: RefundRequest) -> RemoteRefund:
        known = ACCOUNTS.refunds.get(request.request_key)
        taken = next(row for row in ACCOUNTS.objects.values() if row.payment_ref == request.payment_ref)
        if known is None and request.amount_minor > taken.captured_minor:
            raise GatewayRefused("more than was taken")
        made = RemoteRefund(
            ACCOUNTS.new("refund"), RemoteState.SUCCEEDED, request.amount_minor, request.currency, request.request_key
        )
        return ACCOUNTS.refunds.setdefault(request.request_key, made)

    def fetch_refund(self, ref: str) -> RemoteRefund:
        return next(row for row in ACCOUNTS.refunds.values() if row.ref == ref)


class MuteGateway(PageGateway):
    """Has pages and is never set up."""

    name: ClassVar[str] = "mute"
    key_settings: ClassVar[Mapping[str, bool]] = {"MUTE_KEY": False}


class Ledger(Plain, Vault):
    """Has no pages and tells nothing: it only keeps."""

    name: ClassVar[str] = "ledger"
    label: ClassVar[str] = "Ledger"

    def fetch_method(self, ref: str) -> SavedMethod | None:
        return None

    def remove_method(self, ref: str) -> None:
        return None


def _once(request: CheckoutRequest | ChargeRequest, prefix: str, state: RemoteState) -> str:
    refuse_in_transaction()
    known = ACCOUNTS.by_key.get(request.request_key)
    if known is not None:
        assert ACCOUNTS.asked[known] == request, "another question under the same key"
        return known
    ref = ACCOUNTS.by_key[request.request_key] = ACCOUNTS.new(prefix)
    ACCOUNTS.asked[ref] = request
    ACCOUNTS.objects[ref] = Remote(
        ref=ref, payment_ref=ref if prefix == "charge" else "", state=state, amount_minor=request.amount_minor, captured_minor=0,
        currency=request.currency, reference=request.reference, is_live_mode=False, request_key=request.request_key,
    )  # fmt: skip
    return ref
