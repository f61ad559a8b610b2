"""Mail about orders, auto-renewals, requests and moves: who gets it, and its content. Written to the outbox in the transaction of the
change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import notify
from accounts.models import Kind, Membership, Notice, Organization, Topic
from accounts.models.people import MembershipQuerySet
from accounts.scope import Actor
from payments.models import Payment
from payments.reasons import DECLINES
from subscriptions import rights
from subscriptions.models import AutoRenewal, Handover, Order, RenewalRequest
from subscriptions.reasons import Reason

OVER = frozenset({"lapsed", "services_off"})  # another card does not help any more
CARD = frozenset({*DECLINES, "card_unusable"})  # another card helps

BILLING, MANAGES, ANYBODY = Q(gets_billing_mail=True), Q(manages_subscriptions=True), Q()


def order_succeeded(order: Order, *, until: datetime | None, zone: str, now: datetime) -> None:
    """To the payer's members with billing mail, and to the person who placed the order: what was paid, and until when it works."""
    who = BILLING | Q(user_id=order.created_by_id)
    told: QuerySet[Any] = _working(order.payer, who).annotate(is_muted=notify.muted(Topic.ORDERS, by="user"))
    notify.put(
        _draft(
            "order_succeeded", f"order-succeeded:{order.pk}", Topic.ORDERS, member, order, order.payer, now,
            is_muted=member.is_muted, until=until, zone=zone, shows_amounts=_sees_amounts(member, order),
        )
        for member in told
    )  # fmt: skip


def renewal_failed(
    order: Order,
    payment: Payment,
    *,
    reason: Reason,
    next_at: datetime,
    works_until: datetime,
    zone: str,
    now: datetime,
) -> None:
    """A try of an auto-renewal was declined and another one follows: a mail for each try (R44)."""
    for member in _alarmed(order.payer):
        _post(
            "renewal_failed", f"renewal-failed:{order.pk}.{payment.pk}", Topic.PAYMENT_FAILED, member, order, order.payer, now,
            reason=reason, next_at=next_at, works_until=works_until, zone=zone,
            shows_amounts=_sees_amounts(member, order),
        )  # fmt: skip


def renewal_suspended(auto_renewal: AutoRenewal, *, order: Order | None, reason: Reason, now: datetime) -> None:
    """An auto-renewal was suspended: nothing is tried any more, and a person has to act (R44)."""
    key = f"renewal-suspended:{auto_renewal.pk}.{auto_renewal.version}"
    items = auto_renewal.items.filter(reason=reason.code, entitlement__expires_at__isnull=False)
    first = items.order_by("entitlement__works_until", "pk")
    works_until, zone = first.values_list("entitlement__works_until", "site__time_zone").first() or (None, "UTC")
    for member in _alarmed(auto_renewal.payer):
        _post(
            "renewal_suspended", key, Topic.PAYMENT_FAILED, member, order or auto_renewal, auto_renewal.payer, now,
            auto_renewal=auto_renewal, failed_order=order, reason=reason, is_over=reason.code in OVER, is_card=reason.code in CARD,
            works_until=works_until, zone=zone, shows_amounts=order is not None and _sees_amounts(member, order),
        )  # fmt: skip


def renewal_lapsed(auto_renewal: AutoRenewal, *, items: int, now: datetime) -> None:
    """Some items of an auto-renewal lapsed and left it while others continue: mailed, because nobody asked for it (R44)."""
    key = f"renewal-lapsed:{auto_renewal.pk}.{now.isoformat()}"
    for member in _alarmed(auto_renewal.payer):
        _post(
            "renewal_lapsed", key, Topic.PAYMENT_FAILED, member, auto_renewal, auto_renewal.payer, now,
            auto_renewal=auto_renewal, items=items,
        )  # fmt: skip


def renewal_left(auto_renewal: AutoRenewal, *, archived: int, switched_off: int, now: datetime) -> None:
    """Some items of an auto-renewal left it because they are archived or switched off, while others continue: to the payer and to the
    installer, once."""
    key = f"renewal-left:{auto_renewal.pk}.{now.isoformat()}"
    people = {member.user_id: member for member in _alarmed(auto_renewal.payer)}
    for member in _first_found(auto_renewal.installer, MANAGES, ANYBODY):
        people.setdefault(member.user_id, member)
    for member in people.values():
        _post(
            "renewal_left", key, Topic.ORDERS, member, auto_renewal, member.organization, now,
            auto_renewal=auto_renewal, archived=archived, switched_off=switched_off,
        )  # fmt: skip


def items_suspended(auto_renewal: AutoRenewal, *, items: int, now: datetime) -> None:
    """Some items are not charged, because nobody lives in their apartments: to the payer's members with billing mail. It can be muted, since
    nothing has to be done."""
    key = f"items-suspended:{auto_renewal.pk}.{now.isoformat()}"
    for member in _members(auto_renewal.payer, BILLING):
        _post(
            "items_suspended", key, Topic.ORDERS, member, auto_renewal, auto_renewal.payer, now,
            auto_renewal=auto_renewal, items=items,
        )  # fmt: skip


def order_needs_operator(order: Order, *, kind: str, reason: Reason | str, key: str, now: datetime) -> None:
    """Money that does not fit, to the operator's members, who decide (R50, R52). `kind` is mismatch, late, duplicate_payment or forgotten."""
    for membership in (
        Membership.objects.usable().filter(organization__kind=Kind.OPERATOR).select_related("user", "organization")
    ):
        _post(
            "order_review", f"order-{key}", Topic.PAYMENT_FAILED, membership, order, membership.organization, now,
            kind=kind, reason=reason, shows_amounts=_sees_amounts(membership, order),
        )  # fmt: skip


def installer_moved(
    installer: Organization, *, old: Organization, new: Organization, by: Actor, ended: int, now: datetime
) -> None:
    """To the administrators on both sides, except the person who did it: one side loses the installer's sites, the other gets them."""
    key = f"installer-moved:{installer.pk}.{installer.version}"
    for firm, has_it in ((old, False), (new, True)):
        for member in _members(firm, ANYBODY):
            if member.user_id != by.user_id:
                _post(
                    "installer_moved", key, Topic.SITES, member, installer, firm, now,
                    firm=firm, has_it=has_it, who=by.label, ended=ended,
                )  # fmt: skip


def handover_asked(handover: Handover, *, now: datetime) -> None:
    """To the installer that is asked to take a site, and to the installer whose site it is where another firm asks."""
    _post_handover("handover_asked", handover, handover.taker, now, is_taker=True)
    if handover.asker_id != handover.giver_id:
        _post_handover("handover_asked", handover, handover.giver, now, is_taker=False)


def handover_closed(handover: Handover, *, by: Actor, now: datetime) -> None:
    """To the other side, and to who asked: the site stays where it is."""
    for firm in _sides(handover):
        if firm.pk != by.organization_id:
            _post_handover("handover_closed", handover, firm, now)


def handover_done(handover: Handover, *, payers: Iterable[Organization], by: Actor, now: datetime) -> None:
    """To both installers, to who asked, and to the firms whose auto-renewals contained items of the site."""
    firms = {firm.pk: firm for firm in (*_sides(handover), *payers)}
    for firm in firms.values():
        _post_handover(
            "handover_done", handover, firm, now, but=by.user_id, has_it=firm.pk == handover.taker_id,
            paid=firm.pk in {payer.pk for payer in payers},
        )  # fmt: skip


def _sides(handover: Handover) -> list[Organization]:
    firms = (handover.giver, handover.taker, handover.asker)
    return list({firm.pk: firm for firm in firms if firm is not None}.values())


def _post_handover(
    template: str, handover: Handover, firm: Organization, now: datetime, *, but: int | None = None, **context: object
) -> None:
    key = f"{template.replace('_', '-')}:{handover.pk}.{handover.state}"
    for member in _members(firm, ANYBODY):
        if member.user_id != but:
            _post(template, key, Topic.SITES, member, handover, firm, now, firm=firm, **context)


def request_made(request: RenewalRequest, *, to: Organization, now: datetime) -> None:
    """To the people who decide about it."""
    _post_request("request_made", request, _deciders(to), now)


def request_withdrawn(request: RenewalRequest, *, to: Organization, now: datetime) -> None:
    """To the people who no longer have to decide, and to the requesting person where a colleague withdrew it."""
    _post_request("request_withdrawn", request, _deciders(to), now)
    if request.decided_by_id != request.requested_by_id:
        _post_request("request_withdrawn", request, _requester(request), now)


def request_decided(request: RenewalRequest, event: str, *, now: datetime, **detail: object) -> None:
    """To the requesting person, or if it has left, to members of the firm who may request. `event`: approved, refused, done (paid) or
    reopened."""
    members = _requester(request) or _deciders(request.installer)
    _post_request(f"request_{event}", request, members, now, **detail)


def _post_request(
    template: str, request: RenewalRequest, members: Iterable[Membership], now: datetime, **detail: object
) -> None:
    key = f"{template.replace('_', '-')}:{request.pk}.{request.version}"
    size = request.items.count()
    for member in members:
        _post(template, key, Topic.REQUESTS, member, request, request.installer, now, n=size, **detail)


def _working(firm: Organization, who: Q) -> MembershipQuerySet:
    found = Membership.objects.usable().filter(who, organization=firm, is_technician=False)
    return found.select_related("user", "organization").order_by("pk")


def _members(firm: Organization, who: Q) -> list[Membership]:
    return list(_working(firm, who))


def _first_found(firm: Organization, *ranks: Q) -> list[Membership]:
    """The members of the first of these groups that is not empty."""
    return next((found for who in ranks if (found := _members(firm, who))), [])


def _requester(request: RenewalRequest) -> list[Membership]:
    """The person who made the request, as long as it works for the installer."""
    return _members(request.installer, Q(user_id=request.requested_by_id))


def _deciders(firm: Organization) -> list[Membership]:
    """Members who may decide; if none may, those with billing mail, else everybody, so that no request stays unread."""
    return _first_found(firm, MANAGES, BILLING, ANYBODY)


def _alarmed(payer: Organization) -> list[Membership]:
    """Who is told about a failed payment: members with billing mail, else those who may act, else every administrator; for a payer without
    active people those of the firm above. Somebody always gets it (R8, R44)."""
    firm: Organization | None = payer
    while firm is not None:
        if found := _first_found(firm, BILLING, MANAGES, ANYBODY):
            return found
        firm = firm.parent
    return []


def _sees_amounts(member: Membership, order: Order) -> bool:
    return rights.sees_amounts(member.actor(), order.payer_id)


def _post(
    template: str,
    key: str,
    topic: Topic,
    member: Membership,
    about: Order | AutoRenewal | RenewalRequest | Organization | Handover,
    tenant: Organization,
    now: datetime,
    **context: object,
) -> None:
    """One mail to one person; `key` makes sure it is sent once, however often it is settled."""
    is_muted = Membership.objects.filter(notify.muted(topic, by="user"), pk=member.pk).exists()
    notify.put([_draft(template, key, topic, member, about, tenant, now, is_muted=is_muted, **context)])


def _draft(
    template: str,
    key: str,
    topic: Topic,
    member: Membership,
    about: Order | AutoRenewal | RenewalRequest | Organization | Handover,
    tenant: Organization,
    now: datetime,
    *,
    is_muted: bool,
    **context: object,
) -> Notice:
    """One mail to one person, with dates in that person's time zone. The subject contains no amount, since other people see it in lists."""
    user = member.user
    with timezone.override(user.time_zone):
        return notify.draft(
            key=f"{key}:{user.pk}",
            topic=topic,
            to=user,
            template=template,
            context={"about": about, "site_url": settings.SITE_URL, **context},
            now=now,
            is_muted=is_muted,
            about=about,
            tenant=tenant,
        )
