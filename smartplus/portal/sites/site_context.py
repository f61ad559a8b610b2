"""What every page of one site shows around its content: head, tabs with counts, and what the role may do there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.actions.support import noted
from accounts.models import AuditEvent
from accounts.scope import Grant, Role
from communities import catalogue, reports
from communities.actions.residents import may_edit_residents
from communities.actions.sites import may_configure
from communities.models import Apartment, Building, Entitlement, Equipment, ManagerAssignment, Resident, Site, Stage
from communities.site_status import Places, status_of
from devices import reports as device_reports
from devices.models import Device
from smartplus import access, vocabulary
from smartplus.portal.audit import queries as audit_log
from smartplus.portal.kit import support_view as support
from smartplus.portal.sites import todo
from smartplus.portal.sites.tabs import edit_of
from smartplus.portal.sites.tags import pill_of
from subscriptions import differences, payers, rights, waiting
from subscriptions.actions import handovers
from subscriptions.differences import Scope
from subscriptions.models import RenewalRequest
from subscriptions.prices import PriceTable

READERS = tuple(access.EVERYONE)
WORKERS = (Role.INSTALLER, Role.TECHNICIAN)
HOUSEKEEPERS = (*WORKERS, Role.MANAGER)
REQUEST_READERS = (Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER)
RECENT = 5
COUNTS_DIFFERENCES = ("apartments", "differences")  # tabs on which their number is worth its statements
MANAGERS = 20  # of a site, shown on its overview


class Manager(NamedTuple):
    """Who looks after a site, and the entitlement of the PM App where it is ticked."""

    assignment: ManagerAssignment
    app: Entitlement | None


def visible_site(request: access.PortalRequest, site_id: int) -> Site:
    """The site with its installer and who is above that, if the actor sees it."""
    return with_distributor(visible_sites(request).get(pk=site_id))


def visible_sites(request: access.PortalRequest) -> QuerySet[Site]:
    """The sites that the actor sees, with what the pages of one show around their content; a page may ask for more by the same statement."""
    seen = Site.every.visible_to(request.actor).annotate(**_known(request))
    return seen.select_related("installer__distributor", "installer__subdistributor", "created_by")


def with_distributor(site: Site) -> Site:
    """The same site with the distributor of its installer, which is its own."""
    site.distributor = site.installer.distributor  # type: ignore[assignment]  # the same key (R2)
    return site


def _known(request: access.PortalRequest) -> dict[str, Combinable]:
    """What is read together with the site: how much equipment its tab counts, whether the operator's visit is already in the audit log, and
    the number of managers for the installer's tab."""
    pieces = Equipment.objects.in_use().filter(site=OuterRef("pk")).order_by().values("site")
    known: dict[str, Combinable] = {"pieces": Coalesce(Subquery(pieces.annotate(n=Count("pk")).values("n")), 0)}
    if request.actor.role is Role.OPERATOR:
        return known | {"is_noted": noted(request.actor, Site, request.now)}
    if request.actor.role is not Role.INSTALLER:
        return known
    assigned = ManagerAssignment.objects.filter(site=OuterRef("pk"), ended_at=None).order_by().values("site")
    return known | {"assigned": Coalesce(Subquery(assigned.annotate(n=Count("pk")).values("n")), 0)}


def units_in(counted: reports.Apartments) -> device_reports.UnitProgress:
    """How many apartments a site has, and how many of them have a monitor, from counts that the page needs in any
    case."""
    needed = counted.switched["indoor_monitor"]
    return device_reports.UnitProgress(counted.all, needed, needed - counted.waiting)


def site_context(
    request: access.PortalRequest,
    site: Site,
    tab: str,
    *,
    progress: reports.PaidProgress | None = None,
    units: device_reports.UnitProgress | Places | None = None,
) -> dict[str, Any]:
    """Head and tabs of a site page: `units`, `n_pieces`, `n_managers` and `n_differences` (counted where they are shown), `pill`, `edit_url`,
    and what may be done.

    A page that knows progress and units from its own rows hands both in; the summary says them for others."""
    actor, now = request.actor, request.now
    support.record_view(request, site, tenant=site, site_id=site.pk)
    if progress is None or units is None:
        status = status_of(site, now)
        progress, units = progress or status.progress, units or status.places
    return {
        "site": site,
        "tab": tab,
        "area": "sites",
        "units": units,
        "n_pieces": getattr(site, "pieces", SimpleLazyObject(_pieces(request, site).count)),
        "n_managers": getattr(site, "assigned", SimpleLazyObject(_assigned(request, site).count)),
        "n_differences": SimpleLazyObject(lambda: differences.number(differences_at(request, site)))
        if tab in COUNTS_DIFFERENCES
        else "",
        "pill": pill_of(progress, now),
        "edit_url": edit_of(site),
        "may_work": may_configure(actor) and site.archived_at is None,
        "may_house": may_edit_residents(actor) and site.archived_at is None,
        "may_choose": actor.role is Role.INSTALLER,
        "sees_prices": rights.sees_prices(actor),
        "may_set_free": actor.role is Role.DISTRIBUTOR,
        "may_hand_over": handovers.may_ask(actor, site),
    }


def differences_at(request: access.PortalRequest, site: Site, prices: PriceTable | None = None) -> Scope:
    """What is compared on the page of a site's differences, whose number its tab says; with `prices` it is also worth something."""
    return Scope(request.actor, request.now, timezone.get_current_timezone(), prices, site_id=site.pk)


def _pieces(request: access.PortalRequest, site: Site) -> QuerySet[Equipment]:
    return Equipment.objects.visible_to(request.actor).in_use().filter(site=site)


def _assigned(request: access.PortalRequest, site: Site) -> QuerySet[ManagerAssignment]:
    return ManagerAssignment.objects.visible_to(request.actor).filter(site=site, ended_at=None)


def managers_of(request: access.PortalRequest, site: Site) -> list[Manager]:
    """Who looks after the site now; one more than `MANAGERS` where there are more."""
    found = list(
        _assigned(request, site).select_related("membership__user", "membership__organization")[: MANAGERS + 1]
    )
    items = Entitlement.objects.visible_to(request.actor)
    with_app = [row.target_id for row in found if row.pm_app]
    apps = {app.target_id: app for app in items.filter(target__in=with_app)} if with_app else {}
    return [Manager(row, apps.get(row.target_id) if row.pm_app else None) for row in found]


def overview(request: access.PortalRequest, site: Site) -> dict[str, Any]:
    """Everything the overview says about a site."""
    actor, now = request.actor, request.now
    groups, counted = reports.groups_of(site, now), reports.apartments_of(site)
    progress, units = reports.progress_at(site, groups), units_in(counted)
    frame = site_context(request, site, "overview", progress=progress, units=units)
    buildings = list(Building.objects.visible_to(actor).filter(site=site))
    open_here = waiting.open_here(actor, site, groups)
    facts = facts_of(request, site, counted, groups, frame, buildings=len(buildings), open_here=open_here)
    managers = managers_of(request, site)
    if len(managers) <= MANAGERS:
        frame["n_managers"] = len(managers)
    return {
        **frame,
        "progress": progress,
        "managers": managers[:MANAGERS],
        "buildings": buildings,
        "lines": facts.lines,
        "todo": todo.todo_of(facts, now),
        "last_end": reports.last_end(groups),
        "events": recent(request, site),
    }


def facts_of(
    request: access.PortalRequest,
    site: Site,
    counted: reports.Apartments,
    groups: Sequence[reports.Group],
    frame: Mapping[str, Any],
    *,
    buildings: int,
    open_here: waiting.Open,
    requests: Sequence[RenewalRequest] | None = None,
) -> todo.Facts:
    """What the list of things to do is made of; a statement only where something is requested and `requests` does not say what."""
    actor = request.actor
    apps = [row for row in groups if row.service_type == catalogue.MAIN_SERVICE and row.variant]
    return todo.Facts(
        site=site,
        units=units_in(counted),
        buildings=buildings,
        without_master=counted.all - sum(row.n for row in apps),  # who has a family master has an App (R32)
        dues=reports.dues(groups),
        lines=reports.service_lines(site, groups, counted),
        waiting=_waiting(request, site) if frame["may_work"] else 0,
        may_work=frame["may_work"],
        may_house=frame["may_house"],
        pay_url=todo.pay_url(site) if rights.may_pay_for(actor, site.installer) else "",
        request_url=todo.pay_url(site) if rights.may_request_for(actor, site.installer) else "",
        payer=payers.default_payer(site.installer, site_kind=site.kind).name,
        open=open_here,
        requests=tuple(waiting.requests_in(open_here) if requests is None else requests),
        in_orders=sum(row.ordered for row in groups if row.variant),
        may_open_requests=actor.role in REQUEST_READERS and Grant.MANAGES_SUBSCRIPTIONS in actor.grants,
        is_asking=actor.organization_id == site.installer_id,
    )


def _waiting(request: access.PortalRequest, site: Site) -> int:
    """How many members wait for the installer's yes."""
    return Resident.objects.visible_to(request.actor).filter(site=site, stage=Stage.WAITING).count()


def recent(request: access.PortalRequest, site: Site) -> list[tuple[AuditEvent, str]]:
    """The last changes of the site with their sentences; none for roles that read no audit."""
    found = AuditEvent.objects.visible_to(request.actor).at_site(site.pk)
    rows = list(found.select_related("organization", "distributor")[:RECENT])
    names = audit_log.names_in(request.actor, rows)
    return [(event, vocabulary.sentence(event, names[event.pk])) for event in rows]


def apartment_page(request: access.PortalRequest, apartment_id: int, *, with_archived: bool = False) -> dict[str, Any]:
    """Everything the page of one apartment says; of an archived one only where that is asked for."""
    actor = request.actor
    rows = Apartment.every.visible_to(actor) if with_archived else Apartment.objects.visible_to(actor)
    apartment = rows.select_related("building", "site__installer").get(pk=apartment_id)
    own = {"apartment": apartment}
    found = Entitlement.objects.visible_to(actor)
    items = list(found.filter(target=apartment.target_id).order_by("service_type"))
    frame = site_context(request, apartment.site, "apartments")
    may_restore = frame["may_work"]
    if apartment.archived_at is not None:
        frame |= {"may_work": False, "may_house": False}
    return {
        **frame,
        "may_restore": may_restore,
        "apartment": apartment,
        "residents": Resident.objects.visible_to(actor).current().filter(**own),
        "devices": Device.objects.visible_to(actor).active().filter(**own, equipment=None),
        "pieces": Equipment.objects.visible_to(actor).in_use().filter(**own),
        "items": [
            (item, item.is_usable(request.now)) for item in items if item.variant or item.is_in_force(request.now)
        ],
    }
