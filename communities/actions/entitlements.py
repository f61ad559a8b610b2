"""Entitlements follow the configuration: created, re-labelled or made dormant, never deleted (R26, R33)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from communities import catalogue
from communities.catalogue import Target
from communities.models import Apartment, Entitlement, ManagerAssignment, Resident, Site, keys_of


def configuration_of(site: Site, *, apartment_ids: Iterable[int] | None = None) -> catalogue.Configuration:
    """The saved configuration of a site as the catalogue's value; two queries however many apartments there are."""
    apartments = Apartment.objects.filter(site=site)
    if apartment_ids is not None:
        apartments = apartments.filter(pk__in=list(apartment_ids))
    has_master = Exists(Resident.objects.filter(apartment=OuterRef("pk"), is_master=True))
    rows = apartments.annotate(has_master=has_master).order_by("pk")
    return catalogue.Configuration(
        switches=site.switches,
        retention_days=site.retention_days,
        project=site.kind,
        site=site.pk,
        apartments=tuple(
            catalogue.ApartmentConfiguration(
                key=pk, indoor_monitor=monitor, landline=landline, video_storage=video, has_master=master
            )
            for pk, monitor, landline, video, master in rows.values_list(
                "pk", "indoor_monitor", "landline", "video_storage", "has_master"
            )
        ),
        managers=tuple(
            catalogue.ManagerConfiguration(key=pk, pm_app=pm_app)
            for pk, pm_app in ManagerAssignment.objects.filter(site=site, ended_at=None)
            .order_by("pk")
            .values_list("pk", "pm_app")
        ),
    )


def sync_site(site: Site, *, apartment_ids: Iterable[int] | None = None) -> None:
    """Make the site's entitlements say what its configuration says. The caller holds the site's lock.

    With `apartment_ids` only these apartments are looked at (and no managers), for edits of single apartments.
    """
    ids = None if apartment_ids is None else list(apartment_ids)
    kinds = {Target.APARTMENT, Target.MANAGER} if ids is None else {Target.APARTMENT}  # nothing else has rows yet
    wanted = {
        (item.target_kind, item.target, item.service_type): item.variant.code
        for item in catalogue.billables(configuration_of(site, apartment_ids=ids))
        if item.target_kind in kinds
    }
    existing = Entitlement.objects.filter(site=site)
    if ids is not None:
        existing = existing.filter(apartment_id__in=ids)
    to_change: dict[str, list[int]] = defaultdict(list)
    for pk, apartment_id, manager_id, service_type, variant in existing.values_list(
        "pk", "apartment_id", "manager_id", "service_type", "variant"
    ):
        kind = Target.APARTMENT if apartment_id else Target.MANAGER
        new_variant = wanted.pop((kind, apartment_id or manager_id, service_type), "")
        if new_variant != variant:
            to_change[new_variant].append(pk)
    changing = Entitlement.objects.filter(pk__in=[pk for pks in to_change.values() for pk in pks])
    list(changing.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    for variant, pks in to_change.items():
        Entitlement.objects.filter(pk__in=pks).update(variant=variant)
    Entitlement.objects.bulk_create(
        Entitlement(**keys_of(site), service_type=service_type, variant=variant, **{f"{kind}_id": target})
        for (kind, target, service_type), variant in wanted.items()
    )
