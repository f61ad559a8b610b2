"""Who is told what about orders, auto-renewals and requests; written into the outbox in the transaction that makes it true."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Min, Q
from django.utils import timezone

from accounts import notify
from accounts.models import Kind, Membership, Organization, Topic, User
from accounts.scope import Grant
from communities.models import GRACE
from payments.models import Payment
from payments.reasons import DECLINES
from subscriptions.models import Order, RenewalRequest, Subscription
from subscriptions.reasons import Reason

OVER = frozenset({"lapsed", "services_off"})  # no card helps any more
CARD = frozenset({*DECLINES, "card_unusable"})  # another card helps


def order_succeeded(order: Order, *, until: datetime | None, now: datetime) -> None:
    """To the payer's members who get billing mail, and to who placed it: what was paid, and until when it works."""
    readers = Q(gets_billing_mail=True) | Q(user_id=order.created_by_id)
    for user in _members(order.payer_id, readers):
        _post(
            "order_succeeded", f"order-succeeded:{order.pk}", Topic.ORDERS, user, order, order.payer, now, until=until
        )


def renewal_failed(
    order: Order, payment: Payment, *, reason: Reason, next_at: datetime, works_until: datetime, now: datetime
) -> None:
    """One try of an auto-renewal was declined and another one follows: a mail each time (R44)."""
    for user in _members(order.payer_id, Q(gets_billing_mail=True)):
        _post(
            "renewal_failed", f"renewal-failed:{order.pk}.{payment.pk}", Topic.PAYMENT_FAILED, user, order, order.payer, now,
            reason=reason, next_at=next_at, works_until=works_until,
        )  # fmt: skip


def renewal_parked(agreement: Subscription, *, order: Order | None, reason: Reason, now: datetime) -> None:
    """An auto-renewal stopped by a problem: nothing is tried any more, somebody has to act (R44)."""
    key = f"renewal-parked:{agreement.pk}.{agreement.version}"
    ends = agreement.items.filter(reason=reason.code).aggregate(first=Min("entitlement__expires_at"))["first"]
    works_until = ends + GRACE if ends else None
    for user in _members(agreement.payer_id, Q(gets_billing_mail=True)):
        _post(
            "renewal_parked", key, Topic.PAYMENT_FAILED, user, order or agreement, agreement.payer, now,
            agreement=agreement, failed_order=order, reason=reason, is_over=reason.code in OVER, is_card=reason.code in CARD,
            works_until=works_until,
        )  # fmt: skip


def order_needs_operator(order: Order, *, kind: str, reason: Reason | str, key: str, now: datetime) -> None:
    """Money that does not fit: to the operator's members, who decide (R50, R52). `kind` is mismatch, late or surplus."""
    for membership in (
        Membership.objects.usable().filter(organization__kind=Kind.OPERATOR).select_related("user", "organization")
    ):
        _post(
            "order_review", f"order-{key}", Topic.PAYMENT_FAILED, membership.user, order, membership.organization, now,
            kind=kind, reason=reason,
        )  # fmt: skip


def request_made(request: RenewalRequest, *, to: Organization, now: datetime) -> None:
    """To those who decide about it."""
    _post_request("request_made", request, _deciders(to), now)


def request_withdrawn(request: RenewalRequest, *, to: Organization, now: datetime) -> None:
    """To those who need not decide any more, and to who made it where a colleague withdrew it."""
    _post_request("request_withdrawn", request, _deciders(to), now)
    if request.decided_by_id != request.requested_by_id:
        _post_request("request_withdrawn", request, [request.requested_by], now)


def request_decided(request: RenewalRequest, event: str, *, now: datetime, **detail: object) -> None:
    """To who made it. `event`: approved, refused, done (paid) or reopened."""
    _post_request(f"request_{event}", request, [request.requested_by], now, **detail)


def _post_request(
    template: str, request: RenewalRequest, users: Iterable[User], now: datetime, **detail: object
) -> None:
    key = f"{template.replace('_', '-')}:{request.pk}.{request.version}"
    for user in users:
        if user.is_active:
            _post(template, key, Topic.REQUESTS, user, request, request.installer, now, n=_size(request), **detail)


def _size(request: RenewalRequest) -> int:
    return request.items.count()


def _members(organization_id: int, who: Q) -> list[User]:
    found = Membership.objects.usable().filter(who, organization_id=organization_id, is_technician=False)
    return [membership.user for membership in found.select_related("user").order_by("pk")]


def _deciders(organization: Organization) -> list[User]:
    """Who may act; where nobody may, those who hear about money, so that a request is never lost in silence."""
    return _members(organization.pk, Q(**{Grant.MANAGES_SUBSCRIPTIONS.value: True})) or _members(
        organization.pk, Q(**{Grant.GETS_BILLING_MAIL.value: True})
    )


def _post(
    template: str,
    key: str,
    topic: Topic,
    user: User,
    about: Order | Subscription | RenewalRequest,
    tenant: Organization,
    now: datetime,
    **context: object,
) -> None:
    """One mail to one person, with dates at that person's time; the key tells it once however often it is settled."""
    with timezone.override(user.time_zone):
        notify.post(
            key=f"{key}:{user.pk}",
            topic=topic,
            to=user,
            template=template,
            context={"about": about, "site_url": settings.SITE_URL, **context},
            now=now,
            about=about,
            tenant=tenant,
        )
