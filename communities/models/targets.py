"""Targets: one row for each thing that can be billed. Its label, order and search are defined only here."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, LPad, Trim
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models.people import known_as, known_order
from accounts.typed import finding, keys
from accounts.typed.columns import PlaceKey, SortKey
from communities import catalogue
from communities.models.accounts import CommercialAccount
from communities.models.equipment import Equipment
from communities.models.residents import Resident
from communities.models.sites import Apartment, Building, SiteChild, SiteChildQuerySet

Kinds = catalogue.Target
SLOT_KINDS = [kind.value for kind in catalogue.SLOTS]
PLACELESS = sorted(kind.value for kind in catalogue.PLACELESS)
PIECES = [Kinds.LOCK.value, Kinds.SENSOR.value]  # equipment, which is called by its place and its name


class Target(SiteChild):
    """A thing that can be billed: an apartment, a slot of it, an assignment of a manager, a lock, a sensor, an account, a site (DESIGN §2).

    Its owner (`Apartment.target`, `ManagerAssignment.target`, `Equipment.target`, `CommercialAccount.target`) refers to it and is created
    after it. A slot belongs to its `parent` and is numbered from 1. A site has one, created when something is billed for the site. `name` is
    that of a piece of equipment. Invariants: the texts are those on the door, never a person's name; `communities.actions.targets.relabel`
    keeps them equal to the owner's. Rows are created and relabelled under the site's lock, and deleted only together with an owner that
    was never paid for.
    """

    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kinds])
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="slots", db_index=False)
    building = models.CharField(max_length=64, blank=True)
    floor = models.CharField(max_length=32, blank=True)
    number = models.CharField(max_length=16, blank=True)
    slot = models.PositiveSmallIntegerField(null=True)
    name = models.CharField(max_length=64, blank=True)
    sort_key = PlaceKey("building", "floor", "number", "slot", "name")

    objects = SiteChildQuerySet["Target"].as_manager()

    class Meta:
        ordering = ["sort_key", "pk"]
        indexes = [models.Index(fields=["site", "sort_key", "id"], name="target_by_site")]
        constraints = [
            models.UniqueConstraint(fields=["parent", "kind", "slot"], name="target_slot_once"),
            models.UniqueConstraint(fields=["site"], condition=Q(kind=Kinds.SITE.value), name="target_site_once"),
            models.CheckConstraint(condition=Q(kind__in=[kind.value for kind in Kinds]), name="target_kind_known"),
            models.CheckConstraint(
                condition=Q(kind__in=SLOT_KINDS, parent__isnull=False, slot__gte=1)
                | Q(~Q(kind__in=SLOT_KINDS), parent=None, slot=None),
                name="target_slots_have_parents",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=PLACELESS) | Q(building="", floor="", number=""), name="target_keeps_no_names"
            ),
            models.CheckConstraint(condition=Q(kind__in=PIECES) | Q(name=""), name="target_names_are_of_equipment"),
        ]

    def __str__(self) -> str:
        """Its present name. A person's name is read from the person, so load `named` with it."""
        if self.kind == Kinds.MANAGER:
            return str(self.assignment)
        if self.kind == Kinds.ACCOUNT:
            return self.account.name
        place = self.site.name if self.kind in {Kinds.SITE, Kinds.DOOR_SLOT} else ""
        return f"{place} {self.label}".strip()

    @property
    def label(self) -> str:
        """The label without words to translate and without names of people: "Quay House 2.04", "Quay House 2.04 (1)", "Quay House, Entrance";
        "" where there is none."""
        slot = f"({self.slot})" if self.slot else ""
        place = f"{self.building} {self.number} {slot}".strip().replace("  ", " ")
        return f"{place}, {self.name}" if place and self.name else place or self.name

    @property
    def is_home(self) -> bool:
        """Whether a household lives there."""
        return self.kind == Kinds.APARTMENT


# --- for queries: `way` is the path to the target, such as "target__" ------------------------------------------------------


def named(way: str = "target__") -> tuple[str, ...]:
    """The relations that `str(target)` reads, for `select_related`."""
    return (*person_relations(way), f"{way}site")


def person_relations(way: str = "target__") -> tuple[str, str]:
    """The paths to the person of a manager's or an account's target, for `select_related`."""
    return f"{way}assignment__membership__user", f"{way}account"


def person_columns(way: str = "target__") -> list[str]:
    """The columns of the person that `str(target)` and `person_order` read, for `only`."""
    names = ("joined_at", "invited_as", "invited_order", "user__name", "user__email", "user__name_order")
    account = (f"{way}account__name", f"{way}account__name_order")
    return [*(f"{way}assignment__membership__{name}" for name in names), *account]


def home_relations(way: str = "target__") -> tuple[str]:
    """The paths to an apartment with its building, for `select_related`."""
    return (f"{way}apartment__building",)


def at_home(place: Building | Apartment, way: str = "target__") -> Q:
    """The apartment, or the apartments of the building, and their slots."""
    name = "apartment" if isinstance(place, Apartment) else "apartment__building"
    return Q(**{f"{way}{name}": place}) | Q(**{f"{way}parent__{name}": place})


def label(way: str = "target__") -> Case:
    """`Target.label`: stored text, independent of renames, without names of people."""
    place = Concat(F(f"{way}building"), Value(" "), F(f"{way}number"))
    slot = Concat(Value("("), Cast(f"{way}slot", CharField()), Value(")"))
    name = F(f"{way}name")
    return Case(
        When(~Q(**{f"{way}name": ""}) & Q(**{f"{way}building": ""}), then=name),
        When(~Q(**{f"{way}name": ""}), then=Concat(Trim(place), Value(", "), name)),
        When(**{f"{way}slot": None}, then=Trim(place)),
        default=Trim(Concat(Trim(place), Value(" "), slot)),
        output_field=CharField(),
    )


def words(way: str = "target__") -> Case:
    """`str(target)`: the label, with the present name of a person or a site."""
    site, former = F(f"{way}site__name"), str(_("Former manager"))  # without a person
    return Case(
        When(
            **{f"{way}kind": Kinds.MANAGER.value},
            then=Coalesce(known_as(f"{way}assignment__membership__"), Value(former)),
        ),
        When(**{f"{way}kind": Kinds.ACCOUNT.value}, then=F(f"{way}account__name")),
        When(**{f"{way}kind": Kinds.SITE.value}, then=site),
        When(**{f"{way}kind": Kinds.DOOR_SLOT.value}, then=Concat(site, Value(" "), label(way))),
        default=label(way),
        output_field=CharField(),
    )


def person_order(way: str = "target__") -> Coalesce:
    """The sort key of a person's name, "" for targets without a person; `sort_key` contains no names."""
    account = F(f"{way}account__name_order")
    return Coalesce(known_order(f"{way}assignment__membership__"), account, Value(""), output_field=SortKey())


def order(way: str = "target__") -> tuple[str | Coalesce, ...]:
    """The order of the targets of a site: by building, floor and number, then people by name."""
    return (f"{way}sort_key", person_order(way))


def member(way: str = "target__") -> F:
    """The membership of the person a target belongs to; null where there is none."""
    return F(f"{way}assignment__membership_id")


def master(target: str = "target_id") -> Subquery:
    """The family master of the apartment whose target is in a column; null where there is none."""
    masters = Resident.objects.filter(apartment__target=OuterRef(target), is_master=True)
    return Subquery(masters.values("name")[:1])


def found(word: str, way: str = "target__") -> Q:
    """Targets whose building, apartment, family master, equipment or person contains a word; slots are found with their parents."""
    masters = Resident.objects.filter(finding.holds(word, "search_key"), apartment=OuterRef("pk"), is_master=True)
    homes = Apartment.objects.filter(
        finding.holds(word, "search_key", "building__search_key") | Q(Exists(masters)),
        target=Coalesce(OuterRef(f"{way}parent_id"), OuterRef(f"{way}pk")),
    )
    own = {"target": OuterRef(f"{way}pk")}
    pieces = Equipment.objects.filter(
        finding.holds(word, "search_key", "building__search_key", "apartment__search_key"), **own
    )
    accounts = CommercialAccount.objects.filter(finding.holds(word, "search_key"), **own)
    kind = f"{way}kind"  # said first: what is cheap is asked first, and most are apartments
    of_pieces = Q(**{f"{kind}__in": PIECES}) & Q(Exists(pieces))
    of_accounts = Q(**{kind: Kinds.ACCOUNT.value}) & Q(Exists(accounts))
    return Q(Exists(homes)) | of_pieces | of_accounts | person(word, f"{way}assignment__membership__")


def person(word: str, membership: str) -> Q:
    """A word in a person's name, as the firm calls the member; `membership` is the path to it."""
    joined = finding.holds(word, f"{membership}user__search_key") & Q(**{f"{membership}joined_at__isnull": False})
    return joined | finding.holds(word, f"{membership}invited_search") & Q(**{f"{membership}joined_at": None})


# --- labels, as the owner has them ------------------------------------------------------------------------------------------


def door_key(way: str = "") -> Concat:
    """The `sort_key` of an apartment's target, from the stored keys of apartment and building; `way` leads to the apartment."""
    parts = [F(f"{way}{name}") for name in ("building__name_order", "floor_order", "number_order")]
    pieces = [piece for part in parts for piece in (part, Value(keys.NEXT))]
    return Concat(Value(f"0{keys.NEXT}"), *pieces, output_field=SortKey())


def slot_key(place: Combinable, slot: Combinable) -> Concat:
    """The `sort_key` of a slot, from that of its parent and its number."""
    number = LPad(Cast(slot, CharField()), keys.SLOT_DIGITS, Value("0"))
    return Concat(place, number, output_field=SortKey())


def piece_key() -> Case:
    """The `sort_key` of the target of a piece of equipment, from its stored keys and those of its place."""
    floor = Coalesce(F("apartment__floor_order"), Value(keys.floor_key("")), output_field=SortKey())
    number = Coalesce(F("apartment__number_order"), Value(keys.natural_key("")), output_field=SortKey())
    parts = [piece for part in (F("building__name_order"), floor, number) for piece in (part, Value(keys.NEXT))]
    inside = Concat(Value(f"0{keys.NEXT}"), *parts, F("name_order"), output_field=SortKey())
    outside = Concat(Value(keys.place_key()), F("name_order"), output_field=SortKey())
    return Case(When(building=None, then=outside), default=inside, output_field=SortKey())


def mislabelled(targets: QuerySet[Target], kind: str) -> QuerySet[Target]:
    """Targets of a kind, an apartment's, a slot's or a piece's, whose label or key differs from that of its owner or its parent."""
    same = {name: OuterRef(name) for name in ("floor", "number")}
    rows = targets.filter(kind=kind)
    if kind in catalogue.SLOTS:
        places = Target.objects.filter(**same, pk=OuterRef("parent"), building=OuterRef("building"))
        key = slot_key(F("sort_key"), OuterRef("slot"))
        return rows.exclude(Exists(places.annotate(key=key).filter(key=OuterRef("sort_key"))))
    if kind in PIECES:
        same_place = {
            "at_building": OuterRef("building"),
            "at_floor": OuterRef("floor"),
            "at_number": OuterRef("number"),
        }
        pieces = Equipment.objects.filter(target=OuterRef("pk"), name=OuterRef("name")).annotate(
            at_building=Coalesce("building__name", Value("")), at_floor=Coalesce("apartment__floor", Value("")),
            at_number=Coalesce("apartment__number", Value("")),
        )  # fmt: skip
        return rows.exclude(Exists(pieces.annotate(key=piece_key()).filter(**same_place, key=OuterRef("sort_key"))))
    doors = Apartment.every.filter(**same, target=OuterRef("pk"), building__name=OuterRef("building"))
    return rows.exclude(Exists(doors.annotate(key=door_key()).filter(key=OuterRef("sort_key"))))


# --- words ------------------------------------------------------------------------------------------------------------------


def how_many(kind: str, n: int) -> str:
    """A number of targets of a kind, in words."""
    if kind == Kinds.APARTMENT:
        return ngettext("%(n)s apartment", "%(n)s apartments", n) % {"n": n}
    if kind == Kinds.MANAGER:
        return ngettext("%(n)s manager", "%(n)s managers", n) % {"n": n}
    if kind == Kinds.LOCK:
        return ngettext("%(n)s lock", "%(n)s locks", n) % {"n": n}
    if kind == Kinds.SENSOR:
        return ngettext("%(n)s sensor", "%(n)s sensors", n) % {"n": n}
    if kind == Kinds.DOOR_SLOT:
        return ngettext("%(n)s door", "%(n)s doors", n) % {"n": n}
    if kind == Kinds.ACCOUNT:
        return ngettext("%(n)s account", "%(n)s accounts", n) % {"n": n}
    return ngettext("%(n)s item", "%(n)s items", n) % {"n": n}
