"""Choosing what to activate: the list, the selection on the server, its price."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import NotPermitted, Refused
from accounts.models import Kind, Organization
from accounts.scope import RESELLERS, Actor, Grant, Role
from communities.models import BLOCK_LABELS, Block, Entitlement, targets
from communities.models import Kind as SiteKind
from payments.models import BillingProfile
from subscriptions import periods
from subscriptions.actions.prices import table_for
from subscriptions.errors import MayNotPay
from subscriptions.models import Cart, CartItem, Order
from subscriptions.periods import Rest, Term
from subscriptions.pricing import Item, MissingPrice, Quote, quote
from subscriptions.taxes import tax_for


def may_pay_for(actor: Actor, installer: Organization) -> bool:
    """Whether the actor may pay regularly for this installer's sites (R5): a member who manages subscriptions, of a reseller
    above it or of itself if allowed."""
    if Grant.MANAGES_SUBSCRIPTIONS not in actor.grants:
        return False
    if actor.role in {Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR}:
        return installer.path.startswith(actor.path)
    if actor.role is Role.INSTALLER:
        return installer.pk == actor.organization_id and installer.pays_regular
    return False


def may_start(actor: Actor, order: Order) -> bool:
    """Whether the actor may pay this order: its payer's member, as long as the payer may pay for its sites (R5)."""
    return order.payer_id == actor.organization_id and may_pay_for(actor, order.installer)


def may_cancel(actor: Actor, order: Order) -> bool:
    """Whether the actor may give an unpaid order up: of its payer a member who manages subscriptions, though the firm may not pay any
    more; of a reseller above the payer one who may pay."""
    if actor.role not in RESELLERS | {Role.INSTALLER} or Grant.MANAGES_SUBSCRIPTIONS not in actor.grants:
        return False
    if order.payer_id == actor.organization_id:
        return True
    return actor.role in RESELLERS and order.payer.path.startswith(actor.path) and may_pay_for(actor, order.installer)


def payable_installers(actor: Actor) -> QuerySet[Organization]:
    """The installers whose sites the actor may pay for."""
    installers = Organization.objects.visible_to(actor).installers().filter(is_active=True)
    if actor.role in {Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR}:
        return installers
    if actor.role is Role.INSTALLER:
        return installers.filter(pk=actor.organization_id, pays_regular=True)
    return installers.none()


def free_items(actor: Actor) -> QuerySet[Entitlement]:
    """What Activate is for: configured, never activated, in no open order, not waiting for a monitor (R17, R25, R47, R48)."""
    return Entitlement.objects.visible_to(actor).wanted().never_activated().filter(reserved_by=None).unblocked()


def in_open_orders(actor: Actor) -> QuerySet[Entitlement]:
    """What is being activated: never active so far, and in an open order."""
    return Entitlement.objects.visible_to(actor).wanted().never_activated().exclude(reserved_by=None)


def activatable(actor: Actor, *, installer: Organization, site_kind: str) -> QuerySet[Entitlement]:
    """What Activate offers for an installer and a project type."""
    return free_items(actor).filter(installer=installer, site__kind=site_kind)


def extendable(
    actor: Actor, *, installer: Organization, site_kind: str, term: Term, now: datetime
) -> QuerySet[Entitlement]:
    """What Renew offers for an installer and a project type: what was activated once, is wanted, and is in no open order (R25, R47, R48).
    With the rest of what is paid as the term what Upgrade is for, which `extending.items_of` looks at once more: it runs, and is paid for
    something else."""
    found = Entitlement.objects.visible_to(actor).wanted().filter(
        installer=installer, site__kind=site_kind, reserved_by=None, expires_at__isnull=False
    )  # fmt: skip
    return found.filter(expires_at__gt=now).exclude(variant=F("paid_variant")) if isinstance(term, Rest) else found


def as_items(entitlements: QuerySet[Entitlement]) -> list[Item]:
    """Entitlements as what `quote` prices; one query."""
    rows = entitlements.order_by("site_id", "service_type", "variant", "pk").values_list(
        "pk",
        "service_type",
        "variant",
        "expires_at",
        "site__time_zone",
        "anchor_at",
        "works_until",
        "site__kind",
        "site_id",
        "installer_id",
    )
    return [
        Item(
            pk,
            service_type,
            variant,
            expires_at,
            zone,
            anchor_at=anchor,
            works_until=works_until,
            project_type=kind,
            site_id=site_id,
            installer_id=installer_id,
        )
        for pk, service_type, variant, expires_at, zone, anchor, works_until, kind, site_id, installer_id in rows
    ]


def priced(
    entitlements: QuerySet[Entitlement],
    *,
    distributor: Organization,
    months: int,
    now: datetime,
    billing: BillingProfile | None = None,
) -> Quote:
    """What activating or extending these costs whoever is billed by `billing`; without it tax is left out. Raises CantQuote."""
    tax = tax_for(billing)
    return quote(as_items(entitlements), periods.Months(months), now, table_for(distributor, at=now), (), tax)


NAMED = 5  # items that a sentence names; the others are counted


@dataclass(frozen=True, slots=True)
class Selection:
    """What was ticked: the items that can be taken, and of the others the names with why not."""

    ids: tuple[int, ...]
    left_out: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How many fell out, and which."""
        count = len(self.left_out)
        names = "; ".join(self.left_out[:NAMED])
        if count > NAMED:
            names = ngettext("%(names)s; and %(n)s more", "%(names)s; and %(n)s more", count - NAMED) % {
                "names": names,
                "n": count - NAMED,
            }
        return ngettext(
            "%(n)s of the ticked items is left out: %(names)s.",
            "%(n)s of the ticked items are left out: %(names)s.",
            count,
        ) % {"n": count, "names": names}

    def refuse_left_out(self) -> None:
        """Raise Refused unless everything that was ticked can be taken."""
        if self.left_out:
            raise Refused(self.sentence)


def judged(actor: Actor, ticked: Iterable[int], free: QuerySet[Entitlement]) -> Selection:
    """Judge exactly what was ticked against what can be taken now.

    Refuses an empty selection, and one with ids that the actor does not see, be they somebody else's or nobody's (R1). What was there when the
    page was made and can't be taken any more is left out by name. A handful of statements, however many items.
    """
    wanted = set(ticked)
    if not wanted:
        raise Refused(_("Tick at least one item."))
    seen = Entitlement.objects.visible_to(actor).filter(pk__in=wanted)
    if absent := len(wanted) - seen.count():
        raise Refused(
            ngettext(
                "%(n)s of the ticked items is not there any more. Nothing was done: look at the list again.",
                "%(n)s of the ticked items are not there any more. Nothing was done: look at the list again.",
                absent,
            )
            % {"n": absent}
        )
    found = set(free.filter(pk__in=wanted).values_list("pk", flat=True))
    # All are seen, so they are named by id alone: SQLite takes no more than some 32,000 values in one statement.
    gone = Entitlement.objects.filter(pk__in=wanted - found).select_related(*targets.named())
    return Selection(tuple(sorted(found)), tuple(f"{item} ({_why_not(item)})" for item in gone.order_by("pk")))


def _why_not(item: Entitlement) -> str:
    """Why an item can't be activated, in a word or two. The number of the order that has it is not everybody's to read."""
    if not item.variant:
        return _("switched off")
    if item.expires_at is not None:
        return _("activated already")
    if item.reserved_by is not None:
        return _("in an open order")
    if item.blocked:
        return str(BLOCK_LABELS[Block(item.blocked)])
    return _("requested already or not on this list")


@transaction.atomic
def fill_cart(
    actor: Actor, *, installer_id: int, site_kind: str, entitlement_ids: Iterable[int], months: int, now: datetime
) -> Cart:
    """Keep a selection on the server. Refuses items that can't be activated now, and an empty selection."""
    installer = Organization.objects.visible_to(actor).filter(kind=Kind.INSTALLER).get(pk=installer_id)
    if not may_pay_for(actor, installer):
        raise MayNotPay
    if site_kind not in SiteKind.values:
        raise Refused(_("Choose a project type."))
    _refuse_months(months)
    found = judged(actor, entitlement_ids, activatable(actor, installer=installer, site_kind=site_kind))
    found.refuse_left_out()
    if actor.user_id is None:
        raise NotPermitted
    cart = Cart.objects.create(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        installer=installer,
        site_kind=site_kind,
        months=months,
        created_at=now,
    )
    CartItem.objects.bulk_create(CartItem(cart=cart, entitlement_id=pk) for pk in found.ids)
    return cart


@transaction.atomic
def change_term(actor: Actor, *, cart_id: int, months: int, now: datetime) -> Cart:
    """Choose for how many months a cart buys. Refuses what reaches too far ahead (R45), and a cart whose order is placed."""
    cart = (
        Cart.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .select_related("installer__distributor")
        .get(pk=cart_id)
    )
    if not may_pay_for(actor, cart.installer):
        raise MayNotPay
    if cart.order_id is not None:
        raise Refused(_("This order is placed already; its term can't be changed any more."))
    _refuse_months(months)
    distributor = cart.installer.distributor
    if distributor is not None:
        with suppress(MissingPrice):  # that is said where the price would stand, whatever the term
            priced(contents(cart), distributor=distributor, months=months, now=now)
    cart.months = months
    cart.save(update_fields=["months"])
    return cart


def _refuse_months(months: int) -> None:
    if not 1 <= months <= periods.MAX_MONTHS:
        raise Refused(_("Choose between 1 and %(n)s months.") % {"n": periods.MAX_MONTHS}, field="months")


def contents(cart: Cart) -> QuerySet[Entitlement]:
    """The entitlements of a cart."""
    return Entitlement.objects.filter(pk__in=CartItem.objects.filter(cart=cart).values("entitlement_id"))
