"""The lists of Users: firms by kind and people of the own firm, with what their rows and tabs say, in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Invitation, Kind, Membership, Notice, Organization, firm_of
from accounts.scope import Actor, Role
from accounts.typed import mail
from accounts.typed.finding import NOTHING, holds, matching
from communities.models import ManagerAssignment, Site, TechnicianAssignment
from smartplus.portal.kit.day_tags import day
from smartplus.portal.kit.lists import Option

PEOPLE, TECHNICIANS = "people", "technicians"
TABS: dict[Role, tuple[str, ...]] = {
    Role.OPERATOR: (Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR, Kind.INSTALLER, Kind.MANAGER, PEOPLE),
    Role.DISTRIBUTOR: (Kind.INSTALLER, Kind.SUBDISTRIBUTOR, Kind.MANAGER, PEOPLE),
    Role.SUBDISTRIBUTOR: (Kind.INSTALLER, Kind.MANAGER, PEOPLE),
    Role.INSTALLER: (Kind.MANAGER, TECHNICIANS, PEOPLE),
}
TAB_LABELS: dict[str, Promise] = {
    Kind.DISTRIBUTOR: gettext_lazy("Distributors"),
    Kind.SUBDISTRIBUTOR: gettext_lazy("Sub-distributors"),
    Kind.INSTALLER: gettext_lazy("Installers"),
    Kind.MANAGER: gettext_lazy("Property managers"),
    TECHNICIANS: gettext_lazy("Technicians"),
}
CHIPS = {  # of firms
    "no-pay": Option(gettext_lazy("May not pay"), Q(pays_regular=False, pays_credits=False)),
    "no-2fa": Option(gettext_lazy("2FA not demanded"), Q(require_2fa=False)),
    "invited": Option(gettext_lazy("Not signed in yet"), Q(has_joined=False, is_active=True)),
    "inactive": Option(gettext_lazy("Deactivated"), Q(is_active=False)),
}
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
UNDER_MOST = 200  # names in the choice of whom the firms stand under; more are found by searching
ONLY_INSTALLERS = frozenset({"no-pay", "no-2fa"})


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a person in the firm, in words: Invited, Active, Deactivated; and how far the invitation mail
    got."""

    tone: str
    word: str
    detail: str = ""


class Person(NamedTuple):
    """A member of a firm by the name and address that the firm knows: until a person has joined those of the invitation."""

    membership: Membership
    name: str
    email: str
    standing: Standing
    sites: int


class FirmRow(NamedTuple):
    """A firm of a list, with its first administrator and the numbers of its people, sites and installers."""

    firm: Organization
    contact: Person | None
    security: Standing
    people: int
    sites: int
    installers: int
    last_login: datetime | None


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of the page."""

    key: str
    label: str
    count: int
    is_here: bool


def standing(person: Any, now: datetime) -> Standing:
    """The state of a member that `with_invitation` has looked up."""
    if not person.is_active:
        return Standing("inactive", _("Deactivated"))
    if person.joined_at is None:
        ends, asked, mail = person.invited_until, person.invited_at, mail_word(person.mail_state)
        if ends is not None and ends <= now:
            return Standing("expiring", _("Invitation expired"), _("on %(day)s") % {"day": day(ends)})
        return Standing("pending", _("Invited"), ", ".join(part for part in (day(asked), mail) if part))
    if person.user.last_login is None:
        return Standing("inactive hollow", _("Not signed in yet"))
    return Standing("active", _("Active"))


def mail_word(state: str | None) -> str:
    """How far the mail got."""
    words = {
        Notice.State.QUEUED: _("mail waiting"),
        Notice.State.SENT: _("mail sent"),
        Notice.State.FAILED: _("mail failed"),
    }
    return words.get(Notice.State(state), "") if state else ""


def with_invitation(people: QuerySet[Membership], now: datetime) -> QuerySet[Membership]:
    """Members with what their last invitation says, for `people_of`: until a person has joined, name and address are as whoever invited
    wrote them, since the login behind them may be somebody's elsewhere."""
    last = Invitation.objects.filter(membership=OuterRef("pk")).order_by("-pk")
    mail = Notice.objects.filter(about_type="membership", about_id=OuterRef("pk"), has_secret=True).order_by("-pk")
    return people.select_related("user", "organization").annotate(
        invited_name=Subquery(last.values("name")[:1]),
        invited_at=Subquery(last.values("created_at")[:1]),
        invited_until=Subquery(last.values("expires_at")[:1]),
        mail_state=Subquery(mail.values("state")[:1]),
    )


def people_of(found: Iterable[Any], now: datetime) -> list[Person]:
    """Rows of `with_invitation` as a list shows them; the number of sites where `own_people` has counted it."""
    people = []
    for row in found:
        email = row.user.email
        name, email = (
            (str(row.user), email) if row.joined_at else (row.invited_name or email, row.invited_email or email)
        )
        people.append(Person(row, name, email, standing(row, now), getattr(row, "n_sites", 0) or 0))
    return people


def tabs(actor: Actor, chosen: str) -> tuple[list[Tab], dict[str, int]]:
    """The tabs with their numbers, and the numbers of the chips of the firms' tab; one statement."""
    own = Membership.objects.filter(organization_id=actor.organization_id).order_by().values("organization_id")
    here, known = Q(kind=chosen), TABS[actor.role]
    kinds = [kind for kind in known if kind in Kind.values]
    people = {
        key: _number(own.filter(is_technician=key == TECHNICIANS).annotate(n=Count("pk")).values("n"))
        for key in (PEOPLE, TECHNICIANS)
        if key in known
    }
    counted: Mapping[str, Any] = (
        below(actor)
        .annotate(has_joined=_has_joined(actor), **{f"own_{key}": number for key, number in people.items()})
        .aggregate(
            **{f"n_{kind}": Count("pk", filter=Q(kind=kind)) for kind in kinds},
            **{f"n_{key}": Max(f"own_{key}") for key in people},
            **{f"chip_{name}": Count("pk", filter=here & (chip.where or Q())) for name, chip in CHIPS.items()},
        )
    )
    shown = [Tab(key, label_of(actor, key), counted[f"n_{key}"] or 0, key == chosen) for key in known]
    return shown, {name: counted[f"chip_{name}"] for name in CHIPS}


def label_of(actor: Actor, tab: str) -> str:
    """What a tab is called; the own people by the name of the firm."""
    if tab == PEOPLE:
        return _("%(firm)s people") % {"firm": firm_of(actor) or ""}
    return str(TAB_LABELS[tab])


def below(actor: Actor) -> QuerySet[Organization]:
    """The actor's subtree, itself included."""
    return Organization.objects.visible_to(actor)


def firms(actor: Actor, *, kind: str, under: int | None = None) -> QuerySet[Organization]:
    """The firms of one kind in the actor's subtree, or below one firm of it; `with_numbers` adds what their rows show."""
    found = (
        below(actor)
        .filter(kind=kind)
        .exclude(pk=actor.organization_id)
        .select_related("parent", "distributor")
        .annotate(has_joined=_has_joined(actor))
    )
    return found if under is None else found.filter(stands_under(under))


def stands_under(firm_id: int) -> Q:
    """The firms below one firm."""
    return Q(subdistributor_id=firm_id) | Q(distributor_id=firm_id) | Q(installer_id=firm_id)


def resellers(actor: Actor) -> QuerySet[Organization]:
    """The firms that others may stand under, for the choice above the list; at most UNDER_MOST."""
    kinds = (Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR)
    return (
        below(actor).filter(kind__in=kinds).exclude(pk=actor.organization_id).order_by("name_order", "pk")[:UNDER_MOST]
    )


def security_of(firm: Organization, *, people: int, secured: int) -> Standing:
    """Whether the people of a firm use a second factor: all do, they have to set it up, or it is not required."""
    some = _("%(n)s of %(of)s have it") % {"n": secured, "of": people} if 0 < secured < people else ""
    if people and secured == people:
        return Standing("active", _("On"), _("demanded") if firm.require_2fa else "")
    if firm.require_2fa:
        return Standing("pending", _("Set up at login"), some or _("demanded"))
    return Standing("inactive hollow", _("Not demanded"), some)


def with_numbers(actor: Actor, rows: list[Organization], now: datetime) -> list[FirmRow]:
    """The firms of a page as its rows show them.

    A statement for each question about these rows only: a subquery in the list would read what strangers hold.
    """
    ids = [row.pk for row in rows]
    joined = Q(joined_at__isnull=False)
    people = {
        row["organization_id"]: row
        for row in Membership.objects.visible_to(actor)
        .filter(organization__in=ids, is_active=True)
        .order_by()
        .values("organization_id")
        .annotate(
            n_people=Count("pk"),
            n_secured=Count("pk", filter=joined & Q(user__two_factor_at__isnull=False)),
            contact_id=Min("pk", filter=Q(is_technician=False)),
            last_login=Max("user__last_login", filter=joined),
        )
    }
    sites, installers = _sites_of(actor, rows), _installers_of(actor, rows)
    contacts = with_invitation(
        Membership.objects.visible_to(actor).filter(
            pk__in=[found["contact_id"] for found in people.values() if found["contact_id"]]
        ),
        now,
    )
    by_id = {person.membership.pk: person for person in people_of(contacts, now)}

    def row(firm: Organization) -> FirmRow:
        found: Mapping[str, Any] = people.get(firm.pk, {})
        n_people = found.get("n_people", 0)
        return FirmRow(
            firm,
            contact=by_id.get(found.get("contact_id") or 0),
            security=security_of(firm, people=n_people, secured=found.get("n_secured", 0)),
            people=n_people,
            sites=sites.get(firm.pk, 0),
            installers=installers.get(firm.pk, 0),
            last_login=found.get("last_login"),
        )

    return [row(firm) for firm in rows]


def own_people(actor: Actor, *, technicians: bool, now: datetime) -> QuerySet[Membership]:
    """The members of the own firm, technicians or the others, with how many sites each works on."""
    sites = TechnicianAssignment.objects.filter(membership=OuterRef("pk")).order_by().values("membership")
    people = with_invitation(Membership.objects.visible_to(actor), now).filter(
        organization_id=actor.organization_id, is_technician=technicians
    )
    return people.annotate(
        n_sites=_number(sites.annotate(n=Count("pk")).values("n")),
        # Of who has not joined only what the invitation says: the rest may be another firm's business.
        list_order=Case(When(joined_at__isnull=False, then=F("user__name_order")), default=F("invited_order")),
        signed_in_at=Case(
            When(joined_at__isnull=False, user__last_login__isnull=False, then=F("user__last_login")), default=NEVER
        ),
    )


def person_matches(text: str) -> Q:
    """People by address, or by name: of who has not joined as they are written in the invitation."""
    key = mail.key(text)
    theirs = matching(text, "user__search_key") | (holds(key, "user__email_key") if key else NOTHING)
    return Q(theirs, joined_at__isnull=False) | Q(matching(text, "invited_search"), joined_at=None)


def _has_joined(actor: Actor) -> Case:
    """Whether anybody of a firm has joined; the list of those firms is worked out once, over the actor's own tree."""
    joined = Membership.objects.visible_to(actor).filter(joined_at__isnull=False).order_by()
    return Case(When(pk__in=joined.values("organization_id"), then=True), default=False, output_field=BooleanField())


def _sites_of(actor: Actor, rows: list[Organization]) -> dict[int, int]:
    """The sites of firms of one kind; of a property manager those assigned."""
    if not rows:
        return {}
    if rows[0].kind == Kind.MANAGER:
        key = "membership__organization_id"
        assigned = ManagerAssignment.objects.visible_to(actor).filter(membership__organization__in=rows, ended_at=None)
        return dict(assigned.order_by().values_list(key).annotate(n=Count("site", distinct=True)))
    key = f"{rows[0].kind}_id"
    sites = Site.objects.visible_to(actor).filter(**{f"{key}__in": [row.pk for row in rows]})
    return dict(sites.order_by().values_list(key).annotate(n=Count("pk")))


def _installers_of(actor: Actor, rows: list[Organization]) -> dict[int, int]:
    if not rows or rows[0].kind not in {Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR}:
        return {}
    key = f"{rows[0].kind}_id"
    found = below(actor).filter(kind=Kind.INSTALLER, **{f"{key}__in": [row.pk for row in rows]})
    return dict(found.order_by().values_list(key).annotate(n=Count("pk")))


def _number(counts: QuerySet[Any, Any]) -> Subquery:
    return Subquery(counts, output_field=IntegerField())
