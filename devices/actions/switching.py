"""Writing the switches of many apartments: the change with its rows, the apartments themselves, their entitlements and the audit.

One way for bulk changes, for taking them back, and for the sheet. The caller has checked the rules, and holds the locks of the site and, in
ascending order, of the apartments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from accounts import audit
from accounts.models import AuditEvent
from accounts.scope import Actor
from communities.actions.apartments import APARTMENT_CHANGED
from communities.actions.entitlements import sync_site
from communities.models import Apartment, Building, ServiceChange, ServiceChangeRow, Site

FEW = 500  # apartments; of more the whole site's entitlements are compared with its configuration


@dataclass(frozen=True, slots=True)
class Switched:
    """An apartment that gets other switches; both sides have each of `ServiceChangeRow.VALUES`."""

    apartment_id: int
    before: Mapping[str, bool]
    after: Mapping[str, bool]


def write(change: ServiceChange, switched: Sequence[Switched]) -> None:
    """Write the rows of a change, and the values into the apartments: one statement for all that get the same ones, of which there are a few
    kinds."""
    names = ServiceChangeRow.VALUES
    ServiceChangeRow.objects.bulk_create(
        ServiceChangeRow(
            change=change,
            apartment_id=row.apartment_id,
            **{f"{name}_before": row.before[name] for name in names},
            **{f"{name}_after": row.after[name] for name in names},
        )
        for row in switched
    )
    alike: dict[tuple[bool, ...], list[int]] = defaultdict(list)
    for row in switched:
        alike[tuple(row.after[name] for name in names)].append(row.apartment_id)
    for values, ids in alike.items():
        set_to = dict(zip(names, values, strict=True))
        Apartment.objects.filter(pk__in=ids).update(**set_to, version=F("version") + 1)


def follow(site: Site, ids: Collection[int]) -> None:
    """Entitlements say what is configured now, and which of them wait for a monitor."""
    sync_site(site, apartment_ids=ids if len(ids) <= FEW else None)


def record(
    actor: Actor, word: audit.Word, change: ServiceChange, switched: Iterable[Switched], site: Site, *, now: datetime
) -> AuditEvent:
    """One row of the audit for the change, and below it one for each apartment (R9)."""
    after = {**change.wanted, "count": change.count, **({"undoes": change.undoes_id} if change.undoes_id else {})}
    whole = audit.record(actor, word, change, now=now, tenant=site, site_id=site.pk, label=site.name, after=after)
    rows = list(switched)
    labels = labels_of(site, [row.apartment_id for row in rows])
    audit.record_all(
        audit.event(
            actor, APARTMENT_CHANGED, Apartment(pk=row.apartment_id), now=now, tenant=site, site_id=site.pk, batch=whole,
            label=labels[row.apartment_id], before=dict(row.before), after=dict(row.after),
        )
        for row in rows
    )  # fmt: skip
    return whole


def labels_of(site: Site, ids: Collection[int]) -> dict[int, str]:
    """What these apartments are called; two statements."""
    buildings = dict(Building.objects.filter(site=site).values_list("pk", "name"))
    places = Apartment.objects.filter(pk__in=ids).values_list("pk", "building", "number")
    return {pk: f"{buildings[building]} {number}" for pk, building, number in places}
