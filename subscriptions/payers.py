"""Who is expected to pay: one answer for every page, mail and request (DOMAIN §1, docs/adr/0006-who-pays.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Organization
from accounts.scope import Actor
from communities.models import Kind, Site
from subscriptions.models import AutoRenewal, AutoRenewalItem


def payer_above(installer: Organization) -> Organization:
    """The firm above an installer that pays for it: its sub-distributor while that is active, else its distributor.

    A sub-distributor does "the same in its own subtree" (DOMAIN §1), so it takes the distributor's place there.
    """
    reseller = installer.subdistributor
    if reseller is None or not reseller.is_active:
        reseller = installer.distributor
    if reseller is None:
        raise Refused(_("This installer has no distributor."))
    return reseller


def default_payer(installer: Organization, *, site_kind: str) -> Organization:
    """The payer of items without auto-renewal: the installer if it may pay for sites of this kind, else the firm above it."""
    may_pay = installer.may_pay if site_kind == Kind.COMMERCIAL else installer.pays_regular
    return installer if may_pay else payer_above(installer)


def with_payers(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Sites with the firms that `default_payer` reads, in one more statement: a join would read them for every site that is sorted, not
    only for those of the page."""
    return sites.prefetch_related(
        Prefetch("installer", Organization.objects.select_related("distributor", "subdistributor"))
    )


@dataclass(frozen=True, slots=True)
class AutoRenewed:
    """The items of a site that are in auto-renewals: who pays them, and how many are renewed by active ones."""

    names: tuple[str, ...] = ()
    items: int = 0
    renewing: int = 0


def under_auto_renewal(actor: Actor, site_ids: Iterable[int]) -> Mapping[int, AutoRenewed]:
    """What auto-renewals pay for at these sites, by site; one statement. Sites without one are left out."""
    rows = (
        AutoRenewalItem.objects.visible_to(actor)
        .live()
        .filter(site_id__in=list(site_ids))
        .exclude(entitlement__variant="")
        .exclude(auto_renewal__state=AutoRenewal.State.ENDED)
        .order_by("site_id", "auto_renewal__payer__name_order", "auto_renewal__payer__name")
        .values_list("site_id", "auto_renewal__payer__name")
        .annotate(n=Count("pk"), renewing=Count("pk", filter=Q(auto_renewal__state=AutoRenewal.State.ACTIVE)))
    )
    found: dict[int, AutoRenewed] = {}
    for site_id, name, n, renewing in rows:
        so_far = found.get(site_id, AutoRenewed())
        found[site_id] = AutoRenewed((*so_far.names, name), so_far.items + n, so_far.renewing + renewing)
    return found
