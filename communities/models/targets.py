"""What is billed, whatever it is: one row each. How it is called in words, in which order it stands and how it is found are said here alone."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, LPad, Trim
from django.utils.translation import ngettext

from accounts.models.people import known_as, known_order
from accounts.typed import finding, keys
from accounts.typed.columns import PlaceKey, SortKey
from communities import catalogue
from communities.models.sites import Apartment, Resident, SiteChild, SiteChildQuerySet

Kinds = catalogue.Target
SLOT_KINDS = [kind.value for kind in catalogue.SLOTS]
PLACELESS = sorted(kind.value for kind in catalogue.PLACELESS)


class Target(SiteChild):
    """Whatever is billed: an apartment, a slot of it, somebody's assignment, a site (DESIGN §2).

    Its owner (`Apartment.target`, `ManagerAssignment.target`) holds the key to it and is made after it; a slot belongs to its `parent` and
    is numbered from 1; of a site there is one, made when something is billed for it. Invariants: the texts are those of the door, never
    anybody's name; `communities.actions.targets.relabel` keeps them those of the owner. Rows are made and relabelled under the lock of the
    site, and never deleted.
    """

    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kinds])
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="slots", db_index=False)
    building = models.CharField(max_length=64, blank=True)
    floor = models.CharField(max_length=32, blank=True)
    number = models.CharField(max_length=16, blank=True)
    slot = models.PositiveSmallIntegerField(null=True)
    sort_key = PlaceKey("building", "floor", "number", "slot")

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
        ]

    def __str__(self) -> str:
        """How it is called now; a person's name is read here, so load `named` along."""
        if self.kind == Kinds.MANAGER:
            return self.assignment.membership.known_as
        place = self.site.name if self.kind in {Kinds.SITE, Kinds.DOOR_SLOT} else ""
        return f"{place} {self.label}".strip()

    @property
    def label(self) -> str:
        """The parts that need no translation and name nobody: "Quay House 2.04", "Quay House 2.04 (1)"; "" where there are none."""
        slot = f"({self.slot})" if self.slot else ""
        return f"{self.building} {self.number} {slot}".strip().replace("  ", " ")

    @property
    def is_home(self) -> bool:
        """Whether a household lives there."""
        return self.kind == Kinds.APARTMENT


# --- for queries: `way` is how they come to the target, as in "target__" ---------------------------------------------------


def named(way: str = "target__") -> tuple[str, ...]:
    """What `str(target)` reads, for `select_related`."""
    return (person_relation(way), f"{way}site")


def person_relation(way: str = "target__") -> str:
    """Where the person of a manager's target is, for `select_related`."""
    return f"{way}assignment__membership__user"


def person_columns(way: str = "target__") -> list[str]:
    """The columns of the person that `str(target)` and `person_order` read, for `only`."""
    names = ("joined_at", "invited_as", "invited_order", "user__name", "user__email", "user__name_order")
    return [f"{way}assignment__membership__{name}" for name in names]


def label(way: str = "target__") -> Case:
    """`Target.label`: text that outlives renames and names nobody."""
    place = Concat(F(f"{way}building"), Value(" "), F(f"{way}number"))
    slot = Concat(Value("("), Cast(f"{way}slot", CharField()), Value(")"))
    return Case(
        When(**{f"{way}slot": None}, then=Trim(place)),
        default=Trim(Concat(Trim(place), Value(" "), slot)),
        output_field=CharField(),
    )


def words(way: str = "target__") -> Case:
    """`str(target)`: the label, with the name that a person or a site has now."""
    site = F(f"{way}site__name")
    return Case(
        When(**{f"{way}kind": Kinds.MANAGER.value}, then=known_as(f"{way}assignment__membership__")),
        When(**{f"{way}kind": Kinds.SITE.value}, then=site),
        When(**{f"{way}kind": Kinds.DOOR_SLOT.value}, then=Concat(site, Value(" "), label(way))),
        default=label(way),
        output_field=CharField(),
    )


def person_order(way: str = "target__") -> Coalesce:
    """What people are sorted by, "" for what is nobody's: their name stands in no `sort_key`."""
    return Coalesce(known_order(f"{way}assignment__membership__"), Value(""), output_field=SortKey())


def order(way: str = "target__") -> tuple[str | Coalesce, ...]:
    """In which order targets of a site stand: as one walks through it, then people by name."""
    return (f"{way}sort_key", person_order(way))


def member(way: str = "target__") -> F:
    """The membership whose person a target is for; null where it is for nobody."""
    return F(f"{way}assignment__membership_id")


def master(target: str = "target_id") -> Subquery:
    """The family master of the apartment that a column names as target; null where there is none."""
    masters = Resident.objects.filter(apartment__target=OuterRef(target), is_master=True)
    return Subquery(masters.values("name")[:1])


def found(word: str, way: str = "target__") -> Q:
    """Those whose building, apartment, family master or person holds a word; slots are found with what they are slots of."""
    masters = Resident.objects.filter(finding.holds(word, "search_key"), apartment=OuterRef("pk"), is_master=True)
    homes = Apartment.objects.filter(
        finding.holds(word, "search_key", "building__search_key") | Q(Exists(masters)),
        target=Coalesce(OuterRef(f"{way}parent_id"), OuterRef(f"{way}pk")),
    )
    return Q(Exists(homes)) | person(word, f"{way}assignment__membership__")


def person(word: str, membership: str) -> Q:
    """A word of a person's name, as the firm calls a member; `membership` is the way there."""
    joined = finding.holds(word, f"{membership}user__search_key") & Q(**{f"{membership}joined_at__isnull": False})
    return joined | finding.holds(word, f"{membership}invited_search") & Q(**{f"{membership}joined_at": None})


# --- what is on the door, as the owner has it ------------------------------------------------------------------------------


def door_key(way: str = "") -> Concat:
    """The `sort_key` of an apartment's target, from the keys that the apartment and its building keep; `way` leads to the apartment."""
    parts = [F(f"{way}{name}") for name in ("building__name_order", "floor_order", "number_order")]
    pieces = [piece for part in parts for piece in (part, Value(keys.NEXT))]
    return Concat(Value(f"0{keys.NEXT}"), *pieces, output_field=SortKey())


def slot_key(place: Combinable, slot: Combinable) -> Concat:
    """The `sort_key` of a slot by that of its place and its number."""
    number = LPad(Cast(slot, CharField()), keys.SLOT_DIGITS, Value("0"))
    return Concat(place, number, output_field=SortKey())


def mislabelled(targets: QuerySet[Target], kind: str) -> QuerySet[Target]:
    """Those of a kind, an apartment's or a slot's, whose parts or key are not those of the apartment or the place of the slot."""
    same = {name: OuterRef(name) for name in ("floor", "number")}
    rows = targets.filter(kind=kind)
    if kind in catalogue.SLOTS:
        places = Target.objects.filter(**same, pk=OuterRef("parent"), building=OuterRef("building"))
        key = slot_key(F("sort_key"), OuterRef("slot"))
        return rows.exclude(Exists(places.annotate(key=key).filter(key=OuterRef("sort_key"))))
    doors = Apartment.objects.filter(**same, target=OuterRef("pk"), building__name=OuterRef("building"))
    return rows.exclude(Exists(doors.annotate(key=door_key()).filter(key=OuterRef("sort_key"))))


# --- words ------------------------------------------------------------------------------------------------------------------


def how_many(kind: str, n: int) -> str:
    """So many targets of a kind, in words."""
    if kind == Kinds.APARTMENT:
        return ngettext("%(n)s apartment", "%(n)s apartments", n) % {"n": n}
    if kind == Kinds.MANAGER:
        return ngettext("%(n)s manager", "%(n)s managers", n) % {"n": n}
    return ngettext("%(n)s item", "%(n)s items", n) % {"n": n}
