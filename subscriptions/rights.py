"""Who may see, pay and decide: one answer for pages, actions and answers of the API. Each of them asks after `visible_to`.

Of a firm's members only those who hold the grant have a right of these, "manages subscriptions" where one pays or decides, "sees prices"
where one sees. Who is *expected* to pay is `payers`.

| Right | Distributor, sub-distributor | Installer |
|---|---|---|
| `may_pay_for` | installers below it | itself, with leave to pay |
| `may_request_for` | – | itself, without leave to pay |
| `may_start` (pay an order) | its own orders, `may_pay_for` | its own orders, with leave to pay |
| `may_cancel` (an order) | its own, and of payers below it with `may_pay_for` | its own, with or without leave |
| `may_decide` (a request) | `may_pay_for` | – |
| `may_withdraw` (a request) | – | its own |
| `may_stop` (an auto-renewal) | what it or who is below it pays | what it pays |
| `may_choose_card` (of an auto-renewal) | what it pays | what it pays |
| `is_paid_by` (sees the whole order or card) | what it or who is below it pays | what it pays |
| `sees_prices` | its members who do | too, unless its distributor hides them and it may not pay |
| `sees_amounts` (what somebody pays) | `sees_prices` | `sees_prices`, and always what it pays itself |

The operator sees all of it and pays nothing. Technicians and managers have none of these rights; a manager sees prices.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.errors import NotPermitted
from accounts.models import Kind, Organization, firm_of
from accounts.scope import RESELLERS, Actor, Grant, Role
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order, RenewalRequest

PAYERS = RESELLERS | {Role.INSTALLER}  # the roles whose firms can pay


# --- pay ----------------------------------------------------------------------------------------------------------------


def may_pay(actor: Actor) -> bool:
    """Whether the actor manages what its firm pays: a member of a reseller or installer who manages subscriptions."""
    return actor.role in PAYERS and Grant.MANAGES_SUBSCRIPTIONS in actor.grants


def may_pay_for(actor: Actor, installer: Organization) -> bool:
    """Whether the actor may pay regularly for this installer's sites (R5): a member who manages subscriptions, of a reseller
    above it or of itself if allowed."""
    if not may_pay(actor):
        return False
    if actor.role in RESELLERS:
        return installer.path.startswith(actor.path)
    return installer.pk == actor.organization_id and installer.pays_regular


def payable_installers(actor: Actor) -> QuerySet[Organization]:
    """The installers whose sites the actor's firm may pay for; the caller has checked the grant."""
    installers = Organization.objects.visible_to(actor).installers().filter(is_active=True)
    if actor.role in RESELLERS:
        return installers
    if actor.role is Role.INSTALLER:
        return installers.filter(pk=actor.organization_id, pays_regular=True)
    return installers.none()


def may_request_for(actor: Actor, installer: Organization) -> bool:
    """Whether the actor may request instead of paying: an installer's member who manages subscriptions, where the firm may not pay."""
    return (
        actor.role is Role.INSTALLER
        and installer.pk == actor.organization_id
        and may_pay(actor)
        and not installer.pays_regular
    )


def may_start(actor: Actor, order: Order) -> bool:
    """Whether the actor may pay this order: a member of its payer, as long as the payer may pay for its sites (R5)."""
    return order.payer_id == actor.organization_id and may_pay_for(actor, order.installer)


def may_be_paid(order: Order) -> bool:
    """Whether a person can pay or cancel this order: it waits for its money, and no auto-renewal charges it."""
    return order.state == Order.State.PROCESSING and order.type != Order.Type.AUTO_RENEWAL


def may_reorder(actor: Actor, order: Order) -> bool:
    """Whether the actor may place an order for the same items again; what an auto-renewal ordered it orders again itself."""
    return order.type != Order.Type.AUTO_RENEWAL and may_start(actor, order)


def may_cancel(actor: Actor, order: Order) -> bool:
    """Whether the actor may cancel an unpaid order: a member of its payer who manages subscriptions, even if the firm may not pay any more;
    or, of a reseller above the payer, a member who may pay."""
    if not may_pay(actor):
        return False
    if order.payer_id == actor.organization_id:
        return True
    return actor.role in RESELLERS and order.payer.path.startswith(actor.path) and may_pay_for(actor, order.installer)


def may_still_pay(payer: Organization, installer: Organization) -> bool:
    """Whether an auto-renewal's payer is still above the installer, or is the installer itself with the permission to pay (R43)."""
    if not payer.is_active:
        return False
    if payer.kind == Kind.INSTALLER:
        return payer.pk == installer.pk and payer.pays_regular
    return installer.path.startswith(payer.path)


# --- decide -------------------------------------------------------------------------------------------------------------


def may_decide(actor: Actor, request: RenewalRequest) -> bool:
    """Whether the actor may approve or refuse a request: a member of a reseller above the installer who may pay for it."""
    return actor.role in RESELLERS and may_pay_for(actor, request.installer)


def awaits_decision(request: RenewalRequest) -> bool:
    """Whether a request can be decided or withdrawn: it is live, and no order was placed from its cart."""
    return request.is_live and (request.cart is None or request.cart.order_id is None)


def decidable(actor: Actor) -> QuerySet[RenewalRequest]:
    """The requests that this person may act on; none for a person who may not pay for others."""
    found = RenewalRequest.objects.visible_to(actor).waiting()
    return found if actor.role in RESELLERS and may_pay(actor) else found.none()


def may_withdraw(actor: Actor, request: RenewalRequest) -> bool:
    """Whether the actor may withdraw a request: any member of the installer who manages subscriptions."""
    return actor.organization_id == request.installer_id and Grant.MANAGES_SUBSCRIPTIONS in actor.grants


def may_stop(actor: Actor, auto_renewal: AutoRenewal) -> bool:
    """Whether the actor may stop an auto-renewal: its payer, and firms above the payer."""
    return may_pay(actor) and auto_renewal.payer.path.startswith(actor.path)


def stoppable_at(actor: Actor, targets: Iterable[int]) -> frozenset[int]:
    """Those of the targets of which an auto-renewal renews something that the actor may stop; one statement."""
    if not may_pay(actor):
        return frozenset()
    items = AutoRenewalItem.objects.visible_to(actor).live().filter(entitlement__target__in=list(targets))
    active = items.filter(auto_renewal__state=AutoRenewal.State.ACTIVE).select_related(
        "entitlement", "auto_renewal__payer"
    )
    return frozenset(row.entitlement.target_id for row in active if may_stop(actor, row.auto_renewal))


def may_choose_card(actor: Actor, auto_renewal: AutoRenewal) -> bool:
    """Whether the actor may choose the card of an auto-renewal: a member of its payer who manages subscriptions."""
    return may_pay(actor) and auto_renewal.payer_id == actor.organization_id


def refuse_others_card(actor: Actor, auto_renewal: AutoRenewal) -> None:
    """Refuse an actor who may not choose the card of this auto-renewal."""
    if not may_choose_card(actor, auto_renewal):
        raise NotPermitted(_("Whoever pays chooses the card."))


# --- see ----------------------------------------------------------------------------------------------------------------


def is_paid_by(actor: Actor, paid: Order | AutoRenewal) -> bool:
    """Whether the actor sees the whole of an order or auto-renewal, with its card and the bank's answers: its payer is the actor's
    organization or below it (R1)."""
    return actor.sees_all or (actor.role is not Role.MANAGER and paid.payer.path.startswith(actor.path))


def sees_prices(actor: Actor) -> bool:
    """Whether prices are shown: to members whose firm shows them to them, never to technicians. An installer that may not pay sees them
    unless its distributor hides them."""
    if Grant.SEES_PRICES not in actor.grants:
        return False
    if actor.role is Role.INSTALLER:
        firm = firm_of(actor)
        return firm is not None and (firm.sees_prices or firm.may_pay)
    return actor.role is not Role.TECHNICIAN


def refuse_hidden_prices(actor: Actor) -> None:
    """Refuse an actor to whom no prices are shown."""
    if not sees_prices(actor):
        raise NotPermitted


def sees_amounts(actor: Actor, payer_id: int) -> bool:
    """Whether the actor sees amounts that the organization `payer_id` pays. Every page, file, mail and API answer with an amount asks this.
    A person who sees prices sees all amounts; a firm whose distributor hides prices sees those that it pays itself."""
    return sees_prices(actor) or (payer_id == actor.organization_id and Grant.SEES_PRICES in actor.grants)
