"""Tables of devices: the distributors' MAC libraries and the devices at sites."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.scope import Actor, Role, by_tenant_keys
from accounts.typed.columns import IdentityKey, Keyed, SearchKey, SortKey
from communities.models import Apartment, Building, Equipment, Site
from communities.models.sites import SiteChild, SiteChildQuerySet
from devices.addresses import BROADCAST, Mac
from devices.catalogue import TYPE_LABELS, DeviceType

IS_UNICAST = models.Q(mac__gt=0, mac__lt=BROADCAST)


class Status(models.TextChoices):
    """The state of a library entry."""

    IN_STOCK = "in_stock", _("In stock")
    ASSIGNED = "assigned", _("Assigned")
    REGISTERED = "registered", _("Registered")
    RETIRED = "retired", _("Retired")


class LibraryQuerySet(models.QuerySet["LibraryEntry"]):
    """Library entries, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """A distributor's whole library; below the distributor only entries assigned to installers that the actor sees (R1, R70)."""
        bound = by_tenant_keys(actor)
        if bound is not None:
            return self.filter(bound)
        if actor.role is Role.TECHNICIAN:
            return self.filter(installer_id=actor.organization_id)
        return self.none()

    def usable_at(self, site: Site) -> Self:
        """Entries that may be registered at the site: its distributor's, not retired, unassigned or of its installer (R69)."""
        return self.filter(
            models.Q(installer=None) | models.Q(installer_id=site.installer_id), distributor_id=site.distributor_id
        ).exclude(status=Status.RETIRED)


class LibraryEntry(Keyed):
    """A MAC that a distributor has sold or has in stock, by its own statement.

    Invariants: a MAC once in each library (R72); assigned and registered entries have an installer, those in stock none; `subdistributor`
    is the installer's.
    """

    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    installer = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    mac = models.BigIntegerField(_("MAC"))
    model = models.CharField(_("model"), max_length=16, blank=True)
    type = models.CharField(_("type"), max_length=16, choices=list(TYPE_LABELS.items()))
    serial = models.CharField(_("serial number"), max_length=64, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    model_order = SortKey("model")
    serial_order = SortKey("serial")
    search_key = SearchKey("serial", "model")
    note_key = SearchKey("note")  # a separate search key, since some people who find the entry may not read its note
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.IN_STOCK)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = LibraryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["distributor", "mac"],
                name="library_mac_per_distributor",
                violation_error_message=_("This MAC is already in your library."),
            ),
            models.CheckConstraint(condition=IS_UNICAST, name="library_mac_48_bit"),
            models.CheckConstraint(
                condition=models.Q(status__in=[Status.ASSIGNED, Status.REGISTERED], installer__isnull=False)
                | models.Q(status=Status.IN_STOCK, installer=None)
                | models.Q(status=Status.RETIRED),
                name="library_status_and_installer",
            ),
        ]
        indexes = [models.Index(fields=["installer", "mac"], name="library_by_installer")]

    def __str__(self) -> str:
        return str(self.address)

    @property
    def address(self) -> Mac:
        """The MAC as a value."""
        return Mac(self.mac)


class DeviceQuerySet(SiteChildQuerySet["Device"]):
    """Devices by what they are now."""

    def active(self) -> Self:
        """Devices in use; removed ones are history."""
        return self.filter(removed_at=None)

    def monitors(self) -> Self:
        """Devices that count for the monitor rule (R74)."""
        return self.filter(removed_at=None, type=DeviceType.INDOOR_MONITOR.value)


class Device(SiteChild):
    """A device in an apartment, in a building or in the community's public space (R75).

    Invariants: one active row for each MAC in the whole installation (R68); a name is unique among the active devices of an apartment
    (R77). Removing sets `removed_at` and keeps the row (R73); a swap changes `mac` and keeps the rest (R19). A device of a piece of
    equipment, such as a sensor or a door, has its name and its place, and comes and goes with it.
    """

    mac = models.BigIntegerField(_("MAC"))
    type = models.CharField(_("type"), max_length=16, choices=list(TYPE_LABELS.items()))
    model = models.CharField(_("model"), max_length=16, blank=True)
    name = models.CharField(_("name"), max_length=64)
    name_key = IdentityKey("name")
    name_order = SortKey("name")
    search_key = SearchKey("name", "model")
    building = models.ForeignKey(Building, models.PROTECT, null=True, related_name="devices")
    apartment = models.ForeignKey(Apartment, models.PROTECT, null=True, related_name="devices")
    library_entry = models.ForeignKey(LibraryEntry, models.PROTECT, null=True, related_name="devices")
    equipment = models.ForeignKey(Equipment, models.SET_NULL, null=True, related_name="devices")
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["name_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["mac"],
                condition=models.Q(removed_at=None),
                name="device_one_active_per_mac",
                violation_error_message=_("This MAC can't be used here. Check it with your distributor."),
            ),
            models.UniqueConstraint(
                fields=["apartment", "name_key"],
                condition=models.Q(removed_at=None, apartment__isnull=False),
                name="device_name_per_apartment",
                violation_error_message=_("This apartment already has a device of this name."),
            ),
            models.UniqueConstraint(
                fields=["equipment"], condition=models.Q(removed_at=None), name="device_one_per_equipment"
            ),
            models.CheckConstraint(condition=IS_UNICAST, name="device_mac_48_bit"),
            models.CheckConstraint(
                condition=models.Q(apartment=None) | models.Q(building__isnull=False),
                name="device_apartment_has_building",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> Mac:
        """The MAC as a value."""
        return Mac(self.mac)

    @property
    def place(self) -> str:
        """Its place: the apartment, else the building, else the community itself."""
        return str(self.apartment or self.building or self.site)
