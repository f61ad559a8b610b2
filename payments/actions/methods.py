"""Stored methods: kept after the payment that brought them, and removed for good."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, breakers, fences
from accounts.errors import NotPermitted
from accounts.scope import Actor, Role
from payments import gateways
from payments.actions.states import refuse_in_transaction
from payments.errors import GatewayNotSetUp, GatewayRefused, GatewayUnavailable
from payments.gateways.base import Remote, RemoteState, SavedMethod
from payments.models import GatewayCustomer, Payment, PaymentMethod

log = logging.getLogger("smartplus.payments")

CHECKOUT = Actor.system("checkout")
GATEWAY = Actor.system("payment service")
DETAILS = ("brand", "last4", "exp_month", "exp_year")
FOLLOWED = (*DETAILS, "failed_reason")
# Declines because of outdated card details: with new details the card may be charged again.
OUTDATED = frozenset(
    {"expired_card", "incorrect_number", "invalid_number", "invalid_expiry_month", "invalid_expiry_year"}
)
METHOD_SAVED = audit.Word(
    "payment_method.saved",
    _("Card stored for auto-renewal"),
    _("%(what)s stored for auto-renewal"),
    area=audit.Area.ORDERS,
)
METHOD_CHANGED = audit.Word(
    "payment_method.changed",
    _("Card changed at the payment service"),
    _("%(what)s changed at the payment service"),
    area=audit.Area.ORDERS,
)
METHOD_REMOVED = audit.Word("payment_method.removed", _("Card removed"), _("%(what)s removed"), area=audit.Area.ORDERS)


def keep_method(payment: Payment, remote: Remote, *, now: datetime) -> PaymentMethod | None:
    """Store the method that a paid checkout saved, with the consent given at its start. A repeated call stores it once.

    Called inside the settlement's transaction, under the payment's lock. None where nothing was to be saved, the gateway saved nothing,
    or the card was removed in the meantime.
    """
    saved = remote.method
    if not payment.saves_method or remote.state != RemoteState.SUCCEEDED or saved is None or payment.consent_at is None:
        return None
    known = PaymentMethod.objects.filter(gateway=payment.gateway, gateway_ref=saved.ref).first()
    if known is not None:
        return known if known.removed_at is None else None
    GatewayCustomer.objects.get_or_create(
        owner=payment.payer,
        gateway=payment.gateway,
        account=payment.gateway_account,
        is_live_mode=remote.is_live_mode,
        defaults={"ref": saved.customer},
    )
    method = PaymentMethod.objects.create(
        owner=payment.payer,
        gateway=payment.gateway,
        gateway_account=payment.gateway_account,
        is_live_mode=remote.is_live_mode,
        gateway_customer=saved.customer,
        gateway_ref=saved.ref,
        kind=saved.kind,
        brand=saved.brand,
        last4=saved.last4,
        exp_month=saved.exp_month,
        exp_year=saved.exp_year,
        holder=saved.holder,
        consent_text_version=payment.consent_text_version,
        consent_at=payment.consent_at,
        consent_by_id=payment.consent_by_id,
        created_at=now,
    )
    after = {"consent_by": str(payment.consent_by), "consent_text": payment.consent_text_version}
    audit.record(CHECKOUT, METHOD_SAVED, method, now=now, tenant=payment.payer, after=after)
    return method


def hold_method(gateway: str, ref: str) -> None:
    """Lock a stored method, if it is known, until the caller has given it to an auto-renewal and commits. So every change of whether
    the method is usable is made either before, or after with that auto-renewal visible.
    """
    known = PaymentMethod.objects.filter(gateway=gateway, gateway_ref=ref).order_by("pk")
    list(known.select_for_update(no_key=True).values_list("pk"))


def follow_method(gateway: str, ref: str, *, now: datetime) -> bool:
    """Update a stored method after the gateway reported a change; False for a method that is not ours.

    Brand, last digits and expiry come from the gateway. A card renewed by its bank after its expiry can be charged again; a detached
    card cannot. A card that the gateway does not know stays as it is, because our keys may belong to another account.
    """
    refuse_in_transaction()
    known = PaymentMethod.objects.filter(gateway=gateway, gateway_ref=ref, removed_at=None)
    if not known.exists():
        return False
    found = gateways.vault(gateway).fetch_method(ref)
    with transaction.atomic():
        for method in known.select_for_update(of=("self",), no_key=True).select_related("owner").order_by("pk"):
            _update(method, found, now)
    return True


def _update(method: PaymentMethod, found: SavedMethod | None, now: datetime) -> None:
    before = {name: getattr(method, name) for name in FOLLOWED}
    if found is None or found.customer != method.gateway_customer:
        if method.failed_at is None or method.failed_reason != "method_gone":
            method.failed_at, method.failed_reason = now, "method_gone"
    else:
        for name in DETAILS:
            setattr(method, name, getattr(found, name))
        if method.failed_reason in OUTDATED and any(getattr(method, name) != before[name] for name in DETAILS):
            method.failed_at, method.failed_reason = None, ""
    after = {name: getattr(method, name) for name in FOLLOWED}
    if after == before:
        return
    method.save(update_fields=[*FOLLOWED, "failed_at"])
    audit.record(GATEWAY, METHOD_CHANGED, method, now=now, tenant=method.owner, before=before, after=after)


def remove_method(actor: Actor, *, method_id: int, now: datetime) -> PaymentMethod:
    """Remove a stored card: no charge starts with it after the commit. Then the gateway is asked to delete it.

    Refuses technicians. A card that the actor may not see raises PaymentMethod.DoesNotExist; one that was removed before is returned as
    it is. If the gateway does not answer, the job `detach_removed` asks again.
    """
    refuse_in_transaction()
    if actor.role is Role.TECHNICIAN:
        raise NotPermitted
    with transaction.atomic():
        method = (
            PaymentMethod.objects.visible_to(actor)
            .select_for_update(of=("self",), no_key=True)
            .select_related("owner")
            .get(pk=method_id)
        )
        if method.removed_at is not None:
            return method
        method.removed_at = now
        method.save(update_fields=["removed_at"])
        audit.record(actor, METHOD_REMOVED, method, now=now, tenant=method.owner, after={"removed_at": now.isoformat()})
    try:
        _detach(method, now=now)
    except GatewayUnavailable as error:
        log.warning("card %s is removed, but the gateway still knows it: %s", method.pk, error.detail)
    return method


def detach_removed(*, now: datetime, budget: fences.Budget | None = None, limit: int = 100) -> int:
    """Ask the gateways to delete removed cards that they still hold, the earliest removed first. Returns how many were deleted."""
    refuse_in_transaction()
    budget = budget or fences.Budget()
    waiting = PaymentMethod.objects.filter(removed_at__isnull=False, detached_at=None)

    def detach(method_id: int) -> int:
        method = PaymentMethod.objects.get(pk=method_id)
        with breakers.guard(
            method.gateway, trips_on=GatewayUnavailable, but_not=GatewayNotSetUp, at=lambda: budget.at(now)
        ):
            _detach(method, now=now)
        return 1

    ids = fences.due("removed_cards", waiting, by=("removed_at", "pk"), now=now, limit=limit)
    return fences.each("removed_cards", ids, detach, now=now, budget=budget, key=int, expects=GatewayUnavailable)


def _detach(method: PaymentMethod, *, now: datetime) -> None:
    try:
        gateways.vault(method.gateway).remove_method(method.gateway_ref)
    except GatewayRefused as error:  # the gateway never knew the card, or has deleted it before
        log.info("card %s: %s", method.pk, error.detail)
    method.detached_at = now
    method.save(update_fields=["detached_at"])
