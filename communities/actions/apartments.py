"""Creating and changing apartments. With the monitor required, `devices.actions` calls these (R18)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor
from accounts.typed import text
from accounts.typed.keys import identity_key
from communities import audit_sentences, catalogue
from communities.actions.entitlements import sync_site
from communities.actions.site_rules import refuse_no_community
from communities.actions.sites import lock_site, may_configure
from communities.actions.targets import made_for, relabel
from communities.errors import CeilingOff, NameTaken
from communities.models import Apartment, Building, Site, keys_of

AUDITED = ["floor", "number", "name", *catalogue.APARTMENT_SWITCHES, "monitor_pending"]
APARTMENT_CREATED = audit.Word(
    "apartment.created",
    gettext_lazy("Apartment created"),
    gettext_lazy("%(what)s created"),
    area=audit.Area.SERVICES,
    saves=True,
)
APARTMENT_CHANGED = audit.Word(
    "apartment.changed",
    gettext_lazy("Apartment changed"),
    gettext_lazy("%(what)s changed"),
    area=audit.Area.SERVICES,
    saves=True,
    compares=len(AUDITED),
    tells=audit_sentences.of_apartment,
)


@transaction.atomic
def create_apartment(
    actor: Actor,
    *,
    building_id: int,
    floor: str,
    number: str,
    name: str = "",
    switches: Mapping[str, bool] | None = None,
    monitor_pending: bool | None = None,
    now: datetime,
) -> Apartment:
    """Create an apartment; switches that are not given are inherited from the community (R23).

    Without `monitor_pending`, an apartment that requires a monitor is marked as waiting for one, since it is still empty. Locks the site.
    Refuses a number that exists (R77) and switches that the community has off (R22).
    """
    if not may_configure(actor):
        raise NotPermitted
    building = Building.objects.visible_to(actor).get(pk=building_id)
    site = lock_site(actor, building.site_id)
    chosen = inherited(site) | {
        code: bool((switches or {})[code]) for code in catalogue.APARTMENT_SWITCHES if code in (switches or {})
    }
    refuse_above_ceiling(site, chosen)
    refuse_no_community(site)
    number = text.line(number)
    refuse_number(building, number)
    apartment = Apartment(
        **keys_of(site),
        building=building,
        floor=text.line(floor),
        number=number,
        name=text.line(name),
        monitor_pending=chosen["indoor_monitor"] if monitor_pending is None else monitor_pending,
        created_at=now,
        **chosen,
    )
    made_for([apartment])
    apartment.save()
    sync_site(site, apartment_ids=[apartment.pk])
    after = {"building": building.name, **audit.fields_of(apartment, AUDITED)}
    audit.record(actor, APARTMENT_CREATED, apartment, now=now, tenant=site, site_id=site.pk, after=after)
    return apartment


@transaction.atomic
def change_apartment(
    actor: Actor,
    *,
    apartment_id: int,
    version: int,
    floor: str,
    number: str,
    name: str,
    switches: Mapping[str, bool],
    has_monitor: bool = False,
    now: datetime,
) -> Apartment:
    """Change an apartment's facts and its three switches (R14). Locks site, apartment.

    `has_monitor` comes from the devices layer: whether an indoor monitor is there or is added in the same transaction.
    """
    if not may_configure(actor):
        raise NotPermitted
    apartment = Apartment.objects.visible_to(actor).get(pk=apartment_id)
    site = lock_site(actor, apartment.site_id)
    apartment = (
        Apartment.objects.select_for_update(of=("self",), no_key=True).select_related("building").get(pk=apartment_id)
    )
    if apartment.version != version:
        raise Conflict
    refuse_no_community(site)
    refuse_above_ceiling(site, switches)
    number = text.line(number)
    if identity_key(number) != apartment.number_key:
        refuse_number(apartment.building, number)
    before = audit.fields_of(apartment, AUDITED)
    apartment.floor, apartment.number, apartment.name = text.line(floor), number, text.line(name)
    for code in catalogue.APARTMENT_SWITCHES:
        setattr(apartment, code, bool(switches[code]))
    apartment.monitor_pending = apartment.indoor_monitor and not has_monitor
    apartment.version += 1
    apartment.save()
    if (apartment.floor, apartment.number) != (before["floor"], before["number"]):
        relabel(site, apartment_ids=[apartment.pk])
    sync_site(site, apartment_ids=[apartment.pk])
    after = audit.fields_of(apartment, AUDITED)
    audit.record(actor, APARTMENT_CHANGED, apartment, now=now, tenant=site, site_id=site.pk, before=before, after=after)
    return apartment


def inherited(site: Site) -> dict[str, bool]:
    """The switches of a new apartment (R22, R23)."""
    return {code: getattr(site, code) for code in catalogue.APARTMENT_SWITCHES}


def refuse_above_ceiling(site: Site, switches: Mapping[str, bool]) -> None:
    """Refuse landline or video storage in an apartment of a community that has the service off (R22)."""
    for code in catalogue.CEILING_SWITCHES:
        if switches[code] and not getattr(site, code):
            raise CeilingOff(
                _("%(service)s is off in %(site)s. Switch it on there first.")
                % {"service": catalogue.BY_CODE[code].label, "site": site.name},
                field=code,
            )


def refuse_number(building: Building, number: str) -> None:
    """Refuse an empty number, or one that exists in the building (R77)."""
    if not identity_key(number):
        raise Refused(_("The apartment needs a number."), field="number")
    if Apartment.objects.filter(building=building, number_key=identity_key(number)).exists():
        raise NameTaken(
            _("%(building)s already has an apartment %(number)s.") % {"building": building.name, "number": number},
            field="number",
        )
