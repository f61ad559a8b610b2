"""Decisions about a request: approved (as a cart), refused, withdrawn, paid, or reopened (R5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import Actor
from accounts.typed import text
from communities.models import Entitlement, Site, targets
from subscriptions import notices, payers, rights
from subscriptions.actions import carts
from subscriptions.errors import MayNotPay, RequestClosed
from subscriptions.models import Cart, LineKind, Order, RenewalRequest, RequestItem
from subscriptions.models.orders import SERVICES
from subscriptions.selections import Filter

REQUESTS = Actor.system("requests")
PAYS_WITHIN = timedelta(minutes=45)  # an unpaid order may wait so long, and so long the cart of another firm is kept
S = RenewalRequest.State
REQUEST_APPROVED = audit.Word(
    "request.approved", gettext_lazy("Request approved"), gettext_lazy("%(what)s approved"), area=audit.Area.ORDERS
)
REQUEST_REFUSED = audit.Word(
    "request.refused", gettext_lazy("Request refused"), gettext_lazy("%(what)s refused"), area=audit.Area.ORDERS
)
REQUEST_WITHDRAWN = audit.Word(
    "request.withdrawn", gettext_lazy("Request withdrawn"), gettext_lazy("%(what)s withdrawn"), area=audit.Area.ORDERS
)
REQUEST_REOPENED = audit.Word(
    "request.reopened",
    gettext_lazy("Request open again"),
    gettext_lazy("%(what)s is open again: its order was cancelled"),
    area=audit.Area.ORDERS,
)
REQUEST_DONE = audit.Word(
    "request.done",
    gettext_lazy("Request paid and done"),
    gettext_lazy("%(what)s paid and done"),
    area=audit.Area.ORDERS,
)
MOVED: dict[str, audit.Word] = {  # the event of each state
    S.APPROVED: REQUEST_APPROVED,
    S.REFUSED: REQUEST_REFUSED,
    S.WITHDRAWN: REQUEST_WITHDRAWN,
    S.OPEN: REQUEST_REOPENED,
    S.DONE: REQUEST_DONE,
}


@dataclass(frozen=True, slots=True)
class Approval:
    """The result of an approval: the cart to pay, and the names of items that are not available any more."""

    request: RenewalRequest
    cart: Cart
    left_out: tuple[str, ...] = ()


def live_items(request: RenewalRequest) -> QuerySet[Entitlement]:
    """The items that a request still contains."""
    return Entitlement.objects.filter(requests__in=request.items.filter(is_live=True))


def available(actor: Actor, request: RenewalRequest) -> QuerySet[Entitlement]:
    """The live items that can be activated now."""
    free = carts.activatable(actor, installer=request.installer, site_kind=request.site_kind)
    return free.filter(pk__in=request.items.filter(is_live=True).values("entitlement_id"))


@transaction.atomic
def approve(actor: Actor, *, request_id: int, now: datetime) -> Approval:
    """Turn a request into the actor's cart with exactly the items that can still be activated; the checkout does the rest.

    An upgrade has no cart: its payer places the order directly. A second approval by the same organization returns the same cart. Refuses a
    request that was withdrawn or decided, and one that another organization approved and is paying.
    """
    request, was_seen = _lock(actor, request_id)
    if not rights.may_decide(actor, request) or actor.user_id is None:
        raise MayNotPay
    _refuse_closed(request)
    if request.kind == RenewalRequest.Kind.UPGRADE:
        raise Refused(_("An upgrade is not approved but paid: its request is done then."))
    cart = request.cart
    if cart is not None and (cart.order_id or not was_seen):
        return Approval(request, cart)
    if cart is not None and cart.organization_id != actor.organization_id:
        if request.decided_at is None or now < request.decided_at + PAYS_WITHIN:
            raise Refused(_("%(name)s approved it and is paying for it right now.") % {"name": cart.organization})
        cart = None
    free = available(actor, request)
    n_free = free.count()
    if not n_free:
        raise Refused(_("Nothing of this request can be activated any more. Refuse it and say why."))
    left_out = _leave_out(request, free)
    if cart is not None:
        carts.show_again(actor, cart, now=now)
        return Approval(request, cart, left_out)
    asked = Filter(request.installer_id, request.site_kind, request_id=request.pk)
    cart = carts.new_cart(actor, request.installer, asked, months=request.months, now=now)
    _decide(actor, request, S.APPROVED, now=now, cart=cart, items=n_free, left_out=list(left_out))
    notices.request_decided(request, "approved", now=now, payer=cart.organization, left_out=left_out)
    return Approval(request, cart, left_out)


@transaction.atomic
def refuse(actor: Actor, *, request_id: int, reason: str, now: datetime) -> RenewalRequest:
    """Refuse a request, with a reason that the installer reads. Not possible once its order is placed."""
    request, was_seen = _lock(actor, request_id)
    if not rights.may_decide(actor, request):
        raise MayNotPay
    reason = text.block(reason).strip()
    if not reason:
        raise Refused(_("Say why, so that the installer knows what to do."), field="reason")
    _refuse_closed(request)
    _refuse_being_paid(request, was_seen)
    _decide(actor, request, S.REFUSED, now=now, reason=reason)
    notices.request_decided(request, "refused", now=now)
    return request


@transaction.atomic
def withdraw(actor: Actor, *, request_id: int, now: datetime) -> RenewalRequest:
    """Withdraw a request. Any member of the installer who manages subscriptions may, until its order is placed."""
    request, was_seen = _lock(actor, request_id)
    if not rights.may_withdraw(actor, request):
        raise NotPermitted
    _refuse_closed(request)
    _refuse_being_paid(request, was_seen)
    _decide(actor, request, S.WITHDRAWN, now=now)
    notices.request_withdrawn(request, to=payers.payer_above(request.installer), now=now)
    return request


def refuse_stale_cart(cart: Cart) -> None:
    """Refuse to place the order of a cart made from a request, if the request is not approved as it was. Called under the cart's lock."""
    request = RenewalRequest.objects.filter(cart=cart).exclude(state=S.APPROVED).first()
    if request is not None:
        _refuse_closed(request)


def record_paid(order: Order, *, now: datetime) -> None:
    """An order succeeded: requests whose items are all paid now are done. The caller holds the order's lock, and calls it only where an
    item is in a request."""
    lines = order.lines.filter(kind__in=SERVICES)
    upgraded = lines.filter(kind=LineKind.UPGRADE).values("entitlement_id")  # the order contains what was requested
    extended = lines.exclude(kind=LineKind.UPGRADE).values("entitlement_id")
    is_upgrade = Q(request__kind=RenewalRequest.Kind.UPGRADE)
    met = Q(is_upgrade, entitlement__in=upgraded) | Q(~is_upgrade, entitlement__in=extended)
    ids = sorted(set(RequestItem.objects.filter(met, is_live=True).values_list("request_id", flat=True)))
    for request in _locked(ids):
        if request.state not in {S.OPEN, S.APPROVED}:  # withdrawn or refused while this transaction waited
            continue
        RequestItem.objects.filter(pk__in=request.items.filter(met).values("pk")).update(is_live=False)
        if not request.items.filter(is_live=True).exists():
            reason = _("Paid with order %(number)s.") % {"number": order.number}
            _decide(REQUESTS, request, S.DONE, now=now, reason=reason, order=order.number)
            notices.request_decided(request, "done", now=now, order=order)


def record_closed_unpaid(order: Order, *, now: datetime) -> None:
    """An order was cancelled or timed out: the request it was to pay is open again. The caller holds the order's lock."""
    found = RenewalRequest.objects.filter(cart__order=order, state=S.APPROVED)
    for request in _locked(list(found.values_list("pk", flat=True))):
        if request.state != S.APPROVED:
            continue
        request.cart = None
        _decide(REQUESTS, request, S.OPEN, now=now, order=order.number)
        notices.request_decided(request, "reopened", now=now, order=order)


def drop_items(site: Site, *, now: datetime) -> int:
    """A site is handed over: its items leave the requests of the installer that it leaves, and a request of which nothing is left is
    withdrawn. Returns how many. The caller holds the locks of the site and of these requests' carts."""
    items = RequestItem.objects.filter(is_live=True, entitlement__site=site)
    ids = sorted(set(items.values_list("request_id", flat=True)))
    found, count = _locked(ids), 0
    for request in found:
        count += request.items.filter(is_live=True, entitlement__site=site).update(is_live=False)
        if request.is_live and not request.items.filter(is_live=True).exists():
            reason = _("%(site)s was handed over to another installer.") % {"site": site.name}
            _decide(REQUESTS, request, S.WITHDRAWN, now=now, reason=reason)
    return count


def _locked(ids: list[int]) -> list[RenewalRequest]:
    """Lock requests in the order of their ids, then read them with their relations. Two statements: after waiting for a lock, PostgreSQL
    returns the row's new values, but the joined rows of its old ones."""
    if not ids:
        return []
    list(RenewalRequest.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    whole = RenewalRequest.objects.select_related(
        "installer__distributor",
        "installer__subdistributor",
        "requested_by",
        "cart__organization",
        "cart__order",
        "cart__selection",
    )
    return list(whole.filter(pk__in=ids).order_by("pk"))


def _lock(actor: Actor, request_id: int) -> tuple[RenewalRequest, bool]:
    """Lock a request, and its cart before it, as placing the cart's order does. False: it was approved at this moment."""
    visible = RenewalRequest.objects.visible_to(actor)
    cart_id = visible.values_list("cart_id", flat=True).get(pk=request_id)
    if cart_id is not None:
        list(Cart.objects.filter(pk=cart_id).select_for_update(no_key=True).values_list("pk"))
    (request,) = _locked([request_id])
    return request, request.cart_id == cart_id


def _refuse_closed(request: RenewalRequest) -> None:
    if request.state == S.WITHDRAWN:
        raise RequestClosed(_("The installer has withdrawn this request in the meantime. Nothing was charged."))
    if request.state == S.REFUSED:
        raise RequestClosed(_("This request was refused in the meantime: %(reason)s") % {"reason": request.reason})
    if request.state == S.DONE:
        raise RequestClosed(_("This request is paid already."))
    if request.state == S.OPEN and request.cart_id:
        raise RequestClosed(_("This request is open again. Approve it once more."))


def _refuse_being_paid(request: RenewalRequest, was_seen: bool) -> None:
    if not was_seen:
        raise Refused(_("Somebody approved it at this moment. Look again."))
    if request.cart is not None and request.cart.order is not None:
        raise Refused(_("It is being paid with order %(number)s.") % {"number": request.cart.order.number})


def _leave_out(request: RenewalRequest, free: QuerySet[Entitlement]) -> tuple[str, ...]:
    """Remove items that are not available any more from the request, and so from its cart. Returns their names."""
    gone = list(
        live_items(request).exclude(pk__in=free.order_by().values("pk")).select_related(*targets.named()).order_by("pk")
    )
    if gone:
        request.items.filter(entitlement__in=gone).update(is_live=False)
    return tuple(str(item) for item in gone)


def _decide(
    actor: Actor,
    request: RenewalRequest,
    state: str,
    *,
    now: datetime,
    reason: str = "",
    cart: Cart | None = None,
    **detail: Any,
) -> None:
    """Write the decision on a locked request; a closed request releases its items."""
    before = request.state
    request.state, request.reason, request.version = state, reason, request.version + 1
    request.cart = cart or request.cart
    if actor.user_id is not None:
        request.decided_by_id, request.decided_at = actor.user_id, now
    elif state == S.OPEN:
        request.decided_by_id = request.decided_at = None
    else:
        request.decided_at = now
    request.save(update_fields=["state", "reason", "version", "cart", "decided_by", "decided_at"])
    if state in {S.REFUSED, S.WITHDRAWN}:
        request.items.filter(is_live=True).update(is_live=False)
    audit.record(
        actor, MOVED[state], request, now=now, tenant=request,
        before={"state": before}, after={"state": state, **({"reason": reason} if reason else {}), **detail},
    )  # fmt: skip
