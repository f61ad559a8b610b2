"""What a paid order does: it extends or upgrades its items, by kind of line, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import IntegrityError
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import AuditEvent
from accounts.scope import Actor
from communities import catalogue
from communities.models import Entitlement, Site
from subscriptions import bulk_sql, notices
from subscriptions.actions import auto_renewals, request_decisions, transitions
from subscriptions.audit import ORDER_SUCCEEDED
from subscriptions.errors import NotApplied
from subscriptions.models import AutoRenewal, LineKind, Order, OrderEvent

SETTLEMENT = Actor.system("settlement")
PM_APP_SWITCHED_ON = audit.Word(
    "site.pm_app_switched_on",
    gettext_lazy("PM App switched on by its activation"),
    area=audit.Area.SERVICES,
    saves=True,
)

Apply = Callable[[Order, Sequence[bulk_sql.Held], bool, datetime], tuple[int, datetime, str]]


def _upgrade(order: Order, held: Sequence[bulk_sql.Held], turns: bool, now: datetime) -> tuple[int, datetime, str]:
    """Apply the upgrade lines: more parts until the items' paid end. Returns how many, the latest end, and its time zone."""
    count = bulk_sql.upgrade(order, turns=turns, now=now)
    return count, *max((group.base.expires_at or now, group.base.zone) for group in held)


def _extend(order: Order, held: Sequence[bulk_sql.Held], turns: bool, now: datetime) -> tuple[int, datetime, str]:
    """Apply activation and renewal lines: each line's duration from the present base. Returns how many, the latest end, and its time zone."""
    made = bulk_sql.extensions({group.base for group in held}, now=now)
    count = bulk_sql.extend(order, made, turns=turns, now=now)
    return count, *max((extension.ends_at, extension.base.zone) for extension in made)


APPLIED: tuple[tuple[tuple[LineKind, ...], Apply], ...] = (  # the effect of a payment by kind of line, in this order
    ((LineKind.UPGRADE,), _upgrade),
    ((LineKind.ACTIVATION, LineKind.RENEWAL), _extend),
)


def fulfil(
    order: Order, *, now: datetime, touched: list[AutoRenewal] | None = None, timeline: Sequence[OrderEvent] = ()
) -> None:
    """Apply a paid order once, by kind of line, in the caller's transaction (R49, R52).

    The caller holds the locks of sites, payer and order, and of the auto-renewals in `touched`, if it gives them. `timeline` has events to
    write before. The number of statements does not depend on the number of lines. Raises NotApplied where an item does not belong to the
    order any more or can't have what was bought; the caller must roll back.
    """
    before = order.state
    transitions.transition(order, Order.State.SYSTEM_PROCESSING, Order.State.SUCCEED, now=now)
    held = bulk_sql.hold(order)
    if sum(group.count for group in held) != order.line_count:
        raise NotApplied(_("Some items are not in order %(number)s any more.") % {"number": order.number})
    applied, until, zone = 0, None, "UTC"
    turns = any(group.turns or group.kind == LineKind.UPGRADE for group in held)
    try:
        for kinds, apply in APPLIED:
            if mine := [group for group in held if group.kind in kinds]:
                count, until, zone = apply(order, mine, turns, now)
                applied += count
    except IntegrityError as taken:  # the unique constraint: a period with this start exists
        raise NotApplied(_changed(order)) from taken
    if applied != order.line_count:
        raise NotApplied(_changed(order))
    written = _switch_on(order, held, now=now)
    touched = auto_renewals.lock(auto_renewals.of_order(order)) if touched is None else touched
    if order.type == Order.Type.AUTO_RENEWAL:
        auto_renewals.record_success(order, touched, now=now)
    else:
        auto_renewals.reschedule(touched, now=now)
    done = transitions.new_event(
        order, "applied", now=now, items=order.line_count, until=until.isoformat() if until else None
    )
    OrderEvent.objects.bulk_create([*timeline, done])
    if any(group.is_asked for group in held):
        request_decisions.record_paid(order, now=now)
    notices.order_succeeded(order, until=until, zone=zone, now=now)
    after = {"state": order.state, "items": order.line_count, "total_minor": order.total_minor}
    succeeded = audit.event(
        SETTLEMENT, ORDER_SUCCEEDED, order, now=now, tenant=order.payer, before={"state": before}, after=after
    )
    audit.record_all([*written, succeeded])


def _changed(order: Order) -> str:
    return _("Some items of order %(number)s changed while it was applied.") % {"number": order.number}


def _switch_on(order: Order, held: Sequence[bulk_sql.Held], *, now: datetime) -> list[AuditEvent]:
    """Activating the first PM App of a community switches the PM App on there (R13). The sites are locked. Returns the events to audit."""
    written = []
    for entry in catalogue.HOLDING:
        if all(group.base.service_type != entry.code for group in held):
            continue
        of_order = Entitlement.objects.filter(lines__order=order, service_type=entry.code)
        sites = list(Site.every.filter(entitlements__in=of_order, **{entry.holds: False}).distinct().order_by("pk"))
        if not sites:
            continue
        Site.every.filter(pk__in=[site.pk for site in sites]).update(version=F("version") + 1, **{entry.holds: True})
        after = {entry.holds: True, "order": order.number}
        written += [
            audit.event(
                SETTLEMENT, PM_APP_SWITCHED_ON, site, now=now, tenant=site, site_id=site.pk,
                before={entry.holds: False}, after=after,
            )
            for site in sites
        ]  # fmt: skip
    return written
