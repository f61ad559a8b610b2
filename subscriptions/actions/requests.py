"""Requests: an installer that may not pay asks the firm above it that pays (R5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import Actor, Role
from accounts.typed import text
from communities.models import Entitlement, Site
from communities.models import Kind as SiteKind
from subscriptions import audit_sentences, notices, payers, periods, placing, rights
from subscriptions.actions import carts
from subscriptions.models import RenewalRequest, RequestItem
from subscriptions.periods import Rest
from subscriptions.selections import Filter

REQUEST_MADE = audit.Word(
    "request.made",
    gettext_lazy("Request sent to the payer"),
    gettext_lazy("%(what)s sent to the payer"),
    area=audit.Area.ORDERS,
    tells=audit_sentences.requested,
)


def requestable(actor: Actor, *, installer: Organization, site_kind: str) -> QuerySet[Entitlement]:
    """The items that can be activated and are in no request."""
    asked = RequestItem.objects.filter(entitlement=OuterRef("pk"), is_live=True)
    return carts.activatable(actor, installer=installer, site_kind=site_kind).exclude(Exists(asked))


@transaction.atomic
def request_activation(
    actor: Actor,
    *,
    site_kind: str,
    months: int,
    now: datetime,
    entitlement_ids: Iterable[int] = (),
    matching: Filter | None = None,
    exceptions: Collection[int] = (),
    note: str = "",
) -> RenewalRequest:
    """Ask the firm that pays to activate items for some months: those ticked one by one, or all that match now but for the exceptions. The
    request keeps exactly these items, whatever matches later.

    Refuses a firm that may pay itself, items that can't be activated now or are in another request, and an empty selection. Mails the
    people who decide.
    """
    installer = _asking(actor, site_kind)
    if not 1 <= months <= periods.MAX_MONTHS:
        raise Refused(_("Choose between 1 and %(n)s months.") % {"n": periods.MAX_MONTHS}, field="months")
    free = requestable(actor, installer=installer, site_kind=site_kind)
    if matching is None:
        found = carts.assessed(actor, entitlement_ids, free, Filter(installer.pk, site_kind))
        found.refuse_left_out()
        matching = found.matching
    chosen = matching.narrow(free).exclude(pk__in=exceptions)
    kind = RenewalRequest.Kind.ACTIVATION
    return _ask(actor, installer, kind, site_kind, chosen, months=months, note=note, now=now)


@transaction.atomic
def request_upgrade(
    actor: Actor, *, site_kind: str, entitlement_ids: Iterable[int], now: datetime, note: str = ""
) -> RenewalRequest:
    """Ask the firm that pays to pay for parts switched on since these items were paid, until their paid end. Done once such an order is
    paid (`extending.place_extension`). Refuses as `request_activation`, and items without unpaid parts."""
    installer = _asking(actor, site_kind)
    asked = RequestItem.objects.filter(entitlement=OuterRef("pk"), is_live=True)
    wanted = set(entitlement_ids)
    free = carts.extendable(actor, installer=installer, site_kind=site_kind, term=Rest(), now=now).exclude(
        Exists(asked)
    )
    ids = tuple(sorted(item.pk for item in free.filter(pk__in=wanted) if item.unpaid_parts()))
    if not ids or len(ids) < len(wanted):
        raise Refused(_("Choose running items with something on that is not paid for, and in no request yet."))
    chosen = free.filter(pk__in=ids)
    return _ask(actor, installer, RenewalRequest.Kind.UPGRADE, site_kind, chosen, months=0, note=note, now=now)


def _asking(actor: Actor, site_kind: str) -> Organization:
    """The installer that asks; refuses one that may pay itself."""
    if actor.role is not Role.INSTALLER or actor.user_id is None:
        raise NotPermitted
    installer = Organization.objects.select_related("distributor", "subdistributor").get(pk=actor.organization_id)
    if not rights.may_request_for(actor, installer):
        raise NotPermitted(_("Your firm may pay itself.") if installer.pays_regular else None)
    if site_kind not in SiteKind.values:
        raise Refused(_("Choose a project type."))
    return installer


def _ask(
    actor: Actor,
    installer: Organization,
    kind: RenewalRequest.Kind,
    site_kind: str,
    chosen: QuerySet[Entitlement],
    *,
    months: int,
    note: str,
    now: datetime,
) -> RenewalRequest:
    """Write a request, and mail the people who decide."""
    note = text.block(note).strip()
    if len(note) > 500:
        raise Refused(_("The note has room for 500 characters."), field="note")
    above = payers.payer_above(installer)
    assert actor.user_id is not None
    # A site that is handed over at this moment takes its items out of requests: it is before this one, or waits for it
    sites = Site.objects.filter(pk__in=chosen.order_by().values("site_id"))
    list(sites.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    request = RenewalRequest(
        installer=installer,
        distributor=installer.distributor,
        subdistributor=installer.subdistributor,
        requested_by_id=actor.user_id,
        kind=kind,
        site_kind=site_kind,
        months=months,
        note=note,
        created_at=now,
    )
    try:
        with transaction.atomic():  # if two people request the same item at once, the second is refused
            request.save()
            n_items = placing.ask_for(request, chosen)
            if not n_items:
                raise Refused(_("Tick at least one item."))
    except IntegrityError as error:
        raise Refused(_("Somebody requested one of these items at this moment. Look at the list again.")) from error
    audit.record(
        actor, REQUEST_MADE, request, now=now, tenant=request,
        after={"kind": request.kind, "items": n_items, "months": months, "note": request.note},
    )  # fmt: skip
    notices.request_made(request, to=above, now=now)
    return request
