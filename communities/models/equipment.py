"""Equipment of a site: third-party locks, sensors, cameras, doors."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.typed.columns import IdentityKey, SearchKey, SortKey
from communities import catalogue
from communities.models.kinds import Kind
from communities.models.sites import Apartment, Building, SiteChild, SiteChildQuerySet


class EquipmentKind(models.TextChoices):
    """What a piece of equipment is."""

    LOCK = "lock", _("Third-party lock")
    SENSOR = "sensor", _("Sensor")
    CAMERA = "camera", _("Camera")
    DOOR = "door", _("Door")


class Viewers(models.TextChoices):
    """Who may watch a camera."""

    BOTH = "both", _("Residents and administrators")
    RESIDENTS = "residents", _("Residents")
    ADMINISTRATORS = "administrators", _("Administrators")


LOCK_MAKERS = ("iTec", "Dormakaba")  # the makers whose locks can be integrated (S2)
SENSOR_MODELS = ("MR01",)
# Kinds that are billed one by one, with the kind of their target; doors are billed by slots (R34), cameras with the Premium Plan
TARGET_OF = {EquipmentKind.LOCK: catalogue.Target.LOCK, EquipmentKind.SENSOR: catalogue.Target.SENSOR}
KINDS_OF: dict[str, tuple[EquipmentKind, ...]] = {
    Kind.COMMUNITY: (EquipmentKind.LOCK, EquipmentKind.SENSOR, EquipmentKind.CAMERA),
    Kind.HOUSE: (EquipmentKind.LOCK, EquipmentKind.SENSOR, EquipmentKind.CAMERA),
    Kind.COMMERCIAL: (EquipmentKind.DOOR, EquipmentKind.SENSOR),
}  # by project type


class EquipmentQuerySet(SiteChildQuerySet["Equipment"]):
    """Equipment by what it is now."""

    def in_use(self) -> Self:
        """What is not archived."""
        return self.filter(archived_at=None)


class Equipment(SiteChild):
    """A lock, sensor, camera or door, in an apartment, in a building or for the whole site.

    Invariants: its name is unique among the pieces of its kind that are in use at the site (R77); locks and sensors have a target and
    others have none. What was paid for is archived and never deleted (R78).
    """

    kind = models.CharField(_("kind"), max_length=8, choices=EquipmentKind.choices)
    name = models.CharField(_("name"), max_length=64)
    name_key = IdentityKey("name")
    name_order = SortKey("name")
    maker = models.CharField(_("make"), max_length=32, blank=True)
    model = models.CharField(_("model"), max_length=16, blank=True)
    serial = models.CharField(_("serial number"), max_length=64, blank=True)
    address = models.CharField(_("address of the stream"), max_length=200, blank=True)
    search_key = SearchKey("name", "maker", "model", "serial", "address")
    viewers = models.CharField(_("who may watch"), max_length=16, choices=Viewers.choices, default=Viewers.BOTH)
    building = models.ForeignKey(Building, models.PROTECT, null=True, related_name="equipment")
    apartment = models.ForeignKey(Apartment, models.PROTECT, null=True, related_name="equipment")
    target = models.OneToOneField("Target", models.PROTECT, null=True, related_name="equipment")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = EquipmentQuerySet.as_manager()

    class Meta:
        ordering = ["name_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "kind", "name_key"],
                condition=models.Q(archived_at=None),
                name="equipment_name_per_kind",
                violation_error_message=_("This site already has one of this name."),
            ),
            models.CheckConstraint(
                condition=models.Q(apartment=None) | models.Q(building__isnull=False),
                name="equipment_apartment_has_building",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in TARGET_OF], target__isnull=False)
                | models.Q(kind__in=[EquipmentKind.CAMERA, EquipmentKind.DOOR], target=None),
                name="equipment_is_billed_by_kind",
            ),
        ]
        indexes = [models.Index(fields=["site", "kind", "name_order", "id"], name="equipment_by_site")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        """Whether it is out of use."""
        return self.archived_at is not None

    @property
    def place(self) -> str:
        """The apartment, else the building; "" for the whole site."""
        return str(self.apartment or self.building or "")
