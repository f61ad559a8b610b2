"""Creating the row of a payment before the gateway is asked for anything."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Organization, User
from payments import consent, events, gateways, money
from payments.actions import keys
from payments.actions.checkout import CHECKOUT_LIFE, REPLAY_LIFE
from payments.errors import AlreadyPaid, EarlierOpen, MethodUnusable, NotRenewable, NotRepresentable, TooMuch, TooSmall
from payments.models import GatewayCustomer, Kind, Payment, PaymentMethod, Purpose, State


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """What is to be paid, by whom, and how.

    With `method` the stored card is charged without its holder. Otherwise the payer goes to the gateway's page. That page stores the
    card if `save_method` is set (`consent_by` agreed to `payments.consent.TEXT`); with `is_setup` it only stores the card and takes
    nothing.
    """

    purpose: Purpose
    subject: str
    payer: Organization
    amount_minor: int
    currency: str
    gateway: str
    description: str
    customer_email: str = ""
    return_url: str = ""
    cancel_url: str = ""
    save_method: bool = False
    consent_by: User | None = None
    method: PaymentMethod | None = None
    is_setup: bool = False

    @property
    def kind(self) -> Kind:
        """How the money is collected."""
        return Kind.OFF_SESSION if self.method else Kind.SETUP if self.is_setup else Kind.CHECKOUT


def create_payment(wanted: PaymentRequest, *, now: datetime) -> Payment:
    """Create a payment, inside the caller's transaction and under the caller's lock of the row that `subject` names.

    A second call returns the live payment that exists, of whichever kind, so a double click is harmless. Everything that will be sent
    to the gateway is fixed here, so the same request can be repeated by the payment's id alone. Raises AlreadyPaid where money has
    arrived, EarlierOpen where an earlier payment may still be open at the gateway (`expire` closes it), MethodUnusable for a card that
    this payer cannot be charged with now, and GatewayCant for what the gateway is not able to do.
    """
    _refuse_gateway(wanted)
    attempts = _attempts(wanted)
    if live := next((attempt for attempt in attempts if attempt.is_live), None):
        return live
    _refuse_second(wanted, attempts)
    method, saves = wanted.method, wanted.save_method
    if wanted.is_setup and (wanted.amount_minor or not saves):
        raise ValueError("storing a card takes no money")
    if saves and (wanted.consent_by is None or method is not None):
        raise ValueError("a card is saved at a checkout, and by somebody's consent")
    ends_at = now + (REPLAY_LIFE if method else CHECKOUT_LIFE)
    customer = method.gateway_customer if method else _customer_of(wanted.payer, wanted.gateway) if saves else ""
    return Payment.objects.create(
        purpose=wanted.purpose,
        subject=wanted.subject,
        request_key=uuid.uuid4().hex,
        kind=wanted.kind,
        gateway=wanted.gateway,
        payer=wanted.payer,
        amount_minor=wanted.amount_minor,
        currency=wanted.currency,
        is_live_mode=gateways.get(wanted.gateway).is_live_mode,
        method=method,
        gateway_customer=customer,
        saves_method=saves,
        consent_text_version=consent.VERSION if saves else "",
        consent_at=now if saves else None,
        consent_by=wanted.consent_by if saves else None,
        description=wanted.description[:250],
        customer_email=wanted.customer_email,
        return_url=wanted.return_url,
        cancel_url=wanted.cancel_url,
        created_at=now,
        updated_at=now,
        expires_at=ends_at.replace(microsecond=0),
    )


def _refuse_gateway(wanted: PaymentRequest) -> None:
    """Raise GatewayCant for what this gateway is not able to do."""
    if wanted.method is not None:
        gateways.off_session(wanted.gateway)
    else:
        gateways.checkout(wanted.gateway)
    if wanted.save_method:
        refuse_not_renewable(wanted.gateway)


def _attempts(wanted: PaymentRequest) -> list[Payment]:
    """The payments for the same subject, locked, the earliest first. Raises AlreadyPaid if one of them took money and kept it."""
    found = Payment.objects.filter(purpose=wanted.purpose, subject=wanted.subject)
    attempts = list(found.select_for_update(of=("self",), no_key=True).order_by("pk"))
    for attempt in attempts:
        if attempt.is_live:
            break
        if attempt.state == State.SUCCEEDED and attempt.refunded_minor < attempt.captured_minor and not wanted.is_setup:
            raise AlreadyPaid  # a card may be stored any number of times
    return attempts


def _refuse_second(wanted: PaymentRequest, attempts: list[Payment]) -> None:
    """Raise MethodUnusable or EarlierOpen, once no payment for the subject is live."""
    if wanted.method is not None and not _is_chargeable(wanted.method, wanted.payer, wanted.gateway):
        raise MethodUnusable
    if not attempts or wanted.is_setup:
        return
    earlier = Payment.objects.filter(purpose=wanted.purpose, subject=wanted.subject)
    if earlier.unclosed().exists() or events.unsettled([attempt.request_key for attempt in attempts]):
        raise EarlierOpen(f"an earlier attempt for {wanted.subject} may still take money")


def refuse_not_renewable(gateway: str) -> None:
    """Raise NotRenewable where the gateway can't store a payment method, or can't charge a stored one without its holder."""
    if not gateways.renews(gateway):
        raise NotRenewable(gateways.label(gateway))


def refuse_unpayable(amount_minor: int, currency: str, gateway: str) -> None:
    """Raise TooSmall, TooMuch or NotRepresentable, with the limit, for an amount in minor units that the gateway does not accept."""
    limits = gateways.get(gateway).limits(currency)
    amount = money.show(amount_minor, currency)
    if amount_minor < limits.least_minor:
        raise TooSmall(
            _("%(amount)s is too small to be paid by card: the least is %(least)s.")
            % {"amount": amount, "least": money.show(limits.least_minor, currency)}
        )
    if amount_minor > limits.most_minor:
        raise TooMuch(
            _(
                "%(amount)s is more than one payment can carry: the most is %(most)s. Split the items into several orders."
            )
            % {"amount": amount, "most": money.show(limits.most_minor, currency)}
        )
    if amount_minor % limits.step_minor:
        raise NotRepresentable(
            _("%(amount)s can't be paid through %(gateway)s: it takes no smaller unit than %(step)s.")
            % {
                "amount": amount,
                "gateway": gateways.label(gateway),
                "step": money.show(limits.step_minor, currency),
            }
        )


def _is_chargeable(method: PaymentMethod, payer: Organization, gateway: str) -> bool:
    return method.owner_id == payer.pk and method.gateway == gateway and method.is_usable


def _customer_of(payer: Organization, gateway: str) -> str:
    """The payer's customer id in the account and mode of our present keys. Ids of other accounts are unknown to the gateway there."""
    known = GatewayCustomer.objects.filter(
        owner=payer, gateway=gateway, is_live_mode=gateways.get(gateway).is_live_mode
    )
    answer = keys.last_answer(gateway)
    if answer is not None and answer.account:
        known = known.filter(account__in=["", answer.account])
    return known.values_list("ref", flat=True).first() or ""
