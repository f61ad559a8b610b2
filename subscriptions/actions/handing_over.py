"""Accepting a site from another installer: everything current of the site changes its tenant, what belonged to the old one ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import Actor
from accounts.typed import text
from accounts.typed.keys import identity_key
from communities.actions.entitlements import sync_site
from communities.actions.pms import end_connection
from communities.actions.registrations import end_codes
from communities.errors import NameTaken
from communities.models import (
    Apartment,
    ApartmentImport,
    Entitlement,
    ManagerAssignment,
    Site,
    TechnicianAssignment,
)
from devices.models import Device, LibraryEntry
from subscriptions import handover as dry_runs
from subscriptions import notices
from subscriptions.actions import auto_renewals, handovers, request_decisions, tenancy
from subscriptions.errors import HandoverOutdated
from subscriptions.models import AutoRenewal, AutoRenewalItem, Cart, Handover, RenewalRequest, Selection
from subscriptions.selections import Filter

SITE_RECEIVED = audit.Word(
    "site.received",
    gettext_lazy("Site taken over from another installer"),
    gettext_lazy("%(what)s taken over from another installer"),
    area=audit.Area.PEOPLE,
    saves=True,
)
SITE_GIVEN = audit.Word(
    "site.given",
    gettext_lazy("Site handed over to another installer"),
    gettext_lazy("%(what)s handed over to another installer"),
    area=audit.Area.PEOPLE,
)


@transaction.atomic
def accept(actor: Actor, *, handover_id: int, digest: str, now: datetime, name: str = "") -> Handover:
    """Take a site over, exactly as the dry run with this digest showed it; `name` is a new name for it.

    For a member, not a technician, of the installer that was asked. The site's current rows get its tenant keys, paid time goes along,
    devices go with their rows of the library. Its items leave all auto-renewals, carts and requests; managers and technicians of the old
    installer lose it. Orders, their lines, periods, bulk changes and the audit stay the old installer's (R26). Refuses what is answered,
    withdrawn or expired, a site with an open order or an awaited payment, and a name that the installer has already, which needs a new
    one (R77). Raises HandoverOutdated where the dry run shows something else now. Mails both sides and whoever paid. Locks, each in the
    order of ids: imports → carts → site → apartments → MACs of the library → organizations → auto-renewals → entitlements → requests.
    """
    found = Handover.objects.visible_to(actor).select_related("site").get(pk=handover_id)
    if not handovers.may_answer(actor, found):
        raise NotPermitted
    imports = ApartmentImport.objects.filter(site=found.site_id).order_by("pk")
    list(imports.select_for_update(of=("self",), no_key=True).values_list("pk"))
    carts = _lock_carts(found.site)
    site = Site.objects.select_for_update(no_key=True).get(pk=found.site_id)
    handover = Handover.objects.select_related("giver", "taker", "asker").get(pk=handover_id)
    handover.site = site
    handovers.refuse_closed(handover, now=now)
    entries = _lock_rows(site)
    giver, taker = _lock_firms(handover)
    renewing = _lock_what_is_paid(site)
    if hindrances := dry_runs.obstacles(actor, site):
        raise Refused(" ".join(hindrances))
    run = dry_runs.dry_run(site, now)
    if run.digest != digest:
        raise HandoverOutdated
    former_name = site.name
    _rename(site, taker, name)
    payers = {row.payer for row in renewing}
    auto_renewals.drop_items(site, renewing, actor=handovers.HANDOVERS, now=now)
    _empty(site, carts)
    imports.filter(started_at=None).delete()  # what somebody of the old installer typed, and nobody wrote
    _end_assignments(site, now=now)
    request_decisions.drop_items(site, now=now)
    keys = {"installer_id": taker.pk, "subdistributor_id": taker.subdistributor_id}
    _move_devices(site, entries, keys)
    rows = _move(site, keys)
    handover.state, handover.decided_by_id, handover.decided_at = Handover.State.ACCEPTED, actor.user_id, now
    handover.site_name, handover.site_city, handover.counts = former_name, site.city, dict(run.counts)
    handover.save()
    _record(actor, handover, site, giver=giver, taker=taker, rows=rows, now=now)
    notices.handover_done(handover, payers=payers, by=actor, now=now)
    return handover


def _lock_carts(site: Site) -> list[int]:
    """Lock the carts that may name items of the site, and what is chosen in them. A later cart finds the items gone."""
    ids = list(
        dry_runs.open_carts(site)
        .select_related(None)
        .select_for_update(of=("self",), no_key=True)
        .values_list("pk", flat=True)
    )
    chosen = Selection.objects.filter(cart__in=ids).order_by("pk")
    list(chosen.select_for_update(of=("self",), no_key=True).values_list("pk"))
    return ids


def _lock_rows(site: Site) -> list[int]:
    """Lock the apartments, and the MACs of the library that go along; returns the ids of these. The other rows of the site change only under
    its own lock."""
    apartments = Apartment.every.filter(site=site).order_by("pk")
    list(apartments.select_for_update(of=("self",), no_key=True).values_list("pk"))
    entries = dry_runs.entries(site).order_by("pk").select_for_update(no_key=True)
    return list(entries.values_list("pk", flat=True))


def _lock_firms(handover: Handover) -> tuple[Organization, Organization]:
    """Both installers as they are now: neither is moved or closed while the site goes from one to the other. Refuses one that is closed,
    or that belongs to another distributor by now."""
    both = Organization.objects.filter(pk__in=[handover.giver_id, handover.taker_id]).order_by("pk")
    found = {firm.pk: firm for firm in both.select_for_update(no_key=True)}
    giver, taker = found[handover.giver_id], found[handover.taker_id]
    if not taker.is_active or taker.distributor_id != giver.distributor_id:
        raise Refused(_("A site can only go to an active installer of the same distributor."))
    return giver, taker


def _lock_what_is_paid(site: Site) -> list[AutoRenewal]:
    """Lock the auto-renewals that contain items of the site, the items of the site, and the requests that contain some. Returns the
    auto-renewals."""
    ids = AutoRenewalItem.objects.live().filter(site=site).values_list("auto_renewal_id", flat=True)
    auto_renewals.lock(set(ids))
    renewing = list(AutoRenewal.objects.filter(pk__in=set(ids)).select_related("payer").order_by("pk"))
    items = Entitlement.objects.filter(site=site).order_by("pk")
    list(items.select_for_update(of=("self",), no_key=True).values_list("pk"))
    asked = RenewalRequest.objects.filter(items__is_live=True, items__entitlement__site=site).values("pk")
    list(RenewalRequest.objects.filter(pk__in=asked).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return renewing


def _rename(site: Site, taker: Organization, name: str) -> None:
    """Write the name that the site gets, and check that the taker has no other site of it (R77)."""
    name = text.line(name)
    if name and identity_key(name):
        if len(name) > Site._meta.get_field("name").max_length:  # type: ignore[operator]
            raise Refused(_("The name is too long."), field="name")
        site.name = name
    if dry_runs.has_same_name(site, taker.pk, site.name):
        raise NameTaken(
            _("You already have a site called “%(name)s”. Give this one another name.") % {"name": site.name}
        )


def _empty(site: Site, cart_ids: Iterable[int]) -> None:
    """Take the site's items out of these carts; a cart of which nothing is left is deleted. What was shown with a price is forgotten, so
    that the price has to be looked at again."""
    carts = Cart.objects.filter(pk__in=list(cart_ids), order=None).select_related("selection").order_by("pk")
    for cart, left in dry_runs.carts_with(site, carts).items():
        selection = cart.selection
        if not left:
            cart.delete()
            selection.delete()
            continue
        selection.filter = replace(Filter.read(selection.filter), ids=left).stored
        selection.count = selection.total_minor = selection.price_list = None
        selection.digest = selection.currency = ""
        selection.shown = {}
        selection.save()


def _end_assignments(site: Site, *, now: datetime) -> None:
    """People of the old installer and of its managers lose the site at once (R3), and its registration codes and its connection to a property
    management system end. What was paid for a manager's PM App is nobody's."""
    end_codes(Q(site=site), now=now)
    end_connection(site, now=now)
    ManagerAssignment.objects.filter(site=site).update(
        ended_at=Coalesce(F("ended_at"), now), pm_app=False, membership=None
    )
    TechnicianAssignment.objects.filter(site=site).delete()
    sync_site(site)


def _move_devices(site: Site, entries: list[int], keys: dict[str, int | None]) -> None:
    """The MACs in use at the site go to the new installer. Removed devices keep only the MAC where its row of the library is the other
    installer's now: the row goes with the box, and the box is where it is in use."""
    LibraryEntry.objects.filter(pk__in=entries).update(**keys, version=F("version") + 1)
    removed = Device.objects.filter(removed_at__isnull=False)
    removed.filter(site=site).exclude(library_entry__in=entries).update(library_entry=None)
    removed.filter(library_entry__in=entries).exclude(site=site).update(library_entry=None)


def _move(site: Site, keys: dict[str, int | None]) -> dict[str, int]:
    """Write the keys into the site and all of its current rows; returns how many, by model. Triggers keep the summary by day."""
    for name, value in keys.items():
        setattr(site, name, value)
    site.version += 1
    try:
        with transaction.atomic():
            site.save()
    except IntegrityError as error:  # another site of the taker got this name at this moment
        raise NameTaken(_("You already have a site called “%(name)s”.") % {"name": site.name}) from error
    tables = [table for table in tenancy.OF_SITES if table is not Site]
    return tenancy.rewrite(tables, Q(site=site), keys)


def _record(
    actor: Actor,
    handover: Handover,
    site: Site,
    *,
    giver: Organization,
    taker: Organization,
    rows: dict[str, int],
    now: datetime,
) -> None:
    """Audit it at the new installer, by who accepted, and at the old one, which reads the name that the site had there."""
    before: dict[str, object] = {"installer_id": giver.pk}
    after: dict[str, object] = {"installer_id": taker.pk, "rows": {name: n for name, n in rows.items() if n}}
    if site.name != handover.site_name:
        before, after = {**before, "name": handover.site_name}, {**after, "name": site.name}
    audit.record(actor, SITE_RECEIVED, site, now=now, tenant=taker, site_id=site.pk, before=before, after=after)
    audit.record(
        handovers.HANDOVERS,
        SITE_GIVEN,
        handover,
        now=now,
        tenant=giver,
        site_id=site.pk,
        before={"state": Handover.State.ASKED.value},
        after={"state": handover.state, "installer_id": taker.pk},
    )
