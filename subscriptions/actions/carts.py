"""Carts: what Activate and Renew offer, the selection stored on the server, and its price."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import NotPermitted, Refused
from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities.models import BLOCK_LABELS, Block, Entitlement, status, targets
from communities.models import Kind as SiteKind
from payments.models import BillingProfile
from subscriptions import periods, rights
from subscriptions.errors import MayNotPay
from subscriptions.id_digests import Mark
from subscriptions.items import free, free_items, with_money
from subscriptions.models import Cart, Selection
from subscriptions.periods import Rest, Term
from subscriptions.prices import CantQuote, MissingPrice, PriceTable
from subscriptions.pricing import quote
from subscriptions.quotes import Item, Quote
from subscriptions.selections import MOST_TICKED, NAMED, Filter, alike, keep_shown
from subscriptions.tables import table_for
from subscriptions.taxes import tax_for


def activatable(actor: Actor, *, installer: Organization, site_kind: str) -> QuerySet[Entitlement]:
    """The items that Activate offers for an installer and a project type."""
    return free_items(actor).filter(installer=installer, site__kind=site_kind)


def extendable(
    actor: Actor, *, installer: Organization, site_kind: str, term: Term, now: datetime
) -> QuerySet[Entitlement]:
    """The items that Renew offers for an installer and a project type: activated before, wanted, and in no open order (R25, R47, R48). With
    the rest of the paid time as term, the items that Upgrade offers; `extending.items_of` checks them again: running, and paid for
    another variant."""
    found = with_money(Entitlement.objects.visible_to(actor).wanted()).filter(
        installer=installer, site__kind=site_kind, reserved_by=None, expires_at__isnull=False
    )  # fmt: skip
    return found.filter(status.ends_after(now), status.DIFFERS) if isinstance(term, Rest) else found


def priced(
    entitlements: QuerySet[Entitlement],
    *,
    distributor: Organization,
    months: int,
    now: datetime,
    billing: BillingProfile | None = None,
    with_keys: bool = True,
    prices: PriceTable | None = None,
) -> Quote:
    """The price of activating or extending these, for the payer with `billing`; without billing information tax is left out. Raises
    CantQuote. `prices` are those of the distributor, if the caller has them. Without keys there is no fingerprint, and lines have no
    items."""
    items = alike(entitlements, with_keys=with_keys)
    prices = prices or table_for(distributor, at=now)
    return quote(items, periods.Months(months), now, prices, (), tax_for(billing))


def each_priced(rows: Iterable[Entitlement], *, prices: PriceTable, months: int, now: datetime) -> dict[int, int]:
    """The price of activating each of some items, by id; their sites are loaded. Uses no statement. Raises CantQuote."""
    kinds: dict[tuple[str, str, str, str, str], list[Entitlement]] = {}
    for row in rows:
        site = row.site
        kinds.setdefault((row.service_type, row.variant, site.kind, site.price_class, site.time_zone), []).append(row)
    items = [
        Item(at, service, variant, zone=zone, project_type=kind, price_class=priced_as).of_all(
            [row.pk for row in of_kind]
        )
        for at, ((service, variant, kind, priced_as, zone), of_kind) in enumerate(kinds.items())
    ]
    priced = quote(items, periods.Months(months), now, prices)
    return {key: line.each_minor for line in priced.lines for key in line.item.keys}


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of checking a selection: the available items as a filter with exceptions, and the names of the others with the reason."""

    matching: Filter
    exceptions: frozenset[int] = frozenset()
    left_out: tuple[str, ...] = ()
    is_empty: bool = False

    @property
    def sentence(self) -> str:
        """How many were left out, and which."""
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
        """Raise Refused unless everything that was ticked is available."""
        if self.left_out:
            raise Refused(self.sentence)

    def refuse_nothing(self) -> None:
        """Raise Refused where nothing is available."""
        if self.is_empty:
            raise Refused(self.sentence if self.left_out else _("Tick at least one item."))


def assessed(actor: Actor, ticked: Iterable[int], free: QuerySet[Entitlement], within: Filter) -> Assessment:
    """Check exactly what was ticked against what is available now; `within` limits it to an installer and project type.

    Refuses an empty selection, and one with ids that the actor does not see, whether they exist or not (R1). Items that are no longer
    available are left out by name. The number of statements does not depend on the number of items.
    """
    wanted = set(ticked)
    if not wanted:
        raise Refused(_("Tick at least one item."))
    if len(wanted) > MOST_TICKED:
        raise Refused(
            _("At most %(n)s items can be ticked one by one. Select all that match instead.") % {"n": MOST_TICKED}
        )
    _refuse_unseen(actor, wanted)
    found = set(free.filter(pk__in=wanted).values_list("pk", flat=True))
    left_out = _why_left_out(actor, wanted - found)
    return Assessment(
        Filter(within.installer_id, within.project_type, ids=tuple(sorted(found))),
        left_out=left_out,
        is_empty=not found,
    )


def assessed_all(
    actor: Actor, shown: Mark, free: QuerySet[Entitlement], within: Filter, *, exceptions: Collection[int]
) -> Assessment:
    """Check a list that was selected as a whole, as it was shown, minus what was unticked: the present state is ordered.

    Newer items are not included; items that came back since are exceptions; items that are no longer available are left out by name.
    Refuses a list that changed by more than `Difference` can name.
    """
    matching = replace(within, up_to=shown.newest)
    items = matching.narrow(free)
    now = Mark.of(items).digest
    moved = shown.digest.until(now)
    if not moved.is_whole:
        raise Refused(
            _(
                "The list changed since it was shown: %(before)s items matched, now %(now)s. Nothing was done: look at the list again."
            )
            % {"before": shown.digest.count, "now": now.count}
        )
    _refuse_unseen(actor, moved.went)
    if items.filter(pk__in=moved.came).count() != len(moved.came):
        raise Refused(_("Tick at least one item."))
    left_out = frozenset(exceptions) | moved.came
    is_empty = not items.exclude(pk__in=left_out).exists()
    return Assessment(matching, left_out, _why_left_out(actor, moved.went - set(exceptions)), is_empty)


def _refuse_unseen(actor: Actor, wanted: Collection[int]) -> None:
    if absent := len(wanted) - Entitlement.objects.visible_to(actor).filter(pk__in=wanted).count():
        raise Refused(
            ngettext(
                "%(n)s of the ticked items is not there any more. Nothing was done: look at the list again.",
                "%(n)s of the ticked items are not there any more. Nothing was done: look at the list again.",
                absent,
            )
            % {"n": absent}
        )


def _why_left_out(actor: Actor, ids: Collection[int]) -> tuple[str, ...]:
    """The names of items that are not available, each with the reason; one statement."""
    gone = Entitlement.objects.visible_to(actor).filter(pk__in=ids).order_by("pk")
    named = gone.select_related(*targets.named())
    return tuple(f"{item} ({_why_not(item)})" for item in named)


def _why_not(item: Entitlement) -> str:
    """Why an item can't be activated, in a few words. It does not name the order that reserves the item, since not everybody may know it."""
    if item.site.pays_credits:
        return _("paid with credits")
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
    actor: Actor,
    *,
    installer_id: int,
    site_kind: str,
    months: int,
    now: datetime,
    entitlement_ids: Iterable[int] = (),
    matching: Filter | None = None,
    exceptions: Collection[int] = (),
) -> Cart:
    """Store a selection on the server: what was ticked one by one, or all that match but for the exceptions. Its present price is stored
    with it. Refuses ticked items that can't be activated now, and an empty selection."""
    installer = (
        Organization.objects.visible_to(actor)
        .filter(kind=Kind.INSTALLER)
        .select_related("distributor")
        .get(pk=installer_id)
    )
    if not rights.may_pay_for(actor, installer):
        raise MayNotPay
    if site_kind not in SiteKind.values:
        raise Refused(_("Choose a project type."))
    _refuse_months(months)
    if matching is None:
        free = activatable(actor, installer=installer, site_kind=site_kind)
        found = assessed(actor, entitlement_ids, free, Filter(installer.pk, site_kind))
        found.refuse_left_out()
        matching = found.matching
    elif (matching.installer_id, matching.project_type) != (installer.pk, site_kind):
        raise NotPermitted
    return new_cart(actor, installer, matching, exceptions=exceptions, months=months, now=now)


def new_cart(
    actor: Actor,
    installer: Organization,
    wanted: Filter,
    *,
    months: int,
    now: datetime,
    exceptions: Collection[int] = (),
) -> Cart:
    """Create a cart of what a filter means, with its present price. The caller has checked that the actor may pay. Refuses an empty one."""
    if actor.user_id is None or actor.organization_id is None:
        raise NotPermitted
    selection = Selection(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        filter=wanted.stored,
        exceptions=sorted(exceptions),
        created_at=now,
    )
    cart = Cart(
        organization_id=actor.organization_id, user_id=actor.user_id, installer=installer, site_kind=wanted.project_type,
        months=months, selection=selection, created_at=now,
    )  # fmt: skip
    if not contents(cart, actor).exists():
        raise Refused(_("Tick at least one item."))
    keep_shown(selection, _price_of(actor, cart, now=now))
    selection.save()
    cart.selection = selection
    cart.save()
    return cart


def show_again(actor: Actor, cart: Cart, *, now: datetime) -> None:
    """Store what a cart is shown with from now on. The caller holds its lock."""
    keep_shown(cart.selection, _price_of(actor, cart, now=now))
    cart.selection.save()


def _price_of(actor: Actor, cart: Cart, *, now: datetime) -> Quote | None:
    """The price of a cart for its payer, with the tax of its billing information; None where it has no price."""
    if cart.installer.distributor is None:
        return None
    billing = BillingProfile.objects.filter(organization=cart.organization_id).first()
    with suppress(CantQuote):
        return priced(
            contents(cart, actor), distributor=cart.installer.distributor, months=cart.months, now=now, billing=billing
        )
    return None


@transaction.atomic
def change_term(actor: Actor, *, cart_id: int, months: int, now: datetime) -> Cart:
    """Choose the number of months of a cart. Refuses too many (R45), and a cart whose order is placed."""
    cart = (
        Cart.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .select_related("installer__distributor", "selection")
        .get(pk=cart_id)
    )
    if not rights.may_pay_for(actor, cart.installer):
        raise MayNotPay
    if cart.order_id is not None:
        raise Refused(_("This order is placed already; its term can't be changed any more."))
    _refuse_months(months)
    distributor = cart.installer.distributor
    if distributor is not None:
        with suppress(MissingPrice):  # the page shows that problem in place of the price, whatever the term
            priced(contents(cart, actor), distributor=distributor, months=months, now=now, with_keys=False)
    cart.months = months
    cart.save(update_fields=["months"])
    show_again(actor, cart, now=now)
    return cart


def _refuse_months(months: int) -> None:
    if not 1 <= months <= periods.MAX_MONTHS:
        raise Refused(_("Choose between 1 and %(n)s months.") % {"n": periods.MAX_MONTHS}, field="months")


def contents(cart: Cart, actor: Actor | None = None) -> QuerySet[Entitlement]:
    """The entitlements of a cart that the actor sees. Of a placed cart those of its order; otherwise exactly the ticked ones, even if some
    are not available any more, or all available ones that its filter means."""
    items = Entitlement.objects.all() if actor is None else Entitlement.objects.visible_to(actor)
    if cart.order_id is not None:
        return items.filter(lines__order=cart.order_id)
    wanted = Filter.read(cart.selection.filter)
    found = wanted.narrow(items if wanted.ids is not None else free(items))
    return found.exclude(pk__in=cart.selection.exceptions) if cart.selection.exceptions else found


def available(cart: Cart, actor: Actor) -> QuerySet[Entitlement]:
    """The entitlements of an open cart that can be activated now."""
    wanted = Filter.read(cart.selection.filter)
    return wanted.narrow(free_items(actor)).exclude(pk__in=cart.selection.exceptions)
