"""Moving an installer to another sub-distributor of the same distributor, with all it owns; and the one way in which rows change tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Substr
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Kind, LongJob, Notice, Organization
from accounts.scope import Actor, Role
from communities.models import (
    Apartment,
    ApartmentImport,
    Building,
    CommercialAccount,
    Entitlement,
    Equipment,
    ExpiryDay,
    ManagerAssignment,
    PmsConnection,
    Registration,
    RegistrationCode,
    Resident,
    ServiceChange,
    Site,
    SiteDraft,
    Target,
    TechnicianAssignment,
)
from communities.models.sites import SiteChild
from devices.models import Device, LibraryEntry
from subscriptions import notices
from subscriptions.actions import auto_renewals
from subscriptions.models import AutoRenewal, AutoRenewalItem, Handover, Order, OrderLine, RenewalRequest
from subscriptions.reasons import Reason

# Every table with the key of a sub-distributor is in one of the next two (a test checks it): rows that move, and rows about the past.
MOVED: tuple[type[models.Model], ...] = (
    Site,
    SiteDraft,
    Building,
    Apartment,
    Resident,
    RegistrationCode,
    Registration,
    PmsConnection,
    ManagerAssignment,
    TechnicianAssignment,
    Target,
    Equipment,
    CommercialAccount,
    Entitlement,
    Device,
    LibraryEntry,
    AutoRenewalItem,
    RenewalRequest,
    LongJob,
    ApartmentImport,
)
STAYS: dict[type[models.Model], str] = {
    Order: "it is frozen with the tenants it was placed under (R26, R40)",
    OrderLine: "it is frozen with its order",
    AuditEvent: "the audit only grows: a change concerned those who were above at that time",
    ExpiryDay: "entitlements that move are counted anew; what was counted of them before comes to nothing when it is folded",
    ServiceChange: "what was changed in bulk concerned those who were above at that time",
    Notice: "mail that was sent to, or about the sites of, those who were above at that time",
}
# What moves when a site is handed over to another installer: the current rows of the site. The rows of a site that stay are next.
OF_SITES: tuple[type[models.Model], ...] = tuple(row for row in MOVED if row is Site or issubclass(row, SiteChild))
STAYS_AT_HANDOVER: dict[type[models.Model], str] = {
    OrderLine: STAYS[OrderLine],
    AutoRenewalItem: "it tells what the old installer's auto-renewal contained; it is live no more",
    ServiceChange: STAYS[ServiceChange],
    ExpiryDay: STAYS[ExpiryDay],
    Handover: "it names both installers",
}
OPEN_ORDERS = (Order.State.PROCESSING, Order.State.SYSTEM_PROCESSING, Order.State.REVIEW)
INSTALLER_MOVED = audit.Word(
    "organization.moved",
    gettext_lazy("Installer moved"),
    gettext_lazy("%(what)s moved with everything it owns"),
    area=audit.Area.PEOPLE,
    saves=True,
)
INSTALLER_MOVED_AWAY = audit.Word(
    "organization.moved_away",
    gettext_lazy("Installer moved away"),
    gettext_lazy("%(what)s was moved away"),
    area=audit.Area.PEOPLE,
)


@dataclass(frozen=True, slots=True)
class Moving:
    """What a move takes along, and what it ends: rows of (what, how many)."""

    taken: tuple[tuple[Promise, int], ...]
    ended: tuple[tuple[Promise, int], ...]


def targets(actor: Actor, installer: Organization) -> QuerySet[Organization]:
    """Where the installer may move: to the distributor itself or one of its active sub-distributors, other than its present place."""
    if actor.role is not Role.DISTRIBUTOR:
        return Organization.objects.none()
    above = Organization.objects.visible_to(actor).filter(
        kind__in=[Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR], is_active=True
    )
    return above.exclude(pk=installer.parent_id or 0).order_by("path")


def moving(actor: Actor, installer: Organization) -> Moving:
    """What would move and what would end, for the page that asks for confirmation."""
    below = {"installer": installer}
    managers = Organization.objects.visible_to(actor).filter(**below, kind=Kind.MANAGER)
    return Moving(
        taken=(
            (gettext_lazy("Sites"), Site.objects.visible_to(actor).filter(**below).count()),
            (gettext_lazy("Apartments"), Apartment.objects.visible_to(actor).filter(**below).count()),
            (gettext_lazy("Devices"), Device.objects.visible_to(actor).filter(**below).active().count()),
            (gettext_lazy("MACs in the library"), LibraryEntry.objects.visible_to(actor).filter(**below).count()),
            (
                gettext_lazy("Services, with their paid time"),
                Entitlement.objects.visible_to(actor).filter(**below).count(),
            ),
            (gettext_lazy("Property managers"), managers.count()),
        ),
        ended=(
            (
                gettext_lazy("Auto-renewals paid by the old sub-distributor"),
                _auto_renewals_of_old_payer(installer).count(),
            ),
        ),
    )


@transaction.atomic
def move_installer(actor: Actor, *, installer_id: int, to_id: int, now: datetime) -> Organization:
    """Move an installer below another sub-distributor of the actor, or directly below the actor, with everything it owns.

    Distributor only. Rewrites the tree and the tenant keys of every row that moves; old orders, audit and sent mail keep theirs.
    Auto-renewals paid by the old sub-distributor end, since it may no longer pay (R43); refuses while it has other open orders.
    Administrators of both sides are mailed. Audited below the new parent and once more for a sub-distributor that loses the installer,
    since it can't read the first row. Both rows name firms by id, so that each reader sees only names it may know (R1). Locks, each in the
    order of ids: drafts → imports → sites → apartments → MACs of the library → organizations → auto-renewals → items → requests → jobs.
    """
    if actor.role is not Role.DISTRIBUTOR:
        raise NotPermitted(_("The distributor moves installers."))
    installer = Organization.objects.visible_to(actor).installers().get(pk=installer_id)
    _lock(installer, to_id)
    installer = Organization.objects.visible_to(actor).select_related("parent").get(pk=installer_id)
    if to_id == installer.parent_id:
        raise Refused(_("It is there already."), field="to")
    target = targets(actor, installer).get(pk=to_id)  # a missing and a foreign installer look alike (R1)
    _refuse_open_orders(installer)
    old = installer.parent
    assert old is not None  # every installer belongs to a distributor
    ended = _end_auto_renewals(actor, installer, now=now)
    before = {"under": old.pk, "subdistributor": installer.subdistributor_id}
    subdistributor_id = target.pk if target.kind == Kind.SUBDISTRIBUTOR else None
    counts = _rewrite(installer, old, target, subdistributor_id)
    installer = Organization.objects.get(pk=installer.pk)
    audit.record(
        actor,
        INSTALLER_MOVED,
        installer,
        now=now,
        tenant=installer,
        before=before,
        after={
            "under": target.pk,
            "subdistributor": subdistributor_id,
            "rows": {name: n for name, n in counts.items() if n},
            "auto_renewals_ended": ended,
        },
    )
    if old.kind == Kind.SUBDISTRIBUTOR:  # the old side may not know where it went
        before, after = {"under": old.pk}, {"auto_renewals_ended": ended}
        audit.record(actor, INSTALLER_MOVED_AWAY, installer, now=now, tenant=old, before=before, after=after)
    notices.installer_moved(installer, old=old, new=target, by=actor, ended=ended, now=now)
    return installer


def _rewrite(
    installer: Organization, old: Organization, new: Organization, subdistributor_id: int | None
) -> dict[str, int]:
    """Write the new path into the firms below, and the tenant key into every row that moves. Returns how many, by model."""
    old_path, new_path = installer.path, new.path + installer.path[len(old.path) :]
    tree = Organization.objects.filter(path__startswith=old_path)
    tree.update(path=Concat(Value(new_path), Substr("path", len(old_path) + 1)), subdistributor_id=subdistributor_id)
    Organization.objects.filter(pk=installer.pk).update(parent=new, version=models.F("version") + 1)
    return rewrite(MOVED, models.Q(installer=installer), {"subdistributor_id": subdistributor_id})


def rewrite(tables: Iterable[type[models.Model]], of: models.Q, keys: Mapping[str, int | None]) -> dict[str, int]:
    """Write tenant keys into the rows that a condition finds; one statement for each table. The caller has locked them, as `_lock` says.
    Returns how many, by model."""
    return {str(model._meta.model_name): model._default_manager.filter(of).update(**keys) for model in tables}


def _lock(installer: Organization, to_id: int) -> None:
    """Lock what moves, in the lock order, because the following UPDATEs would lock in any order. Rows that change only under the lock of
    their site need no lock."""
    of_firms = models.Q(pk__in=[to_id, installer.parent_id]) | models.Q(path__startswith=installer.path)
    for rows in (
        SiteDraft.objects.filter(installer=installer),
        ApartmentImport.objects.filter(installer=installer),
        Site.every.filter(installer=installer),
        Apartment.every.filter(installer=installer),
        LibraryEntry.objects.filter(installer=installer),
        Organization.objects.filter(of_firms),
        AutoRenewal.objects.filter(installer=installer),
        Entitlement.objects.filter(installer=installer),
        RenewalRequest.objects.filter(installer=installer),
        LongJob.objects.filter(installer=installer),
    ):
        list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _old_subdistributor_orders(installer: Organization) -> QuerySet[Order]:
    """Without orders of auto-renewals that wait for their next try: these are cancelled when the auto-renewals end."""
    found = Order.objects.filter(installer=installer, payer_id=installer.subdistributor_id, state__in=OPEN_ORDERS)
    return found.exclude(type=Order.Type.AUTO_RENEWAL, next_try_at__isnull=False)


def _auto_renewals_of_old_payer(installer: Organization) -> QuerySet[AutoRenewal]:
    return AutoRenewal.objects.filter(
        installer=installer, payer_id=installer.subdistributor_id, state=AutoRenewal.State.ACTIVE
    )


def _refuse_open_orders(installer: Organization) -> None:
    """Refuse while an order may still be paid: its money has to arrive for the tenants that ordered."""
    numbers = list(_old_subdistributor_orders(installer).order_by("pk").values_list("number", flat=True)[:3])
    if installer.subdistributor_id is not None and numbers:
        raise Refused(
            _("%(old)s has open orders for %(firm)s: %(numbers)s. They have to be paid or cancelled first.")
            % {"old": installer.parent, "firm": installer, "numbers": ", ".join(numbers)}
        )
    waiting = RenewalRequest.objects.filter(installer=installer, state=RenewalRequest.State.APPROVED)
    if installer.subdistributor_id is not None and waiting.exists():
        raise Refused(
            _("%(old)s has approved a request of %(firm)s and not paid it yet. It has to be paid or refused first.")
            % {"old": installer.parent, "firm": installer}
        )


def _end_auto_renewals(actor: Actor, installer: Organization, *, now: datetime) -> int:
    """End what the old sub-distributor renews; returns how many. The reason does not say where the installer went."""
    if installer.subdistributor_id is None:
        return 0
    found = auto_renewals.lock(_auto_renewals_of_old_payer(installer).values_list("pk", flat=True))
    reason = Reason("firm_moved", {"firm": str(installer)})
    for auto_renewal in found:
        auto_renewals.close(auto_renewal, AutoRenewal.State.ENDED, reason, actor=actor, now=now)
    return len(found)
