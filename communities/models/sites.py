"""Sites and their parts: buildings, apartments, and the people assigned to them."""

from __future__ import annotations

from typing import Self

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_countries import countries

from accounts.models import Membership, Organization, User
from accounts.scope import Actor, Role, by_tenant_keys
from accounts.typed import postal
from accounts.typed.columns import FloorKey, IdentityKey, Keyed, SearchKey, SortKey
from communities import catalogue
from communities.models.kinds import Kind, PaymentMode, PriceClass
from communities.models.live import LiveManager, Row


class SiteQuerySet(models.QuerySet["Site"]):
    """Sites, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """The sites of the subtree; for technicians and managers only those they are assigned to at present (R1, R3)."""
        bound = by_tenant_keys(actor)
        if bound is not None:
            return self.filter(bound)
        if actor.role is Role.TECHNICIAN:
            return self.filter(technicians__membership_id=actor.membership_id, installer_id=actor.organization_id)
        if actor.role is Role.MANAGER:
            return self.filter(managers__membership_id=actor.membership_id, managers__ended_at=None)
        return self.none()


class Site(Keyed):
    """A project with its switches. Invariant: tenant keys equal those of its installer; `version` grows with every edit and every change of
    its people; `payment_mode` never changes (R37); `price_class` is written with its
    connection to a property management system alone (R29). What is archived together has the same `archived_at`."""

    kind = models.CharField(_("project type"), max_length=12, choices=Kind.choices, default=Kind.COMMUNITY)
    installer = models.ForeignKey(Organization, models.PROTECT, related_name="sites", db_index=False)
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=64)
    name_key = IdentityKey("name")
    name_order = SortKey("name")
    search_key = SearchKey("name", "street", "city", "state", "postal_code")
    street = models.CharField(_("street"), max_length=120)
    city = models.CharField(_("city"), max_length=80, blank=True)
    state = models.CharField(pgettext_lazy("address", "state"), max_length=80, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    country = models.CharField(_("country"), max_length=2)
    time_zone = models.CharField(_("time zone"), max_length=64)
    free_members = models.PositiveSmallIntegerField(
        _("free family members per apartment"), default=4, validators=[MaxValueValidator(63)]
    )

    indoor_monitor = models.BooleanField(default=True)
    landline = models.BooleanField(default=False)
    pm_app = models.BooleanField(default=False)
    pm_landline = models.BooleanField(default=False)
    third_party_camera = models.BooleanField(default=False)
    booking = models.BooleanField(default=False)
    video_storage = models.BooleanField(default=False)
    package_room = models.BooleanField(default=False)
    dynamic_qr = models.BooleanField(default=False)
    elevator_control = models.BooleanField(default=False)
    smart_parking = models.BooleanField(default=False)
    attendance_plan = models.BooleanField(_("Time Attendance Plan"), default=False)
    camera_residents = models.BooleanField(_("residents may watch"), default=True)
    camera_administrators = models.BooleanField(_("administrators may watch"), default=True)
    retention_days = models.PositiveSmallIntegerField(
        _("recordings are kept"), default=catalogue.DEFAULT_RETENTION_DAYS, choices=[(d, d) for d in catalogue.RETENTION_DAYS]
    )  # fmt: skip

    payment_mode = models.CharField(max_length=8, choices=PaymentMode.choices, default=PaymentMode.REGULAR)
    price_class = models.CharField(max_length=12, choices=PriceClass.choices, default=PriceClass.NORMAL, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    archived_at = models.DateTimeField(null=True, editable=False)

    every = SiteQuerySet.as_manager()
    objects = LiveManager.from_queryset(SiteQuerySet)()

    class Meta:
        ordering = ["name_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["installer", "name_key"],
                condition=models.Q(archived_at=None),
                name="site_name_per_installer",
                violation_error_message=_("You already have a site of this name."),
            ),
            models.CheckConstraint(condition=models.Q(free_members__lte=63), name="site_free_members_63"),
            models.CheckConstraint(
                condition=models.Q(pm_landline=False) | models.Q(pm_app=True),
                name="site_pm_landline_needs_pm_app",
                violation_error_message=_("Landline Service for PM needs the PM App."),
            ),
            models.CheckConstraint(
                condition=models.Q(payment_mode=PaymentMode.REGULAR) | models.Q(kind=Kind.COMMERCIAL),
                name="site_credits_are_commercial",
            ),
            models.CheckConstraint(
                condition=models.Q(retention_days__in=catalogue.RETENTION_DAYS), name="site_retention"
            ),
        ]
        indexes = [
            models.Index(fields=["distributor", "name_order", "id"], name="site_by_distributor"),
            models.Index(fields=["subdistributor", "name_order", "id"], name="site_by_subdistributor"),
            models.Index(fields=["installer", "name_order", "id"], name="site_by_installer"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def switches(self) -> dict[str, bool]:
        """Every switch of the feature section: on or off."""
        return {code: getattr(self, code) for code in catalogue.SWITCHES}

    @property
    def pays_credits(self) -> bool:
        """Whether its items are paid with credits, never with money (R37, R64)."""
        return self.payment_mode == PaymentMode.CREDITS

    @property
    def country_name(self) -> str:
        """The country in words."""
        return str(countries.name(self.country))

    @property
    def address_lines(self) -> list[str]:
        """The address as its country writes it."""
        return postal.lines(self)

    @property
    def address(self) -> str:
        """The address in one line."""
        return postal.one_line(self)


class SiteChild(Keyed):
    """Base of rows that belong to a site: they have its tenant keys, so that lists need no joins up the tree."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="%(class)ss")
    distributor = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    subdistributor = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    installer = models.ForeignKey(Organization, models.PROTECT, related_name="+")

    class Meta:
        abstract = True


def keys_of(site: Site) -> dict[str, int | None]:
    """The site and tenant keys for every row below `site`."""
    return {
        "site_id": site.pk,
        "distributor_id": site.distributor_id,
        "subdistributor_id": site.subdistributor_id,
        "installer_id": site.installer_id,
    }


class SiteChildQuerySet(models.QuerySet[Row]):
    """Rows below a site: visible exactly when the site is (R1, R3)."""

    def visible_to(self, actor: Actor) -> Self:
        """By tenant keys where the role has a subtree, otherwise by the visible sites."""
        bound = by_tenant_keys(actor)
        if bound is not None:
            return self.filter(bound)
        return self.filter(site__in=Site.every.visible_to(actor))


class BuildingQuerySet(SiteChildQuerySet["Building"]):
    """Buildings."""


class Building(SiteChild):
    """A building of a community. Invariant: its name is unique there among those that are not archived."""

    name = models.CharField(_("name"), max_length=64)
    name_key = IdentityKey("name")
    name_order = SortKey("name")
    search_key = SearchKey("name")
    version = models.PositiveIntegerField(default=1)

    archived_at = models.DateTimeField(null=True, editable=False)

    every = BuildingQuerySet.as_manager()
    objects = LiveManager.from_queryset(BuildingQuerySet)()

    class Meta:
        ordering = ["name_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name_key"],
                condition=models.Q(archived_at=None),
                name="building_name_per_site",
                violation_error_message=_("This community already has a building of this name."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ApartmentQuerySet(SiteChildQuerySet["Apartment"]):
    """Apartments."""


class Apartment(SiteChild):
    """A unit. Invariants, where it is not archived: its number is unique in the building; landline and video storage follow the ceiling (R22).

    `monitor_pending`: a monitor is required and there is none (R17). The devices layer writes it with every change of either, so that
    counting missing monitors does not read devices.
    """

    building = models.ForeignKey(Building, models.PROTECT, related_name="apartments", db_index=False)
    target = models.OneToOneField("Target", models.PROTECT, related_name="apartment")
    floor = models.CharField(_("floor"), max_length=32)
    number = models.CharField(_("number"), max_length=16)
    number_key = IdentityKey("number")
    number_order = SortKey("number")
    floor_order = FloorKey("floor")
    name = models.CharField(_("name"), max_length=64, blank=True)
    search_key = SearchKey("number", "name")
    indoor_monitor = models.BooleanField(_("With Indoor Monitor"), default=True)
    landline = models.BooleanField(_("Landline"), default=False)
    video_storage = models.BooleanField(_("Video Storage"), default=False)
    monitor_pending = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    archived_at = models.DateTimeField(null=True, editable=False)

    every = ApartmentQuerySet.as_manager()
    objects = LiveManager.from_queryset(ApartmentQuerySet)()

    class Meta:
        ordering = ["building__name_order", "number_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["building", "number_key"],
                condition=models.Q(archived_at=None),
                name="apartment_number_per_building",
                violation_error_message=_("This building already has an apartment of this number."),
            )
        ]
        indexes = [
            models.Index(fields=["site", "number_order", "id"], name="apartment_by_site"),
            models.Index(
                fields=["distributor", "installer", "site"],
                condition=models.Q(monitor_pending=True),
                name="apartment_monitor_pending",
            ),
            models.Index(
                fields=["installer", "site"],
                condition=models.Q(monitor_pending=True),
                name="apartment_pending_installer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.building.name} {self.number}".strip()  # the unit of a house has no number

    @property
    def switches(self) -> dict[str, bool]:
        """The three switches of an apartment (R14)."""
        return {code: getattr(self, code) for code in catalogue.APARTMENT_SWITCHES}


class ManagerAssignment(SiteChild):
    """A property manager is assigned to a community, with or without the PM App.

    Invariant: one row for each person and site. `ended_at` takes the site from the person's view at once (R3) and keeps the row, because
    paid time may belong to it. `membership` null: the site was handed over and the person is one of its former installer's, whose
    name its new one does not read.
    """

    membership = models.ForeignKey(Membership, models.PROTECT, null=True, related_name="managed_sites")
    target = models.OneToOneField("Target", models.PROTECT, related_name="assignment")
    pm_app = models.BooleanField(_("PM App"), default=False)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    site = models.ForeignKey(Site, models.PROTECT, related_name="managers")  # shorter than the generated name

    objects = SiteChildQuerySet["ManagerAssignment"].as_manager()

    class Meta:
        ordering = ["membership__user__name_order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["site", "membership"], name="manager_once_per_site"),
            models.CheckConstraint(
                condition=models.Q(membership__isnull=False) | models.Q(ended_at__isnull=False, pm_app=False),
                name="manager_without_person_has_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.membership.known_as if self.membership else str(_("Former manager"))
