"""Writing down the intention to pay, before any gateway hears of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Organization, User
from payments import consent, events, gateways, money
from payments.actions import keys
from payments.actions.checkout import CHECKOUT_LIFE, REPLAY_LIFE
from payments.errors import AlreadyPaid, EarlierOpen, MethodUnusable, NotRenewable, NotRepresentable, TooMuch, TooSmall
from payments.models import GatewayCustomer, Kind, Payment, PaymentMethod, Purpose, State


def create_payment(
    *,
    purpose: Purpose,
    subject: str,
    payer: Organization,
    amount_minor: int,
    currency: str,
    gateway: str,
    description: str,
    now: datetime,
    customer_email: str = "",
    return_url: str = "",
    cancel_url: str = "",
    save_method: bool = False,
    consent_by: User | None = None,
    method: PaymentMethod | None = None,
    is_setup: bool = False,
) -> Payment:
    """Write down the intention to pay, inside the caller's transaction and lock of whatever `subject` names.

    With `method` the stored card is to be charged while nobody is there; otherwise the payer goes to the gateway's page, which
    keeps the card where `save_method` says so, by consent of `consent_by` to `payments.consent.TEXT`; with `is_setup` it does
    that and takes nothing. A double click gets the live payment that exists, of whichever kind. Everything the gateway will be
    told is fixed here, so that the question can be put again, word for word, by payment id alone. Raises AlreadyPaid where
    money has arrived, EarlierOpen where an earlier attempt is not known to be closed (`expire` closes it), MethodUnusable for a card that
    is not the payer's to be charged now, GatewayCant for what the gateway can't do.
    """
    if method is not None:
        gateways.off_session(gateway)
    else:
        gateways.checkout(gateway)
    if save_method:
        refuse_not_renewable(gateway)
    earlier = Payment.objects.filter(purpose=purpose, subject=subject)
    attempts = list(earlier.select_for_update(of=("self",), no_key=True).order_by("pk"))
    for existing in attempts:
        if existing.is_live:
            return existing
        if is_setup:
            continue  # a card may be stored again and again
        if existing.state == State.SUCCEEDED and existing.refunded_minor < existing.captured_minor:
            raise AlreadyPaid
    if method is not None and not _is_chargeable(method, payer, gateway):
        raise MethodUnusable
    keys_so_far = [attempt.request_key for attempt in attempts]
    if attempts and not is_setup and (earlier.unclosed().exists() or events.unsettled(keys_so_far)):
        raise EarlierOpen(f"an earlier attempt for {subject} may still take money")
    if is_setup and (amount_minor or not save_method):
        raise ValueError("storing a card takes no money")
    if save_method and (consent_by is None or method is not None):
        raise ValueError("a card is saved at a checkout, and by somebody's consent")
    ends_at = now + (REPLAY_LIFE if method else CHECKOUT_LIFE)
    return Payment.objects.create(
        purpose=purpose,
        subject=subject,
        request_key=uuid.uuid4().hex,
        kind=Kind.OFF_SESSION if method else Kind.SETUP if is_setup else Kind.CHECKOUT,
        gateway=gateway,
        payer=payer,
        amount_minor=amount_minor,
        currency=currency,
        is_live_mode=gateways.get(gateway).is_live_mode,
        method=method,
        gateway_customer=method.gateway_customer if method else _customer_of(payer, gateway) if save_method else "",
        saves_method=save_method,
        consent_text_version=consent.VERSION if save_method else "",
        consent_at=now if save_method else None,
        consent_by=consent_by if save_method else None,
        description=description[:250],
        customer_email=customer_email,
        return_url=return_url,
        cancel_url=cancel_url,
        created_at=now,
        updated_at=now,
        expires_at=ends_at.replace(microsecond=0),
    )


def refuse_not_renewable(gateway: str) -> None:
    """Raise NotRenewable where the gateway can't keep what people pay with, or can't charge it again while they are away."""
    if not gateways.renews(gateway):
        raise NotRenewable(gateways.label(gateway))


def refuse_unpayable(amount_minor: int, currency: str, gateway: str) -> None:
    """Raise TooSmall, TooMuch or NotRepresentable, saying the limit, for an amount in minor units that the gateway would not take."""
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
    """The payer's customer in the account and mode of our present keys; another one's is unknown there."""
    known = GatewayCustomer.objects.filter(
        owner=payer, gateway=gateway, is_live_mode=gateways.get(gateway).is_live_mode
    )
    answer = keys.last_answer(gateway)
    if answer is not None and answer.account:
        known = known.filter(account__in=["", answer.account])
    return known.values_list("ref", flat=True).first() or ""
